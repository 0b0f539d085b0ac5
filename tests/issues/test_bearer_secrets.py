"""Links and keys of ours in texts: whatever mail programs make of them, they are cut."""

import base64
import quopri
import re

import pytest
from django.core import signing

from issues import bearer_secrets
from issues.bearer_secrets import cut_secrets, cut_secrets_in_file
from tests.growing import assert_linear

KEY = "3qw54ej5wrf8yvufn94v5bsn2"
SALT = "tests.link"


def is_token(token):
    try:
        signing.loads(token, salt=SALT)
    except signing.BadSignature:
        return False
    return True


@pytest.fixture(autouse=True)
def _ours(monkeypatch):
    monkeypatch.setattr(bearer_secrets.SIGNED_LINKS, "_registered", [is_token])
    monkeypatch.setattr(bearer_secrets.KEYS, "_registered", [lambda runs: {KEY} & set(runs)])


@pytest.fixture(params=range(5))
def token(request):
    """Some have `-` and `_` in them, and some none."""
    return signing.dumps([request.param, "i", 3 * request.param], salt=SALT)


def percent(text):
    return text.replace(":", "%3A").replace("/", "%2F")


def proofpoint(text):
    text = text.replace("-", "-2D").replace("_", "-5F").replace(":", "-3A")
    return "https://urldefense.proofpoint.com/v2/url?u=" + text.replace("/", "_") + "&d=DwMF"


@pytest.mark.parametrize(
    "write",
    [
        lambda link, _: link,
        lambda link, _: f"[Unsubscribe]({link})",
        lambda link, token: link.replace(token, f"\n{token}"),
        lambda link, token: "> " + link.replace(token, f" \n> {token}"),
        lambda link, _: ">> " + re.sub(r"([-/])", r"\1\n>> ", link),
        lambda link, _: "\n".join(re.findall(".{1,19}", link)),
        lambda link, _: re.sub(r"([-_])", r"\\\1", link),
        lambda link, _: link.replace(":", ":\u200b").replace("_", "_\xad"),
        lambda link, _: f"https://x.safelinks.protection.outlook.com/?url={percent(link)}&data=05",
        lambda link, _: f"https://x.example/?a={percent(percent(link).replace('%', '%25'))}",
        lambda link, _: proofpoint(link),
        lambda link, _: f"https://urldefense.com/v3/__{link}__;!!abc$",
        lambda _, token: f"The token is {token}, you see.",
        lambda _, token: f"The token is\n{token}",
        lambda link, _: link.replace(":", "&#58;"),
    ],
    ids=[
        *("plain", "Markdown", "before the token", "in a quote", "at each hyphen", "at a column"),
        *("escaped", "invisible letters", "SafeLinks", "encoded twice", "Proofpoint 2"),
        *("Proofpoint 3", "alone", "alone in a line", "HTML"),
    ],
)
def test_a_signed_link_is_cut(write, token):
    text = "Yes.\n" + write(f"http://localhost/unsubscribe/{token}/", token) + "\nThat is all."
    (cut,) = cut_secrets(text)
    assert "…" in cut
    for piece in token.split(":")[1:]:
        assert piece not in re.sub(r"[^\w-]", "", cut)
    assert cut.count("\n") == text.count("\n")
    assert cut.startswith("Yes.\n")
    assert cut.endswith("\nThat is all.")


@pytest.mark.parametrize(
    "text",
    [
        f"incoming+{KEY}@letterbox.localhost",
        f"<reply-{KEY.upper()}@letterbox.localhost>",
        f"mailto:incoming%2B{KEY}%40letterbox.localhost",
        f"incoming+acme-shop-1-{KEY}-issue-3@letterbox.localhost",
        f"The key is {KEY}.",
    ],
)
def test_a_key_is_cut(text):
    (cut,) = cut_secrets(text)
    assert cut == re.sub(f"({KEY[:4]}){KEY[4:]}", r"\1…", text, flags=re.IGNORECASE)


