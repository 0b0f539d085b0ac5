from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("servicedesk", "0010_direct_copies"),
    ]

    operations = [
        migrations.AddField(
            model_name="ticket",
            name="own_words",
            field=models.TextField(editable=False, null=True),
        ),
    ]
