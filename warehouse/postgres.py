"""Publishing to PostgreSQL: all marts of a night in one transaction, by one publisher at a time.

The steps of a publication, and reading. Where the tables lie is in ``warehouse.postgres_tables``, how the
schema is made and compared in ``warehouse.postgres_schema``, who may read what in
``warehouse.postgres_roles``, the connection in ``warehouse.postgres_connection``.
"""

import logging
import os
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date

import polars as pl
from sqlalchemy import Table

from warehouse.chosen_rows import in_declared_shape, of_publication
from warehouse.engines import (
    Publication,
    PublicationFacts,
    StepListener,
    UnknownPublicationError,
)
from warehouse.mart_store import MartStore, nothing_published, stamped
from warehouse.postgres_connection import Server, Session, SQLError, literal
from warehouse.postgres_lock import hold_as_publisher, who_locks
from warehouse.postgres_query import read_one_statement
from warehouse.postgres_roles import renew_rights
from warehouse.postgres_schema import (
    act_as_owner,
    bring_up_to_date,
    columns_of,
    examine,
    refuse_without_rights,
)
from warehouse.postgres_tables import (
    CURRENT,
    PUBLIC,
    READABLE,
    STORE,
    base,
    base_schema,
    is_nightly,
    partition,
    partition_statements,
    selected,
)
from warehouse.projections import empty_frame, polars_schema
from warehouse.publication_register import Register
from warehouse.tables.marts import MARTS, PUBLICATION

LOG = logging.getLogger(__name__)
QUERY_SECONDS = 300
STATISTICS_TARGET = 25
"""How finely columns are described to the planner; the server's usual 100 reads four times as many pages."""
_READABLE = {table.name: table for table in READABLE}
_AS_IT_WAS = ". The last publication is as it was"
_REGISTER = base(PUBLICATION)


