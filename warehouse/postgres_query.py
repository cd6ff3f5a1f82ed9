"""One reading statement on PostgreSQL: what is let through, and why the rest is not.

The transaction is read-only, but that alone would let ``COPY … TO`` and ``COMMIT`` pass: so the statement is
first planned as a cursor, which takes one query and nothing else, and run only then, for itself, as cursors
get no parallel plans.
"""

import re

import polars as pl

from warehouse.chosen_rows import no_such_table
from warehouse.engines import WarehouseError
from warehouse.postgres_connection import Session, SQLError

_NOT_READING = frozenset([
    "ABORT", "ALTER", "ANALYZE", "BEGIN", "CALL", "CHECKPOINT", "CLOSE", "CLUSTER", "COMMENT", "COMMIT",
    "COPY", "CREATE", "DEALLOCATE", "DECLARE", "DELETE", "DISCARD", "DO", "DROP", "END", "EXECUTE",
    "EXPLAIN", "FETCH", "GRANT", "IMPORT", "INSERT", "LISTEN", "LOAD", "LOCK", "MERGE", "MOVE",
    "NOTIFY", "PREPARE", "REASSIGN", "REFRESH", "REINDEX", "RELEASE", "RESET", "REVOKE", "ROLLBACK",
    "SAVEPOINT", "SECURITY", "SET", "SHOW", "START", "TRUNCATE", "UNLISTEN", "UPDATE", "VACUUM",
])  # fmt: skip
_COMMENT = re.compile(r"\s+|--[^\n]*(\n|$)|/\*.*?\*/|\(|;", re.DOTALL)


def read_one_statement(session: Session, sql: str, seconds: int) -> pl.DataFrame:
    """Result of the one reading statement in ``sql``, in a read-only session.

    Raises:
        WarehouseError: for what is not one reading statement, names what is not there, or takes longer.
    """
    word = first_word(sql)
    if not word:
        raise WarehouseError("a query is one SELECT; this holds 0 statements")
    if word in _NOT_READING:
        raise WarehouseError(_refused(word))
    try:
        # A shorter limit of the server's own stands.
        session.run(
            f"SELECT set_config('statement_timeout', '{seconds}s', true) "
            "WHERE current_setting('statement_timeout') = '0'"
        )
        session.run(f"DECLARE wardcast_query NO SCROLL CURSOR FOR {sql}")
        session.run("CLOSE wardcast_query")
        return session.frame(sql)
    except SQLError as error:
        raise WarehouseError(_why_not(error, seconds)) from error


def first_word(sql: str) -> str:
    """First word of a statement in capitals, comments and parentheses apart; whatever stands there."""
    rest = sql
    while match := _COMMENT.match(rest):
        rest = rest[match.end() :]
    return re.match(r"\w*", rest)[0].upper() or rest[:1]  # type: ignore[index]


def _refused(what: str) -> str:
    return f"the warehouse is only read here: {what} is refused; write one SELECT"


def _why_not(error: SQLError, seconds: int) -> str:
    if error.state == "57014":
        limit = f"{seconds} seconds, where the server allows no less"
        return f"the query took longer than it may ({limit}) and was ended; ask for less at a time"
    if error.state == "42601" and "multiple commands" in error.text:
        return "a query is one SELECT; this holds several statements"
    if error.state == "25006":
        return _refused(error.text.removeprefix("cannot execute ").split(" in a ")[0])
    if error.state == "0A000" or "DECLARE CURSOR" in error.text:
        return f"{_refused('a query that writes')} ({error.text})"
    if error.state == "42601":
        return f"the query cannot be understood: {error.text}"
    unknown = re.search(r'relation "(\S+)" does not exist', error.text)
    if error.state == "42P01" and unknown:
        return no_such_table(unknown[1])
    if error.state == "42501":
        return f"the query asks for what this user may not see: {error.text}"
    return f"the query failed: {error.text}"
