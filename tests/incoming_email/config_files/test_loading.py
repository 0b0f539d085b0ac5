"""Each example set-up ends in a mailbox, or in the sentence that the administrator needs."""

from pathlib import Path

import pytest

from incoming_email.models import InboxMethod, Mailbox, Purpose
from incoming_email.pipeline import fetching
from incoming_email.secrets import secret_files
from tests.incoming_email.factories import RAW, MailboxFactory
from tests.incoming_email.secret_commands import run
from tests.servers.dovecot import password_of

COMMAND = "load_incoming_email_config"
EXAMPLES = Path(__file__).parent / "examples"
SECRET = "s3cret-of-no-value"
pytestmark = pytest.mark.django_db

IMAP = {
    "inbox_method": "imap",
    "purpose": "incoming_email",
    "folder": "inbox",
    "idle_timeout": 60,
    "delete_after_delivery": True,
    "expunge_deleted": True,
    "start_tls": False,
}
TLS = IMAP | {"port": 993, "ssl": True}
OFFICE = TLS | {"host": "outlook.office365.com", "user": "incoming@office365.example.com"}
EXCHANGE = TLS | {"host": "exchange.example.com", "user": "incoming@ad-domain.example.com"}
GRAPH = {
    "inbox_method": "microsoft_graph",
    "purpose": "incoming_email",
    "address": "incoming+%{key}@example.onmicrosoft.com",
    "user": "incoming@example.onmicrosoft.com",
    "delete_after_delivery": False,
    "poll_interval": 60,
    "tenant_id": "",
    "client_id": "",
}
EXPECTED = {
    "postfix": IMAP
    | {
        "address": "incoming+%{key}@gitlab.example.com",
        "user": "incoming",
        "host": "gitlab.example.com",
        "port": 143,
        "ssl": False,
    },
    "gmail": TLS
    | {
        "address": "gitlab-incoming+%{key}@gmail.com",
        "user": "gitlab-incoming@gmail.com",
        "host": "imap.gmail.com",
    },
    "exchange_catch_all": EXCHANGE | {"address": "incoming-%{key}@exchange.example.com"},
    "exchange_dedicated": EXCHANGE | {"address": "incoming@exchange.example.com"},
    "office365_sub_address": OFFICE | {"address": "incoming+%{key}@office365.example.com"},
    "office365_catch_all": OFFICE | {"address": "incoming-%{key}@office365.example.com"},
    "office365_dedicated": OFFICE | {"address": "incoming@office365.example.com"},
    "graph": GRAPH
    | {
        "azure_ad_endpoint": "https://login.microsoftonline.com",
        "graph_endpoint": "https://graph.microsoft.com",
    },
    "graph_us_government": GRAPH
    | {
        "azure_ad_endpoint": "https://login.microsoftonline.us",
        "graph_endpoint": "https://graph.microsoft.us",
    },
}
FILES = sorted(path.name for path in EXAMPLES.iterdir() if path.stem in EXPECTED)


@pytest.fixture(autouse=True)
def secrets_dir(settings, tmp_path):
    settings.SECRETS_DIR = tmp_path / "secrets"


@pytest.fixture
def load(tmp_path):
    def load_text(text, *words, name="gitlab.yml"):
        file = tmp_path / name
        file.write_text(text)
        return run(COMMAND, str(file), *words)

    return load_text


def filled_in(name):
    """The example as an administrator would have it."""
    text = (EXAMPLES / name).read_text().replace("[REDACTED]", SECRET)
    for word in ("TENANT-ID", "CLIENT-ID", "CLIENT-SECRET"):
        text = text.replace(f"<YOUR-{word}>", f"{word.lower()}-of-no-value")
    return text


def columns(row, names):
    return {name: getattr(row, name) for name in names}


def test_there_are_nine_set_ups_and_seven_in_both_languages():
    assert len({name.partition(".")[0] for name in FILES}) == 9
    assert len(FILES) == 16


@pytest.mark.parametrize("name", FILES)
def test_example_with_its_placeholders_loads_switched_off_with_a_sentence(name):
    status, output, _ = run(COMMAND, str(EXAMPLES / name))
    expected = EXPECTED[name.partition(".")[0]]
    row = Mailbox.objects.get()
    assert columns(row, expected) == expected
    assert (status, row.name, row.enabled) == (0, row.address, False)
    assert (row.password, row.client_secret) == ("", "")
    assert f"{row.address}: created, switched off" in output
    lacking = (
        "tenant_id (<YOUR-TENANT-ID>), client_id (<YOUR-CLIENT-ID>), client_secret"
        if row.inbox_method == InboxMethod.MICROSOFT_GRAPH
        else "password ([REDACTED])"
    )
    assert f"because these fields are still empty: {lacking}" in output
    assert ("it accepts replies only" in output) is ("dedicated" in name)


