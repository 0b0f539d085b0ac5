from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("incoming_email", "0022_contents"),
    ]

    operations = [
        migrations.AddField(
            model_name="inboundemail",
            name="peer",
            field=models.GenericIPAddressField(editable=False, null=True, verbose_name="peer"),
        ),
    ]
