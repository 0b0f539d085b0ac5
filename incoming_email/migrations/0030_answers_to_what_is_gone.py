from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("incoming_email", "0029_block_by_spam"),
    ]

    operations = [
        migrations.AddField(
            model_name="retiredreplykey",
            name="iid",
            field=models.PositiveIntegerField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="retiredreplykey",
            name="answered_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddIndex(
            model_name="retiredreplykey",
            index=models.Index(
                condition=models.Q(("answered_at__isnull", False)),
                fields=["project", "answered_at"],
                name="retired_key_answered",
            ),
        ),
    ]