@pytest.mark.parametrize("name", FILES)
def test_example_that_is_filled_in_ends_in_a_mailbox_that_can_be_read(name, load):
    status, output, _ = load(filled_in(name), name=name)
    row = Mailbox.objects.get()
    assert (status, row.enabled) == (0, True)
    assert f"{row.address}: created, enabled" in output
    assert SECRET not in output
    row.full_clean()
    if row.inbox_method == InboxMethod.MICROSOFT_GRAPH:
        assert row.account().client_secret == "client-secret-of-no-value"
        assert (row.tenant_id, row.client_id) == ("tenant-id-of-no-value", "client-id-of-no-value")
    else:
        account = row.account()
        assert (account.password, account.ssl, account.port) == (SECRET, row.ssl, row.port)
    before = Mailbox.objects.values().get()
    assert f"{row.address}: unchanged, enabled" in load(filled_in(name), name=name)[1]
    assert Mailbox.objects.values().get() | {"password": "", "client_secret": ""} == before | {
        "password": "",
        "client_secret": "",
    }


@pytest.mark.services
@pytest.mark.django_db(transaction=True)
def test_loaded_mailbox_is_read(load, dovecot, imap_user):
    """The first example against a server of ours."""
    text = (EXAMPLES / "postfix.yml").read_text().replace("[REDACTED]", password_of(imap_user))
    text = text.replace('user: "incoming"', f'user: "{imap_user}"')
    text = text.replace('host: "gitlab.example.com"', 'host: "localhost"')
    load(text.replace("port: 143", f"port: {dovecot.port}"))
    dovecot.deliver(imap_user, RAW)
    assert fetching.fetch(Mailbox.objects.get(), holder="test") == 1
    assert dovecot.messages(imap_user) == {}


def test_encrypted_credentials_are_enough(load):
    text = (EXAMPLES / "encrypted.yml").read_text()
    output = load(text)[1]
    assert "still empty: user, password." in output
    assert "incoming_email_secret edit --mailbox" in output
    row = Mailbox.objects.get()
    secret_files.write_text(row.pk, f"user: incoming\npassword: {SECRET}")
    assert "changed, enabled" in load(text)[1]
    assert "unchanged, enabled" in load(text)[1]


def test_compose_file_names_what_to_do():
    assert run(COMMAND, str(EXAMPLES / "compose.yml")) == (
        65,
        "",
        "Nothing was loaded. This is a compose file. Copy the lines of GITLAB_OMNIBUS_CONFIG into"
        " a file gitlab.rb and load that.",
    )


def test_section_with_user_and_password_only_asks_for_the_address(load):
    status, _, error = load(
        "production:\n  incoming_email:\n    enabled: true\n    password: 'examplepassword'\n"
    )
    assert status == 65
    assert error == (
        "Nothing was loaded. incoming_email has no address, so no mailbox can be created from it."
        ' Add a line such as address: "incoming+%{key}@example.com".'
    )


ADDRESS = 'incoming_email:\n  enabled: true\n  address: "in+%{key}@example.com"\n'
SOUND = ADDRESS + "  host: imap.example.com\n  user: in\n  password: 'first'\n"


def test_what_an_administrator_entered_since_stays(load):
    load(SOUND.replace("'first'", "'[REDACTED]'"))
    Mailbox.objects.update(password="entered", enabled=True, name="support", folder="Mail")
    output = load(SOUND.replace("'first'", "'[REDACTED]'"))[1]
    row = Mailbox.objects.get()
    assert "unchanged, enabled (“support”)" in output
    assert (row.password, row.folder) == ("entered", "Mail")


def test_what_changed_in_the_file_changes_the_mailbox(load):
    load(SOUND)
    assert "changed, enabled" in load(SOUND.replace("first", "second") + "  port: '993'\n")[1]
    row = Mailbox.objects.get()
    assert (row.password, row.port) == ("second", 993)
    assert "changed, switched off" in load(SOUND.replace("enabled: true", "enabled: false"))[1]


def test_a_stored_password_goes_to_no_other_server(load):
    load(SOUND)
    elsewhere = SOUND.replace("  password: 'first'\n", "") + "  port: '993'\n"
    assert "switched off" in load(elsewhere)[1]
    row = Mailbox.objects.get()
    assert (row.password, row.port, row.enabled) == ("", 993, False)


def test_a_stored_password_is_not_sent_in_clear_from_then_on(load):
    load(SOUND + "  ssl: true\n")
    assert "switched off" in load(SOUND.replace("  password: 'first'\n", "  ssl: false\n"))[1]
    assert Mailbox.objects.get().password == ""


def test_null_never_overrides(load):
    load(SOUND + "  folder:\n  mailbox: Mail\n")
    load(SOUND + "  mailbox:\n  enabled: ~\n")
    row = Mailbox.objects.get()
    assert (row.folder, row.enabled) == ("Mail", True)


