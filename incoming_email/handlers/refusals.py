"""Converts refusals of the domain into rejections of the mail."""

from collections.abc import Iterator
from contextlib import contextmanager

from incoming_email.outcomes import Reason, Rejected
from issues import services

REASON_OF = {
    services.Why.CONFLICT: Reason.PATCH_CONFLICT,
    services.Why.PATCH: Reason.PATCH_REFUSED,
    services.Why.BRANCH: Reason.BRANCH_REFUSED,
}


@contextmanager
def as_rejections() -> Iterator[None]:
    """Raises Rejected for what a service refuses. What the author can't see is NOT_FOUND."""
    try:
        yield
    except services.Locked as error:
        raise Rejected(Reason.LOCKED) from error
    except services.NotVisible as error:
        raise Rejected(Reason.NOT_FOUND) from error
    except services.NotAllowed as error:
        raise Rejected(Reason.NOT_ALLOWED) from error
    except services.Refused as error:
        raise Rejected(REASON_OF[error.why], error.sentence) from error
    except services.Gone as error:
        raise Rejected(Reason.NOT_FOUND) from error
    except services.Invalid as error:
        raise Rejected(Reason.INVALID) from error
