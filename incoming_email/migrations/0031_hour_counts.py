"""Sums of the ledger by the hour, and triggers that note which hours have changed.

Nothing is summed here: every hour that has messages counts as changed until the upkeep sums it.
"""

from django.db import migrations, models

from incoming_email.models import hour_triggers, ledger_search


def install_triggers(apps, schema_editor):
    hour_triggers.install(schema_editor.connection)


def remove_triggers(apps, schema_editor):
    hour_triggers.remove(schema_editor.connection)


def remove_search(apps, schema_editor):
    """It is made after the migrations."""
    ledger_search.remove(schema_editor.connection)


class Migration(migrations.Migration):
    dependencies = [("incoming_email", "0030_answers_to_what_is_gone")]

    operations = [
        migrations.CreateModel(
            name="ChangedHour",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("hour", models.DateTimeField(db_index=True)),
            ],
            options={
                "verbose_name": "changed hour",
                "verbose_name_plural": "changed hours",
            },
        ),
        migrations.CreateModel(
            name="HourCount",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("hour", models.DateTimeField(db_index=True)),
                ("mailbox", models.BigIntegerField()),
                ("status", models.CharField(max_length=10)),
                ("took", models.IntegerField(null=True)),
                ("count", models.IntegerField()),
            ],
            options={
                "verbose_name": "count of an hour",
                "verbose_name_plural": "counts of hours",
            },
        ),
        migrations.RunPython(install_triggers, remove_triggers),
        migrations.RunPython(migrations.RunPython.noop, remove_search),
    ]
