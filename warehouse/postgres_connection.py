"""Talking to a PostgreSQL server: one ADBC connection, its transactions, and what its errors mean.

One driver does all, because a bulk load belongs in the same transaction as the register that names it. What
is said over the connection is in ``warehouse.postgres`` and the modules beside it.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import polars as pl
from sqlalchemy.engine import URL, make_url

from warehouse.engines import POSTGRES_EXAMPLE_URL, WarehouseError, shown_url
from warehouse.postgres_results import ResultTypeError, result_frame

if TYPE_CHECKING:
    import adbc_driver_manager
    from adbc_driver_manager.dbapi import Connection

OLDEST_SERVER = 15
LOCK_SECONDS = 15
CONNECT_SECONDS = 10
_DRIVERS = ("postgresql", "postgresql+psycopg")
# The last two: a publisher whose machine is gone must not hold its lock for hours.
_SETTINGS = {
    "TimeZone": "UTC", "search_path": "public", "tcp_keepalives_idle": "60", "tcp_keepalives_interval": "10",
}  # fmt: skip
# A night takes what it takes, whatever limits a database has for people.
_PATIENCE = {"statement_timeout": "0", "idle_in_transaction_session_timeout": "0"}
_UNREACHABLE = re.compile(
    r"refused|could not translate|timeout|timed out|No such file|unreachable|No route|starting up|"
    "shutting down"
)
_LOGIN_REFUSED = re.compile(
    r"authentication failed|no password supplied|pg_hba\.conf|not permitted to log in|"
    r"role \".*\" does not exist|permission denied for database"
)
_NO_DATABASE = re.compile(r"database \".*\" does not exist")
_CONNECTION_LOST = ("08", "57P01", "57P02", "57P03")


class SQLError(Exception):
    """A statement failed: ``state`` is the SQLSTATE (empty where the connection broke), ``text`` what the
    server said, without the statement itself."""

    def __init__(self, state: str, text: str) -> None:
        super().__init__(text)
        self.state = state
        self.text = text


class Session:
    """One connection. It is always in a transaction; ``commit`` ends one and begins the next."""

    def __init__(self, connection: "Connection") -> None:
        self._connection = connection

    def run(self, sql: str) -> None:
        """Execute one statement that gives no rows."""
        self.frame(sql)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of one statement."""
        return self.frame(sql).rows()

    def frame(self, sql: str) -> pl.DataFrame:
        """Result of one statement, whatever it is; text comes as String, numeric as exact Decimal.

        Raises:
            SQLError: the server refused it.
            ResultTypeError: a column's type has no counterpart here.
        """
        with _said(), self._connection.cursor() as cursor:
            # Not through COPY: it takes no statement but a query, and none that ends in a semicolon.
            cursor.adbc_statement.set_options(**{"adbc.postgresql.use_copy": "false"})
            cursor.execute(sql)
            table = cursor.fetch_arrow_table()
        return result_frame(table)

    def bulk_frame(self, query: str) -> pl.DataFrame:
        """Result of one of our own queries, streamed by COPY: for marts of any size."""
        with _said(), self._connection.cursor() as cursor:
            cursor.execute(query)
            table = cursor.fetch_arrow_table()
        return result_frame(table)

    def load(self, schema: str, table: str, frame: pl.DataFrame) -> None:
        """Append ``frame`` by COPY, columns matched by name."""
        if frame.is_empty():
            return
        with _said(), self._connection.cursor() as cursor:
            cursor.adbc_ingest(table, frame.to_arrow(), mode="append", db_schema_name=schema)

    def set(self, settings: Mapping[str, str]) -> None:
        """Set the server's parameters for as long as the session lasts."""
        calls = ", ".join(
            f"set_config({literal(name)}, {literal(value)}, false)" for name, value in settings.items()
        )
        self.rows(f"SELECT {calls}")

    def commit(self) -> None:
        """End the transaction and begin another."""
        with _said():
            self._connection.commit()
        self.begin()

    def begin(self, *, read_only: bool = False) -> None:
        """Say what the transaction is to be; must come before its first statement."""
        kind = "REPEATABLE READ READ ONLY" if read_only else "READ COMMITTED READ WRITE"
        self.run(f"SET TRANSACTION ISOLATION LEVEL {kind}")


