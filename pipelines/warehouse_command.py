"""``wardcast warehouse …``: what an administrator of the warehouse's database types.

Parses, calls, prints, sets the exit code, as ``pipelines.command`` does for the rest. What roles there are
and what they may do is in ``warehouse.postgres_roles``.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.options import (
    DEFAULT_AUTHORITY_NAME,
    AuthorityOption,
    HomeOption,
    WarehouseOption,
    places_of,
    refusals_told,
    without_password,
)

if TYPE_CHECKING:
    from warehouse.postgres_roles import Granted

warehouse_app = typer.Typer(
    name="warehouse",
    help="Look after the warehouse's database.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
_ROLE_NAME = r"[a-z][a-z0-9_]*"


@warehouse_app.callback()
def about() -> None:
    """Look after the warehouse's database."""


@warehouse_app.command()
def backup(
    archive: Annotated[Path, typer.Argument(metavar="FILE", help="A new .tar.gz, outside the home.")],
    authority: AuthorityOption = DEFAULT_AUTHORITY_NAME,
    home: HomeOption = None,
) -> None:
    """Put the whole home into one file: raw rows, human acts, embedded warehouse, bulletins."""
    from pipelines.backup import BackupError, back_up

    with refusals_told(BackupError):
        count = back_up(places_of(authority, home).home, archive)
    typer.echo(f"{count} files backed up to {archive}")


@warehouse_app.command()
def restore(
    archive: Annotated[Path, typer.Argument(metavar="FILE", help="What backup wrote.")],
    authority: AuthorityOption = DEFAULT_AUTHORITY_NAME,
    home: HomeOption = None,
) -> None:
    """Bring a home back from a backup, into a home that is new or empty."""
    from pipelines.backup import BackupError
    from pipelines.backup import restore as bring_back

    with refusals_told(BackupError):
        place = places_of(authority, home).home
        count = bring_back(archive, place)
    typer.echo(f"{count} files restored to {place}")


@warehouse_app.command()
def upgrade(
    authority: AuthorityOption = DEFAULT_AUTHORITY_NAME,
    warehouse: WarehouseOption = None,
    home: HomeOption = None,
) -> None:
    """Bring a warehouse of an older version up to date, in place; the next night would do it too."""
    from pipelines.settings import code_version
    from warehouse.engines import open_warehouse

    with refusals_told():
        done = open_warehouse(places_of(authority, home, warehouse).warehouse_url).upgrade(code_version())
    for line in done:
        typer.echo(line)
    typer.echo("The warehouse is up to date." if done else "Nothing to do: the warehouse is up to date.")


@warehouse_app.command()
def grant(
    authority: AuthorityOption = DEFAULT_AUTHORITY_NAME,
    warehouse: Annotated[
        str | None,
        typer.Option(
            "--warehouse",
            metavar="URL",
            help="SQLAlchemy URL of a PostgreSQL warehouse, logging in as an administrator of its database.",
            envvar="WARDCAST_WAREHOUSE",
            callback=without_password,
        ),
    ] = None,
    prefix: Annotated[
        str,
        typer.Option(
            "--prefix",
            help="First part of the roles' names; warehouses on one server need different ones.",
        ),
    ] = "wardcast",
) -> None:
    """Make the roles of a PostgreSQL warehouse, or bring them up to date: owner, analyst, one a ward."""
    import re

    from authorities.loading import find_authority, load_authority
    from warehouse.postgres_roles import grant as grant_roles

    if warehouse is None:
        raise typer.BadParameter("give --warehouse postgresql+psycopg://administrator@host/database")
    if not warehouse.startswith("postgresql"):
        raise typer.BadParameter("roles are PostgreSQL's; a DuckDB file is guarded by its folder's rights")
    if not re.fullmatch(_ROLE_NAME, prefix):
        raise typer.BadParameter("--prefix is small letters, digits and _, beginning with a letter")
    with refusals_told():
        units = load_authority(find_authority(Path(authority))).units
        granted = grant_roles(warehouse, (unit.code for unit in units), prefix)
    typer.echo(_said(granted))


def _said(granted: "Granted") -> str:
    roles, wards = granted.roles, granted.wards
    shown = f"{wards[0]} … {wards[-1]}" if len(wards) > 1 else "".join(wards)
    return "\n".join(
        [
            f"{roles.owner:24} publishes: wardcast nightly --warehouse {granted.owner_url}",
            f"{roles.analyst:24} reads all marts",
            f"{roles.wards + '_<code>':24} reads its own unit ({len(wards)}: {shown})",
            f"made now: {', '.join(granted.made) or 'none, all stood'}",
            "No password was set. In psql, as an administrator:  \\password " + roles.owner,
        ]
    )
