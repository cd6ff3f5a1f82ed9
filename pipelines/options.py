"""What the commands of ``wardcast`` have in common: options, where things lie, refusals told to a clerk.

Importing it loads nothing heavy, so that help is quick. The commands are in ``pipelines.command`` and the
modules of the command groups.
"""

import datetime as dt
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from pipelines.settings import Places

DEFAULT_AUTHORITY_NAME = "authorities/long_bien"
_DAY_FIRST = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")


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


def day_of(text: str) -> dt.date | None:
    """The day that people write as 2020-06-30 or as 30/06/2020; None where it is none."""
    turned = _DAY_FIRST.fullmatch(text.strip())
    try:
        return dt.date.fromisoformat(
            "{2}-{1:0>2}-{0:0>2}".format(*turned.groups()) if turned else text.strip()
        )
    except ValueError:
        return None


def a_day(text: str) -> dt.date:
    """What every option that takes a day is parsed by."""
    found = day_of(text)
    if found is None:
        raise typer.BadParameter(f"'{text}' is no day; write it as 2020-06-30 or 30/06/2020")
    return found


AuthorityOption = Annotated[
    str,
    typer.Option(
        "--authority",
        metavar="DIR",
        help="Folder of the authority, or the name of one that ships.",
        envvar="WARDCAST_AUTHORITY",
    ),
]
HomeOption = Annotated[
    Path | None,
    typer.Option(
        "--home",
        metavar="DIR",
        help="Where everything written lies [default: var/<authority>].",
        envvar="WARDCAST_HOME",
    ),
]
WarehouseOption = Annotated[
    str | None,
    typer.Option(
        "--warehouse",
        metavar="URL",
        help="SQLAlchemy URL of the warehouse [default: a DuckDB in the home].",
        envvar="WARDCAST_WAREHOUSE",
        callback=without_password,
    ),
]
LandingOption = Annotated[
    Path | None,
    typer.Option(
        "--landing",
        metavar="DIR",
        help="Folder where extracts arrive [default: the embedded sample, else <home>/landing].",
        envvar="WARDCAST_LANDING",
    ),
]
AsOfOption = Annotated[
    dt.date | None,
    typer.Option(
        "--as-of",
        metavar="DATE",
        parser=a_day,
        help="The night meant [default: the sample's own, else yesterday].",
    ),
]


def places_of(
    authority: str, home: Path | None, warehouse: str | None = None, landing: Path | None = None
) -> "Places":
    """Where things lie by the options given, the environment and the defaults."""
    from pipelines.settings import Places, Settings

    return Places(Settings(authority=Path(authority), home=home, warehouse=warehouse, landing=landing))


class UnknownNameError(Exception):
    """What was typed names no unit, line, scenario, mart or night; the message says which there are."""


@contextmanager
def refusals_told(*more: type[Exception]) -> Iterator[None]:
    """Expected refusals as one clear message and exit code 1, names of what there is not as wrong usage (2).

    So is what the system refuses: a folder without rights, a disk that is full or not there. Anything else is
    a defect, with its trace.
    """
    from authorities.loading import AuthorityError, NoSuchAuthorityError
    from early_warning.messages import WarningRuleError
    from extracts.landing import LandingError
    from pipelines.home import NightRefusedError
    from warehouse.engines import UnknownPublicationError, WarehouseError

    refusals = (AuthorityError, LandingError, NightRefusedError, WarehouseError, WarningRuleError)
    try:
        yield
    except (NoSuchAuthorityError, UnknownNameError, UnknownPublicationError) as error:
        fail(str(error), exit_code=2)
    except refusals + more as error:
        fail(str(error))
    except BrokenPipeError:
        raise  # who reads the output has seen enough
    except OSError as error:
        fail(
            f"{error.filename or 'the system refuses'}: {error.strerror or error}. See to its rights and the "
            "disk's room, or name another place"
        )


def fail(message: str, exit_code: int = 1) -> NoReturn:
    """Tell why not, and end."""
    typer.secho(f"wardcast: {message}", err=True, fg=typer.colors.RED)
    raise typer.Exit(exit_code) from None
