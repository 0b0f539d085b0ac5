"""Targets that read texts: what people write, addresses, results of other servers."""

import json
import re
from pathlib import Path
from unittest.mock import patch

from incoming_email.parsing.html.looks import show_html
from incoming_email.parsing.html.markdown import split_html_reply, to_markdown, to_plain_text
from incoming_email.parsing.message import parse_plain
from incoming_email.parsing.replies.forwards import find_forward
from incoming_email.parsing.replies.own_words import find_others
from incoming_email.parsing.replies.splitting import Split, split_reply
from incoming_email.parsing.text.plain_text import clean_text, remove_armour, unfold_flowed
from issues import bearer_secrets, models
from issues.bearer_secrets import cut_secrets, cut_secrets_in_file
from issues.marked_text import MarkedText, split_lines
from issues.own_footers import SENTENCES, cut_footers
from issues.quick_actions import Reading, find_actions, split_opening
from issues.quick_actions.reading import read_text
from issues.rendering import keeping, render_mail, render_markdown
from tests.fuzzing.harmless import assert_harmless
from tests.incoming_email.parsing import test_html_properties as html_properties
from tests.incoming_email.parsing import test_reply_properties as reply_properties
from tests.issues import test_bearer_secrets as secrets
from tests.issues.rendering import test_properties as rendering_properties

PARSING = Path(__file__).parents[1] / "incoming_email" / "parsing" / "samples"
NONCHARACTERS = set(map(chr, range(0xFDD0, 0xFDF0)))


def find_words(target: str) -> list[str]:
    """What inputs of this target are made of, beside bytes: a JSON string a line."""
    path = Path(__file__).parent / "words" / f"{target}.txt"
    return [json.loads(line) for line in path.read_text().splitlines()]


def find_samples(*names: str) -> list[bytes]:
    """Those of the parsing tests, without what comes out of them."""
    pieces = (piece for name in names for piece in (PARSING / name).read_text().split("\n%%"))
    return [piece.partition("\n==\n")[0].strip("\n").encode() for piece in pieces]


def find_html() -> list[bytes]:
    return [path.read_bytes() for path in sorted((PARSING / "mails").glob("*.html"))]


def decode(data: bytes) -> str:
    """As a body comes out of its charset."""
    return clean_text(data.decode("utf-8", "replace"))


# Quick actions


def read_commands(data: bytes) -> Reading:
    text = decode(data)
    others, _reply = find_others(text, split_reply(text))
    marked = MarkedText(text, others.numbers, others.below, others.doubtful)
    reading = read_text(marked, find_actions(), limit=50)
    split_opening(reading.commands, models.Issue)
    return reading


def check_commands(data: bytes) -> None:
    """Commands are whole lines of the writer's, each once; the text is all the others."""
    read_commands(data)
    text = decode(data)
    lines = split_lines(text)
    others = frozenset(range(len(data) % 3, len(lines), 3))
    for marked in (MarkedText(text), MarkedText(text, others)):
        reading = read_text(marked, find_actions(), limit=10_000)
        own = [line for number, line in enumerate(lines) if number not in marked.others]
        taken = [command.line for command in reading.commands]
        kept = split_lines(reading.text)
        assert sorted(_solid([*kept, *taken])) == sorted(_solid(lines))
        assert not _solid(taken) or set(taken) <= set(_solid(own))
        assert taken or reading.text == text
    again = read_text(MarkedText(read_text(MarkedText(text), find_actions(), limit=10_000).text),
                      find_actions(), limit=10_000)  # fmt: skip
    assert not again.commands


def _solid(lines: list[str]) -> list[str]:
    bare = (line.lstrip("\u200b\u2060\ufeff").rstrip() for line in lines)
    return [line for line in bare if line]


def find_commands() -> list[bytes]:
    return ["".join(find_words("quick_actions")[start::4]).encode() for start in range(4)]


# HTML


def read_html(data: bytes) -> Split:
    markup = decode(data)
    to_plain_text(markup)
    to_markdown(markup)
    show_html(markup, {})
    return split_html_reply(markup)


def check_html(data: bytes) -> None:
    """Nothing in the Markdown is active, also for a page that would not clean it."""
    markup = decode(data)
    split = split_html_reply(markup)
    for found in (to_markdown(markup), to_plain_text(markup), split.reply, split.quoted):
        assert_harmless(html_properties.render(found), is_page=True)
    assert not NONCHARACTERS & set(split.reply + split.quoted + to_plain_text(markup))
    assert_harmless(show_html(markup, {}), is_page=False)


