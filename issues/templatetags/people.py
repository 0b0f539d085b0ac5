"""People without an account on pages, by the name that their reader may see."""

from django import template

from issues.external_people import ExternalPeople

register = template.Library()


@register.filter
def named_by(address: str, people: ExternalPeople) -> str:
    return people.show(address)


@register.filter
def has_name_in(address: str, people: ExternalPeople) -> bool:
    """Whether the address stands beside a name, for a reader who may see both."""
    return bool(people.show_address(address))
