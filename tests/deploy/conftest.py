"""A checkout in which the commands of the docs are followed."""

from collections.abc import Iterator

import pytest

from tests.deploy.doc_place import Place, make_place
from tests.deploy.machine import open_folder


@pytest.fixture(scope="session")
def checkout() -> Iterator[Place]:
    with open_folder() as folder:
        yield make_place(folder)


@pytest.fixture
def place(checkout: Place) -> Place:
    checkout.reset()
    return checkout
