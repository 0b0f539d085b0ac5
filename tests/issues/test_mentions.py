"""The names that a text calls."""

import pytest

from issues.notifications.mentions import MAX_MENTIONS, parse_mentions


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("@ann and @Bob.", {"ann", "bob"}),
        ("(@ann), @bob: @carl-x @d.e_f", {"ann", "bob", "carl-x", "d.e_f"}),
        ("joe@example.com and x@ann", set()),
        ("https://example.com/@ann", set()),
        ("> @ann wrote\nyes @bob", {"bob"}),
        ("   > @ann", set()),
        ("`@ann` and ``x ` @bob`` but @carl", {"carl"}),
        ("```\n@ann\n```\n@bob", {"bob"}),
        ("~~~ruby\n@ann\n```\n@x\n~~~~\n@bob", {"bob"}),
        ("````\n```\n@ann\n````\n@bob", {"bob"}),
        ("```\n@ann is never closed", set()),
        ("    @ann\n\t@bob", set()),
        ("@ @@ann @.x", set()),
        ("", set()),
        ("@앤", {"앤"}),
    ],
)
def test_parse_mentions(text, names):
    assert parse_mentions(text) == names


def test_a_text_calls_a_bounded_number_of_people():
    assert len(parse_mentions(" ".join(f"@p{n}" for n in range(200)))) == MAX_MENTIONS


@pytest.mark.timeout(20)
@pytest.mark.parametrize("text", ["`" * 200_000, "@" * 200_000, "@a." * 100_000, "` `` " * 50_000])
def test_mentions_are_found_in_bounded_time(text):
    assert len(parse_mentions(text)) <= MAX_MENTIONS
