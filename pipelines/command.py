"""The ``wardcast`` command: what people type, in the order they come to need it.

Parses, calls, prints, and sets the exit code (0 published or answered, 1 refused or failed, 2 wrong usage).
Work is done elsewhere; heavy libraries are imported inside the commands, so that help is quick.
"""

import datetime as dt
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from pipelines.options import (
    DEFAULT_AUTHORITY_NAME,
    AsOfOption,
    AuthorityOption,
    HomeOption,
    LandingOption,
    WarehouseOption,
    fail,
    places_of,
    refusals_told,
)
from pipelines.warehouse_command import warehouse_app
from pipelines.warnings_command import warnings_app

if TYPE_CHECKING:
    pass

app = typer.Typer(
    name="wardcast",
    help="Nightly figures, year-end forecasts and early warnings for ward budgets.\n\n"
    "Start with: wardcast nightly. It runs on the embedded sample when no landing folder is given.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(warehouse_app)
app.add_typer(warnings_app)

NOT_ALL_WELL = "the night is published, but not all that follows went well"


def main() -> None:
    """Entry point of the command."""
    app()


@app.command()
def nightly(
    authority: AuthorityOption = DEFAULT_AUTHORITY_NAME,
    landing: LandingOption = None,
    as_of: AsOfOption = None,
    warehouse: WarehouseOption = None,
    home: HomeOption = None,
) -> None:
    """Run one night: read the extracts, check them, forecast, publish marts and bulletin."""
    from pipelines.nightly import check_before, run_night
    from pipelines.report import night_report, what_stands
    from pipelines.sample import ensure_sample

    with refusals_told():
        places = places_of(authority, home, warehouse, landing)
        now = dt.datetime.now(dt.UTC)
        night = as_of or places.default_night(now)
        check_before(places, night, now)
        if places.uses_sample and ensure_sample(places):
            typer.echo(f"simulated sample written to {places.sample}", err=True)
        typer.echo(f"{places.authority.settings.title.en}: night of {night}", err=True)
        outcome = run_night(places, night, now)
        for line in outcome.failed_checks:
            typer.secho(f"check failed: {line}", err=True, fg=typer.colors.YELLOW)
        if not outcome.published:
            fail("\n  ".join([f"{what_stands(places)}:", *outcome.failures]))
        typer.echo(night_report(places, night, dt.datetime.now(dt.UTC)))
        if outcome.failures:
            fail("\n  ".join([f"{NOT_ALL_WELL}:", *outcome.failures]))


@app.command()
def notify(
    authority: AuthorityOption = DEFAULT_AUTHORITY_NAME,
    warehouse: WarehouseOption = None,
    home: HomeOption = None,
) -> None:
    """Tell the roles what is due of the newest night: after quiet hours, or after a channel was mended."""
    from pipelines.notify import notify_now

    with refusals_told():
        told = notify_now(places_of(authority, home, warehouse), dt.datetime.now(dt.UTC))
    for line in told.lines() or ["nothing new to tell"]:
        typer.echo(line)
    if told.failed:
        raise typer.Exit(1)


@app.command()
def query(
    sql: Annotated[
        str, typer.Argument(help='A reading statement, such as "SELECT * FROM mart_district_brief".')
    ],
    form: Annotated[
        Literal["table", "csv", "json"], typer.Option("--format", help="How the result is written.")
    ] = "table",
    authority: AuthorityOption = DEFAULT_AUTHORITY_NAME,
    warehouse: WarehouseOption = None,
    home: HomeOption = None,
) -> None:
    """Query the marts. Plain table names hold every night; latest.<mart> the newest."""
    from warehouse.query import format_result, run_query

    with refusals_told():
        places = places_of(authority, home, warehouse)
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        typer.echo(format_result(run_query(places.warehouse_url, sql), form, width=width), nl=False)


@app.command()
def trace(
    mart: Annotated[str, typer.Argument(help="A mart, such as mart_unit_position.")],
    keys: Annotated[
        list[str] | None,
        typer.Argument(metavar="[KEY]...", help="Its keys: 00151@2004, or line_code=vat and so on."),
    ] = None,
    column: Annotated[
        str | None, typer.Option(help="The figure's column [default: the first that can be traced].")
    ] = None,
    basis: Annotated[str, typer.Option(help="territory, entitled or recurrent.")] = "territory",
    estimate_version: Annotated[str, typer.Option(help="initial, supplemented or adjusted.")] = "initial",
    rows: Annotated[bool, typer.Option("--rows", help="Every row for itself, not ranges.")] = False,
    as_of: AsOfOption = None,
    form: Annotated[
        Literal["table", "csv", "json"], typer.Option("--format", help="How the rows are written.")
    ] = "table",
    authority: AuthorityOption = DEFAULT_AUTHORITY_NAME,
    warehouse: WarehouseOption = None,
    home: HomeOption = None,
) -> None:
    """Follow a mart's figure to the files, sheets and rows it is made of."""
    from pipelines.trace import TraceError, told
    from pipelines.trace import trace as follow
    from warehouse.tracing_figures import NotTraceableError

    with refusals_told(TraceError, NotTraceableError):
        places = places_of(authority, home, warehouse)
        chosen = [*(keys or []), f"basis={basis}", f"estimate_version={estimate_version}"]
        found = follow(places, mart, chosen, column, as_of, each_row=rows)
        typer.echo(told(found, form), nl=False)
        if not found.adds_up:
            fail(
                "the rows do not add up to the figure; run the night again, and report it if they do not then"
            )


@app.command()
def export(
    folder: Annotated[
        Path | None,
        typer.Argument(metavar="DIR", help="Replaced whole [default: <home>/exports/<format>]."),
    ] = None,
    form: Annotated[
        Literal["parquet", "csv", "xlsx"],
        typer.Option("--format", help="csv and xlsx open right in a Vietnamese Excel."),
    ] = "parquet",
    marts: Annotated[
        list[str] | None, typer.Option("--mart", help="Only this one; may be given again [default: all].")
    ] = None,
    all_nights: Annotated[bool, typer.Option("--all-nights", help="Every night, not the newest.")] = False,
    authority: AuthorityOption = DEFAULT_AUTHORITY_NAME,
    warehouse: WarehouseOption = None,
    home: HomeOption = None,
) -> None:
    """Write the marts of the newest night as files, one each."""
    from warehouse.engines import open_warehouse
    from warehouse.exports import EXPORTED
    from warehouse.exports import export as write

    with refusals_told():
        places = places_of(authority, home, warehouse)
        opened = open_warehouse(places.warehouse_url)
        published = [publication.as_of for publication in opened.publications()]
        if not published:
            fail("nothing has been published yet; run  wardcast nightly  first")
        target = folder or places.home / "exports" / form
        written = write(opened, target, form, marts or EXPORTED, None if all_nights else max(published))
        typer.echo(f"{len(written)} tables written to {target}")


@app.command()
def news(
    quarter: Annotated[
        str | None,
        typer.Argument(
            metavar="[QUARTER]", help="A fiscal quarter, such as 2020Q2 [default: the newest night's]."
        ),
    ] = None,
    language: Annotated[
        str | None, typer.Option(help="vi or en [default: the authority's first language].")
    ] = None,
    authority: AuthorityOption = DEFAULT_AUTHORITY_NAME,
    warehouse: WarehouseOption = None,
    home: HomeOption = None,
) -> None:
    """Print the paragraph of the district's news for a quarter, from its last published night."""
    from pipelines.news import NewsError, news_of

    with refusals_told(NewsError):
        told = news_of(places_of(authority, home, warehouse), quarter, language)
    typer.echo(told.item.text)
    typer.echo(f"publication {told.item.publication_id}", err=True)
    if told.remark:
        typer.echo(told.remark, err=True)


@app.command()
def backtest(
    authority: AuthorityOption = DEFAULT_AUTHORITY_NAME,
    landing: LandingOption = None,
    years: Annotated[
        str | None, typer.Option(help="Fiscal years to forecast again, first:last [default: the last four].")
    ] = None,
    months: Annotated[str, typer.Option(help="Months elapsed at the origins.")] = "3,6,9",
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write every score to this CSV.")
    ] = None,
    as_of: AsOfOption = None,
    home: HomeOption = None,
) -> None:
    """Score the forecasts on past years: every method beside pace, naive and growth.

    What comes out is kept in the home, and the nights that follow publish it in mart_forecast_accuracy.
    """
    from pipelines.backtest import BacktestError, months_of, run_backtest, summary, years_of
    from pipelines.home import make_home
    from pipelines.sample import ensure_sample
    from warehouse.query import format_result

    with refusals_told(BacktestError):
        places = places_of(authority, home, None, landing)
        try:
            asked = years_of(years) if years else None, months_of(months)
        except BacktestError as error:
            fail(str(error), exit_code=2)
        night = as_of or places.default_night(dt.datetime.now(dt.UTC))
        make_home(places.home)
        if places.uses_sample:
            ensure_sample(places)
        scores, kept = run_backtest(places, night, *asked)
        if output is not None:
            scores.write_csv(output)
            typer.echo(f"{scores.height} rows of scores written to {output}", err=True)
        typer.echo("errors of the units' totals on the territory, in percent of what came", err=True)
        typer.echo(format_result(summary(scores), "table"), nl=False)
        typer.echo(f"kept in {kept}; the nights to come publish it in mart_forecast_accuracy", err=True)


