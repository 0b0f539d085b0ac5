"""The floor that throughput is measured against: download, parse, one INSERT a message.

    python benchmarks/floors.py PORT USER PASSWORD DATABASE_URL

Run by throughput.py in a process of its own; the last line it prints is JSON. It keeps nothing
that a mail system needs: no ledger, no look-ups, no files, no way to go on after a crash.
"""

import argparse
import json
import sqlite3
import time
from collections.abc import Callable
from dataclasses import astuple, dataclass
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser

from imapclient import DELETED, IMAPClient

BATCH = 50
COLUMNS = ("message_id", "subject", "sender", "body", "files", "created")
TYPES = ("text unique", "text", "text", "text", "integer", "double precision")


@dataclass(frozen=True, slots=True)
class FloorNote:
    """One row, in the order of COLUMNS; `created` in seconds since 1970."""

    message_id: str
    subject: str
    sender: str
    body: str
    files: int
    created: float


Insert = Callable[[FloorNote], None]


def sql(key: str, placeholder: str) -> tuple[str, str]:
    """CREATE TABLE and INSERT."""
    columns = ", ".join(f"{name} {kind}" for name, kind in zip(COLUMNS, TYPES, strict=True))
    places = ", ".join([placeholder] * len(COLUMNS))
    return (
        f"create table floor_note (id {key}, {columns})",
        f"insert into floor_note ({', '.join(COLUMNS)}) values ({places})",
    )


def open_sqlite(path: str) -> Insert:
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("pragma journal_mode=wal")
    database.execute("pragma synchronous=normal")
    create, statement = sql("integer primary key", "?")
    database.execute(create)

    def insert(note: FloorNote) -> None:
        database.execute("begin immediate")
        database.execute(statement, astuple(note))
        database.execute("commit")

    return insert


def open_postgresql(url: str) -> Insert:
    import psycopg  # noqa: PLC0415  (only where PostgreSQL is measured)

    connection = psycopg.connect(url)
    create, statement = sql("bigserial primary key", "%s")
    connection.execute(create)
    connection.commit()

    def insert(note: FloorNote) -> None:
        connection.execute(statement, astuple(note))
        connection.commit()

    return insert


def read(raw: bytes, uid: int, parser: "BytesParser[EmailMessage]") -> FloorNote:
    """Decode every part once and read three header fields, as any receiver has to."""
    message = parser.parsebytes(raw)
    body: str | None = None
    files = 0
    for part in message.walk():
        if part.is_multipart():
            continue
        if part.get_filename() or part.get_content_disposition() == "attachment":
            part.get_payload(decode=True)
            files += 1
        elif part.get_content_type() == "text/plain" and body is None:
            body = decoded(part)
        else:
            part.get_payload(decode=True)
    message_id, subject, sender = (str(message[n]) for n in ("message-id", "subject", "from"))
    text = (body or "").encode("utf-8", "replace").decode().replace("\0", "")
    return FloorNote(f"{message_id}/{uid}", subject, sender, text, files, time.time())


def decoded(part: EmailMessage) -> str:
    try:
        return str(part.get_content())
    except LookupError:  # a charset that Python does not know
        payload = part.get_payload(decode=True)
        return payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""


def take_in(client: IMAPClient, insert: Insert) -> int:
    """Empty the open folder, a batch at a time; return how many messages there were."""
    parser = BytesParser(policy=policy.default)
    uids = client.search("UNDELETED")
    for start in range(0, len(uids), BATCH):
        batch = uids[start : start + BATCH]
        answer = client.fetch(batch, ["BODY.PEEK[]"])
        for uid in batch:
            insert(read(answer[uid][b"BODY[]"], uid, parser))
        client.add_flags(batch, [DELETED], silent=True)
    client.expunge()
    return len(uids)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("port", "user", "password", "database_url"):
        parser.add_argument(name)
    options = parser.parse_args()
    _, is_sqlite, path = options.database_url.partition("sqlite:///")
    insert = open_sqlite(path) if is_sqlite else open_postgresql(options.database_url)
    with IMAPClient("127.0.0.1", port=int(options.port), ssl=False) as client:
        client.login(options.user, options.password)
        client.select_folder("INBOX")
        begun = time.perf_counter()
        count = take_in(client, insert)
        seconds = time.perf_counter() - begun
    print(json.dumps({"messages": count, "seconds": seconds}))


if __name__ == "__main__":
    main()
