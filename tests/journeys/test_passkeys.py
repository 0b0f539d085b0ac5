"""A passkey, by the authenticator that Chromium has for tests."""

import re

import pytest

from tests.factories import PASSWORD, UserFactory

pytestmark = [
    pytest.mark.services,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
]
MFA, LOGIN = "/account/second-factor/", "/account/login/"
HOME = re.compile("://[^/]+/$")


def test_a_passkey_logs_in(browser, live_server):
    """Chromium's own authenticator, at localhost, where https is not needed."""
    UserFactory(username="ada")
    context = browser.new_context(base_url=live_server.url.replace("127.0.0.1", "localhost"))
    page = context.new_page()
    devtools = context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True}
    options |= {"hasUserVerification": True, "isUserVerified": True}
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    page.goto(LOGIN)
    page.fill("#id_login", "ada")
    page.fill("#id_password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(HOME)
    page.goto(f"{MFA}webauthn/add/")
    page.fill("#id_password", PASSWORD)
    page.keyboard.press("Enter")
    page.check("#id_passwordless")
    page.click("#mfa_webauthn_add")
    page.wait_for_url("**/recovery-codes/**")
    page.goto(f"{MFA}webauthn/")
    assert page.get_by_text("Passkey").count()
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url("**/account/login/")
    page.click("#passkey_login")
    page.wait_for_url(HOME)
    assert page.get_by_role("button", name="Log out").count()
    context.close()
