"""The bytes of a message have a table of their own, for all its rows of the ledger.

Nothing is moved here: rows that are there keep theirs until the upkeep moves them.
"""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import OuterRef, Q, Subquery

LZ4_IS_KNOWN = """
    SELECT 1 FROM pg_settings WHERE name = 'default_toast_compression' AND 'lz4' = ANY(enumvals)
"""
SET = 'ALTER TABLE "incoming_email_messagecontent" ALTER COLUMN "raw" SET COMPRESSION lz4'


def compress_by_lz4(apps, schema_editor):
    """As those of the ledger were, since 0015."""
    if schema_editor.connection.vendor == "postgresql":
        with schema_editor.connection.cursor() as cursor:
            if cursor.execute(LZ4_IS_KNOWN).fetchone():
                cursor.execute(SET)


def move_back(apps, schema_editor):
    rows = apps.get_model("incoming_email", "InboundEmail").objects.exclude(content=None)
    contents = apps.get_model("incoming_email", "MessageContent").objects
    held = contents.filter(pk=OuterRef("content")).values("raw")[:1]
    rows.update(own_raw=Subquery(held), content=None)


class Migration(migrations.Migration):
    dependencies = [("incoming_email", "0021_whole_message_ids")]

    operations = [
        migrations.CreateModel(
            name="MessageContent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("digest", models.CharField(max_length=64, unique=True)),
                ("raw", models.BinaryField()),
            ],
            options={
                "verbose_name": "content of a message",
                "verbose_name_plural": "contents of messages",
            },
        ),
        migrations.RunPython(compress_by_lz4, migrations.RunPython.noop),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RenameField(
                    model_name="inboundemail", old_name="raw", new_name="own_raw"
                ),
                migrations.AlterField(
                    model_name="inboundemail",
                    name="own_raw",
                    field=models.BinaryField(db_column="raw", default=b""),
                ),
            ],
        ),
        migrations.AddField(
            model_name="inboundemail",
            name="content",
            field=models.ForeignKey(
                db_index=False,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="rows",
                to="incoming_email.messagecontent",
            ),
        ),
        migrations.AddIndex(
            model_name="inboundemail",
            index=models.Index(
                condition=Q(content__isnull=False), fields=["content"], name="inbound_by_content"
            ),
        ),
        migrations.AddIndex(
            model_name="inboundemail",
            index=models.Index(
                condition=Q(content=None, raw_purged_at=None) & ~Q(digest=""),
                fields=["id"],
                name="inbound_with_own_raw",
            ),
        ),
        migrations.RunPython(migrations.RunPython.noop, move_back),
    ]
