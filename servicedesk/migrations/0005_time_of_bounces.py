from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("servicedesk", "0004_failing_mail_servers"),
    ]

    operations = [
        migrations.AddField(
            model_name="participant",
            name="bounced_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
    ]
