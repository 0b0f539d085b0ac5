"""A stranger's HTML in the console, in a real browser: nothing runs, and nobody is called."""

import contextlib
import socket
import threading

import pytest

from incoming_email.admin import ledger
from tests.admin_site import incoming_url
from tests.factories import PASSWORD, UserFactory
from tests.incoming_email.factories import InboundEmailFactory
from tests.waiting import join_all

pytestmark = [pytest.mark.services, pytest.mark.django_db(transaction=True)]

HOSTILE = """
<html><head><meta http-equiv="refresh" content="0;url=http://{away}/refresh">
<base href="http://{away}/"><title>x</title>
<link rel="stylesheet" href="http://{away}/sheet.css"><link rel="icon" href="http://{away}/icon">
<link rel="prefetch" href="http://{away}/prefetch">{connect}
<style>@import url(http://{away}/import.css);
@font-face {{ font-family: f; src: url(http://{away}/f) }}
body {{ background: url(http://{away}/css); font-family: f; }}
p {{ color: rgb(1, 2, 3); cursor: url(http://{away}/cursor), auto }}</style>
<script src="http://{away}/script.js"></script>
<script>document.title = "ran"; fetch("http://{away}/fetch")</script></head>
<body onload="document.body.id = 'ran'" background="http://{away}/background">
<p style="background-image: url(http://{away}/inline)">Dear <a id="top" target="_top"
href="http://{away}/top">Ada</a>, <a id="self" href="http://{away}/self" ping="http://{away}/ping">
read</a>.</p>
<img src="http://{away}/pixel" onerror="document.body.id = 'ran'"><img src="relative.png">
<img srcset="http://{away}/set 2x"><svg onload="document.body.id = 'ran'">
<image href="http://{away}/svg"/><script>document.body.id = 'ran'</script>
<use href="http://{away}/use#x"/></svg>
<iframe src="http://{away}/frame"></iframe><object data="http://{away}/object"></object>
<embed src="http://{away}/embed">
<video src="http://{away}/video" poster="http://{away}/poster"></video>
<form id="form" action="http://{away}/form"><input name="password" autofocus>
<button>Go</button></form>
</body></html>
"""


@pytest.fixture
def away():
    """Address of a server of the sender's, and the list of connections that it got."""
    calls = []
    server = socket.create_server(("127.0.0.1", 0))

    def listen():
        with contextlib.suppress(OSError):  # closed
            while True:
                connection, _ = server.accept()
                with connection:
                    calls.append(connection.recv(200))

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    yield f"127.0.0.1:{server.getsockname()[1]}", calls
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    join_all(thread)


@pytest.fixture
def page(browser, live_server):
    UserFactory(username="root", is_staff=True, is_superuser=True)
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-US")
    context.set_default_timeout(60_000)
    page = context.new_page()
    page.goto(f"{live_server.url}/admin/login/")
    page.get_by_label("User name or e-mail address").fill("root")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Dashboard").wait_for()
    yield page
    context.close()


def find_frame(page):
    (frame,) = [each for each in page.frames if each.parent_frame == page.main_frame]
    return frame


def look_at(page, live_server, row, folder):
    """The page of the row, and its frame: whatever can be clicked in it is clicked."""
    address = live_server.url + incoming_url("inboundemail", "change", row.pk)
    page.goto(address)
    page.wait_for_load_state("networkidle")
    frame = find_frame(page)
    frame.get_by_text("Dear").wait_for()
    page.locator("iframe").screenshot(path=folder / "frame.png")
    for selector in ("#top", "#self", "button"):
        if frame.locator(selector).count():
            with contextlib.suppress(Exception):  # it may be gone with the page that was left
                frame.locator(selector).click(timeout=3000, no_wait_after=True)
    page.wait_for_timeout(500)
    assert page.url == address
    assert page.get_by_role("heading", name="As it looked").count() == 1


def test_hostile_html_calls_nobody(page, live_server, away, tmp_path):
    address, calls = away
    markup = HOSTILE.format(
        away=address, connect=f'<link rel="preconnect" href="http://{address}/">'
    )
    raw = f"From: a@example.com\nContent-Type: text/html\n\n{markup}".encode()
    row = InboundEmailFactory(raw=raw)
    look_at(page, live_server, row, tmp_path)
    frame = find_frame(page)
    assert "Dear Ada, read." in " ".join(frame.locator("body").inner_text().split())
    assert frame.locator("#ran").count() == 0
    assert frame.locator("p").evaluate("p => getComputedStyle(p).color") == "rgb(1, 2, 3)"
    assert calls == []


def test_the_frame_alone_holds_what_gets_past_the_cleaning(
    page, live_server, away, tmp_path, monkeypatch
):
    """Without the preconnect, which no policy knows of."""
    address, calls = away
    markup = HOSTILE.format(away=address, connect="")
    monkeypatch.setattr(ledger, "show_html", lambda *_: markup)
    row = InboundEmailFactory(raw=b"From: a@example.com\nContent-Type: text/html\n\n<p>Hi</p>")
    look_at(page, live_server, row, tmp_path)
    assert calls == []

    page.goto(live_server.url + incoming_url("inboundemail", "html", row.pk))
    page.get_by_text("Dear").wait_for()
    page.wait_for_timeout(500)
    assert page.title() == "x"
    assert page.locator("#ran").count() == 0
    assert calls == []
