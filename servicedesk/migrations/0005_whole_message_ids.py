"""Whole ids of mails that are longer than the column they are found by."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("servicedesk", "0004_failing_mail_servers"),
    ]

    operations = [
        migrations.AddField(
            model_name="threadmessage",
            name="long_message_id",
            field=models.TextField(editable=False, null=True),
        ),
        migrations.AlterField(
            model_name="threadmessage",
            name="message_id",
            field=models.CharField(blank=True, max_length=255, verbose_name="Message-ID"),
        ),
    ]
