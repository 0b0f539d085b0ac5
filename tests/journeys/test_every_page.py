"""Each page in a real browser, in light and dark, on a desk and on a phone.

axe finds no serious fault, nothing breaks the policy, no script fails, and nothing is wider than
the screen. axe looks at the desk in light and at the phone in dark; with PICTURES=FOLDER in the
environment at all four, and leaves pictures there, for people to look at.
"""

import os
import re
from urllib.parse import urlsplit

import pytest
from django.contrib import admin
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone

from incoming_email.models import Mailbox
from issues import services
from issues.models import MergeRequest, OutgoingEmail
from issues.unsubscribing import unsubscribe_url
from servicedesk.links import leaving_url
from tests.factories import PASSWORD, UserFactory
from tests.issues.one_time_codes import make_code
from tests.journeys.furnishing import furnish
from tests.servers.programs import require_module

pytestmark = [
    pytest.mark.services,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.django_db(transaction=True),
]

PICTURES = os.environ.get("PICTURES")
SIZES = {1280: 900, 390: 844}
LOOKS = (
    {1280: ("light", "dark"), 390: ("light", "dark")}
    if PICTURES
    else {1280: ("light",), 390: ("dark",)}
)
SERIOUS = {"serious", "critical"}
OPTIONS = {"resultTypes": ["violations"], "preload": False}
READY = "new Promise((done) => window.django?.jQuery ? django.jQuery(done) : done())"
SETTLE = """() => document.getAnimations().forEach((each) => {
  try { each.finish() } catch { each.cancel() }
})"""
"""Colours that are on their way to the other scheme are neither. What never ends is taken away."""


@pytest.fixture
def installation(tmp_path, settings, live_server):
    settings.BASE_URL = live_server.url
    return furnish(tmp_path)


@pytest.fixture
def open_as(browser, live_server):
    """A page of somebody who has logged in, or of nobody."""
    contexts = []

    def open_page(user=None):
        context = browser.new_context(base_url=live_server.url, locale="en-US")
        contexts.append(context)
        context.set_default_timeout(60_000)
        if user is not None:
            client = Client()
            client.force_login(user)
            value = client.cookies["sessionid"].value
            context.add_cookies([{"name": "sessionid", "value": value, "url": live_server.url}])
        return context.new_page()

    yield open_page
    for context in contexts:
        context.close()


def find_faults(page, paths):
    """Of each page in each look; an empty list is what we want."""
    axe = require_module("axe_playwright_python.sync_playwright").Axe()
    faults = []
    for path in paths:
        faults += [*open_and_listen(page, path), *look_at(page, path, axe)]
    return faults


def open_and_listen(page, path):
    """What the browser complains of while the page loads: the policy, a script, a lost file."""
    heard = []

    def listen(message):
        if message.type in {"error", "warning"}:
            heard.append(f"{path}: {message.text}")

    def fail(error):
        heard.append(f"{path}: {error}")

    page.on("console", listen)
    page.on("pageerror", fail)
    answer = page.goto(path)
    page.evaluate(READY)
    page.remove_listener("console", listen)
    page.remove_listener("pageerror", fail)
    return [*heard, *([] if answer.ok else [f"{path}: {answer.status}"])]


def press(page, path, button):
    """What the page answers to a button of it."""
    page.goto(path)
    page.get_by_role("button", name=button).click()
    page.wait_for_load_state()
    return f"{path}-{button}"


def look_at(page, path, axe):
    name = re.sub(r"[^a-z0-9]+", "-", urlsplit(path).path.strip("/").lower())[:80] or "home"
    for width, schemes in LOOKS.items():
        page.set_viewport_size({"width": width, "height": SIZES[width]})
        for scheme in schemes:
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            page.evaluate(SETTLE)
            if PICTURES:
                page.screenshot(path=f"{PICTURES}/{name}-{width}-{scheme}.png", full_page=True)
            for each in axe.run(page, options=OPTIONS).response["violations"]:
                if each["impact"] in SERIOUS:
                    where = [node["html"][:200] for node in each["nodes"]][:3]
                    yield f"{path} {width} {scheme}: {each['id']}: {each['help']}: {where}"
        wide = page.evaluate("document.documentElement.scrollWidth")
        if wide > width:
            yield f"{path} {width}: is {wide} wide"


def list_models(user, *apps):
    """List, form and first row of each model that the admin shows."""
    request = RequestFactory().get("/")
    request.user = user
    for model in admin.site._registry:
        meta = model._meta
        if meta.app_label not in apps:
            continue
        name = f"admin:{meta.app_label}_{meta.model_name}"
        yield reverse(f"{name}_changelist")
        row = model._default_manager.order_by("pk").first()
        if row is not None:
            yield reverse(f"{name}_change", args=[row.pk])
        if admin.site._registry[model].has_add_permission(request):
            yield reverse(f"{name}_add")


