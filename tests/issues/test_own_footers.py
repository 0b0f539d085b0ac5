"""The footer of a notification in what people write: whole, wrapped, quoted, in each language."""

import re
from pathlib import Path

import pytest
from django.template.loader import render_to_string
from django.utils import translation

from incoming_email.parsing.html.markdown import to_markdown
from issues.notifications import composing
from issues.notifications.recipients import Tie
from issues.own_footers import BESIDE, SENTENCES, cut_footers
from tests.growing import assert_linear

URL = "http://127.0.0.1:8000/acme/shop/-/issues/7/"


def make_mail(kind, language, tie):
    with translation.override(language):
        context = {
            "headline": "Rita wrote:",
            "text": "Can you look?",
            "html": "Can you look?",
            "url": URL,
            "reason": composing._reason(tie),
            "can_reply": True,
            "unsubscribe_url": f"http://127.0.0.1:8000/unsubscribe/{'x' * 60}/",
            "language": language,
        }
        return render_to_string(f"issues/mail/notification.{kind}", context)


def quote(text):
    return "".join(f"> {line}\n" for line in text.splitlines())


def wrap(text):
    """At blanks past 40 characters, and after a slash or hyphen of what is longer."""
    text = re.sub(r"(.{40}\S*) ", r"\1\n", text)
    return re.sub(r"/unsubscribe/", "/unsubscribe/ \n", text)


@pytest.mark.parametrize("tie", Tie)
@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("change", [str, wrap, quote, lambda t: quote(wrap(t))], ids=list("abcd"))
@pytest.mark.parametrize("kind", ["txt", "html"])
def test_the_footer_goes_and_nothing_else(kind, change, language, tie):
    mail = make_mail(kind, language, tie)
    text = change(to_markdown(mail) if kind == "html" else mail) + "\n\nThat is all I can say."
    cut = cut_footers(text)
    assert "Rita wrote:" in cut
    assert "Can you look?" in cut
    assert cut.endswith("That is all I can say.")
    assert URL not in cut
    assert "unsubscribe" not in cut.lower()
    assert not re.search("[가-힣]", cut)


@pytest.mark.parametrize(
    "text",
    [
        "Unsubscribe <http://news.example/u/1>",
        "Why do I read “View it here:” below?",
        "You're receiving this email because you opened this. What does that mean?",
        f"Reply to this email directly, or view it here: {URL}",
        "",
    ],
)
def test_what_people_write_of_it_stays(text):
    assert cut_footers(text) == text


def test_every_sentence_of_our_mails_is_known():
    """Those of the templates, and the reasons."""
    templates = Path("templates/issues/mail")
    marked = {
        found
        for kind in ("txt", "html")
        for found in re.findall(
            r'translate "([^"]+)"', (templates / f"notification.{kind}").read_text()
        )
    }
    with translation.override("en"):
        marked |= {composing._reason(tie) for tie in Tie}
    assert marked == {*SENTENCES, BESIDE}


@pytest.mark.growth
@pytest.mark.parametrize(
    "piece",
    ["You're receiving ", "> View it here:\n", "View ", " " * 50, "View it here:" + " " * 50],
)
def test_time_grows_with_the_length(piece):
    assert_linear(cut_footers, lambda size: piece * (size // len(piece)), 50_000, 200_000)
