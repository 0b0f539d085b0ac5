"""Which mailbox's mail an outgoing mail answers by itself: limits of automatic answers count by it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("issues", "0013_issues_by_state"),
    ]

    operations = [
        migrations.AddField(
            model_name="outgoingemail",
            name="answered_mailbox",
            field=models.PositiveBigIntegerField(editable=False, null=True),
        ),
    ]
