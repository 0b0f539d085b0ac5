"""What layers above register: once, of the right kind, and all that there is a place for."""

import pytest
from django.apps import apps
from django.core.exceptions import ImproperlyConfigured

from incoming_email.demo import DEMO_DESK
from incoming_email.handlers.copied import COPIED_PEOPLE
from incoming_email.keys import reply_keys
from incoming_email.keys.own_addresses import FORWARDED_ADDRESSES
from incoming_email.upkeep.erasing import ERASERS, Eraser
from issues.extension_points import ExtensionPoint, find_empty_points
from issues.notifications import MAIL_SOURCES, REPLY_ROUTES
from issues.outbox import MAIL_ACCOUNTS_IN_USE, MAIL_CONNECTIONS
from issues.services.outside import MAILED_OUTSIDE
from servicedesk import demo, erasing, joining, mails, participants
from servicedesk.custom_email import addressing, connecting


def first() -> str:
    return "first"


def second() -> str:
    return "second"


def test_the_apps_register_what_they_provide() -> None:
    assert REPLY_ROUTES.registered == (reply_keys.reply_routes,)
    assert MAIL_SOURCES.registered == (mails.make_mails,)
    assert MAILED_OUTSIDE.registered == (participants.is_mailed_outside,)
    assert MAIL_CONNECTIONS.registered == (connecting.find_connection,)
    assert MAIL_ACCOUNTS_IN_USE.registered == (connecting.find_accounts_in_use,)
    assert FORWARDED_ADDRESSES.registered == (addressing.find_keys,)
    assert ERASERS.registered == (Eraser("servicedesk", erasing.erase_person),)
    assert COPIED_PEOPLE.registered == (joining.let_copied_in,)
    assert DEMO_DESK.registered == (demo.open_desk,)
    assert find_empty_points() == []


def test_a_point_of_one_takes_no_second() -> None:
    point: ExtensionPoint[object] = ExtensionPoint("a test")
    assert point.find() is None
    point.register(first)

    for again in (first, second):
        with pytest.raises(ImproperlyConfigured, match=r"for a test: .*first.* is registered"):
            point.register(again)

    assert point.find() is first


def test_a_point_of_several_keeps_their_order_and_takes_none_twice() -> None:
    point: ExtensionPoint[object] = ExtensionPoint("a test", takes_several=True)
    point.register(second)
    point.register(first)

    with pytest.raises(ImproperlyConfigured):
        point.register(second)

    assert point.registered == (second, first)


@pytest.mark.parametrize("label", ["incoming_email", "servicedesk"])
def test_an_app_that_is_made_ready_twice_is_not_silent(label: str) -> None:
    with pytest.raises(ImproperlyConfigured):
        apps.get_app_config(label).ready()
