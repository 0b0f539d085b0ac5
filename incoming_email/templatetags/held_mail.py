"""The counter of messages that wait for a person, in the admin."""

from django import template

from incoming_email.models import InboundEmail
from incoming_email.outcomes import Status

register = template.Library()


@register.simple_tag
def count_held_mail() -> int:
    return InboundEmail.objects.filter(status=Status.HELD).count()