@app.command()
def scenario(
    named: Annotated[
        str, typer.Argument(metavar="NAME|FILE", help="A scenario of the authority, or a file with one.")
    ],
    authority: AuthorityOption = DEFAULT_AUTHORITY_NAME,
    landing: LandingOption = None,
    as_of: AsOfOption = None,
    withdraw: Annotated[
        bool, typer.Option("--withdraw", help="Publish the night without this scenario again.")
    ] = False,
    by: Annotated[str | None, typer.Option(help="Who asks [default: your login name].")] = None,
    form: Annotated[
        Literal["table", "csv", "json"], typer.Option("--format", help="How the comparison is written.")
    ] = "table",
    warehouse: WarehouseOption = None,
    home: HomeOption = None,
) -> None:
    """Run a night under a named set of policy shocks, beside its base: what if dues come later, or never?

    The night is published anew, with the scenario in mart_year_end_forecast and mart_forecast_path; reruns of
    the night keep it.
    """
    from pipelines.nightly import check_before
    from pipelines.report import what_stands
    from pipelines.sample import ensure_sample
    from pipelines.scenario import (
        ScenarioError,
        find_scenario,
        run_scenario,
        run_without,
        scenario_report,
        whoever,
    )

    with refusals_told(ScenarioError):
        places = places_of(authority, home, warehouse, landing)
        now = dt.datetime.now(dt.UTC)
        night = as_of or places.default_night(now)
        asked = None if withdraw else find_scenario(places, named)
        check_before(places, night, now)
        if places.uses_sample:
            ensure_sample(places)
        who = by or whoever()
        outcome = (
            run_without(places, night, named, who, now)
            if asked is None
            else run_scenario(places, night, asked, who, now)
        )
        if outcome.published and asked is not None:
            typer.echo(scenario_report(places, night, asked, form), nl=False)
        elif outcome.published:
            typer.echo(f"night {night} is published without '{named}'")
        if outcome.failures:
            said = NOT_ALL_WELL if outcome.published else what_stands(places)
            fail("\n  ".join([f"{said}:", *outcome.failures]))


