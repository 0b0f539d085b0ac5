"""Who looks at the admin in tests, and how they ask for its pages."""

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from tests.factories import UserFactory


def make_operator(*more):
    """May look at everything, and has the named rights besides."""
    operator = UserFactory(is_staff=True)
    operator.user_permissions.set(
        Permission.objects.filter(
            content_type__app_label__in=["issues", "incoming_email"], codename__startswith="view_"
        )
    )
    operator.user_permissions.add(*Permission.objects.filter(codename__in=more))
    return operator


@pytest.fixture
def admin_user():
    return UserFactory(username="root", is_staff=True, is_superuser=True)


@pytest.fixture
def admin(client, admin_user):
    client.force_login(admin_user)
    return client


@pytest.fixture
def operator(client):
    client.force_login(make_operator())
    return client


def issues_url(model, page, *args):
    return reverse(f"admin:issues_{model}_{page}", args=args)


def incoming_url(model, page, *args):
    return reverse(f"admin:incoming_email_{model}_{page}", args=args)


def page_of(client, row):
    return client.get(incoming_url(row._meta.model_name, "change", row.pk))


def choose(client, address, action, *rows):
    data = {"action": action, "_selected_action": [row.pk for row in rows]}
    return client.post(address, data, follow=True)
