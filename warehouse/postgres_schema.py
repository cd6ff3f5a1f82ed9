"""The warehouse's schema in a database: made, compared with the declarations, upgraded in place.

Three descriptions are held against each other: what this code declares, what the last code to change the
schema declared (kept in ``store.setting``), and what the catalogue holds. The catalogue differing from the
record is somebody's hand; the record knowing more than the code is a newer version. Where the tables lie is
in ``warehouse.postgres_tables``.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from warehouse.engines import WarehouseError
from warehouse.postgres_citus import is_citus, spread_frame_statements, spread_statements
from warehouse.postgres_connection import Session, identifier, literal
from warehouse.postgres_tables import (
    READABLE,
    SETTING,
    STORE,
    add_column_statement,
    base,
    base_columns,
    column_types,
    comment_statements,
    create_frame_statements,
    create_statements,
    view_statements,
    views,
)

LAYOUT = 1
"""Version of the layout itself: views, policies, what the store keeps for itself."""
_BY_NAME = {table.name: table for table in READABLE}
Columns = dict[str, str]
"""Column name → type."""


@dataclass(frozen=True)
class Standing:
    """What a database holds: the declaration it was made by (None before the first), and its relations."""

    recorded: dict[str, Columns] | None
    comments: str
    actual: dict[str, Columns]

    def lacking(self) -> dict[str, list[str]]:
        """Declared columns that the record does not have, by table."""
        known = self.recorded or {}
        lacks = {
            name: [column for column in columns if column not in known.get(name, {})]
            for name, columns in declared().items()
        }
        return {name: columns for name, columns in lacks.items() if columns}

    def told(self) -> list[str]:
        """What bringing it up to date does, in words."""
        if self.recorded is None:
            return [f"schema made: {len(declared())} tables"]
        added = [
            f"{name}: {'columns ' + ', '.join(columns) if name in self.recorded else 'new table'}"
            for name, columns in self.lacking().items()
        ]
        lost = [f"{name}: views made again" for name in self.lost_views()]
        return [*added, *lost] or ["comments brought up to date"]

    def lost_views(self) -> list[str]:
        """Tables of which a view is gone."""
        known = self.recorded or {}
        return [name for name in known if any(view not in self.actual for view in views(_BY_NAME[name]))]


def declared() -> dict[str, Columns]:
    """What this code declares: table → columns."""
    return {table.name: column_types(table) for table in READABLE}


def _comments_digest() -> str:
    said = [[table.comment, *(column.comment for column in table.columns)] for table in READABLE]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def columns_of(session: Session, relations: list[str]) -> dict[str, Columns]:
    """Those of ``relations`` (``schema.name``) that exist, with their columns in order."""
    names = ", ".join(literal(name) for name in relations)
    found: dict[str, Columns] = {}
    rows = session.rows(
        "SELECT n.nspname || '.' || c.relname, a.attname, format_type(a.atttypid, a.atttypmod) "  # noqa: S608
        "FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace "
        "JOIN pg_attribute AS a ON a.attrelid = c.oid "
        f"WHERE n.nspname || '.' || c.relname IN ({names}) AND c.relkind <> 'i' "
        "AND a.attnum > 0 AND NOT a.attisdropped ORDER BY c.oid, a.attnum"
    )
    for relation, column, kind in rows:
        found.setdefault(relation, {})[column] = kind
    return found


def examine(session: Session) -> Standing:
    """What stands in the database.

    Raises:
        WarehouseError: it is of a newer version, somebody's hand has changed it, or what stands there under
            our names is not ours.
    """
    ours = [relation for table in READABLE for relation in (base(table), *views(table))]
    actual = columns_of(session, [*ours, SETTING])
    if actual.pop(SETTING, None) is None:
        if actual:
            raise WarehouseError(
                f"the database is no warehouse of ours: {', '.join(sorted(actual))} stands there already; "
                "give it a database of its own"
            )
        return Standing(None, "", {})
    settings = dict(session.rows(f"SELECT name, value FROM {SETTING}"))  # noqa: S608 - our own table
    recorded: dict[str, Columns] = json.loads(settings["declaration"])
    _refuse_newer(int(settings["layout"]), recorded)
    standing = Standing(recorded, settings["comments"], actual)
    _refuse_edited(standing)
    return standing


def _refuse_newer(layout: int, recorded: dict[str, Columns]) -> None:
    known = declared()
    newer = [f"layout {layout}"] if layout > LAYOUT else []
    newer += [
        f"{name}.{column}"
        for name, columns in recorded.items()
        for column in columns
        if column not in known.get(name, {})
    ]
    if newer:
        raise WarehouseError(
            "the warehouse was made by a newer version of wardcast, which this one must not write to: it has "
            f"{', '.join(newer)}; upgrade wardcast"
        )
    changed = [
        f"{name}.{column} is {kind} there and {known[name][column]} here"
        for name, columns in recorded.items()
        for column, kind in columns.items()
        if known[name][column] != kind
    ]
    if changed:
        raise WarehouseError(f"the warehouse was made by another version of wardcast: {'; '.join(changed)}")


def _refuse_edited(standing: Standing) -> None:
    faults: list[str] = []
    for name, columns in (standing.recorded or {}).items():
        table = _BY_NAME[name]
        faults += _differences(
            base(table), base_columns(table, columns), standing.actual.get(base(table), {})
        )
        for view in views(table):
            if view in standing.actual:
                faults += _differences(view, columns, standing.actual[view])
    if faults:
        raise WarehouseError(
            "the warehouse's schema was changed by hand: " + "; ".join(faults) + ". Undo that, then run again"
        )


def _differences(relation: str, expected: Columns, found: Columns) -> Iterator[str]:
    if not found:
        yield f"{relation} is gone"
        return
    for column, kind in expected.items():
        if column not in found:
            yield f"{relation} lacks the column {column}"
        elif found[column] != kind:
            yield f"{relation}.{column} is {found[column]} instead of {kind}"
    for column in found.keys() - expected.keys():
        yield f"{relation} has a column {column} of somebody else's"


def bring_up_to_date(session: Session, standing: Standing) -> bool:
    """Make what lacks, in the session's transaction: the whole, or what this version has gained.

    Nights of an older version are null in the columns they lack. Returns whether anything was changed.
    """
    lacking, lost = standing.lacking(), standing.lost_views()
    on_citus = is_citus(session)
    if standing.recorded is None:
        _run(session, create_frame_statements())
        _run(session, spread_frame_statements() if on_citus else ())
    elif not lacking and not lost and standing.comments == _comments_digest():
        return False
    for name, columns in lacking.items():
        table = _BY_NAME[name]
        if name in (standing.recorded or {}):
            _run(session, (add_column_statement(table.columns[column]) for column in columns))
        else:
            _run(session, create_statements(table))
            _run(session, spread_statements(table) if on_citus else ())
    for table in READABLE:
        if table.name in lacking or table.name in lost:
            _run(session, view_statements(table))
        _run(session, comment_statements(table))
    _record(session)
    return True


def _record(session: Session) -> None:
    settings = {
        "layout": str(LAYOUT),
        "declaration": json.dumps(declared()),
        "comments": _comments_digest(),
    }
    for name, value in settings.items():
        put_setting(session, name, value)


def put_setting(session: Session, name: str, value: str) -> None:
    """Remember something about the warehouse in the warehouse."""
    session.run(
        f"INSERT INTO {SETTING} VALUES ({literal(name)}, {literal(value)}) "  # noqa: S608 - our own table
        "ON CONFLICT (name) DO UPDATE SET value = excluded.value"
    )


def setting(session: Session, name: str) -> str | None:
    """What was remembered, if anything."""
    rows = session.rows(f"SELECT value FROM {SETTING} WHERE name = {literal(name)}")  # noqa: S608 - our own table
    return str(rows[0][0]) if rows else None


def refuse_without_rights(session: Session) -> None:
    """Whoever is logged in must be able to make or to change the schema.

    Raises:
        WarehouseError: a standby, or a user without the rights.
    """
    in_recovery, user, may_create, owner = session.rows(
        "SELECT pg_is_in_recovery(), current_user::text, "  # noqa: S608 - our own schema
        "has_database_privilege(current_database(), 'CREATE'), "
        f"(SELECT pg_has_role(nspowner, 'USAGE') FROM pg_namespace WHERE nspname = '{STORE}')"
    )[0]
    if in_recovery:
        raise WarehouseError("the server is a read-only standby; publish to its primary")
    may_write = owner if owner is not None else may_create
    if not may_write:
        raise WarehouseError(
            f"user {user} may not publish here; log in as the warehouse's owner, whom an administrator makes "
            "with  wardcast warehouse grant"
        )


def act_as_owner(session: Session) -> None:
    """Go on as the schema's owner, where there is one and the user may: what is made is then the owner's,
    also when an administrator publishes."""
    owners = session.rows(
        "SELECT pg_get_userbyid(nspowner)::text FROM pg_namespace "  # noqa: S608 - our own schema
        f"WHERE nspname = '{STORE}' AND pg_get_userbyid(nspowner) <> current_user "
        "AND pg_has_role(nspowner, 'MEMBER')"
    )
    for (owner,) in owners:
        session.run(f"SET ROLE {identifier(owner)}")


def _run(session: Session, statements: Iterable[str]) -> None:
    for statement in statements:
        session.run(statement)
