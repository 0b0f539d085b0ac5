"""Cuts what waits into batches that fit into memory."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")


def split_batches(
    waiting: Iterable[Item], size_of: Callable[[Item], int], *, count: int, size: int
) -> Iterator[list[Item]]:
    """Batches in order: at most `count` items and `size` bytes each, at least one item."""
    batch: list[Item] = []
    held = 0
    for item in waiting:
        bytes_more = size_of(item)
        if batch and (len(batch) >= count or held + bytes_more > size):
            yield batch
            batch, held = [], 0
        batch.append(item)
        held += bytes_more
    if batch:
        yield batch
