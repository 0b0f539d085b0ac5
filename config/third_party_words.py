"""Words of Axes and Celery beat that have no Korean of their own, for our catalogue."""

from django.utils.translation import gettext_noop

AXES = (
    *(gettext_noop("Locked Out"), gettext_noop("Form Data"), gettext_noop("Meta Data")),
    *(gettext_noop("Clean up expired attempts"), gettext_noop("Attempt Remaining")),
    *(gettext_noop("User Agent"), gettext_noop("IP Address"), gettext_noop("Username")),
    *(gettext_noop("HTTP Accept"), gettext_noop("Path"), gettext_noop("Attempt Time")),
    *(gettext_noop("Access lock out"), gettext_noop("access failure")),
    *(gettext_noop("access failures"), gettext_noop("GET Data"), gettext_noop("POST Data")),
    *(gettext_noop("Failed Logins"), gettext_noop("access attempt")),
    *(gettext_noop("access attempts"), gettext_noop("Expires At")),
    *(gettext_noop("access attempt expiration"), gettext_noop("access attempt expirations")),
    *(gettext_noop("Logout Time"), gettext_noop("Session key hash (sha256)")),
    *(gettext_noop("access log"), gettext_noop("access logs"), gettext_noop("Access Attempt")),
    gettext_noop("The time when access attempt expires and is no longer valid."),
    gettext_noop("Account locked: too many login attempts. Please try again later."),
    gettext_noop(
        "Account locked: too many login attempts. Contact an admin to unlock your account."
    ),
)
CELERY_BEAT = (
    *(gettext_noop("Periodic Tasks Using This Schedule"), gettext_noop("Schedule")),
    *(gettext_noop("Arguments"), gettext_noop("Execution Options"), gettext_noop("solar event")),
    *(gettext_noop("solar events"), gettext_noop("interval"), gettext_noop("intervals")),
    *(gettext_noop("clocked"), gettext_noop("crontab"), gettext_noop("crontabs")),
    *(gettext_noop("periodic task track"), gettext_noop("periodic task tracks")),
    *(gettext_noop("periodic task"), gettext_noop("periodic tasks"), gettext_noop("Solar Event")),
    *(gettext_noop("Clock Time"), gettext_noop("Interval Schedule")),
    *(gettext_noop("Crontab Schedule"), gettext_noop("Solar Schedule")),
    *(gettext_noop("Clocked Schedule"), gettext_noop("Positional Arguments")),
    *(gettext_noop("Keyword Arguments"), gettext_noop("Queue Override")),
    *(gettext_noop("Routing Key"), gettext_noop("Priority")),
    gettext_noop(
        'Cron Months (1-12) Of The Year to Run. Use "*" for "all". (Example: "1,12")',
    ),
    gettext_noop(
        'Cron Days Of The Week to Run. Use "*" for "all", Sunday is 0 or 7, Monday is 1.'
        ' (Example: "0,5")',
    ),
)
