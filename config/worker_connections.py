"""How Celery treats Django's database connections: kept from task to task, checked around each.

Celery closes them before and after every task, so that each task pays for a new one, or, with
CELERY_DB_REUSE_MAX, keeps them unchecked, so that one cut makes every later task fail.
"""

from functools import cached_property
from typing import Any

from celery import Celery
from celery.fixups.django import DjangoFixup, DjangoWorkerFixup  # type: ignore[attr-defined]

from issues import connections


class WorkerFixup(DjangoWorkerFixup):  # type: ignore[misc]
    """Around a fork Celery still closes all connections: no two processes may share one."""

    def on_task_prerun(self, sender: Any, **_: Any) -> None:
        if not sender.request.is_eager:
            connections.validate()

    def on_task_postrun(self, sender: Any, **_: Any) -> None:
        if not sender.request.is_eager:
            connections.validate()
            self.close_cache()


class Fixup(DjangoFixup):
    @cached_property
    def worker_fixup(self) -> WorkerFixup:
        return WorkerFixup(self.app)


def install(app: Celery) -> Fixup:
    """What `Celery(fixups=…)` calls in the place of Celery's own."""
    fixup = Fixup(app)
    fixup.install()
    return fixup