@pytest.mark.parametrize("gap", ["\n", "\n> ", "\r\n>> > ", "=\n", "\xad", "\u200b"])
@pytest.mark.parametrize("end", ["@localhost", "-unsubscribe@localhost", "\n> @localhost"])
@pytest.mark.parametrize("start", ["incoming+", "incoming%2B", "reply-", "shop-1-"])
def test_a_key_that_a_program_has_broken_is_cut(start, end, gap):
    for at in (1, 6, 24):
        text = f"Reply-To: <{start}{KEY[:at]}{gap}{KEY[at:]}{end}>"
        (cut,) = cut_secrets(text)
        assert re.sub(r"[^0-9a-z]", "", cut).count(KEY[4:12]) == 0
        assert cut.startswith(f"Reply-To: <{start}{KEY[0]}")
        assert cut.endswith(f"{end}>")
        assert cut.count("\n") == text.count("\n")


def test_a_key_right_behind_a_link_is_cut(token):
    assert cut_secrets(f"{token}{KEY}") == [f"{token[:4]}…{KEY[:4]}…"]


def test_what_is_none_of_ours_stays(token):
    texts = [
        f"{token[:-1]}A" if token[-1] != "A" else f"{token[:-1]}B",
        signing.dumps([1], salt="of somebody else"),
        "ckopqwooh000001la8mbi2im9 or 3qw54ej5wrf8yvufn94v5bsn3",
        "a:bcdefg:" + "h" * 43,
        "",
    ]
    assert cut_secrets(*texts) == texts


@pytest.mark.parametrize(
    ("encode", "decode"),
    [
        (lambda text: text, lambda data: data),
        (quopri.encodestring, quopri.decodestring),
        (
            lambda text: b"Content-Transfer-Encoding: base64\n\n" + base64.encodebytes(text),
            lambda data: base64.b64decode(data.partition(b"\n\n")[2]),
        ),
    ],
    ids=["as it is", "quoted-printable", "base64"],
)
def test_a_mail_as_a_file(encode, decode, token):
    text = f"Go on:\nhttp://localhost/unsubscribe/{token}/ or {KEY}@localhost\nBye\n".encode()
    content = b"Subject: =?utf-8?q?caf=C3=A9?=\n" + encode(text)
    cut = cut_secrets_in_file(content, name="mail", content_type="message/rfc822")
    read = decode(cut)
    assert token.encode() not in read
    assert KEY.encode() not in read
    assert b"unsubscribe/" in read
    assert read.endswith(b"Bye\n")


def test_other_files_stay(token):
    content = token.encode()
    assert cut_secrets_in_file(content, name="a.png", content_type="image/png") == content
    for name in ("a.html", "a.EML"):
        cut = cut_secrets_in_file(content, name=name, content_type="application/octet-stream")
        assert cut == token[:4].encode() + b"..."


@pytest.mark.growth
@pytest.mark.parametrize(
    "piece",
    [
        ":", " ", ">", "a", ":aaaaaa:", ":aaaaaa:a ", ":a" + 40 * " ", "%3A", "-3A", "a-3Abbbbbb",
        "a:bbbbbb:" + 43 * "c" + " ", f"{KEY} ", f"{KEY[:-1]}x@ ", "key/1-",
        f"key/1{40 * ' '}", "key/1-aaaaaa-f", "lorem ipsum: dolor. ", "-", f"-a{40 * ' '}",
        f"-{24 * f'a{40 * chr(32)}'}", f"-{KEY[:-1]}\n@",
    ],
)  # fmt: skip
def test_time_grows_with_the_length(piece):
    assert_linear(cut_secrets, lambda size: piece * (size // len(piece)), 50_000, 200_000)


@pytest.mark.growth
@pytest.mark.parametrize(
    "piece", ["content-transfer-encoding: base64\n", "content-transfer-encoding:base64\n\n", "A\n"]
)
def test_time_of_a_file_grows_with_its_length(piece):
    assert_linear(
        lambda content: cut_secrets_in_file(content, name="a.eml", content_type=""),
        lambda size: (piece * (size // len(piece))).encode(),
        50_000,
        200_000,
    )
