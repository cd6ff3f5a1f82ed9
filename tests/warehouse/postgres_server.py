"""A test's way into PostgreSQL: databases of its own, logins, and plain SQL beside the code under test."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
from psycopg import sql
from sqlalchemy.engine import URL

ADMINISTRATOR = "postgres"
_NUMBERS = count(1)


@dataclass(frozen=True)
class PostgresServer:
    """The running server. ``system_user`` is whom it runs as, where that is not the caller."""

    folder: str
    uri: str
    system_user: str | None

    @property
    def host(self) -> str:
        return parse_qs(urlsplit(self.uri).query)["host"][0]

    def new_database(self) -> "Database":
        name = f"warehouse_{next(_NUMBERS)}"
        self.execute(f"CREATE DATABASE {name}")
        return Database(self, name)

    def execute(self, *statements: str) -> None:
        """Run each as the administrator, outside any transaction."""
        with psycopg.connect(self.uri, autocommit=True) as connection:
            for statement in statements:
                connection.execute(sql.SQL(statement))

    def require_password(self, role: str) -> None:
        """From now on ``role`` needs its password, as nobody else does here."""
        rules = Path(self.folder) / "pg_hba.conf"
        rules.write_text(f"local all {role} scram-sha-256\n{rules.read_text()}")
        self.execute("SELECT pg_reload_conf()")


@dataclass(frozen=True)
class Database:
    """One database of the server."""

    server: PostgresServer
    name: str

    @property
    def prefix(self) -> str:
        """For the names of roles, which are the server's and not the database's."""
        return self.name.replace("warehouse_", "w")

    def url(self, user: str = ADMINISTRATOR, password: str | None = None) -> str:
        query = {"host": self.server.host}
        url = URL.create("postgresql+psycopg", user, password, database=self.name, query=query)
        return url.render_as_string(hide_password=False)

    @contextmanager
    def login(self, user: str = ADMINISTRATOR) -> Iterator[psycopg.Connection[Any]]:
        with psycopg.connect(
            host=self.server.host, user=user, dbname=self.name, autocommit=True
        ) as connection:
            yield connection

    def rows(self, statement: str, user: str = ADMINISTRATOR) -> list[tuple[Any, ...]]:
        with self.login(user) as connection:
            return connection.execute(sql.SQL(statement)).fetchall()

    def execute(self, *statements: str) -> None:
        with self.login() as connection:
            for statement in statements:
                connection.execute(sql.SQL(statement))

    def drop(self) -> None:
        self.server.execute(f"DROP DATABASE IF EXISTS {self.name} WITH (FORCE)")
