"""The image's files alone do the work, by the commands and settings of each platform."""

import json

import pytest

from incoming_email.versions import find_version
from tests.deploy.image import open_image, read_words
from tests.deploy.machine import running
from tests.deploy.platforms import running_compose, running_kubernetes
from tests.deploy.reading import own_services
from tests.deploy.visiting import Visitor, send
from tests.waiting import wait_until

PATCH = """\
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=border

--border
Content-Type: text/plain

Hooks for coats.
--border
Content-Type: text/x-patch; name=0001-Add-hooks.patch
Content-Disposition: attachment; filename=0001-Add-hooks.patch

From 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001
From: Dana Developer <dana@letterbox.localhost>
Date: Thu, 26 Nov 2026 10:00:00 +0000
Subject: [PATCH] Add hooks

---
diff --git a/hooks.txt b/hooks.txt
new file mode 100644
index 0000000..8ba3a16
--- /dev/null
+++ b/hooks.txt
@@ -0,0 +1 @@
+n
-- \n2.39.5

--border--
""".replace("\n", "\r\n")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.mark.services
def test_compose_takes_mail_through():
    with running_compose() as platform:
        follow_the_mail(platform)


def test_kubernetes_takes_mail_through():
    with running_kubernetes() as platform:
        follow_the_mail(platform)


def follow_the_mail(platform):
    """Everything that is done with a new installation: slow to start, so it is started once."""
    wait_until(lambda: platform.visit().find_health("database,listener").get("listener"))
    (dana,) = [user for user in platform.seeded["users"] if user["username"] == "dana"]
    visitor = platform.visit()
    visitor.log_in(dana["username"], dana["password"])
    a_mail_becomes_an_issue(platform, visitor, dana)
    a_patch_becomes_a_merge_request(platform, visitor, dana)
    pages_have_their_styles_and_their_korean(platform.visit())
    the_platform_finds_every_container_well(platform)
    the_check_says_no_to_nothing(platform)
    log = platform.container.machine.log.read_text()
    assert "Traceback" not in log, log
    # The platform gives the secrets, so no process may make its own.
    assert not (platform.container.folder / "data" / "secret.env").exists()


def a_mail_becomes_an_issue(platform, visitor, dana):
    send(platform.container.listener, dana["email"], dana["addresses"]["new_issue"], "A mute bell")
    wait_until(lambda: "A mute bell" in visitor.ask("/acme/shop/-/issues/")[1])
    row = "InboundEmail.objects.get(subject='A mute bell')"
    assert ask(platform, f"{row}.version") == find_version()
    wait_until(lambda: ask(platform, "OutgoingEmail.objects.filter(state='sent').exists()"))


def a_patch_becomes_a_merge_request(platform, visitor, dana):
    address = dana["addresses"]["new_merge_request"]
    send(platform.container.listener, dana["email"], address, "coat-hooks", PATCH)
    wait_until(lambda: "Add hooks" in visitor.ask("/acme/shop/-/merge_requests/")[1])
    _status, changes = visitor.ask("/acme/shop/-/merge_requests/1/changes/")
    assert "hooks.txt" in changes


def pages_have_their_styles_and_their_korean(visitor):
    visitor.headers["Accept-Language"] = "ko"
    for page in ("/account/login/", "/account/password/reset/"):
        status, text = visitor.ask(page)
        assert (status, "비밀번호" in text) == (200, True)
        assert visitor.find_assets(text) != []
        for asset in visitor.find_assets(text):
            assert visitor.ask(asset)[0] == 200, asset


def the_platform_finds_every_container_well(platform):
    wait_until(lambda: all(probe.is_well(platform, process) for process, probe in platform.probes))
    wait_until(lambda: set(platform.visit().find_health().values()) == {True})


def the_check_says_no_to_nothing(platform):
    """Asked in a worker's container, where the listener is another one's."""
    done = platform.machines["worker-upkeep"].run(
        ["python", "manage.py", "check_incoming_email", "--json"]
    )
    findings = json.loads(done.stdout)["findings"]
    assert [each for each in findings if each["answer"] == "no"] == []
    assert done.returncode == 0


def ask(platform, expression):
    """What it is in the web container."""
    code = (
        "from incoming_email.models import *; from issues.models import *; import json;"
        f"print(json.dumps({expression}))"
    )
    return json.loads(
        platform.machines["web"].say(["python", "manage.py", "shell", "--no-imports", "-c", code])
    )


OVERDUE = """
from datetime import timedelta
from django.utils import timezone
from incoming_email.models import heartbeats
from incoming_email.pipeline import receiving
from incoming_email.inboxes.base import RawMessage
from incoming_email.models import Mailbox
now = timezone.now()
heartbeats.record_heartbeat("worker:incoming", now=now)
message = RawMessage("1", b"Subject: Nobody looks at me\\r\\n\\r\\n")
receiving.store(Mailbox.objects.get(), [message], now=now - timedelta(minutes=20), claimed=False)
"""


def test_a_worker_that_lives_and_processes_nothing_is_not_well():
    healthcheck = own_services()["worker-incoming"]["healthcheck"]["test"][1:]
    with open_image() as container:
        machine = container.machine_of("worker-incoming", {})
        for words in (["migrate"], ["seed_demo"], ["shell", "--no-imports", "-c", OVERDUE]):
            machine.say(["python", "manage.py", *words])
        probe = container.localize_all(healthcheck)
        with running([(machine, container.localize_all(read_words("CMD")))]):
            visitor = Visitor(container.web, host="localhost")
            wait_until(lambda: visitor.find_health("incoming").get("incoming"))
            assert machine.run(probe).returncode != 0
            machine.run(["python", "manage.py", "check_incoming_email", "--fetch"])
            # An answer of /health/ is kept for some seconds.
            wait_until(lambda: machine.run(probe).returncode == 0)