class Server:
    """The database behind a URL. ``shown`` is the URL as it may be shown: without its password."""

    def __init__(self, url: str) -> None:
        self._parsed = _checked(url)
        self.shown = shown_url(url)
        self.user = self._parsed.username or "of the operating system"
        self.database = str(self._parsed.database)

    def with_user(self, user: str) -> str:
        """URL of the same database for another user, without a password."""
        return self._parsed.set(username=user, password=None).render_as_string()

    @contextmanager
    def session(self, name: str, *, read_only: bool = False) -> Iterator[Session]:
        """A connection that others see as ``name``; what is not committed is undone at its end.

        Raises:
            WarehouseError: no connection, or a server too old.
        """
        connection = self._connect(name)
        try:
            session = Session(connection)
            session.begin(read_only=read_only)
            session.set(_SETTINGS | {"lock_timeout": f"{LOCK_SECONDS}s"} | ({} if read_only else _PATIENCE))
            self._refuse_old(session)
            yield session
        finally:
            connection.close()

    def _connect(self, name: str) -> "Connection":
        try:
            import adbc_driver_manager
            from adbc_driver_postgresql import dbapi
        except ImportError as error:
            raise WarehouseError(
                "a PostgreSQL warehouse needs the extra 'postgres': pip install 'wardcast[postgres]'"
            ) from error
        try:
            connection: Connection = dbapi.connect(self._conninfo(name))
        except adbc_driver_manager.Error as error:
            # Not chained: the driver's own words may hold the connection string.
            raise WarehouseError(self._why_not_connected(str(error))) from None
        return connection

    def _conninfo(self, name: str) -> str:
        """The URL as libpq reads it; what it leaves out, libpq takes from PG… variables and .pgpass."""
        url = self._parsed
        login = quote(url.username or "", safe="")
        if url.password is not None:
            login += ":" + quote(str(url.password), safe="")
        port = "" if url.port is None else f":{url.port}"
        asked = {"connect_timeout": str(CONNECT_SECONDS), **_plain_query(url), "application_name": name}
        host = f"[{url.host}]" if ":" in (url.host or "") else url.host or ""
        place = f"{login}@{host}{port}" if login else f"{host}{port}"
        return f"postgresql://{place}/{quote(self.database, safe='')}?{urlencode(asked, quote_via=quote)}"

    def _why_not_connected(self, said: str) -> str:
        cause = " ".join(said.removeprefix("IO: [libpq] Failed to connect: ").split())
        if self._parsed.password:
            cause = cause.replace(str(self._parsed.password), "***")
        if _NO_DATABASE.search(cause):
            why = f"the server has no database '{self.database}'; make it with CREATE DATABASE"
        elif _LOGIN_REFUSED.search(cause):
            why = f"the login of user {self.user} was refused; see the name, and the password in ~/.pgpass"
        elif _UNREACHABLE.search(cause):
            why = "the server cannot be reached; see that it runs, and host and port"
        else:
            why = "it cannot be opened"
        return f"warehouse {self.shown}: {why} ({cause})"

    def _refuse_old(self, session: Session) -> None:
        version = int(session.rows("SELECT current_setting('server_version_num')::int")[0][0]) // 10_000
        if version < OLDEST_SERVER:
            raise WarehouseError(
                f"warehouse {self.shown}: the server is PostgreSQL {version}; {OLDEST_SERVER} is the oldest "
                "that can show each ward its own rows"
            )

    @contextmanager
    def clear_errors(self, failing: Callable[[SQLError], str], ending: str = "") -> Iterator[None]:
        """Tell a clerk what a failed statement means; ``failing`` says it where nothing general does."""
        try:
            yield
        except SQLError as error:
            why = _general_cause(error, self.user) or failing(error)
            raise WarehouseError(f"warehouse {self.shown}: {why} ({error.text}){ending}") from error
        except ResultTypeError as error:
            raise WarehouseError(str(error)) from error


def _general_cause(error: SQLError, user: str) -> str:
    if error.state == "53100":
        return "the server's disk is full; free space there"
    if error.state == "42501":
        return (
            f"user {user} may not do this; an administrator gives the rights with  wardcast warehouse grant"
        )
    if not error.state or error.state.startswith(_CONNECTION_LOST):
        return "the connection to the server was lost; run again when it is back"
    return ""


def _checked(url: str) -> URL:
    parsed = make_url(url)
    if parsed.drivername not in _DRIVERS:
        raise WarehouseError(
            f"warehouse driver '{parsed.drivername}' is not supported; write {POSTGRES_EXAMPLE_URL}"
        )
    if not parsed.database:
        raise WarehouseError(
            f"warehouse '{shown_url(url)}' names no database; write it as {POSTGRES_EXAMPLE_URL}"
        )
    return parsed


def _plain_query(url: URL) -> dict[str, str]:
    return {name: value if isinstance(value, str) else ",".join(value) for name, value in url.query.items()}


@contextmanager
def _said() -> Iterator[None]:
    """The driver's errors without the statement, which may be long and is not the reader's."""
    import adbc_driver_manager

    try:
        yield
    except adbc_driver_manager.Error as error:
        raise SQLError(error.sqlstate or "", _server_text(error)) from error


def _server_text(error: "adbc_driver_manager.Error") -> str:
    told = {_text(key): _text(value) for key, value in error.details or []}
    parts = [told[key] for key in _FIELDS if key in told]
    return "; ".join(parts) or " ".join(str(error).split())


_FIELDS = ("PG_DIAG_MESSAGE_PRIMARY", "PG_DIAG_MESSAGE_HINT")


def _text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def literal(text: str) -> str:
    """``text`` as an SQL string, whatever ``standard_conforming_strings`` says."""
    quoted = text.replace("'", "''")
    return "E'" + quoted.replace("\\", "\\\\") + "'" if "\\" in text else f"'{quoted}'"


def identifier(name: str) -> str:
    """``name`` as an SQL name."""
    return '"' + name.replace('"', '""') + '"'