# Markdown

BASE_URL = "https://letterbox.localhost"
MARKDOWN = [
    "# A\n\n*b* **c** ~~d~~ `e` [f](https://g.example 'h') ![i](/uploads/" + "a" * 32 + "/j.png)",
    "|a|b|\n|-|:-:|\n|c|d|\n\n1. e\n2. f\n\n   g\n\n- [x] h\n\n> i\n> > j\n\n```python\nk\n```\n",
    "https://a.b/(c) www.d.e f@g.h <https://i.j> <b onclick=x>k</b> &amp; &#x6a; \\* 가**나(a)**다",
]


def read_markdown(data: bytes) -> tuple[str, str]:
    text = decode(data)
    return render_markdown(text), render_mail(text, base_url=BASE_URL)


def check_markdown(data: bytes) -> None:
    """Well formed, of allowed elements only, and the same when it was kept."""
    page, mail = read_markdown(data)
    rendering_properties.read(page, in_mail=False)
    rendering_properties.read(mail, in_mail=True)
    assert_harmless(page, is_page=True)
    assert_harmless(mail, is_page=True)
    text = decode(data)
    assert keeping.find(keeping.make(text), text) == page


# Replies


def read_reply(data: bytes) -> Split:
    text = decode(data)
    split = split_reply(text)
    find_others(text, split)
    find_forward(text, split=split, subject="Fwd: x", zone=None)
    cut_footers(text)
    unfold_flowed(remove_armour(text), delete_space=True)
    return split


def check_reply(data: bytes) -> None:
    """Nothing is lost, and what is cut once is cut."""
    text = decode(data)
    read_reply(data)
    for holds in (
        reply_properties.test_every_line_is_in_one_of_the_halves,
        reply_properties.test_halves_keep_the_order_of_the_input,
        reply_properties.test_second_split_cuts_nothing,
    ):
        holds.hypothesis.inner_test(text)
    split = split_reply(text)
    assert not text.strip() or split.reply or split.quoted
    in_text, in_reply = find_others(text, split)
    assert all(number < len(split_lines(text)) for number in in_text.numbers | in_text.below)
    assert all(number < len(split_lines(split.reply)) for number in in_reply.numbers)
    assert cut_footers(cut_footers(text)) == cut_footers(text)
    parse_plain(data)


# Links and keys of ours

TOKEN = "WzEsImkiLDNd:1rNdKe:Ab-_d3F9a1b2c3d4e5f6a7b8c9d0e1f2a3b4c5d6e7f"


def read_secrets(data: bytes) -> tuple[str, bytes]:
    links = bearer_secrets.SIGNED_LINKS.registered
    with (
        patch.object(bearer_secrets.SIGNED_LINKS, "_registered", [*links, TOKEN.__eq__]),
        patch.object(bearer_secrets.KEYS, "_registered", [lambda runs: {secrets.KEY} & set(runs)]),
    ):
        (cut,) = cut_secrets(decode(data))
        return cut, cut_secrets_in_file(data, name="a.eml", content_type="message/rfc822")


def check_secrets(data: bytes) -> None:
    """What was cut once is cut, in as many lines, and no whole secret is left."""
    text = decode(data)
    cut, file = read_secrets(data)
    assert cut.count("\n") == text.count("\n")
    assert read_secrets(cut.encode())[0] == cut
    assert read_secrets(file)[1] == file
    assert not re.search(rf"(?<![\w.-]){re.escape(TOKEN)}(?![\w-])", cut, re.ASCII)
    assert not re.search(rf"(?<![0-9a-z]){secrets.KEY}(?![0-9a-z])", cut, re.ASCII | re.IGNORECASE)


def find_secrets() -> list[bytes]:
    link = f"http://localhost/unsubscribe/{TOKEN}/"
    found = [
        link,
        f"> {link[:50]}\n> {link[50:]}",
        link.replace(":", "%3A"),
        link.replace(":", "-3A"),
    ]
    found += [
        f"incoming+{secrets.KEY}@letterbox.localhost",
        "\n".join(SENTENCES),
        f"a{TOKEN}/ {secrets.KEY}",
    ]
    return [each.encode() for each in found]
