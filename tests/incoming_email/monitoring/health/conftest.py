"""A mailbox at the stand-in of Microsoft Graph."""

import pytest

from incoming_email.models import InboxMethod
from tests.incoming_email.factories import MailboxFactory
from tests.servers.graph import CLIENT, SECRET, TENANT, USER


@pytest.fixture
def make_graph(graph, settings):
    settings.HTTPS_CA_FILE = graph.ca_file

    def make(**changes):
        given = {
            "inbox_method": InboxMethod.MICROSOFT_GRAPH,
            "address": "incoming+%{key}@in.example.com",
            "user": USER,
            "tenant_id": TENANT,
            "client_id": CLIENT,
            "client_secret": SECRET,
            "azure_ad_endpoint": graph.url,
            "graph_endpoint": graph.url,
        }
        return MailboxFactory(**(given | changes))

    return make
