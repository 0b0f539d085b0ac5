"""The list of the ledger: what it reads, and what it can be filtered by."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import CharField, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from incoming_email.admin.redaction import Redactor
from incoming_email.handlers import registry
from incoming_email.models import InboundEmail
from incoming_email.outcomes import Reason
from incoming_email.templatetags.machine_words import in_words
from incoming_email.versions import find_version

COLUMNS = (
    *("pk", "received_at", "status", "reason", "sender", "subject", "outcome"),
    "mailbox__name",
)
"""All that the list reads: above all not the raw message."""

REDACTED = tuple(
    field.name
    for field in InboundEmail._meta.concrete_fields
    if field.name in COLUMNS and isinstance(field, CharField) and not field.choices
)
"""Those that may hold any text."""


class ReasonFilter(admin.SimpleListFilter):
    title = _("reason")
    parameter_name = "reason"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The short names; the labels are too long here."""
        return [(value, in_words(value)) for value in Reason.values]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[InboundEmail]
    ) -> QuerySet[InboundEmail]:
        return queryset.filter(reason=self.value()) if self.value() else queryset


class HandlerFilter(admin.SimpleListFilter):
    title = _("handler")
    parameter_name = "handler"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """From the settings: the distinct values of a long ledger would take long to find."""
        return [(handler.name, handler.name) for handler in registry.handlers()]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[InboundEmail]
    ) -> QuerySet[InboundEmail]:
        return queryset.filter(handler=self.value()) if self.value() else queryset


class VersionFilter(admin.SimpleListFilter):
    title = _("version of the last attempt")
    parameter_name = "version"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("this", _("this one")), ("other", _("another or unknown"))]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[InboundEmail]
    ) -> QuerySet[InboundEmail]:
        is_this = Q(version=find_version())
        if self.value() == "this":
            return queryset.filter(is_this)
        if self.value() == "other":
            return queryset.filter(Q(version=None) | ~is_this)
        return queryset


class LedgerList(ChangeList):
    """Shows rows without the keys in their addresses."""

    def get_queryset(
        self, request: HttpRequest, exclude_parameters: Any = None
    ) -> QuerySet[InboundEmail]:
        rows: QuerySet[InboundEmail] = super().get_queryset(request, exclude_parameters)
        return rows.select_related("mailbox").only(*COLUMNS)

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        redactor = Redactor.load()
        rows: Any = self.result_list
        for row in rows:
            for name in REDACTED:
                setattr(row, name, redactor.redact(getattr(row, name)))
