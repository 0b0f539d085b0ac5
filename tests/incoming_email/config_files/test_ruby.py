"""The reader of gitlab.rb: literals only, all else is a sentence with the line's number."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incoming_email.config_files import ConfigFile, UnreadableConfig, ruby
from incoming_email.config_files.ruby_literals import NotLiteral, read_literal
from incoming_email.config_files.types import Entry
from tests.growing import assert_linear

PREFIX = "gitlab_rails['incoming_email_address'] = "


def values(text):
    (section,) = ruby.read_sections(text).sections
    return {entry.key: entry.value for entry in section.entries}


@pytest.mark.parametrize(
    ("literal", "value"),
    [
        ("'it''s'", None),
        (r"'a\'b\\c\n'", "a'b\\c\\n"),
        (r'"a\"b\\c\n\t\s\e"', 'a"b\\c\n\t \x1b'),
        (r'"\u00e4\u{1F600}\xe4\101\q"', "ä😀äAq"),
        (r'"%{key} # no comment"', "%{key} # no comment"),
        (r'"\#{no} \\\#{no}"', r"#{no} \#{no}"),
        ('"two\nlines"', "two\nlines"),
        ('"joined\\\nline"', "joinedline"),
        ("143", 143),
        ("-1_000", -1000),
        ("1.5", 1.5),
        ("true", True),
        ("false", False),
        ("nil", None),
    ],
)
def test_literals(literal, value):
    if literal == "'it''s'":
        with pytest.raises(UnreadableConfig):
            values(PREFIX + literal)
        return
    assert values(PREFIX + literal)["address"] == value


@pytest.mark.parametrize(
    "literal",
    [
        "ENV['ADDRESS']",
        '"#{user}@example.com"',
        '"#@user"',
        r'"\\#{user}"',
        "'a' + 'b'",
        "'a' 'b'",
        "'a'.freeze",
        "%w[a b]",
        "['a']",
        ":imap",
        "`id`",
        "0143",
        "1e3",
        "99999999999999999999",
        "1.second",
        "true if File.exist?('/etc')",
        "truely",
        "nil.to_s",
        "'open",
        '"open',
        "{ 'a': 1",
        "{ a 1 }",
        "{ 'a' 1 }",
        "{ 'a': { 'b': ENV } }",
        "{ 'a': 1 'b': 2 }",
        "{{{{{{{{",
        "<<~TEXT",
        "",
    ],
)
def test_what_is_no_literal_is_named_by_its_line(literal):
    with pytest.raises(UnreadableConfig) as caught:
        ruby.read_sections(f"# first\n\n{PREFIX}{literal}\n")
    assert str(caught.value).startswith(("Line 3: the value of", "Line 4: the value of"))
    assert "incoming_email_address is not a plain text" in str(caught.value)


def test_line_of_a_fault_within_a_hash():
    text = "gitlab_rails['incoming_email_inbox_options'] = {\n  'tenant_id': 'a',\n  'b': ENV\n}\n"
    with pytest.raises(UnreadableConfig, match="Line 3: the value of incoming_email_inbox_options"):
        ruby.read_sections(text)


@pytest.mark.parametrize(
    "text",
    [
        "{ 'tenant_id': 'a', \"client_id\" => 'b' }",
        "{tenant_id: 'a', :client_id => 'b',}",
        "{ # a comment\n  'tenant_id' => 'a', # another\n\n  'client_id': 'b'\n}",
    ],
)
def test_hashes_in_each_way_of_writing(text):
    found = values(f"gitlab_rails['incoming_email_inbox_options'] = {text}")
    assert found == {"inbox_options.tenant_id": "a", "inbox_options.client_id": "b"}


@pytest.mark.parametrize(
    "line",
    [
        "gitlab_rails['incoming_email_port'] = 993",
        'gitlab_rails["incoming_email_port"]=993',
        "  gitlab_rails[ :incoming_email_port ]  =  993 # TLS",
        "gitlab_rails['incoming_email_port'] =\n  993;",
        "gitlab_rails['incoming_email_port'] = 143\ngitlab_rails['incoming_email_port'] = 993",
    ],
)
def test_assignments_in_each_way_of_writing_and_the_last_counts(line):
    assert values(line) == {"port": 993}


def test_names_of_the_package_are_those_of_the_other_file():
    text = (
        "gitlab_rails['incoming_email_email'] = 'a'\n"
        "gitlab_rails['incoming_email_mailbox_name'] = 'b'\n"
        "gitlab_rails['incoming_email_log_file'] = 'c'\n"
    )
    assert values(text) == {"user": "a", "mailbox": "b", "log_path": "c"}


def test_both_sections():
    config = ruby.read_sections(f"{PREFIX}'a'\ngitlab_rails['service_desk_email_address'] = 'b'\n")
    assert [(s.purpose, s.entries) for s in config.sections] == [
        ("incoming_email", (Entry("address", "a"),)),
        ("service_desk_email", (Entry("address", "b"),)),
    ]


def test_all_else_in_the_file_is_left_alone():
    text = f"""\