@app.command()
def diff(
    first: Annotated[
        str, typer.Argument(metavar="PUBLICATION", help="An id (2020-06-29.1), or a night: its current one.")
    ],
    second: Annotated[str, typer.Argument(metavar="PUBLICATION", help="The one to compare with.")],
    unit: Annotated[
        str | None, typer.Option(help="One unit with its lines: code, key or name, with or without accents.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Every line too, and what moved by less than 0.1%.")
    ] = False,
    form: Annotated[
        Literal["table", "csv", "json"], typer.Option("--format", help="How the moves are written.")
    ] = "table",
    authority: AuthorityOption = DEFAULT_AUTHORITY_NAME,
    warehouse: WarehouseOption = None,
    home: HomeOption = None,
) -> None:
    """Say what moved between two publications and why: positions, forecasts, warnings."""
    from pipelines.diff import DiffError, chosen, compare, told

    with refusals_told(DiffError):
        places = places_of(authority, home, warehouse)
        found = compare(places, first, second)
        rows = chosen(places, found, unit, everything=everything)
        typer.echo(told(places, found, rows, form), nl=False)


@app.command()
def diagnose(
    unit: Annotated[str, typer.Argument(help="Code, key or name of a unit, with or without accents.")],
    line: Annotated[
        str | None, typer.Argument(help="Code or name of a revenue line [default: each one it has].")
    ] = None,
    authority: AuthorityOption = DEFAULT_AUTHORITY_NAME,
    landing: LandingOption = None,
    output: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Where pages go [default: <home>/diagnostics].")
    ] = None,
    form: Annotated[
        Literal["html", "png"], typer.Option("--format", help="A page, or its charts as one picture.")
    ] = "html",
    as_of: AsOfOption = None,
    home: HomeOption = None,
) -> None:
    """Show a statistician what a unit's forecast stands on: components, innovations, tests, coverage."""
    from pipelines.diagnose import DiagnoseError, run_diagnose
    from pipelines.sample import ensure_sample

    with refusals_told(DiagnoseError):
        places = places_of(authority, home, None, landing)
        night = as_of or places.default_night(dt.datetime.now(dt.UTC))
        if places.uses_sample:
            ensure_sample(places)
        for path in run_diagnose(places, night, unit, line, output or places.home / "diagnostics", form):
            typer.echo(path)


