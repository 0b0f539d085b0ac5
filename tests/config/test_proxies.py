"""Whose address a request has, where proxies stand before the pages."""

import logging

import pytest
from django.core.checks import run_checks
from django.test import RequestFactory

from config.proxies import find_client, read_forwarded

PROXIES = ["192.0.2.1", "10.0.0.0/8", "2001:db8::/32"]


def read(peer, forwarded, proxies, **more):
    meta = {"REMOTE_ADDR": peer, "HTTP_X_FORWARDED_FOR": forwarded, **more}
    read_forwarded(meta, proxies)
    assert "HTTP_X_FORWARDED_FOR" not in meta
    return meta["REMOTE_ADDR"]


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("203.0.113.7", "198.51.100.1", "203.0.113.7"),
        ("192.0.2.1", "198.51.100.1", "198.51.100.1"),
        ("::ffff:192.0.2.1", "198.51.100.1", "198.51.100.1"),
        ("192.0.2.1", "1.1.1.1, 198.51.100.1,10.1.2.3 , 10.9.9.9", "198.51.100.1"),
        ("2001:db8::1", "1.1.1.1, 2a02::1", "2a02::1"),
        ("192.0.2.1", "1.1.1.1, [2a02::1]:443", "2a02::1"),
        ("192.0.2.1", "1.1.1.1, 198.51.100.1:5000", "198.51.100.1"),
        ("192.0.2.1", "", "192.0.2.1"),
        ("192.0.2.1", "unknown", "192.0.2.1"),
        ("192.0.2.1", "1.1.1.1, for=x, 10.0.0.2", "10.0.0.2"),
        ("192.0.2.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("192.0.2.1", "1.1.1.1, ,", "192.0.2.1"),
    ],
)
def test_the_client_is_the_right_most_address_that_no_trusted_proxy_has(peer, forwarded, client):
    assert read(peer, forwarded, PROXIES) == client


@pytest.mark.parametrize(
    ("peer", "client"), [("127.0.0.1", "1.1.1.1"), ("", "1.1.1.1"), ("10.0.0.1", "10.0.0.1")]
)
def test_without_the_setting_a_proxy_of_this_machine_is_trusted(peer, client):
    assert read(peer, "1.1.1.1", []) == client


def test_who_is_no_proxy_does_not_say_how_a_client_came(caplog):
    meta = {"REMOTE_ADDR": "203.0.113.8", "HTTP_X_FORWARDED_PROTO": "https"}
    with caplog.at_level(logging.WARNING):
        read_forwarded(meta, PROXIES)
        read_forwarded({**meta, "HTTP_X_FORWARDED_PROTO": "https"}, PROXIES)
    assert meta == {"REMOTE_ADDR": "203.0.113.8"}
    assert [record.getMessage() for record in caplog.records] == [
        "X-Forwarded-Proto ignored, TRUSTED_PROXIES does not name it peer=203.0.113.8"
    ]
    for peer, proxies in (("192.0.2.1", PROXIES), ("203.0.113.8", [])):
        meta = {"REMOTE_ADDR": peer, "HTTP_X_FORWARDED_PROTO": "https"}
        read_forwarded(meta, proxies)
        assert meta["HTTP_X_FORWARDED_PROTO"] == "https"


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("198.51.100.1", "198.51.100.1"),
        ("2a02:1:2:3:4:5:6:7", "2a02:1:2:3::"),
        ("", None),
    ],
)
def test_a_client_of_ipv6_is_its_network(address, counted):
    assert find_client(RequestFactory().get("/", REMOTE_ADDR=address)) == counted


def test_what_is_no_network_is_named(settings):
    settings.TRUSTED_PROXIES = ["proxy.example.com"]
    (error,) = [each for each in run_checks() if each.id == "incoming_email.E015"]
    assert "proxy.example.com" in error.msg


@pytest.mark.django_db
def test_metrics_are_given_to_the_client_that_a_proxy_names(client, settings):
    settings.METRICS_NETWORKS = ["198.51.100.0/24"]
    for claimed, status in (("198.51.100.1, 1.1.1.1", 403), ("198.51.100.1", 200)):
        assert client.get("/metrics", headers={"x-forwarded-for": claimed}).status_code == status
