"""A field of an issue or merge request is declared once; its lock and system note follow."""

import datetime as dt

import pytest
from django.db import models
from django.test.utils import isolate_apps

from issues import checks, services
from issues.models import Issue, MergeRequest, Role
from issues.services import item_fields
from issues.services.recording import lock_item
from tests.factories import IssueFactory, MembershipFactory, MergeRequestFactory

FACTORIES = {Issue: IssueFactory, MergeRequest: MergeRequestFactory}
CORRECTED = [(model, name) for model in FACTORIES for name in services.find_correctable(model)]


def names_of(model):
    return [field.name for field in (*model._meta.concrete_fields, *model._meta.many_to_many)]


def another_value(item, name):
    """One that the column of that type can hold, and that the item does not have."""
    match item._meta.get_field(name):
        case models.BooleanField():
            return not getattr(item, name)
        case models.DateField():
            return dt.date(2027, 1, 31)
        case models.IntegerField():
            return (getattr(item, name) or 0) + 1
        case _:
            return "another"


def correct_twice(model, name, correct):
    """Once by a copy that is fresh, once by one that was read before; the notes that it left."""
    item = FACTORIES[model]()
    actor = MembershipFactory(project=item.project, role=Role.MAINTAINER).user
    copies = [model.objects.get(pk=item.pk) for _ in range(2)]
    value = another_value(item, name)
    for copy in copies:
        correct(item=copy, actor=actor, **{name: value})
    item.refresh_from_db()
    assert getattr(item, name) == value, f"{correct.__name__} does not store {name}"
    notes = item.notes.filter(system=True).count()
    assert notes == 1, f"{correct.__name__} left {notes} system notes of one change of {name}"


def test_every_field_is_declared_and_none_is_left_over():
    assert list(services.find_undeclared((Issue, MergeRequest))) == []
    known = {*names_of(Issue), *names_of(MergeRequest)}
    assert [each.name for each in item_fields.FIELDS if each.name not in known] == []


@isolate_apps()
def test_a_field_that_is_not_declared_is_an_error_that_says_where(monkeypatch):
    class Grown(models.Model):  # noqa: DJ008
        title = models.CharField(max_length=255)
        trial = models.PositiveSmallIntegerField(null=True)

        class Meta:
            app_label = "issues"

    assert checks.check_item_fields(app_configs=None) == []
    monkeypatch.setattr(checks, "Issue", Grown)
    (error,) = checks.check_item_fields(app_configs=None)
    assert (error.id, error.msg) == (
        "issues.E004",
        "Nothing says how the field trial of Grown is changed.",
    )
    assert "issues.services.item_fields.FIELDS" in error.hint


@pytest.mark.django_db
@pytest.mark.parametrize(("model", "name"), CORRECTED)
def test_a_change_is_noted_once_also_by_a_stale_copy(model, name):
    correct_twice(model, name, services.find_correctable(model)[name])


@pytest.mark.django_db
@pytest.mark.parametrize("forgotten", ["the lock", "the note"])
def test_a_service_that_forgets_its_note_or_the_lock_is_found(forgotten):
    def set_locked(*, item, actor, locked):
        if forgotten == "the note":
            lock_item(item)
        if item.locked != locked:
            item.locked = locked
            item.save(update_fields=["locked"])
            if forgotten != "the note":
                item.notes.create(author=actor, body="locked this", system=True)

    with pytest.raises(AssertionError, match=r"set_locked left [02] system notes"):
        correct_twice(Issue, "locked", set_locked)


@pytest.mark.django_db
@pytest.mark.parametrize("model", list(FACTORIES))
def test_the_lock_brings_every_column_up_to_date(model):
    fresh = FACTORIES[model]()
    item = model.objects.get(pk=fresh.pk)
    columns = [field.attname for field in model._meta.concrete_fields if not field.primary_key]
    for column in columns:
        setattr(item, column, "stale")
    lock_item(item)
    assert [name for name in columns if getattr(item, name) == "stale"] == []
    assert item.project == fresh.project
