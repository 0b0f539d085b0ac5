"""The floor that throughput is measured against: download, parse, one INSERT a message.

Run by throughput.py in a process of its own; prints the seconds as JSON.
"""

import json
import sqlite3
import sys
import time
from collections.abc import Callable
from email import policy
from email.parser import BytesParser
from typing import Any

from imapclient import DELETED, IMAPClient

BATCH = 50
COLUMNS = "msgid text, subject text, sender text, body text, files int, created double precision"


def open_store(url: str) -> Callable[[tuple[Any, ...]], None]:
    """A function that inserts one row in a transaction of its own."""
    if url.startswith("sqlite:"):
        database = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        database.execute("pragma journal_mode=wal")
        database.execute("pragma synchronous=normal")
        database.execute(f"create table floor_note(id integer primary key, {COLUMNS})")

        def insert(row: tuple[Any, ...]) -> None:
            database.execute("begin immediate")
            database.execute("insert into floor_note values(null,?,?,?,?,?,?)", row)
            database.execute("commit")

        return insert

    import psycopg  # noqa: PLC0415  (only where PostgreSQL is measured)

    connection = psycopg.connect(url)
    connection.execute(f"create table floor_note(id bigserial primary key, {COLUMNS})")
    connection.commit()
    names = ", ".join(column.split()[0] for column in COLUMNS.split(", "))
    statement = f"insert into floor_note({names}) values(%s,%s,%s,%s,%s,%s)"

    def insert_there(row: tuple[Any, ...]) -> None:
        connection.execute(statement, row)
        connection.commit()

    return insert_there


def read(raw: bytes, parser: BytesParser) -> tuple[Any, ...]:
    message = parser.parsebytes(raw)
    body, files = "", 0
    for part in message.walk():
        if part.is_multipart():
            continue
        content = part.get_payload(decode=True)
        if part.get_filename():
            files += 1
        elif part.get_content_type() == "text/plain" and not body:
            body = bytes(content).decode("utf-8", "replace").replace("\0", "")
    headers = [str(message[name]) for name in ("message-id", "subject", "from")]
    return (*headers, body, files, time.time())


def main(port: str, user: str, password: str, url: str) -> None:
    insert, parser = open_store(url), BytesParser(policy=policy.default)
    client = IMAPClient("127.0.0.1", port=int(port), ssl=False)
    client.login(user, password)
    client.select_folder("INBOX")
    begun = time.perf_counter()
    uids = client.search("UNDELETED")
    for start in range(0, len(uids), BATCH):
        batch = uids[start : start + BATCH]
        answer = client.fetch(batch, ["BODY.PEEK[]"])
        for uid in batch:
            insert(read(answer[uid][b"BODY[]"], parser))
        client.add_flags(batch, [DELETED], silent=True)
    seconds = time.perf_counter() - begun
    client.logout()
    print(json.dumps({"messages": len(uids), "seconds": seconds}))


if __name__ == "__main__":
    main(*sys.argv[1:])
