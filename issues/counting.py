"""Counts that stop at a limit: a list of a million rows opens as fast as one of a thousand."""

from typing import TYPE_CHECKING, Any, NamedTuple

from django.core.paginator import Paginator
from django.db.models import IntegerField, QuerySet, Subquery
from django.utils.functional import cached_property

if TYPE_CHECKING:
    _Paginator = Paginator[Any]
else:
    _Paginator = Paginator

MOST = 10_000


class Many(int):
    """More than MOST, of which only one more was counted. It is shown as "10000+"."""

    def __str__(self) -> str:
        return f"{MOST}+"


def show_count(count: int) -> int:
    """As people see it, of a count that stopped at the limit."""
    return Many(count) if count > MOST else count


def count_rows(rows: "QuerySet[Any, Any]") -> int:
    """Up to the limit."""
    return show_count(rows.order_by().values("pk")[: MOST + 1].count())


class StateTab(NamedTuple):
    """A tab of a list: its name in the URL, its title, and how many rows it has."""

    value: str
    name: str
    total: int


class CountOf(Subquery):
    """Up to the limit, of the rows that another query of the outer one's columns finds."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) counted)"
    output_field = IntegerField()

    def __init__(self, rows: "QuerySet[Any, Any]") -> None:
        super().__init__(rows.order_by().values("pk")[: MOST + 1])


class BoundedPaginator(_Paginator):
    """Counts all rows only for who asks for a page beyond the limit."""

    @cached_property
    def count(self) -> int:
        if isinstance(self.object_list, QuerySet):
            return count_rows(self.object_list)
        return len(self.object_list)

    def validate_number(self, number: Any) -> int:
        rows = self.object_list
        if isinstance(rows, QuerySet) and isinstance(self.count, Many) and self._is_beyond(number):
            self.count = rows.count()
            self.__dict__.pop("num_pages", None)
        return super().validate_number(number)

    def _is_beyond(self, number: Any) -> bool:
        try:
            return int(number) * self.per_page > MOST
        except (TypeError, ValueError):
            return False
