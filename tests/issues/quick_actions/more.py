"""Quick actions as another app would bring them."""

from issues import services
from issues.quick_actions import QuickAction


def shrug(call):
    services.subscribe(user=call.actor, item=call.item)


def fail(call):
    services.subscribe(user=call.actor, item=call.item)
    raise ConnectionError("as by a lost database")


def make_action(name, run):
    return QuickAction(
        name=name,
        usage=f"/{name}",
        description="Of another app.",
        permission="issues.read_item",
        run=run,
        fits=lambda text: not text,
    )


ACTIONS = [make_action("shrug", shrug), make_action("break", fail)]
