"""Who may do what in a PostgreSQL warehouse: an owner, analysts, and each ward for itself.

============================  ==========================================================================
``<prefix>_owner``            owns every table and publishes; nothing beyond
``<prefix>_analyst``          reads marts, dimensions and the register
``<prefix>_ward``             nobody's login: what all wards may read
``<prefix>_ward_<code>``      reads the rows of its own unit, the dimensions and the register
============================  ==========================================================================

Everything else, PUBLIC included, may not even connect. A ward is known by the code of its unit, so that it
sees the unit's every validity; the rows are chosen by row-level security, whatever the query. Passwords are
the administrator's affair.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sqlalchemy import Table

from warehouse.engines import WarehouseError
from warehouse.postgres_connection import Server, Session, SQLError, identifier, literal
from warehouse.postgres_lock import hold_as_publisher
from warehouse.postgres_schema import bring_up_to_date, examine, put_setting, setting
from warehouse.postgres_tables import (
    CURRENT,
    LATEST,
    PUBLIC,
    READABLE,
    STORE,
    base,
    is_guarded,
    views,
)

DEFAULT_PREFIX = "wardcast"
_PREFIX_SETTING = "role_prefix"
_LOGIN = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"
_LONGEST_NAME = 63


@dataclass(frozen=True)
class Roles:
    """Names of the roles of one warehouse. Roles are the server's, so authorities beside each other need
    prefixes of their own."""

    prefix: str = DEFAULT_PREFIX

    @property
    def owner(self) -> str:
        """Who publishes."""
        return f"{self.prefix}_owner"

    @property
    def analyst(self) -> str:
        """Who reads everything."""
        return f"{self.prefix}_analyst"

    @property
    def wards(self) -> str:
        """The group of all wards."""
        return f"{self.prefix}_ward"

    def ward(self, unit_code: str) -> str:
        """Who reads one unit's rows."""
        return f"{self.wards}_{unit_code}"


@dataclass(frozen=True)
class Granted:
    """What a grant left: the roles, those of them it made, and the URL to publish with."""

    roles: Roles
    wards: tuple[str, ...]
    made: tuple[str, ...]
    owner_url: str


def grant(url: str, unit_codes: Iterable[str], prefix: str = DEFAULT_PREFIX) -> Granted:
    """Make the schema and its roles, or bring them up to date; all at once or not at all.

    ``url`` logs in as an administrator of the database: a superuser, or its owner with CREATEROLE. Once the
    roles stand, the owner may renew the rights itself.

    Raises:
        WarehouseError: no connection, no rights, a night being published, or a role of that name which
            could see too much.
    """
    server, roles = Server(url), Roles(prefix)
    wards = tuple(roles.ward(code) for code in sorted(set(unit_codes)))
    _refuse_long([roles.owner, roles.analyst, *wards])
    with (
        server.clear_errors(_why_not_granted, ". Nothing was changed"),
        server.session("wardcast warehouse grant") as session,
    ):
        hold_as_publisher(session, server.shown)
        made = _make_roles(session, roles, wards)
        bring_up_to_date(session, examine(session))
        put_setting(session, _PREFIX_SETTING, prefix)
        _hand_over(session, roles)
        for statement in (*_database_rights(server.database, roles), *_rights(session, roles)):
            session.run(statement)
        _refuse_open(session, server.database)
        session.commit()
    return Granted(roles, wards, made, server.with_user(roles.owner))


def renew_rights(session: Session) -> None:
    """Give the roles of an earlier grant, if any, their rights on tables and views that are new."""
    prefix = setting(session, _PREFIX_SETTING)
    if prefix is not None:
        for statement in _rights(session, Roles(prefix)):
            session.run(statement)


def _why_not_granted(error: SQLError) -> str:
    if error.state == "55P03":
        return "somebody keeps a table of it locked; run again when that has ended"
    return "roles and rights could not be set"


def _refuse_long(names: Iterable[str]) -> None:
    long = [name for name in names if len(name.encode()) > _LONGEST_NAME]
    if long:
        raise WarehouseError(
            f"role name '{long[0]}' has more than {_LONGEST_NAME} bytes; give a shorter --prefix"
        )


def _make_roles(session: Session, roles: Roles, wards: tuple[str, ...]) -> tuple[str, ...]:
    """Make those that lack; returns their names."""
    wanted = (roles.owner, roles.analyst, roles.wards, *wards)
    known = dict(
        session.rows(
            "SELECT rolname::text, rolsuper OR rolbypassrls FROM pg_roles "  # noqa: S608 - quoted names
            f"WHERE rolname IN ({', '.join(map(literal, wanted))})"
        )
    )
    dangerous = [name for name, too_much in known.items() if too_much]
    if dangerous:
        raise WarehouseError(
            f"role {dangerous[0]} is a superuser or bypasses row-level security, and would see every ward; "
            "take that from it, or choose another --prefix"
        )
    new = tuple(name for name in wanted if name not in known)
    for name in new:
        session.run(f"CREATE ROLE {identifier(name)} {'NOLOGIN' if name == roles.wards else _LOGIN}")
        if name not in (roles.owner, roles.wards):
            session.run(f"ALTER ROLE {identifier(name)} SET default_transaction_read_only = on")
    _join_wards(session, roles, wards)
    return new


