"""A maintainer gives the desk an address and a server, switches it on and off, or changes it."""

from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from incoming_email.keys.own_addresses import find_own_of_mailboxes
from issues import outbox
from issues.models import User
from issues.services.refusals import Invalid, require, require_valid
from servicedesk.custom_email.connecting import account_of
from servicedesk.models import CustomEmail, Encryption, LoginMethod, ServiceDesk, Verification


@dataclass(frozen=True, slots=True)
class Server:
    """Where and how the desk hands its mail in."""

    host: str
    user: str = ""
    password: str = field(default="", repr=False)
    port: int = 587
    encryption: str = Encryption.STARTTLS
    login_method: str = LoginMethod.AUTO


def find_current(desk: ServiceDesk) -> CustomEmail | None:
    return CustomEmail.objects.filter(desk__project=desk.project_id, retired_at=None).first()


@transaction.atomic
def set_up(
    desk: ServiceDesk, *, actor: User, address: str, server: Server, now: datetime
) -> CustomEmail:
    """Set the desk's address, off and not verified; the previous one is replaced.

    An address that the desk had before is used again with its history. An empty password keeps the
    present one, as long as the server is the same. Raises Invalid with sentences for the
    maintainer.
    """
    require(actor, "issues.administer_project", desk.project)
    address = address.strip().lower()
    custom = CustomEmail.objects.select_for_update().filter(address=address).first()
    if custom is None:
        custom = CustomEmail(address=address)
    elif custom.desk_id != desk.pk:
        raise Invalid([_("Another service desk has this address. Choose another one.")])
    if find_own_of_mailboxes([address]):
        raise Invalid([_("Letterbox itself takes mail at this address. Choose another one.")])
    _retire(desk, but=address, now=now)
    custom.desk, custom.retired_at = desk, None
    _take_over(custom, server)
    require_valid(custom)
    custom.save()
    outbox.try_again(account_of(custom))
    return custom


def _take_over(custom: CustomEmail, server: Server) -> None:
    """What was proven of another server proves nothing of this one, and a password that somebody
    else entered must not be sent to a server of one's own."""
    before = (custom.host, custom.port, custom.encryption, custom.user)
    custom.host, custom.port = server.host.strip(), server.port
    custom.encryption, custom.login_method = server.encryption, server.login_method
    custom.user = server.user.strip()
    if server.password or before != (custom.host, custom.port, custom.encryption, custom.user):
        custom.password = server.password
    if custom.user and not custom.password:
        raise Invalid([_("Enter the password: it is asked for again when the server changes.")])
    custom.enabled, custom.token = False, ""
    custom.state, custom.fault, custom.fault_detail = Verification.NOT_STARTED, "", ""


def enable(custom: CustomEmail, *, actor: User) -> None:
    require(actor, "issues.administer_project", custom.desk.project)
    current = CustomEmail.objects.filter(pk=custom.pk, retired_at=None)
    if not current.filter(state=Verification.FINISHED).update(enabled=True):
        raise Invalid([_("The address is not verified. Start the verification first.")])


def disable(custom: CustomEmail, *, actor: User) -> None:
    """Mail to it is still received; the desk sends by Letterbox's own server again."""
    require(actor, "issues.administer_project", custom.desk.project)
    CustomEmail.objects.filter(pk=custom.pk).update(enabled=False)


@transaction.atomic
def retire(custom: CustomEmail, *, actor: User, now: datetime) -> None:
    """The desk has no custom address any more. Mail that customers still send there is received."""
    require(actor, "issues.administer_project", custom.desk.project)
    _retire(custom.desk, but="", now=now)


def _retire(desk: ServiceDesk, *, but: str, now: datetime) -> None:
    """One that was never proven is no history: it goes, so that others can have it."""
    earlier = CustomEmail.objects.filter(desk__project=desk.project_id, retired_at=None).exclude(
        address=but
    )
    earlier.filter(verified_at=None).delete()
    earlier.update(
        retired_at=now,
        enabled=False,
        failing_since=None,
        alerted_at=None,
        token="",
        password="",
        state=Verification.NOT_STARTED,
    )
