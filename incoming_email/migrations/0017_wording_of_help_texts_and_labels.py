"""New wording of help texts and labels; nothing changes in the database."""

import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("incoming_email", "0016_series_words"),
    ]

    operations = [
        migrations.AlterField(
            model_name="mailbox",
            name="idle_timeout",
            field=models.PositiveIntegerField(
                default=60,
                help_text="IDLE is re-issued after this many seconds (max. 29 minutes, RFC 2177).",
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(1740),
                ],
                verbose_name="IDLE time-out in seconds",
            ),
        ),
        migrations.AlterField(
            model_name="mailbox",
            name="keep_raw_days",
            field=models.PositiveSmallIntegerField(
                blank=True,
                help_text="Days to keep raw messages of processed and rejected mail. Leave empty to use KEEP_RAW_DAYS; 0 keeps them forever.",
                null=True,
                verbose_name="days to keep raw messages",
            ),
        ),
        migrations.AlterField(
            model_name="webhookalert",
            name="event",
            field=models.CharField(
                choices=[
                    ("mailbox_failing", "mailbox is failing"),
                    ("mailbox_working", "mailbox works again"),
                    ("probe_failing", "probes are late"),
                    ("probe_working", "probes have recovered"),
                ],
                max_length=20,
                verbose_name="event",
            ),
        ),
    ]