## gitlab_rails['incoming_email_address'] = "commented"
external_url 'https://gitlab.example.com'
roles ['redis_sentinel_role']
gitlab_rails['smtp_enable'] = true
gitlab_rails['ldap_servers'] = YAML.load <<-'EOS'
  gitlab_rails['incoming_email_address'] = "in a heredoc"
  EOS
if ENV['X']
  nginx['enable'] = false
end
nginx['x'] = true if false
registry['y'].each do |z|
  puts z
end
if true then puts 1 end
=begin
{PREFIX}"in a comment"
=end
{PREFIX}"incoming+%{{key}}@example.com"
__END__
{PREFIX}"behind the end"
"""
    assert values(text) == {"address": "incoming+%{key}@example.com"}


def test_a_setting_in_a_block_is_not_taken_for_granted():
    text = f"\nif ENV['MAIL']\n  {PREFIX}'a'\nend\n"
    with pytest.raises(UnreadableConfig) as caught:
        ruby.read_sections(text)
    assert str(caught.value) == (
        "Line 3: incoming_email_address is in a block that begins at line 2. Letterbox"
        " evaluates no Ruby, so move the line out of the block."
    )


@pytest.mark.parametrize(
    "line",
    [
        "gitlab_rails['incoming_email_enabled'] ||= true",
        "gitlab_rails['incoming_email_inbox_options'].merge!('a' => 1)",
        "gitlab_rails['incoming_email_enabled'], x = true, 1",
        "gitlab_rails.store('incoming_email_enabled', true)",
    ],
)
def test_a_setting_in_another_form_is_not_passed_in_silence(line):
    with pytest.raises(UnreadableConfig, match="Line 1 can't be read"):
        ruby.read_sections(line)


def test_what_only_mentions_incoming_email_is_a_remark():
    config = ruby.read_sections(f"mailroom['incoming_email_auth_token'] = 'x'\n{PREFIX}'a'\n")
    assert config.remarks == ("Line 1 mentions incoming email, but sets no option of a mailbox.",)


def test_file_without_our_lines():
    with pytest.raises(UnreadableConfig, match="The file has no line such as"):
        ruby.read_sections("external_url 'https://gitlab.example.com'\n")


def test_secrets_do_not_show_in_a_repr():
    config = ruby.read_sections("gitlab_rails['incoming_email_password'] = 's3cret'\n")
    assert "s3cret" not in repr(config)


@given(
    st.text(alphabet="gitlab_rails['incoming_email_x'] = \"#{}%:,\n\\=>09<<ifdoend", max_size=200)
)
def test_any_text_is_read_or_refused(text):
    with contextlib.suppress(UnreadableConfig):
        assert isinstance(ruby.read_sections(text), ConfigFile)


@given(st.text(max_size=50))
def test_a_text_in_double_quotes_comes_back_as_it_was(text):
    quoted = '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("#", "\\#") + '"'
    assert read_literal(quoted, 0).value == text


@given(st.text(alphabet="'\"{}:,=>#\\ ntf019._", max_size=60))
def test_any_literal_is_read_or_refused(text):
    with contextlib.suppress(NotLiteral):
        assert read_literal(text, 0).end <= len(text)


@pytest.mark.growth
@pytest.mark.parametrize(
    "piece",
    [
        "x do ",
        "if ",
        "{ 'a': ",
        "\\",
        "'",
        '"#',
        "# ",
        "gitlab_rails['incoming_email_a'] = 1\n",
        "do |a",
        "<<A ",
        "\\\\#",
    ],
)
@pytest.mark.parametrize("start", ["", "gitlab_rails['incoming_email_a'] = \"", PREFIX])
def test_time_grows_with_the_length_only(start, piece):
    def read(text):
        with contextlib.suppress(UnreadableConfig):
            ruby.read_sections(text)

    assert_linear(read, lambda count: start + piece * count, 8_000, 80_000)
