"""What layers above provide to those below: registered in ready() of their apps, then called."""

from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from django.core.exceptions import ImproperlyConfigured

Provided = TypeVar("Provided")

_declared: list["ExtensionPoint[Any]"] = []


class ExtensionPoint(Generic[Provided]):
    """Takes what an app of a layer above provides: a function, whose type the Protocol says.

    Stands beside the function that calls it, so a lower layer never imports an upper one.
    """

    def __init__(self, purpose: str, *, takes_several: bool = False) -> None:
        self.purpose = purpose
        self._takes_several = takes_several
        self._registered: list[Provided] = []

    def register(self, provided: Provided) -> None:
        """To be called in ready() of an AppConfig.

        Raises ImproperlyConfigured for a second one where one is taken, and for the same again.
        """
        if provided in self._registered or (self._registered and not self._takes_several):
            raise ImproperlyConfigured(
                f"{provided!r} can't be registered for {self.purpose}:"
                f" {self._registered[0]!r} is registered already."
            )
        self._registered.append(provided)

    @property
    def registered(self) -> Sequence[Provided]:
        """In the order of INSTALLED_APPS."""
        return tuple(self._registered)

    def find(self) -> Provided | None:
        """The one that is registered; a system check finds a point that has none."""
        return next(iter(self._registered), None)


def declare(purpose: str, *, takes_several: bool = False) -> ExtensionPoint[Any]:
    """A point that the system check knows of."""
    point = ExtensionPoint[Any](purpose, takes_several=takes_several)
    _declared.append(point)
    return point


def find_empty_points() -> list[ExtensionPoint[Any]]:
    return [point for point in _declared if not point.registered]