class PostgresWarehouse(MartStore):
    """The warehouse in the PostgreSQL database behind ``url``.

    ``query_seconds``: after how long the server gives up on a query.
    """

    def __init__(
        self, url: str, *, kept_days: int, nights_kept_days: int | None = None,
        at_step: StepListener | None = None,
        query_seconds: int = QUERY_SECONDS,
    ) -> None:  # fmt: skip
        super().__init__(kept_days=kept_days, nights_kept_days=nights_kept_days, at_step=at_step)
        self._server = Server(url)
        self._step = ""
        self._query_seconds = query_seconds

    def check_writable(self) -> None:
        """Raise now what a publication would raise later: no server, no rights, another schema."""
        with (
            self._server.clear_errors(lambda _: "it could not be examined"),
            self._server.session("wardcast check") as session,
        ):
            refuse_without_rights(session)
            examine(session)

    def upgrade(self, code_version: str) -> list[str]:
        """Add the tables and columns that this code declares and the database lacks, in one transaction.

        ``code_version`` is not looked at: the database holds the declaration that it was made by.

        Raises:
            WarehouseError: a newer or hand-edited schema, another publisher, no rights, or no server.
        """
        del code_version
        with (
            self._server.clear_errors(lambda _: "it could not be upgraded", _AS_IT_WAS),
            self._server.session("wardcast upgrade") as session,
        ):
            refuse_without_rights(session)
            hold_as_publisher(session, self._server.shown)
            act_as_owner(session)
            standing = examine(session)
            if not bring_up_to_date(session, standing):
                return []
            renew_rights(session)
            session.commit()
            return standing.told()

    def publish(
        self,
        night: date,
        marts: Mapping[str, pl.DataFrame],
        dimensions: Mapping[str, pl.DataFrame],
        facts: PublicationFacts,
    ) -> Publication:
        """Publish all marts of ``night`` together, or none.

        ``marts`` and ``dimensions`` are every declared one by name, in declared shape, the marts without
        ``publication_id``. A night published before is superseded; a night older than the newest joins the
        history and leaves ``latest`` as it is.

        Raises:
            WarehouseError: where keys do not hold, another publishes, or the server refuses.
            SchemaMismatchError: where a frame lacks its declared shape.
        """
        frames = self._checked(night, marts, dimensions, facts)
        name = f"wardcast run {facts.run_id[:8]} of night {night}, process {os.getpid()}"
        with (
            self._server.clear_errors(self._why_not_published, _AS_IT_WAS),
            self._server.session(name) as session,
        ):
            self._begin("lock")
            hold_as_publisher(session, self._server.shown)
            self._begin("schema")
            act_as_owner(session)
            if bring_up_to_date(session, examine(session)):
                renew_rights(session)
                session.commit()
            return self._publish_alone(session, night, frames, facts)

    def _publish_alone(
        self, session: Session, night: date, frames: Mapping[str, pl.DataFrame], facts: PublicationFacts
    ) -> Publication:
        register = _register(session)
        publication_id = register.next_id(night)
        rows = sum(frames[table.name].height for table in MARTS)
        published = Publication(publication_id=publication_id, as_of=night, rows=rows, **asdict(facts))
        grown = Register((*register.publications, published))
        newest = grown.newest()
        for name, frame in frames.items():
            self._begin(f"load {name}")
            table = _READABLE[name]
            if is_nightly(table):
                _load_night(session, table, night, stamped(table, frame, publication_id))
            elif newest is published:
                _replace(session, table, stamped(table, frame, publication_id))
        self._begin("register")
        _enter(session, published)
        self._begin("prune")
        gone = grown.outlived(self._nights_kept_days)
        _prune(session, [*grown.expired(self._kept_days, facts.published_at), *gone])
        self._begin("commit")
        session.commit()
        self._begin("statistics")
        _renew_statistics(session, night)
        return published

    def _begin(self, step: str) -> None:
        self._step = step
        super()._begin(step)

    def _why_not_published(self, error: SQLError) -> str:
        if error.state == "55P03":
            holders = who_locks(self._server)
            return f"at step '{self._step}' somebody kept a table locked ({holders}); end that and run again"
        if error.state == "2BP01":
            return "views of somebody else's stand on the warehouse's; drop them, run again, make them anew"
        return f"the publication could not be written at step '{self._step}'"

    def read_publication(self, name: str, publication_id: str) -> pl.DataFrame:
        """A mart as one publication has it, superseded or not, in declared shape and sorted by its grain.

        Raises:
            UnknownPublicationError: there is none of this id, or it is past its retention.
            WarehouseError: for an unknown name, a dimension or the register.
        """
        table = of_publication(name)
        with (
            self._server.clear_errors(lambda _: f"{table.name} could not be read"),
            self._server.session("wardcast reader", read_only=True) as session,
        ):
            made, held = _kept(session)
            if publication_id not in held:
                known = publication_id in made
                raise UnknownPublicationError(publication_id, self._server.shown, list(held), known=known)
            chosen = f"as_of = DATE '{held[publication_id]}' AND publication_id = {literal(publication_id)}"
            frame = _rows(session, table, chosen, relation=base(table))
        return in_declared_shape(frame, table)

    def _read(self, table: Table, condition: str) -> pl.DataFrame:
        with (
            self._server.clear_errors(lambda _: f"{table.name} could not be read"),
            self._server.session("wardcast reader", read_only=True) as session,
        ):
            frame = _rows(session, table, condition, relation=f"{PUBLIC}.{table.name}")
        return in_declared_shape(frame, table)

    def publications(self) -> tuple[Publication, ...]:
        """All publications ever made, first to last; those past retention are listed too."""
        with (
            self._server.clear_errors(lambda _: "its publications could not be read"),
            self._server.session("wardcast reader", read_only=True) as session,
        ):
            return _register(session).publications

    def query(self, sql: str) -> pl.DataFrame:
        """Result of one reading statement. Plain table names give all nights, ``latest.x`` the newest."""
        with (
            self._server.clear_errors(lambda _: "it could not be read"),
            self._server.session("wardcast query", read_only=True) as session,
        ):
            if not _register(session).publications:
                raise nothing_published(self._server.shown)
            return read_one_statement(session, sql, self._query_seconds)