def test_pages_of_the_console(installation, open_as):
    rows, imap = installation.rows.values(), Mailbox.objects.get(name="Imap")
    row = "admin:incoming_email_inboundemail"
    paths = [
        reverse("admin:index"),
        reverse("dashboard"),
        f"{reverse('dashboard')}?period=month",
        *(reverse(f"{row}_change", args=[each.pk]) for each in rows),
        reverse(f"{row}_try"),
        reverse(f"{row}_failed"),
        f"{reverse(f'{row}_changelist')}?status__exact=held",
        f"{reverse('admin:incoming_email_mailbox_add')}?preset=gmail",
        reverse("admin:incoming_email_mailbox_backfill", args=[imap.pk]),
    ]
    faults = find_faults(open_as(installation.admin), paths)
    assert not faults, "\n".join(faults)


def test_pages_behind_a_button(installation, open_as):
    page, row = open_as(installation.admin), "admin:incoming_email_inboundemail"
    failed = installation.rows["failed"]
    mailbox = reverse("admin:incoming_email_mailbox_change", args=[failed.mailbox_id])
    axe = require_module("axe_playwright_python.sync_playwright").Axe()
    faults = []
    for path, button in (
        (reverse(f"{row}_failed"), "What would differ?"),
        (reverse(f"{row}_change", args=[failed.pk]), "What would differ?"),
        (mailbox, "Test connection"),
        (reverse(f"{row}_change", args=[failed.pk]), "Process again"),
    ):
        faults += look_at(page, press(page, path, button), axe)
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize(
    "apps",
    [("incoming_email",), ("issues",), ("servicedesk", "admin", "auth", "django_celery_beat")],
    ids=lambda apps: apps[0],
)
def test_pages_of_every_model(installation, open_as, apps):
    paths = list(list_models(installation.admin, *apps))
    faults = find_faults(open_as(installation.admin), paths)
    assert not faults, "\n".join(faults)


def test_pages_of_the_team(installation, open_as):
    issue, merge_request = installation.issue, MergeRequest.objects.get()
    project = f"/{issue.project.path}/"
    desk = [
        reverse(name, args=[issue.project.path])
        for name in ("ticket-list", "desk-settings", "desk-address", "canned-replies")
    ]
    paths = [
        *("/", "/account/", "/help/quick-actions/", project),
        *("/account/email/", "/account/password/change/", "/account/reauthenticate/"),
        *("/account/second-factor/", "/account/second-factor/webauthn/"),
        *("/account/reply-keys/", f"{project}-/mail/"),
        *(f"{project}-/issues/", f"{project}-/issues/new/", f"{project}-/merge_requests/"),
        *(
            reverse("issue-detail", args=[project[1:-1], each.iid])
            for each in (issue, installation.ticket)
        ),
        reverse("merge-request-detail", args=[project[1:-1], merge_request.iid]),
        reverse("merge-request-changes", args=[project[1:-1], merge_request.iid]),
        *desk,
    ]
    faults = find_faults(open_as(installation.maintainer), paths)
    assert not faults, "\n".join(faults)


def test_pages_of_a_second_factor(open_as):
    """Which the server shows in their order only: set up, then asked for at log-in."""
    page, user = open_as(), UserFactory()
    axe = require_module("axe_playwright_python.sync_playwright").Axe()
    mfa, faults = "/account/second-factor/", []

    def log_in():
        page.goto("/account/login/")
        page.fill("#id_login", user.username)
        page.fill("#id_password", PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url(lambda url: urlsplit(url).path != "/account/login/")

    log_in()
    page.goto(f"{mfa}webauthn/add/")
    page.fill("#id_password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: urlsplit(url).path == f"{mfa}webauthn/add/")
    faults += find_faults(page, [f"{mfa}webauthn/add/", f"{mfa}totp/activate/"])
    secret = re.search(r"[A-Z2-7]{32}", page.content())[0]
    page.fill("#id_code", "000000")
    page.keyboard.press("Enter")
    page.get_by_text("Incorrect code").wait_for()
    faults += look_at(page, f"{mfa}totp/activate/wrong", axe)
    page.fill("#id_code", make_code(secret))
    page.keyboard.press("Enter")
    page.wait_for_url("**/recovery-codes/**")
    ways = ("recovery-codes/", "recovery-codes/generate/", "totp/deactivate/", "reauthenticate/")
    faults += find_faults(page, [mfa, *(f"{mfa}{way}" for way in ways)])
    page.context.clear_cookies()
    log_in()
    assert urlsplit(page.url).path == f"{mfa}authenticate/"
    faults += look_at(page, f"{mfa}authenticate/", axe)
    page.locator("#id_code").first.fill("000000")
    page.keyboard.press("Enter")
    page.get_by_text("Incorrect code").wait_for()
    faults += look_at(page, f"{mfa}authenticate/wrong", axe)
    assert not faults, "\n".join(faults)


def test_pages_of_everybody(installation, open_as):
    services.invite(user=installation.maintainer, now=timezone.now())
    paths = [
        *("/account/login/", "/account/password/reset/", "/account/password/reset/done/"),
        *("/account/password/reset/key/1-x/", "/account/signup/", "/account/confirm-email/x/"),
        re.search(r"/account/invitation/\S+", OutgoingEmail.objects.get(kind="account").text)[0],
        urlsplit(unsubscribe_url(installation.maintainer, installation.issue)).path,
        urlsplit(leaving_url(installation.participant)).path,
    ]
    faults = find_faults(open_as(), paths)
    assert not faults, "\n".join(faults)
