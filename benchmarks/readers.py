"""One contender of parse.py, in a process of its own: `python readers.py NAME FOLDER`.

Reads every message of the folder and prints how many, and the seconds it took, as JSON. A peer of
ours finds quotes in a text and reads no message, so it is given what the standard library makes of
it: the cheaper policy, the headers, each part decoded, HTML by html2text where there is no text.
"""

import email
import json
import os
import sys
import time
from collections.abc import Callable, Iterable
from email import policy
from email.message import Message
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HEADERS = ("From", "To", "Cc", "Subject", "Date", "Message-ID", "In-Reply-To", "References")
BATCH = 50
WARM_UP = 50
Work = Callable[[list[bytes]], object]


def each(read: Callable[[bytes], object]) -> Work:
    def work(messages: list[bytes]) -> None:
        for content in messages:
            read(content)

    return work


def ours() -> Work:
    from incoming_email.parsing.message import parse  # noqa: PLC0415

    return each(parse)


def isolated(size: int) -> Work:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django  # noqa: PLC0415

    django.setup()
    from incoming_email.pipeline.isolation.reading import RawText, parse_all  # noqa: PLC0415

    def work(messages: list[bytes]) -> None:
        for start in range(0, len(messages), size):
            for _ in parse_all([RawText(each) for each in messages[start : start + size]]):
                pass

    return work


def standard() -> Work:
    """No reply, no Markdown: what the library alone takes, by its modern policy."""

    def read(content: bytes) -> None:
        message = email.message_from_bytes(content, policy=policy.default)
        for name in HEADERS:
            str(message[name])
        for part in message.walk():
            part.get_payload(decode=True)

    return each(read)


def peer(extract: Callable[[str], object]) -> Work:
    import html2text  # noqa: PLC0415

    def read(content: bytes) -> None:
        message = email.message_from_bytes(content)
        for name in HEADERS:
            str(message[name])
        extract(find_text(message, html2text.html2text))

    return each(read)


def find_text(message: Message, to_text: Callable[[str], str]) -> str:
    """Of the first text part, else of the first HTML part; the others are decoded as well."""
    found: dict[str, str] = {}
    for part in message.walk():
        data = part.get_payload(decode=True)
        kind = part.get_content_type()
        if isinstance(data, bytes) and kind.startswith("text/"):
            found.setdefault(kind, decode(data, part.get_content_charset("utf-8")))
    return found.get("text/plain") or to_text(found.get("text/html", ""))


def decode(data: bytes, charset: str) -> str:
    try:
        return data.decode(charset, errors="replace")
    except LookupError:
        return data.decode("utf-8", errors="replace")


def talon() -> Work:
    from talon import quotations  # noqa: PLC0415

    quotations.register_xpath_extensions()
    return peer(quotations.extract_from_plain)


def quotequail() -> Work:
    import quotequail as library  # noqa: PLC0415

    return peer(library.quote)


def mail_parser_reply() -> Work:
    from mailparser_reply import EmailReplyParser  # noqa: PLC0415

    parser = EmailReplyParser(languages=["en", "de"])
    return peer(lambda text: parser.parse_reply(text=text))


def email_reply_parser() -> Work:
    from email_reply_parser import EmailReplyParser  # noqa: PLC0415

    return peer(EmailReplyParser.parse_reply)


OURS: dict[str, Callable[[], Work]] = {
    "ours": ours,
    "ours, isolated": lambda: isolated(BATCH),
    "ours, isolated, one by one": lambda: isolated(1),
    "email.policy.default": standard,
}
PEERS: dict[str, Callable[[], Work]] = {
    "talon": talon,
    "quotequail": quotequail,
    "mail-parser-reply": mail_parser_reply,
    "email-reply-parser": email_reply_parser,
}


def read_folder(folder: Path) -> Iterable[bytes]:
    return (path.read_bytes() for path in sorted(folder.iterdir()))


def main(name: str, folder: str) -> None:
    sys.path.insert(0, str(ROOT))
    work = (OURS | PEERS)[name]()
    messages = list(read_folder(Path(folder)))
    work(messages[:WARM_UP])
    begun = time.perf_counter()
    work(messages)
    seconds = time.perf_counter() - begun
    print(json.dumps({"messages": len(messages), "seconds": seconds}))


if __name__ == "__main__":
    main(*sys.argv[1:])
