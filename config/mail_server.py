"""The server that mail goes out by, as Django's settings name it."""

from typing import Any

from config.environment import DATA_DIR, env

EMAIL_URL = env.str("EMAIL_URL", default="")
DEFAULT_FROM_EMAIL = env.str(
    "DEFAULT_FROM_EMAIL", default="Letterbox <letterbox@letterbox.localhost>"
)
SERVER_EMAIL = DEFAULT_FROM_EMAIL
# Without EMAIL_URL nothing leaves the machine: every mail is a file here and a row in the admin.
EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
EMAIL_FILE_PATH = DATA_DIR / "outgoing"
if EMAIL_URL:
    _email: dict[str, Any] = env.email_url("EMAIL_URL")
    EMAIL_BACKEND = str(_email["EMAIL_BACKEND"])
    if EMAIL_BACKEND == "django.core.mail.backends.smtp.EmailBackend":
        EMAIL_BACKEND = "issues.sending.EmailBackend"
    EMAIL_FILE_PATH = _email.get("EMAIL_FILE_PATH") or EMAIL_FILE_PATH
    EMAIL_HOST = _email.get("EMAIL_HOST") or "localhost"
    EMAIL_PORT = _email.get("EMAIL_PORT") or 25
    EMAIL_HOST_USER = _email.get("EMAIL_HOST_USER") or ""
    EMAIL_HOST_PASSWORD = _email.get("EMAIL_HOST_PASSWORD") or ""
    EMAIL_USE_TLS = bool(_email.get("EMAIL_USE_TLS"))
    EMAIL_USE_SSL = bool(_email.get("EMAIL_USE_SSL"))
EMAIL_TIMEOUT = env.int("EMAIL_TIMEOUT", default=30)
