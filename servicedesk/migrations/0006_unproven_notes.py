"""Notes by mail whose sender nothing proves."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("servicedesk", "0005_whole_message_ids"),
        ("issues", "0014_answered_mailbox"),
    ]

    operations = [
        migrations.CreateModel(
            name="UnprovenNote",
            fields=[
                (
                    "note",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        serialize=False,
                        to="issues.note",
                    ),
                ),
            ],
            options={
                "verbose_name": "note of an unproven sender",
                "verbose_name_plural": "notes of unproven senders",
            },
        ),
    ]
