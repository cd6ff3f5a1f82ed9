"""``wardcast warnings …``: what people who answer for a warning type.

Parses, calls, prints, sets the exit code, as ``pipelines.command`` does for the rest. What an act does to a
case is in ``early_warning.cases``; the night takes it in, and until then it is shown as it will be.
"""

import datetime as dt
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from pipelines.options import (
    DEFAULT_AUTHORITY_NAME,
    AsOfOption,
    AuthorityOption,
    HomeOption,
    LandingOption,
    WarehouseOption,
    a_day,
    places_of,
    refusals_told,
)

if TYPE_CHECKING:
    import polars as pl

    from authorities.warning_rules import WarningRule
    from early_warning.acts import ActKind
    from early_warning.cases import CaseState
    from pipelines.settings import Places

warnings_app = typer.Typer(
    name="warnings",
    help="See the early warnings, and say what is done about them.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
IdArgument = Annotated[str, typer.Argument(metavar="ID", help="Id of the warning, as list shows it.")]
WhoOption = Annotated[str, typer.Option("--who", help="Name of the person who decides.")]
WhyOption = Annotated[str, typer.Option("--why", help="The reason, in that person's words.")]
DayOption = Annotated[
    dt.date | None,
    typer.Option(
        "--known-on",
        metavar="DATE",
        parser=a_day,
        help="First night that knows of it [default: today; the sample's newest night].",
    ),
]


class WarningsRefusedError(Exception):
    """The act cannot be taken down; the message says why and what to do."""


@dataclass(frozen=True)
class _Standing:
    """The newest published night's cases, as they are after every act taken down since."""

    places: "Places"
    night: dt.date
    rows: dict[str, dict[str, Any]]
    states: dict[str, "CaseState"]
    causes: "pl.DataFrame"


@warnings_app.callback()
def about() -> None:
    """See the early warnings, and say what is done about them."""


@warnings_app.command("list")
def list_cases(
    everything: Annotated[bool, typer.Option("--all", help="Closed cases too.")] = False,
    language: Annotated[Literal["vi", "en"], typer.Option(help="Language of the messages.")] = "vi",
    authority: AuthorityOption = DEFAULT_AUTHORITY_NAME,
    warehouse: WarehouseOption = None,
    home: HomeOption = None,
) -> None:
    """List the cases that stand, the gravest first."""
    from early_warning.told import list_lines

    with refusals_told(WarningsRefusedError):
        found = _standing(authority, home, warehouse)
        pairs = [(found.rows[key], state) for key, state in found.states.items()]
        shown = [pair for pair in pairs if everything or pair[1].state != "closed"]
        typer.echo("\n".join(list_lines(shown, _rules(found), language)) or "không có cảnh báo / no warnings")
        closed = len(pairs) - len([pair for pair in pairs if pair[1].state != "closed"])
        typer.echo(f"{found.night}: {len(pairs) - closed} standing, {closed} closed", err=True)


@warnings_app.command()
def show(
    warning_id: IdArgument,
    authority: AuthorityOption = DEFAULT_AUTHORITY_NAME,
    warehouse: WarehouseOption = None,
    home: HomeOption = None,
) -> None:
    """Show one case: what it says, where it stands, and what its gap consists of."""
    with refusals_told(WarningsRefusedError):
        found = _standing(authority, home, warehouse)
        typer.echo("\n".join(_case(found, _known(found, warning_id))))


@warnings_app.command()
def acknowledge(
    warning_id: IdArgument,
    who: WhoOption,
    why: WhyOption,
    known_on: DayOption = None,
    authority: AuthorityOption = DEFAULT_AUTHORITY_NAME,
    warehouse: WarehouseOption = None,
    home: HomeOption = None,
) -> None:
    """Say that somebody looks after a case: it is no longer told again, nor escalated."""
    with refusals_told(WarningsRefusedError):
        _take_down("acknowledge", warning_id, who, why, known_on, _standing(authority, home, warehouse))


@warnings_app.command()
def explain(
    warning_id: IdArgument,
    who: WhoOption,
    why: WhyOption,
    until: Annotated[
        dt.date | None,
        typer.Option(metavar="DATE", parser=a_day, help="Re-open the case if it still holds after this day."),
    ] = None,
    known_on: DayOption = None,
    authority: AuthorityOption = DEFAULT_AUTHORITY_NAME,
    warehouse: WarehouseOption = None,
    home: HomeOption = None,
) -> None:
    """Say why a case is there; it stays in sight, and calms down by itself."""
    with refusals_told(WarningsRefusedError):
        found = _standing(authority, home, warehouse)
        _take_down("explain", warning_id, who, why, known_on, found, until)


@warnings_app.command()
def close(
    warning_id: IdArgument,
    who: WhoOption,
    why: WhyOption,
    known_on: DayOption = None,
    authority: AuthorityOption = DEFAULT_AUTHORITY_NAME,
    warehouse: WarehouseOption = None,
    home: HomeOption = None,
) -> None:
    """Close a case; says what would bring it back."""
    with refusals_told(WarningsRefusedError):
        _take_down("close", warning_id, who, why, known_on, _standing(authority, home, warehouse))


@warnings_app.command()
def scorecard(
    authority: AuthorityOption = DEFAULT_AUTHORITY_NAME,
    landing: LandingOption = None,
    years: Annotated[
        str | None, typer.Option(help="Fiscal years to watch again, first:last [default: the last four].")
    ] = None,
    every: Annotated[
        int, typer.Option("--forecast-every", min=1, max=366, help="Days from one forecast to the next.")
    ] = 15,
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write every score to this CSV.")
    ] = None,
    as_of: AsOfOption = None,
    home: HomeOption = None,
) -> None:
    """Score today's rules on past years: who ended short, who was told in time, who was told for nothing.

    Every night of those years is watched again with what was known then. What comes out is kept in the home,
    and the nights that follow publish it in mart_warning_scorecard.
    """
    from pipelines.backtest import BacktestError, years_of
    from pipelines.home import make_home
    from pipelines.sample import ensure_sample
    from pipelines.scorecard import ScorecardError, run_scorecard, summary
    from warehouse.query import format_result

    with refusals_told(BacktestError, ScorecardError):
        places = places_of(authority, home, None, landing)
        asked = years_of(years) if years else None
        night = as_of or places.default_night(dt.datetime.now(dt.UTC))
        make_home(places.home)
        if places.uses_sample:
            ensure_sample(places)
        scores, kept = run_scorecard(places, night, asked, every)
        if output is not None:
            scores.write_csv(output)
            typer.echo(f"{scores.height} rows of scores written to {output}", err=True)
        typer.echo(format_result(summary(scores), "table"), nl=False)
        typer.echo(f"kept in {kept}; the nights to come publish it in mart_warning_scorecard", err=True)


