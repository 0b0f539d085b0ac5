from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("incoming_email", "0011_other_mailbox")]

    operations = [
        migrations.AddField(
            model_name="inboundemail",
            name="version",
            field=models.CharField(max_length=40, null=True, verbose_name="version"),
        ),
    ]
