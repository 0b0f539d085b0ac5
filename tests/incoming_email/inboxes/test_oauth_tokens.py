"""Access tokens from a token endpoint or a program: kept, renewed, rotated, refused."""

import sys
from pathlib import Path

import pytest

from incoming_email.inboxes.base import InboxError
from incoming_email.inboxes.oauth_client import OAuthClient, TokenCommand
from incoming_email.inboxes.oauth_tokens import NO_TOKEN, find_access_token
from tests.servers.https import Answer, LocalServer, Request, as_json
from tests.servers.oauth import CLIENT, REFRESH, SECRET, TokenEndpoint


class Elsewhere(LocalServer):
    def __init__(self, folder: Path | None) -> None:
        super().__init__(folder)
        self.asked: list[str] = []

    def answer(self, request: Request) -> Answer:
        self.asked.append(request.line)
        return as_json(200, {"access_token": "from-elsewhere"})


def nested(depth: int) -> object:
    value: object = "x"
    for _ in range(depth):
        value = [value]
    return value


def refusal_of(client: OAuthClient) -> InboxError:
    with pytest.raises(InboxError) as caught:
        find_access_token(client)
    return caught.value


def test_a_refresh_token_gives_an_access_token(endpoint: TokenEndpoint) -> None:
    assert find_access_token(endpoint.client()) == "access-token-1"
    assert endpoint.forms == [
        {
            "grant_type": "refresh_token",
            "refresh_token": REFRESH,
            "client_id": CLIENT,
            "client_secret": SECRET,
            "scope": "mail",
        }
    ]


def test_without_a_refresh_token_the_app_asks_in_its_own_name(endpoint: TokenEndpoint) -> None:
    assert find_access_token(endpoint.client(refresh_token="")) == "access-token-1"
    assert endpoint.forms[0]["grant_type"] == "client_credentials"


def test_a_token_is_kept_until_it_ends_soon_or_is_to_be_renewed(endpoint: TokenEndpoint) -> None:
    client = endpoint.client()
    tokens = [find_access_token(client), find_access_token(client)]
    tokens.append(find_access_token(client, renew=True))
    assert tokens == ["access-token-1", "access-token-1", "access-token-2"]

    endpoint.life_seconds = 59
    find_access_token(client, renew=True)
    assert find_access_token(client) == "access-token-4"


def test_a_rotated_refresh_token_is_kept_and_used_from_then_on(endpoint: TokenEndpoint) -> None:
    endpoint.rotates = True
    kept: list[str] = []
    client = endpoint.client(keep=kept.append)

    find_access_token(client)
    find_access_token(client, renew=True)

    assert [form["refresh_token"] for form in endpoint.forms] == [REFRESH, "rotated-token-1"]
    assert [text.partition(":")[2] for text in kept] == ["rotated-token-1", "rotated-token-2"]


def test_another_process_goes_on_with_what_was_kept(endpoint: TokenEndpoint) -> None:
    endpoint.rotates = True
    kept: list[str] = []
    find_access_token(endpoint.client(keep=kept.append))

    # The timeout is part of what this process remembers a token by: so it remembers none.
    other = endpoint.client(rotated_token=kept[0], timeout=6.0)
    assert find_access_token(other) == "access-token-2"


def test_what_another_process_got_since_is_tried_when_ours_is_used_up(
    endpoint: TokenEndpoint,
) -> None:
    endpoint.rotates = True
    ours, theirs = [], []
    find_access_token(endpoint.client(keep=ours.append))
    find_access_token(endpoint.client(rotated_token=ours[0], timeout=6.0, keep=theirs.append))

    again = endpoint.client(rotated_token=theirs[0])
    assert find_access_token(again, renew=True) == "access-token-4"


def test_a_token_that_was_entered_anew_counts_at_once(endpoint: TokenEndpoint) -> None:
    endpoint.rotates = True
    kept: list[str] = []
    find_access_token(endpoint.client(keep=kept.append))
    endpoint.refresh_tokens = {"entered-anew"}

    entered = endpoint.client(refresh_token="entered-anew", rotated_token=kept[0])
    assert find_access_token(entered) == "access-token-2"


@pytest.mark.parametrize(
    ("changes", "sign", "remedy"),
    [
        ({"refresh_token": "old-token"}, "400 invalid_grant: AADSTS70008", "consent"),
        ({"client_secret": "wrong-secret"}, "401 invalid_client: Unknown", "client secret"),
        ({"scope": "calendar"}, "400 invalid_scope", "scope"),
        ({"token_endpoint": "https://localhost:1/"}, "localhost: ", "Check the host name"),
    ],
)
def test_i21_a_refusal_says_why_and_what_to_do(
    endpoint: TokenEndpoint, changes: dict[str, str], sign: str, remedy: str
) -> None:
    error = refusal_of(endpoint.client(**changes))
    assert sign in error.detail
    assert remedy in error.remedy
    assert not any(secret in error.detail for secret in ("old-token", "wrong-secret", SECRET))


