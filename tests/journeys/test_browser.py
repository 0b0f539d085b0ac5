"""A member in a real browser: finds the mailed issue, and comments on a line of a diff."""

from email.message import EmailMessage

import pytest
from django.core.management import call_command

from incoming_email.models import InboxMethod, Mailbox, SenderToken
from issues.models import Issue, Role
from tests.clones import Clone, plant
from tests.factories import PASSWORD, MembershipFactory
from tests.issues.proposals import propose

pytestmark = [pytest.mark.services, pytest.mark.django_db(transaction=True)]

PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 900}


@pytest.fixture
def member():
    Mailbox.objects.create(
        name="main",
        enabled=True,
        address="incoming+%{key}@letterbox.localhost",
        inbox_method=InboxMethod.SMTP,
    )
    membership = MembershipFactory(
        role=Role.DEVELOPER, project__path="acme/shop", user__username="ada"
    )
    return membership.user


@pytest.fixture
def page(browser, live_server, member):
    """The member's list of issues, after log-in by keyboard; closes without any script error."""
    context = browser.new_context(
        viewport=DESKTOP, permissions=["clipboard-read", "clipboard-write"], locale="en-US"
    )
    context.set_default_timeout(60_000)
    page = context.new_page()
    problems = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(f"{live_server.url}/account/login/?next=/acme/shop/-/issues/")
    # Chromium focuses a field after the event "load"; what is typed before is lost.
    page.wait_for_function("document.activeElement.id == 'id_login'")
    page.keyboard.type("ada")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{live_server.url}/acme/shop/-/issues/")
    yield page
    context.close()
    assert problems == []


def write_mail(path, *, to, subject, text):
    mail = EmailMessage()
    mail["From"] = "ada@example.com"
    mail["To"] = to
    mail["Subject"] = subject
    mail["Message-ID"] = f"<{path.name}@example.com>"
    mail.set_content(text)
    path.write_bytes(mail.as_bytes())
    return str(path)


def copied_address(page):
    """What the Copy button put on the clipboard."""
    page.get_by_role("button", name="Copy").click()
    page.get_by_text("Copied.").wait_for()
    return page.evaluate("navigator.clipboard.readText()")


def test_mail_to_the_copied_address_becomes_an_issue_in_the_list(page, member, tmp_path):
    address = copied_address(page)
    assert address == page.get_by_label("Your private address").input_value()
    assert SenderToken.objects.get(user=member).token in address

    mail = write_mail(tmp_path / "new", to=address, subject="The cart is slow", text="On phones.")
    call_command("receive_email", mail)
    page.reload()
    page.get_by_role("link", name="The cart is slow").click()

    page.get_by_role("heading", name="The cart is slow").wait_for()
    assert "On phones." in page.inner_text("article")
    assert Issue.objects.get().author == member
    page.screenshot(path=tmp_path / "issue.png", full_page=True)

    mail = write_mail(tmp_path / "note", to=copied_address(page), subject="x", text="On desks too.")
    call_command("receive_email", mail)
    page.reload()
    assert page.get_by_label("Comment by ada").inner_text().count("On desks too.") == 1


def test_reset_changes_the_address(page):
    before = copied_address(page)

    page.get_by_text("Reset", exact=True).click()
    page.get_by_role("button", name="Reset my private addresses").click()

    page.get_by_text("Your private addresses are new.").wait_for()
    assert page.url.endswith("/acme/shop/-/issues/")
    assert copied_address(page) != before


def test_pages_fit_a_phone(page, live_server, tmp_path):
    page.set_viewport_size(PHONE)
    page.get_by_role("link", name="New issue").click()
    page.get_by_label("Title").fill("wide" * 60)
    page.get_by_label("Description").fill(f"`{'code' * 80}`\n\n{'long' * 80}")
    page.get_by_role("button", name="Create issue").click()
    page.get_by_text("Issue #1 is open.").wait_for()

    for path in ("/", "/account/", "/acme/shop/-/issues/", "/acme/shop/-/issues/1/"):
        page.goto(live_server.url + path)
        page.screenshot(path=tmp_path / "phone.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"], path


def test_skip_link_comes_first_and_leads_to_the_content(page):
    page.reload()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"

    page.keyboard.press("Enter")

    assert page.evaluate("document.activeElement.id") == "main"


CODE = b'"""Doors."""\n\n\ndef oil(hinge: str) -> str:\n    return f"{hinge}, oiled"  # no grease\n'


@pytest.fixture
def merge_request(member, tmp_path):
    """Changed code, a moved file, a picture, and a line that is longer than any window."""
    project = member.projects.get()
    plant(project)
    clone = Clone(project, tmp_path / "clone")
    clone.oil(3)
    clone.git("mv", "docs/readme.md", "docs/doors.md")
    clone.write("doors/oil.py", CODE)
    clone.write("door.png", b"\0\1")
    clone.write("long.txt", b"wide" * 200 + b"\n")
    clone.commit("Oil by program\n\nBy hand it takes too long.")
    return propose(clone, project, member).merge_request


def test_a_comment_on_a_line_of_the_diff(page, live_server, merge_request, tmp_path):
    """Under a policy that forbids every script and style that is not a file of ours."""
    broken = []
    page.on("console", lambda message: broken.append(message.text))

    page.get_by_role("link", name="Merge requests").click()
    assert "-merge-request@" in page.get_by_label("Your private address").input_value()
    page.get_by_role("link", name=merge_request.title).click()
    page.get_by_text("It merges cleanly").wait_for()
    page.get_by_text("Oil by program").click()
    page.get_by_text("By hand it takes too long.").wait_for()
    page.get_by_role("link", name="Changes").click()
    page.get_by_role("link", name="Comment on line 5", exact=True).last.click()
    page.get_by_label("Comment", exact=True).fill("Why **not** grease?")
    page.get_by_role("button", name="Comment", exact=True).click()

    comment = page.get_by_label("Comment by ada")
    comment.wait_for()
    row = page.locator("tr", has=comment)
    assert "no grease" in row.locator("xpath=preceding-sibling::tr[1]").inner_text()
    assert page.locator(".code .k", has_text="def").count() == 1
    look_at(page, tmp_path, "changes")

    page.get_by_role("link", name="Discussion").click()
    page.get_by_role("link", name="doors/oil.py").wait_for()
    look_at(page, tmp_path, "discussion")
    page.get_by_role("link", name="doors/oil.py").click()
    page.wait_for_url("**/changes/#*")
    assert broken == []


def look_at(page, folder, name):
    """Pictures for people; the machine sees that nothing is wider than the window."""
    for size in (DESKTOP, PHONE):
        page.set_viewport_size(size)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            file = folder / f"{name}-{size['width']}-{scheme}.png"
            page.screenshot(path=file, full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth") == size["width"]
    page.set_viewport_size(DESKTOP)
