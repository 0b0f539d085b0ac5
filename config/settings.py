"""Settings, all from the environment; every one has a default that needs no server."""

from pathlib import Path
from urllib.parse import urlsplit

from django.utils.translation import gettext_lazy as _

from config.databases import read_databases
from config.environment import BASE_DIR, DATA_DIR, ensure_secrets, env
from config.logs import make_logging
from config.mail_server import *  # noqa: F403
from config.mail_server import find_ehlo_name
from config.queues import *  # noqa: F403
from config.workers import *  # noqa: F403
from issues.connecting import is_loopback

ensure_secrets()

SECRET_KEY = env.str("SECRET_KEY")
ENCRYPTION_KEYS: list[str] = env.list("ENCRYPTION_KEYS")
DEBUG = env.bool("DEBUG", default=False)
LETTERBOX_VERSION = env.str("LETTERBOX_VERSION", default="")
WEB_PORT = env.int("WEB_PORT", default=8000)
BASE_URL = env.str("BASE_URL", default=f"http://127.0.0.1:{WEB_PORT}").rstrip("/")
ALLOWED_HOSTS: list[str] = env.list(
    "ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]", urlsplit(BASE_URL).hostname or ""]
)
MESSAGE_ID_HOST = env.str("MESSAGE_ID_HOST", default="") or (
    urlsplit(BASE_URL).hostname
    if not (urlsplit(BASE_URL).hostname or "127").replace(".", "").isdigit()
    else "letterbox.localhost"
)
EMAIL_EHLO_NAME = find_ehlo_name(MESSAGE_ID_HOST)
CSRF_TRUSTED_ORIGINS = [BASE_URL]
TRUSTED_PROXIES: list[str] = env.list("TRUSTED_PROXIES", default=[])
_IS_HTTPS = BASE_URL.startswith("https://")
SESSION_COOKIE_SECURE = _IS_HTTPS
CSRF_COOKIE_SECURE = _IS_HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _IS_HTTPS else None
SECURE_SSL_REDIRECT = _IS_HTTPS
SECURE_SSL_HOST = urlsplit(BASE_URL).netloc
# Asked from inside, by machines that know no TLS.
SECURE_REDIRECT_EXEMPT = [r"^health/$", r"^metrics$"]
SECURE_HSTS_SECONDS = env.int("HSTS_SECONDS", default=31_536_000) if _IS_HTTPS else 0
# For the whole domain and for ever its owner decides, not one of its hosts.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_celery_beat",
    "axes",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "issues",
    "incoming_email",
    "servicedesk",
]
MIDDLEWARE = [
    "config.proxies.TrustedProxyMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.policy.ContentSecurityPolicyMiddleware",
    "config.policy.PrivatePagesMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "issues.accounts.StaffSecondFactorMiddleware",
    "axes.middleware.AxesMiddleware",
    "issues.views.former_addresses.redirect_former",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATIC_ROOT.mkdir(parents=True, exist_ok=True)
STATICFILES_DIRS = [BASE_DIR / "templates" / "static"]
WHITENOISE_USE_FINDERS = True
# A text of MAX_TEXT_LENGTH characters as a form carries it: up to twelve bytes each (%F0%9F%98%80).
DATA_UPLOAD_MAX_MEMORY_SIZE = 13_000_000
FILE_UPLOAD_HANDLERS = [
    "config.uploaded_files.UploadGuard",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]
MEDIA_ROOT = Path(env.str("MEDIA_ROOT", default="") or DATA_DIR / "media")
SECRETS_DIR = DATA_DIR / "secrets"
REPOSITORIES_ROOT = Path(env.str("REPOSITORIES_ROOT", default="") or DATA_DIR / "repositories")

AUTH_USER_MODEL = "issues.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "issues.permissions.ObjectPermissionBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "project-list"
LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_ADAPTER = "issues.accounts.AccountAdapter"
ACCOUNT_FORMS = {"login": "issues.accounts.LoginForm"}
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_ENABLED = False
ACCOUNT_SIGNUP_FIELDS = ["email*", "username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
"""At log-in: it works without a verified address; an added address always has to be verified."""
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_MAX_EMAIL_ADDRESSES = 10
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_REAUTHENTICATION_METHODS = ("password", "mfa")
ACCOUNT_SESSION_REMEMBER = True
INVITATION_DAYS = env.int("INVITATION_DAYS", default=7)
# Wrong passwords are counted by axes; the second limit is that of wrong codes of a second factor.
# Each address that is added gets a mail, and everybody can ask for a reset: allauth has no limits
# for longer than a minute, so that anybody would get thousands of them in a day.
ACCOUNT_RATE_LIMITS = {
    "login": None,
    "login_failed": "5/5m/key",
    "manage_email": "10/m/user,30/d/user",
    "reset_password": "20/m/ip,5/m/key,10/h/key",
}
MFA_ADAPTER = "incoming_email.secrets.second_factors.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_TOTP_TOLERANCE = 1
# Elsewhere a browser and we require https.
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = is_loopback(urlsplit(BASE_URL).hostname or "")
REQUIRE_STAFF_SECOND_FACTOR = env.bool("REQUIRE_STAFF_SECOND_FACTOR", default=False)
LOGIN_FAILURE_LIMIT = env.int("LOGIN_FAILURE_LIMIT", default=10)
LOGIN_ADDRESS_FAILURE_LIMIT = env.int("LOGIN_ADDRESS_FAILURE_LIMIT", default=100)
LOGIN_NAME_FAILURE_LIMIT = env.int("LOGIN_NAME_FAILURE_LIMIT", default=100)
AXES_HANDLER = "config.log_in_limits.LogInLimits"
AXES_CLIENT_IP_CALLABLE = "config.proxies.find_client"
AXES_FAILURE_LIMIT = 1
AXES_COOLOFF_TIME = 1
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_RESET_ON_SUCCESS = True
AXES_VERBOSE = False

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = read_databases()
CACHES = {"default": env.cache_url("CACHE_URL", default="dbcache://letterbox_cache")}

USE_TZ = True
TIME_ZONE = env.str("TIME_ZONE", default="UTC")
USE_I18N = True
LANGUAGE_CODE = env.str("LANGUAGE_CODE", default="en")
LANGUAGES = [("en", _("English")), ("ko", _("Korean"))]
LOCALE_PATHS = [BASE_DIR / "config" / "locale"]

# The first match wins, so the order is policy: the tightest patterns come first.
INCOMING_EMAIL_HANDLERS = [
    "incoming_email.handlers.note.NoteHandler",
    "incoming_email.handlers.unsubscribe.UnsubscribeHandler",
    "incoming_email.handlers.issue_note.IssueNoteHandler",
    "incoming_email.handlers.issue.IssueHandler",
    "incoming_email.handlers.merge_request.MergeRequestHandler",
    "servicedesk.handlers.reply.ParticipantReplyHandler",
    "servicedesk.handlers.unsubscribe.ParticipantUnsubscribeHandler",
    "servicedesk.handlers.reply.BouncePathReplyHandler",
    "servicedesk.handlers.bounce.BounceHandler",
    "servicedesk.handlers.ticket.TicketHandler",
    "servicedesk.handlers.verification.VerificationHandler",
]
# Asked after these, and only in mailboxes of the purpose service_desk_email.
SERVICE_DESK_EMAIL_HANDLERS = ["servicedesk.handlers.alias.AliasHandler"]
# The order is that of the help page.
ISSUES_QUICK_ACTIONS = [
    "issues.quick_actions.table.ACTIONS",
    "servicedesk.quick_actions.ACTIONS",
]

# Limits and times; docs/operating.md says what each is for.
WEB_MAX_REQUESTS = env.int("WEB_MAX_REQUESTS", default=1000)
WEB_MAX_MEMORY_BYTES = env.int("WEB_MAX_MEMORY_BYTES", default=400_000_000)
MAX_MESSAGE_BYTES = env.int("MAX_MESSAGE_BYTES", default=50_000_000)
MAX_RECIPIENTS = env.int("MAX_RECIPIENTS", default=100)
MAX_QUICK_ACTIONS = env.int("MAX_QUICK_ACTIONS", default=50)
MAX_ATTEMPTS = env.int("MAX_ATTEMPTS", default=5)
MAX_UPLOAD_BYTES = env.int("MAX_UPLOAD_BYTES", default=100_000_000)
MAX_ATTACHMENTS = env.int("MAX_ATTACHMENTS", default=100)
MAX_ATTACHMENT_BYTES = env.int("MAX_ATTACHMENT_BYTES", default=100_000_000)
MAX_SIGNATURE_IMAGE_BYTES = env.int("MAX_SIGNATURE_IMAGE_BYTES", default=100_000)
PARSE_TIMEOUT_SECONDS = env.int("PARSE_TIMEOUT_SECONDS", default=60)
PARSE_CPU_SECONDS = env.int("PARSE_CPU_SECONDS", default=30)
PARSE_MEMORY_BYTES = env.int("PARSE_MEMORY_BYTES", default=1_500_000_000)
PARSE_MESSAGES_PER_CHILD = env.int("PARSE_MESSAGES_PER_CHILD", default=1000)
PARSE_MAX_PARTS = env.int("PARSE_MAX_PARTS", default=500)
PARSE_MAX_LEVELS = env.int("PARSE_MAX_LEVELS", default=50)
PARSE_MAX_HEADER_FIELDS = env.int("PARSE_MAX_HEADER_FIELDS", default=1000)
PARSE_MAX_HEADER_BYTES = env.int("PARSE_MAX_HEADER_BYTES", default=262_144)
PARSE_MAX_PARAMETERS = env.int("PARSE_MAX_PARAMETERS", default=1000)
PARSE_MAX_ADDRESSES = env.int("PARSE_MAX_ADDRESSES", default=1000)
PARSE_MAX_DECODED_BYTES = env.int("PARSE_MAX_DECODED_BYTES", default=100_000_000)
PARSE_MAX_HTML_BYTES = env.int("PARSE_MAX_HTML_BYTES", default=2_000_000)
MAX_PATCH_BYTES = env.int("MAX_PATCH_BYTES", default=2_097_152)
MAX_PATCH_FILES = env.int("MAX_PATCH_FILES", default=3_000)
MAX_PATCH_LINE_BYTES = env.int("MAX_PATCH_LINE_BYTES", default=500_000)
MAX_SERIES_PATCHES = env.int("MAX_SERIES_PATCHES", default=100)
SERIES_WAIT_HOURS = env.int("SERIES_WAIT_HOURS", default=24)
GIT_TIMEOUT_SECONDS = env.int("GIT_TIMEOUT_SECONDS", default=60)
MAX_GIT_OUTPUT_BYTES = env.int("MAX_GIT_OUTPUT_BYTES", default=50_000_000)
MAX_GIT_MEMORY_BYTES = env.int("MAX_GIT_MEMORY_BYTES", default=1_000_000_000)
MAX_GIT_FILE_BYTES = env.int("MAX_GIT_FILE_BYTES", default=200_000_000)
MAX_DIFF_FILES = env.int("MAX_DIFF_FILES", default=300)
MAX_DIFF_LINES = env.int("MAX_DIFF_LINES", default=5_000)
MAX_DIFF_FILE_LINES = env.int("MAX_DIFF_FILE_LINES", default=2_000)
MAX_DIFF_LINE_LENGTH = env.int("MAX_DIFF_LINE_LENGTH", default=1_000)
DIFF_COLOUR_TIMEOUT_SECONDS = env.int("DIFF_COLOUR_TIMEOUT_SECONDS", default=3)
MAX_SHOWN_COMMITS = env.int("MAX_SHOWN_COMMITS", default=100)
ORPHAN_FILE_HOURS = env.int("ORPHAN_FILE_HOURS", default=24)
PROCESSING_LEASE_SECONDS = env.int("PROCESSING_LEASE_SECONDS", default=300)
MAILBOX_LEASE_SECONDS = env.int("MAILBOX_LEASE_SECONDS", default=60)
SWEEP_BATCH = env.int("SWEEP_BATCH", default=500)
LOOP_LIMIT_PER_HOUR = env.int("LOOP_LIMIT_PER_HOUR", default=20)
ANSWER_DOMAIN_LIMIT_PER_HOUR = env.int("ANSWER_DOMAIN_LIMIT_PER_HOUR", default=200)
ANSWER_MAILBOX_LIMIT_PER_HOUR = env.int("ANSWER_MAILBOX_LIMIT_PER_HOUR", default=1000)
ANSWER_PROJECT_LIMIT_PER_HOUR = env.int("ANSWER_PROJECT_LIMIT_PER_HOUR", default=500)
NOTICE_PAUSE_MINUTES = env.int("NOTICE_PAUSE_MINUTES", default=60)
NOTICE_SENDER_LIMIT_PER_DAY = env.int("NOTICE_SENDER_LIMIT_PER_DAY", default=50)
NOTICE_DOMAIN_LIMIT_PER_DAY = env.int("NOTICE_DOMAIN_LIMIT_PER_DAY", default=200)
NOTICE_MAILBOX_LIMIT_PER_DAY = env.int("NOTICE_MAILBOX_LIMIT_PER_DAY", default=1000)
SENDER_LIMIT_PER_HOUR = env.int("SENDER_LIMIT_PER_HOUR", default=60)
TOKEN_LIMIT_PER_HOUR = env.int("TOKEN_LIMIT_PER_HOUR", default=60)
PROJECT_LIMIT_PER_HOUR = env.int("PROJECT_LIMIT_PER_HOUR", default=600)
POLL_INTERVAL_SECONDS = env.int("POLL_INTERVAL_SECONDS", default=60)
DKIM_DNS_TIMEOUT_SECONDS = env.int("DKIM_DNS_TIMEOUT_SECONDS", default=3)
IMAP_CA_FILE = env.str("IMAP_CA_FILE", default="")
IMAP_TOKEN_COMMANDS: dict[str, dict[str, str]] = env.json("IMAP_TOKEN_COMMANDS", default={})
HTTPS_CA_FILE = env.str("HTTPS_CA_FILE", default="")
MAILBOX_LOCAL_NETWORKS = env.bool("MAILBOX_LOCAL_NETWORKS", default=True)
SMTP_LISTENER_HOST = env.str("SMTP_LISTENER_HOST", default="127.0.0.1")
SMTP_LISTENER_PORT = env.int("SMTP_LISTENER_PORT", default=2525)
LMTP_LISTENER_PORT = env.int("LMTP_LISTENER_PORT", default=2424)
SMTP_LISTENER_CERTIFICATE_FILE = env.str("SMTP_LISTENER_CERTIFICATE_FILE", default="")
SMTP_LISTENER_KEY_FILE = env.str("SMTP_LISTENER_KEY_FILE", default="")
SMTP_LISTENER_REQUIRE_TLS = env.bool("SMTP_LISTENER_REQUIRE_TLS", default=False)
SMTP_LISTENER_NETWORKS: list[str] = env.list("SMTP_LISTENER_NETWORKS", default=[])
TRUSTED_RELAY_NETWORKS: list[str] = env.list("TRUSTED_RELAY_NETWORKS", default=[])
SMTP_LISTENER_MAX_CONNECTIONS = env.int("SMTP_LISTENER_MAX_CONNECTIONS", default=100)
SMTP_LISTENER_MAX_CONNECTIONS_PER_ADDRESS = env.int(
    "SMTP_LISTENER_MAX_CONNECTIONS_PER_ADDRESS", default=25
)
SMTP_LISTENER_MAX_BYTES = env.int("SMTP_LISTENER_MAX_BYTES", default=200_000_000)
SMTP_LISTENER_MAX_BAD_RECIPIENTS = env.int("SMTP_LISTENER_MAX_BAD_RECIPIENTS", default=20)
SMTP_LISTENER_COMMAND_SECONDS = env.int("SMTP_LISTENER_COMMAND_SECONDS", default=300)
SMTP_LISTENER_SESSION_SECONDS = env.int("SMTP_LISTENER_SESSION_SECONDS", default=3600)
CHECK_PENDING_MINUTES = env.int("CHECK_PENDING_MINUTES", default=15)
CHECK_DISK_WARN_BYTES = env.int("CHECK_DISK_WARN_BYTES", default=2_000_000_000)
CHECK_DISK_MIN_BYTES = env.int("CHECK_DISK_MIN_BYTES", default=200_000_000)
CHECK_CLOCK_SECONDS = env.int("CHECK_CLOCK_SECONDS", default=30)
MAILBOX_ALERT_MINUTES = env.int("MAILBOX_ALERT_MINUTES", default=30)
PROBE_MINUTES = env.int("PROBE_MINUTES", default=0)
PROBE_SLOW_SECONDS = env.int("PROBE_SLOW_SECONDS", default=300)
PROBE_WAIT_MINUTES = env.int("PROBE_WAIT_MINUTES", default=60)
KEEP_REFUSALS_DAYS = env.int("KEEP_REFUSALS_DAYS", default=30)
KEEP_SPAM_DAYS = env.int("KEEP_SPAM_DAYS", default=30)
KEEP_PROBES_DAYS = env.int("KEEP_PROBES_DAYS", default=30)
HELD_DIGEST_HOUR = env.int("HELD_DIGEST_HOUR", default=7)
ALERT_WEBHOOK_URL = env.str("ALERT_WEBHOOK_URL", default="")
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")
METRICS_NETWORKS: list[str] = env.list("METRICS_NETWORKS", default=[])
REPLY_KEY_DAYS = env.int("REPLY_KEY_DAYS", default=0)
KEEP_RAW_DAYS = env.int("KEEP_RAW_DAYS", default=0)
KEEP_FAILED_DAYS = env.int("KEEP_FAILED_DAYS", default=0)
KEEP_TRACE_DAYS = env.int("KEEP_TRACE_DAYS", default=0)
KEEP_ATTACHMENTS_DAYS = env.int("KEEP_ATTACHMENTS_DAYS", default=0)

DESK_FROM_OWN_ADDRESS = env.bool("DESK_FROM_OWN_ADDRESS", default=True)
DESK_MAX_PARTICIPANTS = env.int("DESK_MAX_PARTICIPANTS", default=10)
DESK_MAX_PARTICIPANTS_A_CALL = env.int("DESK_MAX_PARTICIPANTS_A_CALL", default=6)
DESK_ECHO_LIMIT_PER_HOUR = env.int("DESK_ECHO_LIMIT_PER_HOUR", default=20)
DESK_MAILS_PER_HOUR = env.int("DESK_MAILS_PER_HOUR", default=1000)
DESK_MAILS_PER_DAY = env.int("DESK_MAILS_PER_DAY", default=10_000)
DESK_MAX_BOUNCES = env.int("DESK_MAX_BOUNCES", default=3)
DESK_BOUNCE_DAYS = env.int("DESK_BOUNCE_DAYS", default=30)
DESK_ATTACHED_BYTES = env.int("DESK_ATTACHED_BYTES", default=10_000_000)
DESK_LINK_DAYS = env.int("DESK_LINK_DAYS", default=30)
DESK_SMTP_TIMEOUT_SECONDS = env.int("DESK_SMTP_TIMEOUT_SECONDS", default=7)
DESK_SMTP_LOCAL_NETWORKS = env.bool("DESK_SMTP_LOCAL_NETWORKS", default=False)
DESK_VERIFICATION_MINUTES = env.int("DESK_VERIFICATION_MINUTES", default=30)
DESK_SYSTEM_HEADER = env.str("DESK_SYSTEM_HEADER", default="")
DESK_SYSTEM_FOOTER = env.str("DESK_SYSTEM_FOOTER", default="")
DESK_ADDITIONAL_TEXT = env.str("DESK_ADDITIONAL_TEXT", default="")

LOG_FORMAT = env.str("LOG_FORMAT", default="line")
LOG_LEVEL = env.str("LOG_LEVEL", default="INFO")
LOGGING = make_logging(written=LOG_FORMAT, level=LOG_LEVEL)
