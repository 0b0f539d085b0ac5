"""Addresses of people go over to allauth's table; back, a verified one gets the time of now."""

from django.db import migrations
from django.db.models import Max
from django.utils import timezone

BATCH = 50_000

FORWARDS = """
INSERT INTO account_emailaddress (user_id, email, verified, "primary")
SELECT a.user_id, a.address, a.verified_at IS NOT NULL, a.address = lower(u.email)
FROM issues_emailaddress a JOIN issues_user u ON u.id = a.user_id
WHERE a.id > %s AND a.id <= %s ORDER BY a.id
"""
# An address that several claim is that of whom it is verified for, else the first one's.
BACKWARDS = """
INSERT INTO issues_emailaddress (user_id, address, verified_at)
SELECT a.user_id, a.email, CASE WHEN a.verified THEN %s END
FROM account_emailaddress a
WHERE a.id > %s AND a.id <= %s AND (a.verified OR NOT EXISTS (
  SELECT 1 FROM account_emailaddress b
  WHERE b.email = a.email AND (b.verified OR b.id < a.id)
)) ORDER BY a.id
"""


def _run(schema_editor, statement, rows, *first):
    last = rows.using(schema_editor.connection.alias).aggregate(last=Max("id"))["last"] or 0
    with schema_editor.connection.cursor() as cursor:
        for start in range(0, last, BATCH):
            cursor.execute(statement, [*first, start, start + BATCH])


def forwards(apps, schema_editor):
    _run(schema_editor, FORWARDS, apps.get_model("issues", "EmailAddress").objects)


def backwards(apps, schema_editor):
    _empty(schema_editor, "issues_emailaddress")  # full where its end was not migrated to
    _run(
        schema_editor,
        BACKWARDS,
        apps.get_model("account", "EmailAddress").objects,
        schema_editor.connection.ops.adapt_datetimefield_value(timezone.now()),
    )
    _empty(schema_editor, "account_emailconfirmation", "account_emailaddress")


def _empty(schema_editor, *tables):
    with schema_editor.connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"DELETE FROM {table}")


class Migration(migrations.Migration):
    dependencies = [
        ("issues", "0015_version_labels"),
        ("account", "0009_emailaddress_unique_primary_email"),
    ]

    operations = [migrations.RunPython(forwards, backwards)]
