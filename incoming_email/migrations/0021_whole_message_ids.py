"""Whole ids of mails that are longer than the column they are found by."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("incoming_email", "0020_disk_shortages"),
    ]

    operations = [
        migrations.AddField(
            model_name="inboundemail",
            name="long_message_id",
            field=models.TextField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="seriespart",
            name="long_message_id",
            field=models.TextField(editable=False, null=True),
        ),
    ]
