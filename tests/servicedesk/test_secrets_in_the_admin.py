"""No page of the admin shows what is kept encrypted, whichever column that is."""

import pytest
from django.apps import apps
from django.contrib import admin
from django.urls import reverse

from incoming_email.models import Mailbox, SenderToken
from incoming_email.secrets.credentials import EncryptedTextField
from servicedesk.models import CustomEmail
from tests.incoming_email.factories import MailboxFactory, SenderTokenFactory
from tests.servicedesk.world import make_desk

pytestmark = pytest.mark.django_db(transaction=True)
SECRET = "encrypted-and-never-shown"
ENCRYPTED = [
    (model, field.name)
    for model in apps.get_models()
    for field in model._meta.concrete_fields
    if isinstance(field, EncryptedTextField)
]


def make_custom_email():
    return CustomEmail.objects.create(desk=make_desk().settings, address="support@example.com")


MAKE = {
    Mailbox: MailboxFactory,
    SenderToken: SenderTokenFactory,
    CustomEmail: make_custom_email,
}


def is_shown(client, model, name):
    row = MAKE[model]()
    setattr(row, name, SECRET)
    row.save()
    pages = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    shown = client.get(reverse(f"{pages}_change", args=[row.pk])).text
    listed = client.get(reverse(f"{pages}_changelist")).text
    assert str(row.pk) in listed
    return SECRET in shown + listed


def test_there_is_a_row_for_each_table_with_a_secret():
    assert {model for model, _name in ENCRYPTED} == set(MAKE)


@pytest.mark.parametrize(("model", "name"), ENCRYPTED)
def test_what_is_encrypted_is_not_shown(admin_client, model, name):
    assert not is_shown(admin_client, model, name)


def test_one_that_is_not_left_out_is_found(admin_client, monkeypatch):
    monkeypatch.setattr(admin.site.get_model_admin(CustomEmail), "exclude", ())
    assert is_shown(admin_client, CustomEmail, "password")
