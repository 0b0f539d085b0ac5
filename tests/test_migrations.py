"""A release that goes wrong is taken back: every migration of ours can be reversed."""

from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.db import migrations
from django.db.migrations.loader import MigrationLoader


def find_ours():
    """App and name of each, with the migration."""
    root = Path(settings.BASE_DIR)
    labels = {app.label for app in apps.get_app_configs() if Path(app.path).parent == root}
    loaded = MigrationLoader(None).disk_migrations
    return {key: migration for key, migration in loaded.items() if key[0] in labels}


def find_irreversible(operations):
    for operation in operations:
        if isinstance(operation, migrations.SeparateDatabaseAndState):
            yield from find_irreversible(operation.database_operations)
        elif not operation.reversible:
            yield operation


def test_every_migration_can_be_taken_back():
    ours = find_ours()
    assert {app for app, _name in ours} == {"incoming_email", "issues", "servicedesk"}
    found = [key for key, each in ours.items() if any(find_irreversible(each.operations))]
    assert found == [], "give it reverse_code or reverse_sql"


@pytest.mark.parametrize("is_reversible", [True, False])
def test_a_migration_without_its_reverse_is_found(is_reversible):
    def do_nothing(apps, schema_editor):
        """Stands for a change of rows."""

    python = migrations.RunPython(do_nothing, do_nothing if is_reversible else None)
    sql = migrations.RunSQL("SELECT 1", "SELECT 1" if is_reversible else None)
    nested = migrations.SeparateDatabaseAndState([python], [])
    found = [] if is_reversible else [python, sql, python]
    assert list(find_irreversible([python, sql, nested])) == found