@app.command()
def simulate(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where the simulated extracts are written.")],
    wards: Annotated[
        int | None, typer.Option(min=1, help="Make a country of so many invented wards.")
    ] = None,
    years: Annotated[int | None, typer.Option(min=2, help="Only the last so many fiscal years.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed instead of the sample's own.")] = None,
    authority: AuthorityOption = DEFAULT_AUTHORITY_NAME,
) -> None:
    """Write simulated extracts in the office's formats: landing/, withheld/ and manifest.json."""
    from authorities.loading import find_authority, load_authority
    from extracts.simulator.simulate import simulate as write_simulation

    with refusals_told():
        write_simulation(
            load_authority(find_authority(authority)), folder, wards=wards, years=years, seed=seed
        )
        typer.echo(f"simulated extracts written to {folder}")


@app.command()
def doctor(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE]", exists=True, dir_okay=False, help="Say how this file would be read."
        ),
    ] = None,
    since: Annotated[
        float | None,
        typer.Option(
            metavar="HOURS", min=0.01, help="Only: has a night been published in so many hours, and all told?"
        ),
    ] = None,
    authority: AuthorityOption = DEFAULT_AUTHORITY_NAME,
    landing: LandingOption = None,
    warehouse: WarehouseOption = None,
    home: HomeOption = None,
) -> None:
    """Check installation, configuration, landing folder and warehouse; or say how FILE would be read.

    With --since, whether night, daemon and sender did run; if so, WARDCAST_HEARTBEAT_FILE is touched and
    WARDCAST_HEARTBEAT_URL asked for.
    """
    from pipelines.doctor import examine
    from pipelines.watch import keep_watch

    if file is not None:
        _examine_file(file, authority, home, warehouse, landing)
        return
    with refusals_told():
        places, now = places_of(authority, home, warehouse, landing), dt.datetime.now(dt.UTC)
        findings = examine(places, now) if since is None else keep_watch(places, now, since)
    for finding in findings:
        typer.secho(
            f"{'ok  ' if finding.is_well else 'MEND'}  {finding.subject}: {finding.text}",
            fg=None if finding.is_well else typer.colors.RED,
        )
    if not all(finding.is_well for finding in findings):
        raise typer.Exit(1)


def _examine_file(
    file: Path, authority: str, home: Path | None, warehouse: str | None, landing: Path | None
) -> None:
    from pipelines.doctor_file import examine_file

    with refusals_told():
        places = places_of(authority, home, warehouse, landing)
        report = examine_file(places.authority, file, places.landing)
    typer.echo("\n".join(report.lines))
    if not report.is_readable:
        raise typer.Exit(1)


@app.command()
def dictionary(
    form: Annotated[
        Literal["markdown", "html"], typer.Option("--format", help="html is a page that can be searched.")
    ] = "markdown",
) -> None:
    """Print the data dictionary: every table and column, from its one declaration."""
    from warehouse.dictionary import dictionary_markdown
    from warehouse.dictionary_page import dictionary_html

    typer.echo(dictionary_html() if form == "html" else dictionary_markdown(), nl=False)


if __name__ == "__main__":
    main()
