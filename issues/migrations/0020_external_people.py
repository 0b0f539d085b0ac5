import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("issues", "0019_spam"),
    ]

    operations = [
        migrations.AlterField(
            model_name="announcement",
            name="event",
            field=models.CharField(
                choices=[
                    ("new_issue", "new issue"),
                    ("new_merge_request", "new merge request"),
                    ("new_note", "new note"),
                    ("reopening_note", "note that reopened the item"),
                ],
                max_length=20,
            ),
        ),
        migrations.CreateModel(
            name="ExternalPerson",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("address", models.CharField(max_length=254, verbose_name="address")),
                ("name", models.CharField(max_length=100, verbose_name="name")),
                ("proven", models.BooleanField()),
                (
                    "project",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="external_people",
                        to="issues.project",
                    ),
                ),
            ],
            options={
                "verbose_name": "person without an account",
                "verbose_name_plural": "people without an account",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("project", "address"), name="one_external_person_an_address"
                    )
                ],
            },
        ),
    ]
