from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("servicedesk", "0006_unproven_notes"),
    ]

    operations = [
        migrations.AddField(
            model_name="participant",
            name="bounced_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
    ]