def _register(session: Session) -> Register:
    found = columns_of(session, [_REGISTER]).get(_REGISTER)
    if not found:
        return Register()
    names = list(polars_schema(PUBLICATION))
    rows = session.frame(f"SELECT {selected(names)} FROM {_REGISTER} ORDER BY number")  # noqa: S608 - declared names
    return Register.from_frame(rows)


def _kept(session: Session) -> tuple[set[str], dict[str, date]]:
    """Ids of all publications made, and those whose rows are there with their nights, first to last."""
    if not columns_of(session, [_REGISTER]).get(_REGISTER):
        return set(), {}
    rows = session.rows(f"SELECT publication_id, as_of, is_pruned FROM {_REGISTER} ORDER BY number")  # noqa: S608
    return {one for one, _, _ in rows}, {one: night for one, night, is_pruned in rows if not is_pruned}


def _load_night(session: Session, table: Table, night: date, frame: pl.DataFrame) -> None:
    name = partition(table, night)
    if not columns_of(session, [f"{STORE}.{name}"]):
        for statement in partition_statements(table, night):
            session.run(statement)
    session.load(STORE, name, frame)


def _replace(session: Session, table: Table, frame: pl.DataFrame) -> None:
    """Delete, not TRUNCATE, which would show a reader of the older snapshot an empty table."""
    session.run(f"DELETE FROM {base(table)}")  # noqa: S608 - declared names
    session.load(base_schema(table), table.name, frame)


def _enter(session: Session, published: Publication) -> None:
    row = pl.DataFrame([asdict(published)], schema=polars_schema(PUBLICATION))
    session.load(base_schema(PUBLICATION), PUBLICATION.name, row)
    session.run(
        f"INSERT INTO {CURRENT} VALUES (DATE '{published.as_of}', {literal(published.publication_id)}) "  # noqa: S608
        "ON CONFLICT (as_of) DO UPDATE SET publication_id = excluded.publication_id"
    )


def _prune(session: Session, expired: list[str]) -> None:
    """Delete the rows of publications past retention; the register goes on listing them."""
    if not expired:
        return
    ids = ", ".join(literal(publication_id) for publication_id in expired)
    due = session.rows(
        f"SELECT publication_id, as_of FROM {_REGISTER} WHERE publication_id IN ({ids}) AND NOT is_pruned"  # noqa: S608
    )
    for publication_id, as_of in due:
        for table in filter(is_nightly, MARTS):
            session.run(
                f"DELETE FROM {base(table)} "  # noqa: S608 - declared names
                f"WHERE as_of = DATE '{as_of}' AND publication_id = {literal(publication_id)}"
            )
    session.run(f"UPDATE {_REGISTER} SET is_pruned = true WHERE publication_id IN ({ids}) AND NOT is_pruned")  # noqa: S608


def _renew_statistics(session: Session, night: date) -> None:
    """For good plans at once rather than when the server next gets to it; the publication stands without."""
    own = [f"{STORE}.{partition(table, night)}" for table in MARTS if is_nightly(table)]
    others = [base(table) for table in READABLE if not is_nightly(table)]
    try:
        session.run(f"SET LOCAL default_statistics_target = {STATISTICS_TARGET}")
        session.run(f"ANALYZE (SKIP_LOCKED) {', '.join([*own, *others])}")
        session.commit()
    except SQLError as error:
        LOG.warning("published, but the statistics were not renewed: %s", error.text)


def _rows(session: Session, table: Table, condition: str, *, relation: str) -> pl.DataFrame:
    """Rows of a table, null in the columns that its older version lacks; none where there is no table."""
    held = columns_of(session, [relation]).get(relation, {})
    names = [name for name in polars_schema(table) if name in held]
    if not names:
        return empty_frame(table)
    frame = session.bulk_frame(f"SELECT {selected(names)} FROM {relation} WHERE {condition}")  # noqa: S608 - declared names
    lacking = [name for name in polars_schema(table) if name not in held]
    return frame.with_columns(pl.lit(None).alias(name) for name in lacking).select(
        polars_schema(table).keys()
    )
