"""PostgreSQL compresses raw messages by lz4, where it can: pglz takes longer than all else there.

Of what is stored from now on; the table is not rewritten.
"""

from django.db import migrations

LZ4_IS_KNOWN = """
    SELECT 1 FROM pg_settings WHERE name = 'default_toast_compression' AND 'lz4' = ANY(enumvals)
"""
SET = 'ALTER TABLE "incoming_email_inboundemail" ALTER COLUMN "raw" SET COMPRESSION '


def compress_by_lz4(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        with schema_editor.connection.cursor() as cursor:
            if cursor.execute(LZ4_IS_KNOWN).fetchone():
                cursor.execute(SET + "lz4")


def compress_by_default(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        with schema_editor.connection.cursor() as cursor:
            if cursor.execute(LZ4_IS_KNOWN).fetchone():
                cursor.execute(SET + "default")


class Migration(migrations.Migration):
    dependencies = [("incoming_email", "0014_probes")]

    operations = [migrations.RunPython(compress_by_lz4, compress_by_default)]
