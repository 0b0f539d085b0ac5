"""How many messages the ledger has of each hour, and which hours have changed since."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class HourCount(models.Model):
    """Messages of an hour of UTC that agree in mailbox, status and time; right unless the hour
    stands among the `ChangedHour`s."""

    hour = models.DateTimeField(db_index=True)
    mailbox = models.BigIntegerField()
    """Its id. No foreign key: a mailbox without mail may go before its hours are counted again."""

    status = models.CharField(max_length=10)
    took = models.IntegerField(null=True)
    """Seconds from received to finished, coarser as they grow; null where it is not finished."""

    count = models.IntegerField()

    class Meta:
        verbose_name = _("count of an hour")
        verbose_name_plural = _("counts of hours")

    def __str__(self) -> str:
        return f"{self.hour:%Y-%m-%d %H} {self.status}"


class ChangedHour(models.Model):
    """An hour of which messages came, ended or went since it was counted. Triggers of the ledger
    write it (`hour_triggers`), in the transaction of the change; an hour may stand here often, so
    that no two of these transactions wait for each other."""

    hour = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = _("changed hour")
        verbose_name_plural = _("changed hours")

    def __str__(self) -> str:
        return f"{self.hour:%Y-%m-%d %H}"
