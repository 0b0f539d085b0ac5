"""The reader of gitlab.yml, and which of the two readers a file goes to."""

import pytest

from incoming_email.config_files import UnreadableConfig, read
from incoming_email.config_files.types import Entry


def sections(text, filename="gitlab.yml", environment="production"):
    config = read(text.encode(), filename=filename, environment=environment)
    return {section.purpose: section.entries for section in config.sections}


AT_TOP = "incoming_email:\n  port: 993\n"


def test_section_at_the_top_and_under_the_environment():
    assert sections(AT_TOP) == {"incoming_email": (Entry("port", 993),)}
    text = "production: &base\n  incoming_email:\n    port: 143\ntest:\n  <<: *base\n"
    assert sections(text) == {"incoming_email": (Entry("port", 143),)}
    assert sections(text, environment="test") == {"incoming_email": (Entry("port", 143),)}
    assert sections(AT_TOP + text) == {"incoming_email": (Entry("port", 143),)}


def test_both_sections_and_options():
    text = "service_desk_email:\n  inbox_options:\n    tenant_id: a\n    poll_interval:\n" + AT_TOP
    assert sections(text) == {
        "incoming_email": (Entry("port", 993),),
        "service_desk_email": (
            Entry("inbox_options.tenant_id", "a"),
            Entry("inbox_options.poll_interval", None),
        ),
    }


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a: b\nproduction: {c: 1}\n", "There is no section incoming_email at the top or under"),
        ("a: b\n", "The file has: a."),
        ("incoming_email:\n", "There is no section incoming_email"),
        ("incoming_email: true\n", "incoming_email: has no settings below it."),
        ("incoming_email:\n  port: [1]\n", "incoming_email: port must be one text"),
        ("incoming_email:\n  address: 2026-11-25\n", "incoming_email: address must be one text"),
        ("incoming_email:\n  a: {b: {c: {d: 1}}}\n", "incoming_email: a: b: c must be one text"),
        ("incoming_email:\n  password: *s3cret\n", "Line 2 is not valid YAML."),
        ("incoming_email:\n  a: !!python/object:os.system x\n", "Line 2 is not valid YAML."),
        ("incoming_email:\n  <%= x %>\n", "incoming_email: has no settings below it."),
        ("- a\n", "The file is not a gitlab.yml"),
        ("", "The file is not a gitlab.yml"),
        ("[" * 100_000, "The file is not valid YAML."),
    ],
)
def test_what_can_not_be_read_is_a_sentence(text, sentence):
    with pytest.raises(UnreadableConfig) as caught:
        sections(text)
    assert sentence in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_an_environment_that_is_not_there_names_what_is():
    with pytest.raises(UnreadableConfig) as caught:
        sections("production:\n  incoming_email:\n    port: 1\n", environment="staging")
    assert str(caught.value) == (
        "There is no section incoming_email at the top or under staging; --environment names"
        " another one. The file has: production."
    )


def test_language_by_name_else_by_content():
    line = "gitlab_rails['incoming_email_port'] = 993\n"
    for filename in ("gitlab.rb", "config", "gitlab.conf"):
        assert sections(line, filename=filename) == sections(AT_TOP, filename="config")
    with pytest.raises(UnreadableConfig, match="no keys"):
        sections(line, filename="gitlab.yml")


def test_line_ends_and_byte_order_mark_of_windows():
    assert sections("\ufeff" + AT_TOP.replace("\n", "\r\n")) == sections(AT_TOP)


def test_file_that_is_no_text_or_too_large():
    for content, sentence in (
        (b"\xff\xfe\x00", "not text in UTF-8"),
        (b"a" * 3_000_000, "too large"),
    ):
        with pytest.raises(UnreadableConfig, match=sentence):
            read(content, filename="gitlab.yml", environment="production")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "incoming_email:\n  password: <%= ENV['IMAP_PASSWORD'] %>\n",
            "incoming_email: password is Ruby code, between <% and %>.",
        ),
        (
            "incoming_email:\n  password: \"<%= File.read('/run/s3cret').strip %>\"\n",
            "incoming_email: password is Ruby code, between <% and %>.",
        ),
        (
            "service_desk_email:\n  inbox_options:\n    client_secret: x<%= y %>\n",
            "service_desk_email: inbox_options: client_secret is Ruby code",
        ),
        (
            "incoming_email:\n  port: 993\n  <% if s3cret %>\n  user: a\n",
            "Line 3 holds Ruby code, between <% and %>.",
        ),
        (
            "incoming_email:\n  password: <%= {a: 's3cret'}[:a] %>\n",
            "Ruby code, between <% and %>. Letterbox evaluates no Ruby",
        ),
    ],
)
def test_embedded_ruby_is_refused_and_never_a_value(text, sentence):
    with pytest.raises(UnreadableConfig) as caught:
        sections(text)
    assert sentence in str(caught.value)
    assert str(caught.value).endswith("so write the value itself there.")
    assert "s3cret" not in str(caught.value)


def test_embedded_ruby_elsewhere_in_the_file_is_none_of_our_business():
    text = "production:\n  gitlab:\n    host: <%= HOST %>\n" + AT_TOP
    assert sections(text) == sections(AT_TOP)
