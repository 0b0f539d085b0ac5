"""Each failure of a Microsoft 365 mailbox is provoked; the command says why and what to do."""

from datetime import timedelta

import pytest

from tests.incoming_email.monitoring.health.asking import check, refusal
from tests.servers.certificates import make_authority, make_certificate
from tests.servers.dovecot import free_ports
from tests.servers.graph import FakeGraph

pytestmark = pytest.mark.django_db(transaction=True)
ADDRESS = "incoming+%{key}@in.example.com"
OTHER = "chief@example.onmicrosoft.com"


def test_app_that_is_blocked(graph, make_graph):
    graph.is_allowed = False
    make_graph()
    detail, remedy = refusal("folder")
    assert detail.startswith("403 ErrorAccessDenied: Access is denied.")
    assert remedy == (
        "Give the app the application permission Mail.ReadWrite, with an administrator's consent,"
        " and an access policy that includes this mailbox."
    )


def test_unknown_tenant(make_graph):
    make_graph(tenant_id="nobody")
    detail, remedy = refusal("login")
    assert detail
    assert remedy == "Check the tenant id, and that the Azure AD endpoint is that of its cloud."


@pytest.mark.parametrize("way", ["field", "option"])
def test_app_that_can_read_another_mailbox(graph, make_graph, way):
    graph.others = {OTHER: True}
    make_graph(other_mailbox=OTHER if way == "field" else "")
    words = () if way == "field" else ("--other-mailbox", OTHER)
    detail, remedy = refusal("other mailbox", *words)
    assert detail == f"the app can read the mailbox {OTHER} too, so it is not limited to this one"
    assert remedy.startswith("Limit it to this mailbox: New-ApplicationAccessPolicy")
    assert not [line for line in graph.asked if OTHER in line and "messages" in line]


def test_app_that_is_refused_another_mailbox(graph, make_graph):
    graph.others = {OTHER: False}
    make_graph(other_mailbox=OTHER)
    found = check()["other mailbox"]
    assert (found["answer"], found["detail"]) == ("yes", f"the app is refused the mailbox {OTHER}")


def test_other_mailbox_that_does_not_exist_proves_nothing(make_graph):
    make_graph(other_mailbox="typo@example.onmicrosoft.com")
    detail, remedy = refusal("other mailbox", answer="warn")
    assert detail.startswith("404 ErrorInvalidUser")
    assert remedy == "Configure one that exists in this directory; otherwise this can't be checked."


def test_no_other_mailbox_is_named(make_graph):
    make_graph()
    found = check()["other mailbox"]
    assert found["answer"] == "skipped"
    assert "--other-mailbox ADDRESS" in found["remedy"]


@pytest.mark.parametrize(("minutes", "side"), [(10, "behind"), (-10, "ahead of")])
def test_clock_that_differs_from_that_of_graph(graph, make_graph, minutes, side):
    graph.clock_ahead = timedelta(minutes=minutes)
    make_graph()
    detail, remedy = refusal("clock", answer="warn")
    seconds = int("".join(filter(str.isdigit, detail)))
    assert detail == f"the clock of this machine is {seconds} seconds {side} Microsoft Graph"
    assert abs(seconds - 600) < 30
    assert remedy.startswith("Let the time be set by the network (NTP)")


def test_graph_that_is_not_there(make_graph):
    (port,) = free_ports(1)
    make_graph(azure_ad_endpoint=f"https://localhost:{port}")
    detail, remedy = refusal("login")
    assert "Connection refused" in detail
    assert remedy == "Check the host name localhost, this machine's DNS, and the firewall."


@pytest.mark.parametrize(
    ("name", "days", "is_trusted", "cause", "remedy"),
    [
        ("localhost", -1, True, "certificate has expired", "Renew the certificate of localhost"),
        ("graph.example.com", 30, True, "Hostname mismatch", "Use the name that the certificate"),
        ("localhost", 30, False, "CERTIFICATE_VERIFY_FAILED", "Name the PEM file of the authority"),
    ],
    ids=["expired", "of another name", "of an unknown authority"],
)
def test_certificate(make_graph, settings, tmp_path, name, days, is_trusted, cause, remedy):
    make_authority(tmp_path)
    make_certificate(tmp_path, "server", [name], days=days)
    with FakeGraph(tmp_path) as server:
        settings.HTTPS_CA_FILE = server.ca_file if is_trusted else ""
        make_graph(azure_ad_endpoint=server.url, graph_endpoint=server.url)
        detail, told = refusal("login")
    assert cause in detail
    assert told.startswith(remedy)
