"""The environment that settings are read from: variables, `.env`, and secrets made on first run."""

import os
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

from config.database_url import parse_database_url
from config.file_modes import keep_private

BASE_DIR = Path(__file__).resolve().parent.parent
HOME = BASE_DIR if (BASE_DIR / "manage.py").is_file() else Path.cwd()
"""Where `.env` and `var` are: beside manage.py, or where an installed package is started."""

GENERATED = ("SECRET_KEY", "ENCRYPTION_KEYS")
"""Secrets that are generated where none is given; django-environ rejects values starting with $."""
IN_FILES = (
    *GENERATED,
    *("DATABASE_URL", "CACHE_URL", "CELERY_BROKER_URL", "EMAIL_URL"),
    *("METRICS_TOKEN", "ALERT_WEBHOOK_URL"),
)
"""Settings that hold secrets: `NAME_FILE` may name a file instead, as container platforms provide
it."""

CACHES_IN_THE_PROCESS = frozenset({"locmemcache", "dummycache"})
"""Schemes of CACHE_URL that need no place behind them."""

RENAMED = {
    "SMTP_DOOR_HOST": "SMTP_LISTENER_HOST",
    "SMTP_DOOR_PORT": "SMTP_LISTENER_PORT",
    "SMTP_DOOR_CERTIFICATE_FILE": "SMTP_LISTENER_CERTIFICATE_FILE",
    "SMTP_DOOR_KEY_FILE": "SMTP_LISTENER_KEY_FILE",
    "SMTP_DOOR_REQUIRE_TLS": "SMTP_LISTENER_REQUIRE_TLS",
    "SMTP_DOOR_NETWORKS": "SMTP_LISTENER_NETWORKS",
    "LMTP_DOOR_PORT": "LMTP_LISTENER_PORT",
}
"""Former names of settings. They are refused: ignored, they would let defaults take effect."""


class Environment(environ.Env):  # type: ignore[misc]
    """Names the variable whose value is of the wrong kind, as django-environ does not."""

    def get_value(self, var: str, cast: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Raises ImproperlyConfigured where the value is no number though one is wanted."""
        try:
            return super().get_value(var, cast, *args, **kwargs)
        except ValueError as error:
            if cast not in {int, float}:
                raise
            kind = "a whole number" if cast is int else "a number"
            raise ImproperlyConfigured(
                f"{var} is {os.environ.get(var)!r}, which is not {kind}. Correct it in the"
                " environment or in .env, then start again."
            ) from error

    def int_within(self, var: str, *, default: int, low: int, high: int) -> int:
        """Raises ImproperlyConfigured where the value is no whole number from `low` to `high`."""
        value: int = self.int(var, default=default)
        if not low <= value <= high:
            raise ImproperlyConfigured(
                f"{var} is {value}, and must be from {low} to {high}. Correct it in the"
                " environment or in .env, then start again."
            )
        return value

    def db_url(self, var: str, *, default: str) -> dict[str, Any]:
        """As `parse_database_url`; an empty value is the default."""
        return parse_database_url(self.str(var, default="") or default, name=var)

    def cache_url(self, var: str, *, default: str) -> dict[str, Any]:
        """As Django takes it; an empty value is the default. Raises ImproperlyConfigured, without
        the value, since it may hold a password."""
        url = self.str(var, default="") or default
        scheme, _, place = url.partition("://")
        try:
            # Of several servers each may have a port; to read one that is no number raises.
            for server in urlsplit(url).netloc.split(","):
                _ = urlsplit(f"//{server}").port
            if scheme in self.CACHE_SCHEMES and (place or scheme in CACHES_IN_THE_PROCESS):
                return dict(self.cache_url_config(url))
        except ValueError:
            pass
        raise ImproperlyConfigured(
            f"{var} is not the URL of a cache, such as redis://:password@host:6379/1 or"
            " dbcache://letterbox_cache. Correct it in the environment or in .env, then start"
            " again. It is not shown here, since it may hold a password."
        )


env = Environment()
if (HOME / ".env").is_file():
    env.read_env(HOME / ".env")


def refuse_renamed() -> None:
    """Raises ImproperlyConfigured, with a sentence for each setting that has a former name."""
    found = [name for name in RENAMED if name in os.environ]
    if found:
        raise ImproperlyConfigured(
            "\n".join(
                f"{name} is now called {RENAMED[name]}. Rename it in the environment or in .env,"
                " then start again."
                for name in found
            )
        )


def read_secret_files() -> None:
    """django-environ's own reader would keep the line break at the end."""
    for name in IN_FILES:
        if path := os.environ.get(f"{name}_FILE"):
            try:
                os.environ[name] = Path(path).read_text(encoding="utf-8").strip()
            except OSError as error:
                raise ImproperlyConfigured(
                    f"{name}_FILE names {path}, which can't be read: {error.strerror}."
                ) from error


refuse_renamed()
read_secret_files()

_named = env.str("DATA_DIR", default="")
DATA_DIR = Path(_named or HOME / "var").resolve()
keep_private(DATA_DIR, is_ours=not _named)


def ensure_secrets() -> None:
    """Read missing secrets from DATA_DIR/secret.env, or make them there (mode 0600)."""
    missing = [name for name in GENERATED if not env.str(name, default="")]
    if not missing:
        return
    path = DATA_DIR / "secret.env"
    if not path.is_file():
        DATA_DIR.mkdir(parents=True, exist_ok=True)
        _write_once(path, "".join(f"{name}={secrets.token_urlsafe(48)}\n" for name in GENERATED))
    for name in missing:
        os.environ.pop(name, None)
    env.read_env(path)


def _write_once(path: Path, content: str) -> None:
    """Write the file whole or not at all; if two processes start at once, the first one's file
    stays."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(content)
    try:
        os.link(draft, path)
    except FileExistsError:
        return
    finally:
        draft.unlink()