def test_a_password_that_no_key_fits_is_not_taken_for_missing(load, settings):
    load(SOUND)
    settings.ENCRYPTION_KEYS = ["another"]
    assert "unchanged, enabled" in load(SOUND.replace("  password: 'first'\n", ""))[1]


def test_another_address_or_purpose_is_another_mailbox(load):
    desk = SOUND.replace("incoming_email:", "service_desk_email:")
    load(SOUND)
    load(SOUND.replace("in+", "new+"))
    load(desk, "--name", "desk")
    assert list(Mailbox.objects.order_by("pk").values_list("purpose", "address", "name")) == [
        ("incoming_email", "in+%{key}@example.com", "in+%{key}@example.com"),
        ("incoming_email", "new+%{key}@example.com", "new+%{key}@example.com"),
        ("service_desk_email", "in+%{key}@example.com", "desk"),
    ]


def test_both_sections_of_one_file(load):
    text = SOUND + SOUND.replace("incoming_email:", "service_desk_email:").replace("in+", "desk+")
    status, output, _ = load(text)
    assert status == 0
    assert output.splitlines() == [
        "incoming_email in+%{key}@example.com: created, enabled (“in+%{key}@example.com”)",
        "service_desk_email desk+%{key}@example.com: created, enabled (“desk+%{key}@example.com”)",
    ]
    assert load(text, "--name", "x")[2].endswith(
        "--name is for one mailbox, and the file sets up two."
    )


def test_a_second_section_with_a_fault_takes_the_first_back(load):
    status, _, error = load(SOUND + "service_desk_email:\n  enabled: true\n")
    assert (status, "service_desk_email has no address" in error) == (65, True)
    assert not Mailbox.objects.exists()


def test_a_second_section_that_nobody_set_up_is_left_out(load):
    assert load(SOUND + "service_desk_email:\n  enabled: false\n")[0] == 0
    assert Mailbox.objects.get().purpose == Purpose.INCOMING_EMAIL


def test_service_desk_without_key_is_told_so(load):
    text = SOUND.replace("incoming_email:", "service_desk_email:").replace("+%{key}", "")
    assert "which the service desk needs to tell projects apart" in load(text)[1]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("in+%{key}@", "in@%{key}."), "incoming_email can't be loaded. address: "),
        (("in+%{key}@", "in+%{nokey}@"), "address: The only placeholder is %{key}."),
        (
            ("host: imap.example.com", "ssl: true\n  start_tls: true\n  host: x"),
            "start_tls: Choose",
        ),
        (("user: in", "idle_timeout: 1800\n  user: in"), "idle_timeout: "),
        (("user: in", "port: 99999\n  user: in"), "port: "),
        (("user: in", "port: many\n  user: in"), "port must be a whole number."),
        (("user: in", "ssl: 'false'\n  user: in"), "ssl must be true or false."),
        (("'first'", "1234"), "password must be a string; put it in quotes"),
        (("user: in", "inbox_method: pop3\n  user: in"), "inbox_method: "),
        (
            ("user: in", "inbox_options: {graph_endpoint: 'http://a'}\n  user: in"),
            "graph_endpoint: ",
        ),
    ],
)
def test_what_can_not_work_is_refused_with_the_reason(load, change, sentence):
    status, output, error = load(SOUND.replace(*change))
    assert (status, output) == (65, "")
    assert error.startswith("Nothing was loaded. ")
    assert sentence in error
    assert not Mailbox.objects.exists()


def test_name_of_another_mailbox_is_refused(load):
    MailboxFactory(name="support")
    status, _, error = load(SOUND, "--name", "support")
    assert (status, "name: " in error) == (65, True)


def test_keys_that_are_not_taken_over_are_named(load):
    output = load(
        SOUND + "  adress: x\n  log_path: /var/log\n  secret_file: /etc/x\n"
        "  encrypted_secret_file: /etc/y\n"
    )[1]
    assert "Unknown keys ignored (typo?): adress." in output
    assert "Ignored because Letterbox does not need them: log_path, secret_file." in output
    assert "Give its content to: python manage.py incoming_email_secret write" in output


def test_template_that_is_switched_off(load):
    output = load(SOUND.replace("enabled: true", "enabled: false"))[1]
    assert "created, switched off" in output
    assert "It is disabled, as in the file. Enable it in the admin." in output


def test_file_that_is_not_there(tmp_path):
    status, _, error = run(COMMAND, str(tmp_path / "missing.yml"))
    assert (status, error) == (
        66,
        f"{tmp_path / 'missing.yml'} can't be read: No such file or directory.",
    )


def test_remark_of_the_reader_is_shown(load):
    text = "mailroom['incoming_email_auth_token'] = 'x'\n" + filled_in("gmail.rb")
    assert load(text, name="gitlab.rb")[1].startswith("Line 1 mentions incoming email")
