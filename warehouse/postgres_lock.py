"""One publisher at a time, and who stands in the way.

The lock is an advisory one of the database, held by the connection: it goes with its holder, however that
ends. Which tables somebody keeps locked is asked on a connection of its own, as the failed one can ask no
more.
"""

from warehouse.engines import WarehouseBusyError, WarehouseError
from warehouse.postgres_connection import Server, Session, SQLError

PUBLISHER_LOCK = 0x57415244
"""Key of the advisory lock: the letters WARD."""
_HARMLESS = "('AccessShareLock', 'RowShareLock', 'RowExclusiveLock')"


def hold_as_publisher(session: Session, shown: str) -> None:
    """Hold the database as its only publisher until the session ends.

    Raises:
        WarehouseError: another holds it; the message names that one.
    """
    if session.rows(f"SELECT pg_try_advisory_lock({PUBLISHER_LOCK})")[0][0]:
        return
    holders = session.rows(
        "SELECT a.application_name, a.usename::text, coalesce(host(a.client_addr), 'this server') "  # noqa: S608 - a number
        "FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid) "
        f"WHERE l.locktype = 'advisory' AND l.granted AND l.objid = {PUBLISHER_LOCK} AND l.classid = 0 "
        "AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    names = [f"{name or 'a client'} (user {user}, from {host})" for name, user, host in holders]
    raise WarehouseBusyError(
        f"{shown} is being published to by {', '.join(names) or 'another run'}; run again when it has ended"
    )


def who_locks(server: Server) -> str:
    """Which of our tables are locked against writing, and by whom, in words."""
    try:
        with server.session("wardcast check", read_only=True) as session:
            rows = session.rows(
                "SELECT DISTINCT n.nspname || '.' || c.relname, a.usename::text, a.pid, a.application_name "  # noqa: S608
                "FROM pg_locks AS l JOIN pg_class AS c ON c.oid = l.relation "
                "JOIN pg_namespace AS n ON n.oid = c.relnamespace "
                "JOIN pg_stat_activity AS a ON a.pid = l.pid "
                "WHERE l.granted AND n.nspname IN ('store', 'public', 'latest') AND c.relkind <> 'i' "
                f"AND l.mode NOT IN {_HARMLESS} AND a.pid <> pg_backend_pid() ORDER BY 1"
            )
    except (SQLError, WarehouseError):
        return "by whom could not be found out"
    said = [
        f"{table} by user {user}, process {pid}{f' of {name}' if name else ''}"
        for table, user, pid, name in rows
    ]
    return "; ".join(said) or "it has been let go since"