def _take_down(
    act: "ActKind",
    warning_id: str,
    who: str,
    why: str,
    known_on: dt.date | None,
    found: _Standing,
    until: dt.date | None = None,
) -> None:
    """Put an act into the home's file, and show the case as it stands then."""
    from early_warning.acts import Act, append_act
    from early_warning.cases import refusal

    key = _known(found, warning_id)
    if not who.strip() or not why.strip():
        raise WarningsRefusedError("--who and --why must say something: who decides, and for what reason")
    refused = refusal(found.states[key].state, act)
    if refused is not None:
        raise WarningsRefusedError(f"{key}: nothing to {act}: {refused}")
    now = dt.datetime.now(dt.UTC)
    day = _known_day(found, known_on, now)
    if until is not None and until < day:
        raise WarningsRefusedError(f"--until {until} lies before {day}, the day on which it is said")
    decided = Act(act, key, day, who.strip(), why.strip(), now.isoformat(timespec="seconds"), until)
    try:
        append_act(found.places.home, decided)
    except OSError as error:
        raise WarningsRefusedError(
            f"{found.places.home}/acts cannot be written ({error.strerror}); nothing was taken down"
        ) from error
    after = _with_acts(found)
    typer.echo("\n".join(_case(after, key)))
    typer.echo(f"taken down; nights from {day} on know it", err=True)


def _known_day(found: _Standing, known_on: dt.date | None, now: dt.datetime) -> dt.date:
    """First night that knows the act: none that is published, but in the sample, where time stands still.

    A night that is published is not changed behind its readers' backs; run again, it takes in what it may
    know.
    """
    from zoneinfo import ZoneInfo

    today = now.astimezone(ZoneInfo(found.places.authority.settings.time_zone)).date()
    default = found.night if found.places.sample.exists() else max(today, found.night)
    day = known_on or default
    if day < found.night:
        raise WarningsRefusedError(f"--known-on {day} lies before the newest night, {found.night}")
    return day


def _standing(authority: str, home: Path | None, warehouse: str | None) -> _Standing:
    from warehouse.engines import open_warehouse

    places = places_of(authority, home, warehouse)
    store = open_warehouse(places.warehouse_url)
    nights = [made.as_of for made in store.publications()]
    if not nights:
        raise WarningsRefusedError("nothing has been published yet; run  wardcast nightly  first")
    rows, causes = (store.read_nights(name, [max(nights)]) for name in ("mart_warning", "mart_warning_cause"))
    by_id = {row["warning_id"]: row for row in rows.iter_rows(named=True)}
    return _with_acts(_Standing(places, max(nights), by_id, {}, causes))


def _with_acts(found: _Standing) -> _Standing:
    from early_warning.acts import acts_by, read_acts
    from early_warning.cases import CaseState, after_acts

    read = read_acts(found.places.home)
    for line in read.broken:
        typer.secho(f"wardcast: {line}", err=True, fg=typer.colors.YELLOW)
    acts = acts_by(read.acts)
    states = {
        key: after_acts(CaseState.of_row(row), acts.get(key, []), row["value"])
        for key, row in found.rows.items()
    }
    return replace(found, states=states)


def _known(found: _Standing, warning_id: str) -> str:
    from early_warning.told import nearest_ids

    if warning_id in found.rows:
        return warning_id
    near = nearest_ids(warning_id, found.rows)
    hint = "did you mean\n  " + "\n  ".join(near) if near else "wardcast warnings list  shows those there are"
    raise WarningsRefusedError(f"there is no warning '{warning_id}' on the night of {found.night}; {hint}")


def _rules(found: _Standing) -> dict[str, "WarningRule"]:
    return {rule.rule_code: rule for rule in found.places.authority.settings.warning_rules}


def _case(found: _Standing, key: str) -> list[str]:
    import polars as pl

    from early_warning.told import case_lines

    row = found.rows[key]
    own = found.causes.filter(pl.col("warning_id") == key)
    return case_lines(
        found.places.authority, row, found.states[key], own, _rules(found).get(row["rule_code"])
    )
