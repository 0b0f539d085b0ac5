"""Which Letterbox this is, so that a row can say which one looked at it last."""

import hashlib
from contextlib import suppress
from functools import cache
from pathlib import Path

from django.conf import settings

RELEASE = "0.1.0"
"""Said in the code, since an installation has no other file: pyproject.toml reads it from here."""

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ("issues", "incoming_email", "servicedesk")
MAX_LENGTH = 40
"""Characters that the ledger has room for."""


def find_version() -> str:
    """LETTERBOX_VERSION where it is set, else the release and a digest of the code that runs.

    Every attempt at a message begins by writing it down, so it never fails.
    """
    return (settings.LETTERBOX_VERSION or _read_code())[:MAX_LENGTH]


@cache
def _read_code() -> str:
    """Any change counts: whoever runs a checkout mends a fault without a release."""
    digest, files = hashlib.sha256(), list[Path]()
    for name in SOURCES:
        files += (ROOT / name).rglob("*.py")
    for file in sorted(files):
        # What can't be read does not run: an editor's lock file is a link to nowhere.
        with suppress(OSError):
            digest.update(file.read_bytes())
    return f"{RELEASE}+{digest.hexdigest()[:8]}"
