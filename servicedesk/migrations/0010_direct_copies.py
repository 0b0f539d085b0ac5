import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("issues", "0020_external_people"),
        ("servicedesk", "0009_index_of_bounces"),
    ]

    operations = [
        migrations.CreateModel(
            name="DirectCopy",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "note",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="direct_copies",
                        to="issues.note",
                    ),
                ),
                (
                    "participant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, to="servicedesk.participant"
                    ),
                ),
            ],
            options={
                "verbose_name": "direct copy",
                "verbose_name_plural": "direct copies",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("note", "participant"), name="one_direct_copy_a_note"
                    )
                ],
            },
        ),
    ]
