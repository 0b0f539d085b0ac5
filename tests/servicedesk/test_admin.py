"""The desk in the admin: its pages open, and what is wrong is said at the field."""

import pytest
from django.urls import reverse

from servicedesk.models import ServiceDesk
from tests.servicedesk.world import CUSTOMER, make_desk

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def desk():
    return make_desk()


def test_lists_and_pages_open(admin_client, desk):
    issue = desk.open_ticket()
    for model, row in (("servicedesk", desk.settings), ("ticket", issue.ticket)):
        listing = reverse(f"admin:servicedesk_{model}_changelist")
        assert admin_client.get(f"{listing}?q=a").status_code == 200
        page = admin_client.get(reverse(f"admin:servicedesk_{model}_change", args=[row.pk]))
        assert page.status_code == 200
    assert CUSTOMER in page.text


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("thank_you", "Hello %{NAME} and %{ ISSUE_ID }", "There is no placeholder %{NAME}."),
        ("key", "unsubscribe", "This word has another meaning in addresses."),
        ("key", "42", "at least one letter"),
    ],
)
def test_what_is_wrong_is_said_at_the_field(admin_client, desk, field, value, problem):
    url = reverse("admin:servicedesk_servicedesk_change", args=[desk.settings.pk])
    form = {"project": desk.project.pk, "strangers": "hold", field: value}
    response = admin_client.post(url, form)
    errors = response.context["adminform"].form.errors[field]
    assert problem in errors[0]
    assert getattr(ServiceDesk.objects.get(), field) == ""


@pytest.mark.parametrize(
    ("model", "lookup"),
    [
        ("customemail", "token__startswith"),
        ("customemail", "password__isnull"),
        ("ticket", "requester__startswith"),
        ("cannedreply", "text__contains"),
        ("servicedesk", "thank_you__contains"),
    ],
)
def test_a_list_is_asked_only_what_its_filters_offer(admin_client, desk, model, lookup):
    listing = reverse(f"admin:servicedesk_{model}_changelist")

    assert admin_client.get(f"{listing}?{lookup}=a").status_code == 400
    if model in {"customemail", "servicedesk"}:
        assert admin_client.get(f"{listing}?enabled__exact=1").status_code == 200
