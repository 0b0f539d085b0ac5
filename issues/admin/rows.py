"""What the admin pages of all rows have in common: what may be asked, changed and deleted."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from issues.counting import BoundedPaginator

Row = TypeVar("Row", bound=Model)

if TYPE_CHECKING:

    class TypedAdmin(admin.ModelAdmin[Row]):
        """ModelAdmin can only be given its type where types are checked."""

    class TypedTabular(admin.TabularInline[Row, Model]):
        """As TypedAdmin."""

else:

    class _Subscriptable:
        def __class_getitem__(cls, _row):
            return cls

    class TypedAdmin(_Subscriptable, admin.ModelAdmin):
        pass

    class TypedTabular(_Subscriptable, admin.TabularInline):
        pass


def show_moment(moment: datetime | None) -> str:
    """Short, and the same for everybody: operators compare it with logs."""
    return "-" if moment is None else timezone.localtime(moment).strftime("%Y-%m-%d %H:%M")


def lookups_of(list_filter: Any) -> set[str]:
    """The names that the filters of a list put into its address."""
    names = set()
    for each in list_filter:
        if isinstance(each, type):
            names.add(str(getattr(each, "parameter_name", "")))
        else:
            names.add(each if isinstance(each, str) else each[0])
    return names


class GuardedAdmin(TypedAdmin[Row]):
    """Allows only the filters offered in the address of a list.

    Django allows every column there: `?key__startswith=a` would reveal a secret character by
    character.
    """

    linkable: tuple[str, ...] = ()
    """Columns that links of other pages filter by."""

    list_per_page = 50
    show_full_result_count = False
    paginator = BoundedPaginator

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        offered = lookups_of(self.get_list_filter(request)) | {*self.linkable, self.date_hierarchy}
        names = [name for name in offered if name]
        asked = any(lookup == name or lookup.startswith(f"{name}__") for name in names)
        return asked and super().lookup_allowed(lookup, value, request)


class KeptAdmin(GuardedAdmin[Row]):
    """Rows that the system writes: nobody adds or changes one by hand.

    They are deleted with what they belong to, so deleting is allowed as a part of that, and never
    alone.
    """

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Row | None = None) -> bool:
        return False

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions: dict[str, Any] = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        context = {"show_delete": False, **(extra_context or {})}
        return super().change_view(request, object_id, form_url, context)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        raise PermissionDenied
