"""The commands of docs/patches-by-mail.md, from a clone of the demo's repository."""

import json
import os
import shutil
import subprocess
from email.message import EmailMessage

import pytest

from tests.deploy.doc_blocks import take_block
from tests.deploy.machine import running
from tests.servers.dovecot import free_ports
from tests.servers.programs import give_up, require_program
from tests.waiting import can_connect, wait_until

FORMAT = take_block("docs/patches-by-mail.md", "git format-patch")
SEND = take_block("docs/patches-by-mail.md", "git config sendemail.to")
PLACEHOLDER = "incoming+acme-shop-1-…-merge-request@example.com"
CONFIG = """\
[user]
    name = Dana Developer
    email = dana@letterbox.localhost
[sendemail]
    smtpServer = 127.0.0.1
    smtpServerPort = {port}
    confirm = never
    suppressCc = all
"""
EDITOR = """\
#!/bin/sh
sed -i 's/[*]* SUBJECT HERE [*]*/coat-hooks/; s/[*]* BLURB HERE [*]*/For coats./' "$@"
"""

pytestmark = pytest.mark.slow


@pytest.fixture
def address(place):
    """Dana's for merge requests; a commit of hers is in a clone."""
    require_program("git")
    users = json.loads(place.follow("python manage.py seed_demo --json"))["users"]
    (clone,) = (place.folder / "var/repositories").glob("*.git")
    (place.programs / ".gitconfig").write_text(CONFIG.format(port=25))
    place.follow(
        f"git clone --quiet {clone} work/clone; cd work/clone; echo hook > hooks.txt\n"
        "git add hooks.txt; git commit --quiet --message 'Add hooks'"
    )
    return users[0]["addresses"]["new_merge_request"]


def find_title(place):
    return place.ask("print(*MergeRequest.objects.values_list('title', 'source_branch'))")


def test_patches_are_attached(place, address):
    (name,) = place.follow(f"cd work/clone\n{FORMAT.text}").split()
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "dana@letterbox.localhost", address, "fix-the-door"
    mail.set_content("A hook.")
    patch = (place.folder / "work/clone" / name).read_bytes()
    mail.add_attachment(patch, maintype="text", subtype="x-patch", filename=name)
    (place.folder / "work/mail.eml").write_bytes(bytes(mail))
    place.follow("python manage.py receive_email work/mail.eml")
    assert find_title(place) == "('Add hooks', 'fix-the-door')"


def has_send_email():
    """With the Perl module that Debian's package only recommends."""
    folder = subprocess.run(["git", "--exec-path"], capture_output=True, text=True, check=True)
    folders = f"{folder.stdout.strip()}{os.pathsep}{os.environ['PATH']}"
    if not (shutil.which("git-send-email", path=folders) and shutil.which("perl")):
        return False
    words = ["perl", "-MMail::Address", "-e", "1"]
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


def test_a_series_is_sent_by_git(place, address):
    if not has_send_email():
        give_up("git-send-email", "apt-get install git-email libmailtools-perl")
    (port,) = free_ports(1)
    settings = {"SMTP_LISTENER_PORT": str(port)}
    (place.programs / ".gitconfig").write_text(CONFIG.format(port=port))
    place.add_program("editor-of-dana", EDITOR)
    with running([(place.machine(**settings), ["python", "manage.py", "serve_smtp"])]):
        wait_until(lambda: can_connect(port))
        commands = SEND.text.replace(PLACEHOLDER, address)
        place.follow(f"cd work/clone\n{commands}", GIT_EDITOR="editor-of-dana")
    place.run("python manage.py check_incoming_email --fetch")
    assert find_title(place) == "('coat-hooks', 'coat-hooks')"
