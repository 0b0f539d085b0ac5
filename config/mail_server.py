"""The server that mail goes out by, as Django's settings name it."""

import socket
from pathlib import Path

from config.environment import DATA_DIR, env
from config.mail_url import parse_mail_url

EMAIL_URL = env.str("EMAIL_URL", default="")
DEFAULT_FROM_EMAIL = env.str(
    "DEFAULT_FROM_EMAIL", default="Letterbox <letterbox@letterbox.localhost>"
)
SERVER_EMAIL = DEFAULT_FROM_EMAIL
# Without EMAIL_URL nothing leaves the machine: every mail is a file here and a row in the admin.
EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
EMAIL_FILE_PATH = DATA_DIR / "outgoing"
if EMAIL_URL:
    _server = parse_mail_url(EMAIL_URL)
    EMAIL_BACKEND = _server.backend
    EMAIL_FILE_PATH = Path(_server.folder) if _server.folder else EMAIL_FILE_PATH
    EMAIL_HOST, EMAIL_PORT = _server.host, _server.port
    EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _server.user, _server.password
    EMAIL_USE_TLS, EMAIL_USE_SSL = _server.uses_starttls, _server.uses_tls
EMAIL_TIMEOUT = env.int_within("EMAIL_TIMEOUT", default=30, low=1, high=600)
EMAIL_EXCHANGE_SECONDS = env.int_within("EMAIL_EXCHANGE_SECONDS", default=60, low=5, high=3600)
EMAIL_RETRY_HOURS = env.int_within("EMAIL_RETRY_HOURS", default=120, low=1, high=720)


def find_ehlo_name(message_id_host: str) -> str:
    """EMAIL_EHLO_NAME, else the host of our Message-IDs where it is a name of DNS, else that of
    this machine. Empty: the address of the connection is given instead."""
    given: str = env.str("EMAIL_EHLO_NAME", default="")
    if given:
        return given
    # Not socket.getfqdn, which asks DNS and may take as long as DNS does.
    names = (message_id_host, socket.gethostname())
    return next(filter(_is_public, names), "")


def _is_public(name: str) -> bool:
    return "." in name.strip(".") and not name.endswith((".localhost", ".local", ".localdomain"))
