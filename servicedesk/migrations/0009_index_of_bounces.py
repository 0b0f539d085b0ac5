from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("servicedesk", "0008_unproven_tickets"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="participant",
            index=models.Index(
                condition=models.Q(("bounces", 0), _negated=True),
                fields=["address"],
                name="participant_bounced",
            ),
        ),
    ]
