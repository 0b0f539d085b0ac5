"""When no attempt to log in is heard any more: by name and address, by address, and by name."""

from datetime import datetime, timedelta
from typing import Any

from axes.attempts import get_cool_off_threshold
from axes.handlers.database import AxesDatabaseHandler
from axes.helpers import get_client_username
from axes.models import AccessAttempt, AccessLog
from django.conf import settings
from django.db.models import Q, Sum

KNOWN_DAYS = 90


class LogInLimits(AxesDatabaseHandler):  # type: ignore[misc]  # without types
    """The failures of the last hour are counted; what is refused by a limit counts no more, so that
    each ends."""

    def get_failures(self, request: Any, credentials: dict[str, Any] | None = None) -> int:
        """AXES_FAILURE_LIMIT, which is 1, where one of the limits is reached; else 0."""
        name = get_client_username(request, credentials)
        client = request.axes_ip_address
        by_name, by_client = Q(username=name), Q(ip_address=client)
        recent = AccessAttempt.objects.filter(
            by_name | by_client, attempt_time__gte=get_cool_off_threshold(request)
        )
        count = "failures_since_start"
        found = recent.aggregate(
            both=Sum(count, filter=by_name & by_client),
            name=Sum(count, filter=by_name),
            client=Sum(count, filter=by_client),
        )
        is_over = _is_over(found["both"], settings.LOGIN_FAILURE_LIMIT)
        is_flooded = _is_over(found["client"], settings.LOGIN_ADDRESS_FAILURE_LIMIT)
        is_flooded = is_flooded or _is_over(found["name"], settings.LOGIN_NAME_FAILURE_LIMIT)
        if is_flooded and not is_over:
            is_over = not _is_known(name, client, request.axes_attempt_time)
        return int(is_over)


def _is_over(failures: int | None, limit: int) -> bool:
    return 0 < limit <= (failures or 0)


def _is_known(name: str | None, client: str | None, now: datetime) -> bool:
    """Whether the person has logged in from there before. Strangers who try their name from many
    addresses, or other names from this one, must not keep them out."""
    log_ins = AccessLog.objects.filter(username=name, ip_address=client)
    return bool(log_ins.filter(attempt_time__gte=now - timedelta(days=KNOWN_DAYS)).exists())
