"""The only mailbox that is read, by Microsoft Graph, at the address of a world."""

from incoming_email.models import InboxMethod, Mailbox
from tests.incoming_email.factories import MailboxFactory
from tests.servers.graph import CLIENT, SECRET, TENANT, USER


def make_graph_mailbox(world, graph):
    Mailbox.objects.update(enabled=False)
    return MailboxFactory(
        inbox_method=InboxMethod.MICROSOFT_GRAPH,
        address=world.mailbox.address,
        user=USER,
        tenant_id=TENANT,
        client_id=CLIENT,
        client_secret=SECRET,
        azure_ad_endpoint=graph.url,
        graph_endpoint=graph.url,
    )
