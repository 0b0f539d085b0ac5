"""DATABASE_URL taken apart: one sentence for what is wrong with it, and never its password."""

import re
from typing import Any
from urllib.parse import parse_qsl, unquote

from django.core.exceptions import ImproperlyConfigured
from environ import Env

from config.mail_url import HINT

POSTGRESQL = "django.db.backends.postgresql"
ENGINES = {POSTGRESQL, "django.db.backends.sqlite3"}
PLACES = {"HOST": "host", "PORT": "port", "USER": "user", "PASSWORD": "password", "NAME": "dbname"}
"""What stands before the question mark, by the option of libpq that may say it instead."""

NUMBERS = {
    *("connect_timeout", "keepalives", "keepalives_idle", "keepalives_interval"),
    *("keepalives_count", "tcp_user_timeout"),
}
"""Options that libpq reads as late as it has a connection to a host."""

INSTEAD = {
    "pool": "Remove it: threads keep connections. For fewer, put PgBouncer before PostgreSQL.",
    "silence_seconds": "Remove it, and set DATABASE_SILENCE_SECONDS.",
    "isolation_level": "Remove it: Letterbox needs READ COMMITTED, the default of PostgreSQL.",
}
NO_HOST = "/nonexistent"


def parse_database_url(url: str, *, name: str) -> dict[str, Any]:
    """As Django takes it. `name` is that of the variable.

    Hosts are those of PostgreSQL's own documentation (section 34.1.1.2): a percent-encoded folder
    with a Unix socket too, and host, port, user, password and name may be options.
    Raises ImproperlyConfigured, without the value, since it may hold a password.
    """
    place, _mark, query = url.replace("#", "%23").partition("?")
    try:
        # A password with a question mark ends the host too soon.
        if "@" in query or Env.DB_SCHEMES.get(place.partition("://")[0].lower()) not in ENGINES:
            raise ValueError  # noqa: TRY301
        database = dict(Env.db_url_config(place))
    except ValueError:
        raise ImproperlyConfigured(
            f"{name} is not the URL of a database, such as postgres://user:password@host:5432/name"
            " or sqlite:////folder/file, with ? as %3F, / as %2F, @ as %40 and % as %25 in all that"
            f" is a value. {HINT}"
        ) from None
    options = dict(parse_qsl(query, keep_blank_values=True))
    for option in list(options):
        if option.lower() in {"conn_max_age", "disable_server_side_cursors"}:
            database[option.upper()] = _parse(option.lower(), options.pop(option), name)
    if database["ENGINE"] == POSTGRESQL:
        _fill_in(database, place, options)
        if not (database["NAME"] or "service" in options):
            raise ImproperlyConfigured(
                f"{name} names no database: postgres://user:password@host:5432/name. {HINT}"
            )
        _check_options(options, name)
        database["OPTIONS"] = options
    elif options:
        raise _refuse(min(options), name, "Remove it: SQLite takes none but conn_max_age.")
    return database


def _fill_in(database: dict[str, Any], place: str, options: dict[str, str]) -> None:
    if "%2f" in database["HOST"].lower():
        # In what django-environ reads, capitals of the folder are lost.
        host = place.partition("://")[2].partition("/")[0].rpartition("@")[2]
        database["HOST"] = unquote(re.sub(r":\d*$", "", host))
    database |= {key: options.pop(by, database[key]) for key, by in PLACES.items()}


def _parse(option: str, value: str, name: str) -> int | bool:
    word = value.lower()
    if option == "conn_max_age" and word.isdecimal():
        return int(word)
    if option != "conn_max_age" and word in {"true", "false"}:
        return word == "true"
    wanted = "seconds, such as 60" if option == "conn_max_age" else "true or false"
    raise _refuse(option, name, f"It must be {wanted}.")


def _check_options(options: dict[str, str], name: str) -> None:
    """Raises ImproperlyConfigured for what libpq does not take. None is asked but libpq itself, by
    a connection to a folder without a socket."""
    from psycopg import pq  # noqa: PLC0415  (of PostgreSQL only)
    from psycopg.conninfo import make_conninfo  # noqa: PLC0415

    known = {each.keyword.decode() for each in pq.Conninfo.get_defaults()}
    for option, value in options.items():
        if option not in known - {"replication"} | {"assume_role"}:
            others = "conn_max_age, disable_server_side_cursors and assume_role"
            instead = f"Remove it: possible are those of libpq, and {others}."
            raise _refuse(option, name, INSTEAD.get(option, instead))
        if option in NUMBERS and not value.isdecimal():
            raise _refuse(option, name, "It must be a whole number.")
    given = {key: value for key, value in options.items() if key in known - {"hostaddr"}}
    asked = pq.PGconn.connect_start(make_conninfo("", **given | {"host": NO_HOST}).encode())
    said = asked.error_message.decode(errors="replace")
    if asked.status == pq.ConnStatus.BAD and NO_HOST not in said:
        raise ImproperlyConfigured(f"{name} is not taken by libpq: {said.strip()}. {HINT}")


def _refuse(option: str, name: str, instead: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(
        f"{name} is refused for its option {option[:40]!r}. {instead} {HINT}"
    )
