"""Failed rows may have a reason, and a mailbox knows when it was switched on."""

import re

import django.utils.timezone
from django.db import OperationalError, migrations, models
from django.db.models import Q

NAME = "reason_when_not_acted_on"
NOT_ACTED_ON = ["rejected", "ignored", "held"]
BEFORE = models.CheckConstraint(
    condition=(Q(status__in=NOT_ACTED_ON) & ~Q(reason=""))
    | (~Q(status__in=NOT_ACTED_ON) & Q(reason="")),
    name=NAME,
)
AFTER = models.CheckConstraint(
    condition=(Q(status__in=NOT_ACTED_ON) & ~Q(reason=""))
    | Q(status="failed")
    | (Q(status__in=["pending", "processed"]) & Q(reason="")),
    name=NAME,
)


def loosen(apps, schema_editor):
    replace(apps.get_model("incoming_email", "InboundEmail"), schema_editor, BEFORE, AFTER)


def tighten(apps, schema_editor):
    model = apps.get_model("incoming_email", "InboundEmail")
    model.objects.filter(status="failed").exclude(reason="").update(reason="")
    replace(model, schema_editor, AFTER, BEFORE)


def replace(model, schema_editor, old, new):
    """SQLite can't change a constraint but by writing the whole table anew, with the bytes of all
    messages; so its definition is changed in place (https://sqlite.org/lang_altertable.html,
    section 7), where the library allows it."""
    if schema_editor.connection.vendor == "sqlite" and replace_in_place(model, schema_editor, new):
        return
    schema_editor.remove_constraint(model, old)
    schema_editor.add_constraint(model, new)


def replace_in_place(model, schema_editor, new):
    table = model._meta.db_table
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = %s", [table])
        (sql,) = cursor.fetchone()
        start = sql.index(f'CONSTRAINT "{NAME}" CHECK')
        end = find_end(sql, sql.index("(", start))
        changed = sql[:start] + new.constraint_sql(model, schema_editor) + sql[end:]
        cursor.execute("PRAGMA schema_version")
        (version,) = cursor.fetchone()
        cursor.execute("PRAGMA writable_schema = ON")
        try:
            cursor.execute(
                "UPDATE sqlite_master SET sql = %s WHERE type = 'table' AND name = %s",
                [changed, table],
            )
        except OperationalError:  # built so that nobody may
            return False
        finally:
            cursor.execute("PRAGMA writable_schema = OFF")
        # Every connection reads the definitions again.
        cursor.execute(f"PRAGMA schema_version = {version + 1}")
    return True


def find_end(sql, start):
    """Behind the bracket that closes the one at `start`; texts in quotes count as one."""
    depth = 0
    for match in re.finditer(r"'(?:[^']|'')*'|\"[^\"]*\"|[()]", sql[start:]):
        depth += {"(": 1, ")": -1}.get(match[0], 0)
        if depth == 0:
            return start + match.end()
    raise ValueError(f"no end of the constraint in: {sql}")


class Migration(migrations.Migration):
    dependencies = [("incoming_email", "0017_wording_of_help_texts_and_labels")]

    operations = [
        migrations.AddField(
            model_name="mailbox",
            name="enabled_at",
            field=models.DateTimeField(
                default=django.utils.timezone.now, editable=False, null=True
            ),
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(loosen, tighten)],
            state_operations=[
                migrations.RemoveConstraint(model_name="inboundemail", name=NAME),
                migrations.AddConstraint(model_name="inboundemail", constraint=AFTER),
            ],
        ),
    ]
