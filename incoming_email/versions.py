"""Which Letterbox this is, so that a row can say which one looked at it last."""

import hashlib
import tomllib
from functools import cache
from pathlib import Path

from django.conf import settings

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ("issues", "incoming_email", "servicedesk")


def find_version() -> str:
    """LETTERBOX_VERSION where it is set, else the release and a digest of the code that runs."""
    return settings.LETTERBOX_VERSION or _read_code()


@cache
def _read_code() -> str:
    """Any change counts: whoever runs a checkout mends a fault without a release."""
    release = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    digest = hashlib.sha256()
    for file in sorted(path for name in SOURCES for path in (ROOT / name).rglob("*.py")):
        digest.update(file.read_bytes())
    return f"{release}+{digest.hexdigest()[:8]}"