@pytest.mark.parametrize(
    "body",
    [
        *(b"<html>", b"[]", b"{}", b"\xff", b"NaN", b'{"a":' * 100_000, b'{"access_token": 7}'),
        *(b'{"access_token": ["a"]}', b'{"access_token": ""}', b'{"access_token": "t\\u00e9"}'),
        b'{"access_token": "to-ken\\r\\nX-Evil: 1"}',
    ],
)
def test_an_answer_without_a_token_is_no_token(endpoint: TokenEndpoint, body: bytes) -> None:
    endpoint.fault = Answer(200, body)
    error = refusal_of(endpoint.client())
    assert error.detail == f"token endpoint: 200: {NO_TOKEN}"
    assert "Check the token endpoint" in error.remedy


@pytest.mark.parametrize(
    "words",
    [
        {"error": {"code": "x"}, "error_description": None},
        {"error": "x\r\nfirst", "error_description": f"{SECRET}\r\n\x1b[31msecond\u2028third"},
        {"error": nested(400), "error_description": nested(400)},
    ],
)
def test_a_refusal_in_an_odd_form_is_a_sentence_on_one_line(
    endpoint: TokenEndpoint, words: dict[str, object]
) -> None:
    endpoint.fault = as_json(400, words)
    error = refusal_of(endpoint.client())
    assert error.detail.startswith("token endpoint: 400")
    assert error.detail.isprintable()
    assert SECRET not in error.detail


@pytest.mark.parametrize("life", [True, None, [], "soon", "60", 10**400, -(10**400), 1e308])
def test_a_lifetime_in_an_odd_form_does_not_stop_the_token(
    endpoint: TokenEndpoint, life: object
) -> None:
    endpoint.fault = as_json(200, {"access_token": "odd", "expires_in": life})
    assert find_access_token(endpoint.client()) == "odd"


@pytest.mark.parametrize("new", ["two words", "r\r\nX: 1", 7, {"a": 1}, ""])
def test_a_refresh_token_that_can_be_none_does_not_replace_ours(
    endpoint: TokenEndpoint, new: object
) -> None:
    endpoint.fault = as_json(200, {"access_token": "odd", "refresh_token": new})
    kept: list[str] = []
    assert find_access_token(endpoint.client(keep=kept.append)) == "odd"
    assert kept == []


def test_a_redirect_gets_no_secret(endpoint: TokenEndpoint) -> None:
    with Elsewhere(None) as elsewhere:
        endpoint.fault = Answer(307, headers={"Location": f"{elsewhere.url}/token"})
        assert refusal_of(endpoint.client()).detail == "token endpoint: 307"
    assert elsewhere.asked == []


def test_a_busy_endpoint_is_left_alone_as_long_as_it_wants(endpoint: TokenEndpoint) -> None:
    endpoint.fault = as_json(429, {"error": "slow_down"}, Retry_After="90")
    assert refusal_of(endpoint.client()).retry_after == 90


def test_an_answer_without_end_is_not_kept(endpoint: TokenEndpoint) -> None:
    endpoint.fault = Answer(200, b'{"access_token": "' + b"x" * 5_000_000 + b'"}')
    assert refusal_of(endpoint.client()).detail == f"token endpoint: 200: {NO_TOKEN}"


def program(code: str) -> OAuthClient:
    return run(sys.executable, "-c", code, timeout=20.0)


def run(*words: str, timeout: float = 30.0) -> OAuthClient:
    return OAuthClient(command=TokenCommand(words, "imap.example.com"), timeout=timeout)


def test_a_program_may_print_the_token() -> None:
    assert find_access_token(program("print('from-a-program')")) == "from-a-program"


def test_a_program_gets_no_shell() -> None:
    assert find_access_token(run("echo", "$HOME;whoami")) == "$HOME;whoami"


@pytest.mark.parametrize(
    "code",
    [
        "raise SystemExit(3)",
        "import sys; sys.exit('secret-of-no-value')",
        "",
        "print('two words')",
        "print('t\\N{LATIN SMALL LETTER O WITH DIAERESIS}ken')",
        "print('token'); raise SystemExit(1)",
    ],
)
def test_a_program_that_gives_no_token_is_said(code: str) -> None:
    error = refusal_of(program(code))
    assert "gave no token" in error.detail
    assert "secret-of-no-value" not in error.detail
    assert "by hand" in error.remedy


def test_a_program_that_is_not_there_or_hangs_is_said() -> None:
    missing, hanging = run("/no/such/program"), run("sleep", "30", timeout=0.2)
    assert refusal_of(missing).detail == "the token command: No such file or directory"
    assert refusal_of(hanging).detail == "the token command: no answer in time"
