"""Run in a copy of the project that has the method JMAP: how the rest treats it, as JSON."""

import json
import sys

import django
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.utils import timezone

# Tables as the models say: no migration, of which the copy would need a new one.
settings.MIGRATION_MODULES = {app.rpartition(".")[2]: None for app in settings.INSTALLED_APPS}
django.setup()

from incoming_email.admin.mailbox_form import MailboxForm  # noqa: E402
from incoming_email.admin.mailbox_presets import find_preset  # noqa: E402
from incoming_email.admin.mailbox_sections import choose_sections  # noqa: E402
from incoming_email.config_files.loading import load  # noqa: E402
from incoming_email.config_files.types import ConfigFile, Entry, Section  # noqa: E402
from incoming_email.models import InboundEmail, Mailbox  # noqa: E402
from incoming_email.monitoring import health  # noqa: E402
from incoming_email.pipeline import fetching  # noqa: E402


def find_form() -> dict[str, object]:
    preset = find_preset("jmap")
    sections = choose_sections(Mailbox(**preset.fields), can_change=True)
    needed = {
        "reply_sender_policy": "off",
        "token_sender_policy": "off",
        "spam_policy": "off",
        "port": 143,
    }
    counts = {"folder": "inbox", "idle_timeout": 60, "probe_minutes": 0}
    days = {name: 1 for name in MailboxForm().fields if name.startswith("keep_")}
    values = {"name": "by form", "purpose": "incoming_email", "user": "me", **preset.fields}
    form = MailboxForm({**values, **needed, **counts, **days})
    return {
        "steps": [str(step) for step in preset.steps],
        "open": [str(title) for title, more in sections if title and not more["classes"]],
        "asks_for": [more["fields"] for title, more in sections if title == "JMAP session"],
        "errors": form.errors,
    }


def find_problems() -> dict[str, list[str]]:
    try:
        Mailbox(name="x", inbox_method="jmap", address="in@example.com", enabled=True).full_clean()
    except ValidationError as error:
        return error.message_dict
    return {}


def load_file(**values: object) -> dict[str, object]:
    given = {"enabled": True, "inbox_method": "jmap", "user": "me", "address": "in@example.com"}
    entries = tuple(Entry(key.replace("__", "."), value) for key, value in (given | values).items())
    (loaded,) = load(ConfigFile((Section("incoming_email", entries),)))
    return {"enabled": loaded.mailbox.enabled, "remarks": loaded.remarks}


def poll() -> dict[str, object]:
    mailbox = Mailbox.objects.to_poll(timezone.now()).get()
    server = {"jmap.example.com": True, "elsewhere.example.com": False}
    found = {}
    for host in server:
        mailbox.host = host
        lines = health.diagnose_mailbox(mailbox)
        found[host] = {line.finding.step: line.finding.answer for line in lines}
    mailbox.refresh_from_db()
    new = fetching.fetch(mailbox, holder="test")
    mailbox.refresh_from_db()
    return {
        "check": found,
        "new": new,
        "sources": list(InboundEmail.objects.values_list("source_id", flat=True)),
        "position": mailbox.position,
        "waits_for_its_interval": not Mailbox.objects.to_poll(timezone.now()).exists(),
    }


call_command("migrate", run_syncdb=True, verbosity=0)
parts = {
    "form": find_form(),
    "problems": find_problems(),
    "without_token": load_file(host="jmap.example.com"),
    "loaded": load_file(host="jmap.example.com", inbox_options__jmap_token="t"),
    "polled": poll(),
}
sys.stdout.write(json.dumps(parts, default=str))
