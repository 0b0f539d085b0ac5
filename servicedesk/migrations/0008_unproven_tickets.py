from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("servicedesk", "0007_time_of_bounces"),
    ]

    operations = [
        migrations.AddField(
            model_name="ticket",
            name="proven",
            field=models.BooleanField(db_default=True, default=True, editable=False),
        ),
    ]
