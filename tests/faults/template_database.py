"""The data of an installation, kept as they were once, and put back before each run."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import psycopg

from tests.migrated import find_migrated

TEMPLATE = "kept"


class Database(Protocol):
    """With the folder of the data, as far as they are files."""

    name: str

    def keep(self) -> None: ...

    def put_back(self) -> None: ...


@dataclass
class InFiles:
    """All data are files of the folder, SQLite's as well."""

    data: Path
    kept: Path
    name: str = "SQLite"

    def keep(self) -> None:
        shutil.copytree(self.data, self.kept)

    def put_back(self) -> None:
        shutil.rmtree(self.data)
        shutil.copytree(self.kept, self.data)


@dataclass
class InPostgresql(InFiles):
    """A database that is copied by the server from one that nobody is connected to."""

    url: str = ""
    name: str = "PostgreSQL"

    def keep(self) -> None:
        super().keep()
        self._copy(self._own, TEMPLATE)

    def put_back(self) -> None:
        super().put_back()
        self._copy(TEMPLATE, self._own)

    @property
    def _own(self) -> str:
        return urlsplit(self.url).path.lstrip("/")

    def _copy(self, source: str, target: str) -> None:
        with psycopg.connect(self._maintenance, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{target}" WITH (FORCE)')
            connection.execute(f'CREATE DATABASE "{target}" TEMPLATE "{source}"')

    @property
    def _maintenance(self) -> str:
        return urlsplit(self.url)._replace(path="/template1").geturl()


def find_database(data: Path, kept: Path) -> Database:
    """What DATABASE_URL names, which need not have tables."""
    url = os.environ.get("DATABASE_URL", "")
    if url:
        return InPostgresql(data, kept, url=url)
    shutil.copyfile(find_migrated(), data / "db.sqlite3")
    return InFiles(data, kept)
