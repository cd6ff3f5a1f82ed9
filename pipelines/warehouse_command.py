"""``wardcast warehouse …``: what an administrator of the warehouse's database types.

Parses, calls, prints, sets the exit code, as ``pipelines.command`` does for the rest. What roles there are
and what they may do is in ``warehouse.postgres_roles``.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from warehouse.postgres_roles import Granted

warehouse_app = typer.Typer(
    name="warehouse",
    help="Look after the warehouse's database.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
_ROLE_NAME = r"[a-z][a-z0-9_]*"


def without_password(context: typer.Context, url: str | None) -> str | None:
    """Refuse a URL with a password as an argument: every user of the machine sees it in the process list."""
    from warehouse.engines import bears_password

    source = context.get_parameter_source("warehouse")
    if url and source is not None and source.name == "COMMANDLINE" and bears_password(url):
        raise typer.BadParameter(
            "a password here is seen by every user of this machine; put it into ~/.pgpass or PGPASSWORD, "
            "or the whole URL into WARDCAST_WAREHOUSE"
        )
    return url


@warehouse_app.callback()
def about() -> None:
    """Look after the warehouse's database."""


HomeOption = Annotated[
    Path | None,
    typer.Option(
        "--home",
        metavar="DIR",
        help="Where everything written lies [default: var/<authority>].",
        envvar="WARDCAST_HOME",
    ),
]
AuthorityOption = Annotated[
    str,
    typer.Option(
        "--authority",
        metavar="DIR",
        help="Folder of the authority, or the name of one that ships.",
        envvar="WARDCAST_AUTHORITY",
    ),
]


@warehouse_app.command()
def backup(
    archive: Annotated[Path, typer.Argument(metavar="FILE", help="A new .tar.gz, outside the home.")],
    authority: AuthorityOption = "authorities/long_bien",
    home: HomeOption = None,
) -> None:
    """Put the whole home into one file: raw rows, human acts, embedded warehouse, bulletins."""
    from pipelines.backup import back_up

    count = _done(lambda: back_up(_home(authority, home), archive))
    typer.echo(f"{count} files backed up to {archive}")


@warehouse_app.command()
def restore(
    archive: Annotated[Path, typer.Argument(metavar="FILE", help="What backup wrote.")],
    authority: AuthorityOption = "authorities/long_bien",
    home: HomeOption = None,
) -> None:
    """Bring a home back from a backup, into a home that is new or empty."""
    from pipelines.backup import restore as bring_back

    place = _home(authority, home)
    count = _done(lambda: bring_back(archive, place))
    typer.echo(f"{count} files restored to {place}")


def _home(authority: str, home: Path | None) -> Path:
    from pipelines.settings import Places, Settings

    return Places(Settings(authority=Path(authority), home=home)).home


def _done(work: Callable[[], int]) -> int:
    """What ``work`` gives, or its refusal told and exit code 1."""
    from authorities.loading import AuthorityError
    from pipelines.backup import BackupError
    from pipelines.home import NightRefusedError

    try:
        return work()
    except (AuthorityError, BackupError, NightRefusedError) as error:
        typer.secho(f"wardcast: {error}", err=True, fg=typer.colors.RED)
        raise typer.Exit(1) from None


@warehouse_app.command()
def upgrade(
    authority: AuthorityOption = "authorities/long_bien",
    warehouse: Annotated[
        str | None,
        typer.Option(
            "--warehouse",
            metavar="URL",
            help="SQLAlchemy URL of the warehouse [default: the DuckDB file in the home].",
            envvar="WARDCAST_WAREHOUSE",
            callback=without_password,
        ),
    ] = None,
    home: HomeOption = None,
) -> None:
    """Bring a warehouse of an older version up to date, in place; the next night would do it too."""
    from authorities.loading import AuthorityError
    from pipelines.settings import Places, Settings, code_version
    from warehouse.engines import WarehouseError, open_warehouse

    try:
        places = Places(Settings(authority=Path(authority), home=home, warehouse=warehouse))
        done = open_warehouse(places.warehouse_url).upgrade(code_version())
    except (AuthorityError, WarehouseError) as error:
        typer.secho(f"wardcast: {error}", err=True, fg=typer.colors.RED)
        raise typer.Exit(1) from None
    for line in done:
        typer.echo(line)
    typer.echo("The warehouse is up to date." if done else "Nothing to do: the warehouse is up to date.")


@warehouse_app.command()
def grant(
    authority: Annotated[
        str,
        typer.Option(
            "--authority",
            metavar="DIR",
            help="Folder of the authority, or the name of one that ships: its units get a role each.",
            envvar="WARDCAST_AUTHORITY",
        ),
    ] = "authorities/long_bien",
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

    from authorities.loading import AuthorityError, find_authority, load_authority
    from warehouse.engines import WarehouseError
    from warehouse.postgres_roles import grant as grant_roles

    if warehouse is None:
        raise typer.BadParameter("give --warehouse postgresql+psycopg://administrator@host/database")
    if not warehouse.startswith("postgresql"):
        raise typer.BadParameter("roles are PostgreSQL's; a DuckDB file is guarded by its folder's rights")
    if not re.fullmatch(_ROLE_NAME, prefix):
        raise typer.BadParameter("--prefix is small letters, digits and _, beginning with a letter")
    try:
        units = load_authority(find_authority(Path(authority))).units
        granted = grant_roles(warehouse, (unit.code for unit in units), prefix)
    except (AuthorityError, WarehouseError) as error:
        typer.secho(f"wardcast: {error}", err=True, fg=typer.colors.RED)
        raise typer.Exit(1) from None
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
