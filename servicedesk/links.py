"""Signed links that people without an account follow: to leave a ticket, and to fetch a file."""

from django.conf import settings
from django.core import signing
from django.urls import reverse

from issues.models import Upload
from servicedesk.models import Participant
from servicedesk.participants import find_participant
from servicedesk.threads import find_current

LEAVING = "servicedesk.leaving"
FETCHING = "servicedesk.fetching"


def leaving_url(participant: Participant) -> str:
    token = signing.dumps(participant.pk, salt=LEAVING)
    return f"{settings.BASE_URL}{reverse('ticket-leave', args=[token])}"


def is_token(token: str) -> bool:
    """Whether it is of one of these links, too old or not."""
    return any(_is_signed(token, salt) for salt in (LEAVING, FETCHING))


def _is_signed(token: str, salt: str) -> bool:
    try:
        signing.loads(token, salt=salt)
    except signing.BadSignature:
        return False
    return True


def find_leaver(token: str) -> Participant | None:
    """None for a forged token and where the participant is gone. Of a ticket that was merged into
    another one they leave that."""
    try:
        pk = signing.loads(token, salt=LEAVING)
    except signing.BadSignature:
        return None
    people = Participant.objects.select_related("ticket__issue__project")
    person = people.filter(pk=pk).first()
    if person is None:
        return None
    return find_participant(find_current(person.ticket), person.address) or person


def file_url(upload_id: int) -> str:
    """Valid for DESK_LINK_DAYS."""
    token = signing.dumps(upload_id, salt=FETCHING)
    return f"{settings.BASE_URL}{reverse('ticket-file', args=[token])}"


def find_file(token: str) -> Upload | None:
    """None for a forged or an old token, and where the file is gone."""
    seconds = settings.DESK_LINK_DAYS * 86_400
    try:
        pk = signing.loads(token, salt=FETCHING, max_age=seconds)
    except signing.BadSignature:
        return None
    return Upload.objects.filter(pk=pk).first()
