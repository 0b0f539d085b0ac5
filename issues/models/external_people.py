"""What people without an account call themselves."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from issues.models.projects import Project


class ExternalPerson(models.Model):
    """The name that belongs to an address, as its owner's mail to a project gave it."""

    MAX_ADDRESS = 254

    project = models.ForeignKey(
        Project, on_delete=models.CASCADE, related_name="external_people", db_index=False
    )
    address = models.CharField(_("address"), max_length=MAX_ADDRESS)
    """As `canonical_address` has it."""

    name = models.CharField(_("name"), max_length=100)
    """As `external_people.parse_name` leaves it: never an address, and safe to show."""

    proven = models.BooleanField()
    """Mail that was proven to come from the address gave it. Else the team alone reads it."""

    class Meta:
        verbose_name = _("person without an account")
        verbose_name_plural = _("people without an account")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["project", "address"], name="one_external_person_an_address"
            ),
        ]

    def __str__(self) -> str:
        return gettext("person without an account %(number)s") % {"number": self.pk}
