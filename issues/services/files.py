"""Files that go before what they belong to."""

from collections.abc import Sequence

from django.db import transaction

from issues.models import Upload


@transaction.atomic
def remove_uploads(*, uploads: Sequence[Upload]) -> int:
    """Remove the rows, and at the commit their files; returns how many were removed.

    Links to them are dead afterwards.
    """
    _all, by_model = Upload.objects.filter(pk__in=[upload.pk for upload in uploads]).delete()
    return by_model.get(Upload._meta.label, 0)
