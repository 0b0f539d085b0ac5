"""What a project takes by mail: each action can be switched off, and proof can be required."""

import pytest
from allauth.mfa.totp.internal.auth import TOTP

from incoming_email.sender_auth.key_records import KeyRecords
from issues.models import OutgoingEmail, Project
from tests.clones import Clone, plant
from tests.incoming_email.sender_auth.signing import record, sign
from tests.incoming_email.world import make_mail, make_world

pytestmark = pytest.mark.django_db
RESULTS = "mx.example.net; dmarc=pass header.from=example.com"


@pytest.fixture
def world(tmp_path):
    """With a branch that a mail may make a merge request of."""
    world = make_world(trusted_authserv_id="mx.example.net")
    plant(world.issue.project)
    clone = Clone(world.issue.project, tmp_path / "clone")
    clone.oil(3)
    clone.git("push", "-q", str(clone.origin), "HEAD:refs/heads/fix")
    return world


def send(world, action, **headers):
    issue_address = world.issue_address()
    address = {
        "replies_by_mail": world.reply_address(),
        "issues_by_mail": issue_address,
        "comments_by_mail": issue_address.replace("-issue@", f"-issue-{world.issue.iid}@"),
        "merge_requests_by_mail": world.merge_request_address(),
    }[action]
    headers = {"sender": world.member.email, "subject": "fix", **headers}
    return world.receive(make_mail(to=address, **headers))


ACTIONS = ("replies_by_mail", "issues_by_mail", "comments_by_mail", "merge_requests_by_mail")


@pytest.mark.parametrize("off", ACTIONS)
def test_one_action_is_off_and_the_others_are_not(world, off):
    Project.objects.update(**{off: False})

    rows = {action: send(world, action) for action in ACTIONS}

    ends = {action: (row.status, row.reason) for action, row in rows.items()}
    taken = dict.fromkeys(ACTIONS, ("processed", ""))
    assert ends == taken | {off: ("rejected", "switched_off")}
    told = OutgoingEmail.objects.get(kind="rejection", text__contains="web page instead")
    assert told.recipient == world.member.email


def test_leaving_a_discussion_cannot_be_switched_off(world):
    Project.objects.update(**dict.fromkeys(ACTIONS, False), mail_needs_second_factor=True)
    address = world.reply_address().replace("@", "-unsubscribe@")

    assert world.receive(make_mail(to=address, sender=world.member.email)).status == "processed"


@pytest.mark.parametrize("action", ACTIONS)
def test_who_has_no_second_factor_is_told_to_set_one_up(world, action):
    Project.objects.update(mail_needs_second_factor=True)
    row = send(world, action)
    assert (row.status, row.reason) == ("rejected", "no_second_factor")
    told = OutgoingEmail.objects.get(kind="rejection")
    assert (told.recipient, "second factor" in told.text) == (world.member.email, True)
    TOTP.activate(world.member, "JBSWY3DPEHPK3PXP")

    assert send(world, action).status == "processed"


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({}, "not_authenticated"),
        ({"Authentication_Results": RESULTS.replace("pass", "fail")}, "not_authenticated"),
        ({"Authentication_Results": RESULTS, "sender": "eve@example.com"}, "sender_mismatch"),
        ({"Authentication_Results": RESULTS}, ""),
    ],
)
@pytest.mark.parametrize("action", ACTIONS)
def test_the_sender_is_proven_where_the_project_asks_for_it(world, action, headers, reason):
    Project.objects.update(mail_needs_authentication=True)

    row = send(world, action, **headers)

    assert (row.status, row.reason) == ("held" if reason else "processed", reason)


def test_our_own_check_of_signatures_counts_there(world, monkeypatch):
    monkeypatch.setattr(KeyRecords, "_resolve", lambda _self, _name: record().encode())
    Project.objects.update(mail_needs_authentication=True)
    mail = make_mail(to=world.issue_address(), sender=world.member.email)

    assert world.receive(sign(mail)).status == "processed"
