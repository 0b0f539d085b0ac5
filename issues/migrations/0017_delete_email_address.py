from django.db import migrations

import issues.models.people


class Migration(migrations.Migration):
    dependencies = [
        ("issues", "0016_addresses_of_allauth"),
    ]

    operations = [
        migrations.AlterModelManagers(
            name="user",
            managers=[("objects", issues.models.people.PeopleManager())],
        ),
        migrations.DeleteModel(name="EmailAddress"),
    ]
