"""A maintainer at a browser, and an SMTP listener, for the tests of the desk's pages."""

import pytest

from incoming_email.models import InboxMethod, Mailbox
from incoming_email.smtp import listener as smtp
from issues.models import Role
from tests.factories import PASSWORD, MembershipFactory
from tests.servers.dovecot import free_ports

SIZES = {"desk": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}


@pytest.fixture
def listener():
    (port,) = free_ports(1)
    Mailbox.objects.create(
        name="listener",
        enabled=True,
        address="incoming+%{key}@letterbox.localhost",
        inbox_method=InboxMethod.SMTP,
        port=port,
    )
    controller = smtp.start_listener("127.0.0.1", port)
    yield port
    controller.stop()


@pytest.fixture
def page(browser, live_server, settings):
    """The maintainer's list of issues; closes without any script error."""
    settings.BASE_URL = live_server.url
    MembershipFactory(
        role=Role.MAINTAINER,
        project__path="acme/shop",
        project__visibility="private",
        user__username="mona",
    )
    context = browser.new_context(
        viewport=SIZES["desk"], permissions=["clipboard-read", "clipboard-write"], locale="en-US"
    )
    context.set_default_timeout(60_000)
    page = context.new_page()
    problems = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(f"{live_server.url}/account/login/?next=/acme/shop/-/issues/")
    page.get_by_label("User name or e-mail address").fill("mona")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{live_server.url}/acme/shop/-/issues/")
    yield page
    context.close()
    assert problems == []


def look(page, folder, name):
    """Each page fits its screen, in both sizes and colours."""
    for size, viewport in SIZES.items():
        page.set_viewport_size(viewport)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            page.screenshot(path=folder / f"{name}-{size}-{scheme}.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth") == viewport["width"], name
    page.set_viewport_size(SIZES["desk"])
