"""Bytes of a file are known again by their digest."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("issues", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="upload",
            name="digest",
            field=models.CharField(blank=True, default="", editable=False, max_length=64),
            preserve_default=False,
        ),
        migrations.AddIndex(
            model_name="upload",
            index=models.Index(fields=["digest"], name="upload_digest"),
        ),
    ]