def _join_wards(session: Session, roles: Roles, wards: tuple[str, ...]) -> None:
    members = {
        name
        for (name,) in session.rows(
            "SELECT pg_get_userbyid(member)::text FROM pg_auth_members "  # noqa: S608 - quoted name
            f"WHERE roleid = (SELECT oid FROM pg_roles WHERE rolname = {literal(roles.wards)})"
        )
    }
    for name in wards:
        if name not in members:
            session.run(f"GRANT {identifier(roles.wards)} TO {identifier(name)}")


def _hand_over(session: Session, roles: Roles) -> None:
    """Everything belongs to the owner, whoever made it."""
    owner = identifier(roles.owner)
    is_super, is_owner = session.rows(
        "SELECT rolsuper, pg_has_role(rolname, "  # noqa: S608 - quoted name
        f"{literal(roles.owner)}, 'USAGE') FROM pg_roles WHERE rolname = current_user"
    )[0]
    if not is_super and not is_owner:
        session.run(f"GRANT {owner} TO CURRENT_USER")
    ours = ", ".join(literal(base(table)) for table in READABLE)
    shown = ", ".join(literal(view) for table in READABLE for view in views(table))
    foreign = session.rows(
        "SELECT n.nspname::text, c.relname::text FROM pg_class AS c "  # noqa: S608 - quoted names
        "JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'v') "
        f"AND pg_get_userbyid(c.relowner) <> {literal(roles.owner)} "
        f"AND (n.nspname = '{STORE}' OR n.nspname || '.' || c.relname IN ({ours}, {shown}))"
    )
    session.run(f"GRANT USAGE, CREATE ON SCHEMA {PUBLIC} TO {owner}")
    for schema in (STORE, LATEST):
        session.run(f"ALTER SCHEMA {schema} OWNER TO {owner}")
    for schema, name in foreign:
        session.run(f"ALTER TABLE {schema}.{identifier(name)} OWNER TO {owner}")


def _database_rights(database: str, roles: Roles) -> Iterator[str]:
    own = identifier(database)
    yield f"REVOKE ALL ON DATABASE {own} FROM PUBLIC"
    yield f"REVOKE ALL ON SCHEMA {PUBLIC} FROM PUBLIC"
    for role in (roles.owner, roles.analyst, roles.wards):
        yield f"GRANT CONNECT ON DATABASE {own} TO {identifier(role)}"
    for role in (roles.analyst, roles.wards):
        yield f"GRANT USAGE ON SCHEMA {PUBLIC} TO {identifier(role)}"


def _refuse_open(session: Session, database: str) -> None:
    """What is not the user's to revoke is left standing without an error: so look."""
    if session.rows("SELECT has_database_privilege('public', current_database(), 'CONNECT')")[0][0]:
        raise WarehouseError(
            f"everybody may still connect to {database}; run this as the database's owner or a superuser"
        )


def _rights(session: Session, roles: Roles) -> Iterator[str]:
    """What the owner can give: reading, and for which rows."""
    readers = f"{identifier(roles.analyst)}, {identifier(roles.wards)}"
    yield f"GRANT USAGE ON SCHEMA {STORE}, {LATEST} TO {readers}"
    yield f"REVOKE ALL ON {CURRENT} FROM PUBLIC, {readers}"
    yield f"GRANT SELECT ON {CURRENT} TO {readers}"
    policies = {
        (table, name)
        for table, name in session.rows("SELECT tablename::text, policyname::text FROM pg_policies")
    }
    for table in READABLE:
        relations = ", ".join((base(table), *views(table)))
        yield f"REVOKE ALL ON {relations} FROM PUBLIC, {readers}"
        allowed = readers if _wards_may_read(table) else identifier(roles.analyst)
        yield f"GRANT SELECT ON {relations} TO {allowed}"
        for role, condition in _policies(table, roles):
            if (table.name, role) not in policies:
                yield (
                    f"CREATE POLICY {identifier(role)} ON {base(table)} FOR SELECT TO {identifier(role)} "
                    f"USING ({condition})"
                )


def _wards_may_read(table: Table) -> bool:
    """What speaks of the whole authority, or of other wards' files, is not for a ward."""
    return not is_guarded(table) or "unit_key" in table.columns


def _policies(table: Table, roles: Roles) -> Iterator[tuple[str, str]]:
    if not is_guarded(table):
        return
    yield roles.analyst, "true"
    if "unit_key" in table.columns:
        name = f"{literal(roles.wards + '_')} || unit.unit_code"
        yield (
            roles.wards,
            f"unit_key IN (SELECT unit.unit_key FROM {PUBLIC}.dim_unit AS unit "  # noqa: S608 - quoted names
            f"JOIN pg_roles AS role ON role.rolname = {name} WHERE pg_has_role(role.oid, 'USAGE'))",
        )
