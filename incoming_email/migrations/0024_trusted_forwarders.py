from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("incoming_email", "0023_peers"),
    ]

    operations = [
        migrations.AddField(
            model_name="mailbox",
            name="trusted_forwarders",
            field=models.TextField(
                blank=True,
                default="",
                help_text="Domains, one a line, of mailing lists and forwarders whose ARC seals count as proof of the sender, such as lists.example.org. Where your own mail server seals too, name it.",
                verbose_name="trusted forwarders",
            ),
        ),
    ]
