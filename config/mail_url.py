"""EMAIL_URL taken apart: one sentence for what is wrong with it, and never its value."""

from dataclasses import dataclass, field
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured
from environ import Env

OWN_SMTP = "issues.sending.EmailBackend"
PORTS = {"smtp": 25, "smtp+tls": 587, "smtps": 465, "smtp+ssl": 465}
"""By scheme, where the URL names none: relay, submission with STARTTLS (RFC 6409), and submission
by TLS from the first byte (RFC 8314), of which two schemes are in use."""

STARTTLS = frozenset({"smtp+tls"})
TLS = frozenset({"smtps", "smtp+ssl"})

HINT = (
    "Correct it in the environment or in .env, then start again. It is not shown here, since it may"
    " hold a password."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """As Django's settings have it."""

    backend: str
    host: str = ""
    port: int = 0
    user: str = ""
    password: str = field(default="", repr=False)
    uses_starttls: bool = False
    uses_tls: bool = False
    folder: str = ""
    """That `filemail://` writes to."""


def parse_mail_url(url: str, *, name: str = "EMAIL_URL") -> MailServer:
    """Raises ImproperlyConfigured, without the value, since it may hold a password."""
    scheme = url.partition(":")[0].lower()
    if scheme not in Env.EMAIL_SCHEMES:
        raise ImproperlyConfigured(
            f"{name} is not the URL of a mail server, such as smtp+tls://user:password@host:587; it"
            f" begins with one of {', '.join(sorted(Env.EMAIL_SCHEMES))}. {HINT}"
        )
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _make_error(name) from None
    if scheme not in PORTS:
        backend = str(Env.EMAIL_SCHEMES[scheme])
        return MailServer(backend=backend, folder=unquote(parts.path[1:]))
    if _is_torn(parts):
        raise _make_error(name)
    return MailServer(
        backend=OWN_SMTP,
        host=parts.hostname or "localhost",
        port=port or PORTS[scheme],
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        uses_starttls=scheme in STARTTLS or _asks_for("EMAIL_USE_TLS", parts),
        uses_tls=scheme in TLS or _asks_for("EMAIL_USE_SSL", parts),
    )


def _is_torn(parts: SplitResult) -> bool:
    """A password with one of these signs ends the host too soon: the rest is read as a path, as a
    query or as a fragment."""
    return bool(parts.path.strip("/") or parts.fragment or "@" in parts.query)


def _make_error(name: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(
        f"{name} can't be taken apart. In user and password write each of # / ? : @ [ ] % and each"
        " letter beyond ASCII in percent-encoding: # is %23, / is %2F, ? is %3F, : is %3A, @ is"
        f" %40, % is %25. {HINT}"
    )


def _asks_for(option: str, parts: SplitResult) -> bool:
    """`?EMAIL_USE_TLS=True`, as django-environ reads it."""
    given = {key.upper(): value.lower() for key, value in parse_qsl(parts.query)}
    return given.get(option) in {"1", "true", "yes", "on"}
