"""The simulator's one door: an authority's extracts, written as its senders would write them.

``simulate`` writes ``landing/`` (what the office has on the sample's as-of day), ``withheld/`` (what comes
later, and the truth to score forecasts against) and ``manifest.json`` (everything planted). The same seed
gives the same bytes. A whole country for load tests is made in ``country``.
"""

from pathlib import Path

import polars as pl

from authorities.model import Authority, Sample
from extracts.simulator.calibration import (
    by_unit_and_line,
    calibrate_estimates,
    calibrate_growth,
    draw_towards_plan,
    rounded_estimates,
)
from extracts.simulator.documents import numbered, split_into_documents
from extracts.simulator.estimates import natural_estimates, past_estimates, supplemented_estimates
from extracts.simulator.faults import is_counted, plan_deliveries, plant_row_faults
from extracts.simulator.finance import FinanceOffice
from extracts.simulator.frame import Frame, Ints
from extracts.simulator.manifest import Manifest, clear_earlier
from extracts.simulator.monthly import simulate_months
from extracts.simulator.office_estimates import office_estimates
from extracts.simulator.settings import load_settings
from extracts.simulator.spending import simulate_spending
from extracts.simulator.tax_office import TaxOffice
from extracts.simulator.taxpayers import payer_pool
from extracts.simulator.treasury import Treasury


def simulate(
    authority: Authority, folder: Path, *, wards: int | None = None, years: int | None = None,
    seed: int | None = None,
) -> Manifest:  # fmt: skip
    """Write an authority's simulated extracts into ``folder``.

    Args:
        authority: one with ``sample:`` in its settings and a ``simulation.yaml`` in its folder.
        folder: gets ``landing/``, ``withheld/``, ``manifest.json`` in place of an earlier simulation's.
        wards: make a country of so many invented units instead, in few large files, with its own authority in
            ``folder/authority``; no targets hold there.
        years: only the last so many fiscal years (at least 2, for the growth on last year); by default all of
            the sample's, 2 for a country.
        seed: instead of the sample's.

    Raises:
        AuthorityError: the authority cannot be simulated.
        LandingError: ``folder/landing`` holds files that no simulation wrote.
        ValueError: ``years`` is below 2 or ``wards`` below 1.
    """
    settings = load_settings(authority)
    sample = _sample(authority)
    if years is not None and years < 2:
        raise ValueError("years: at least 2 are needed, as growth is measured against the year before")
    clear_earlier(folder)
    if wards is not None:
        from extracts.simulator.country import simulate_country

        return simulate_country(authority, folder, wards=wards, years=years or 2, seed=_seed(sample, seed))
    first_year = sample.first_day.year if years is None else sample.last_day.year - years + 1
    frame = Frame(
        authority, settings, authority.units_on(sample.as_of), max(first_year, sample.first_day.year),
        sample.last_day.year, sample.as_of, _seed(sample, seed),
    )  # fmt: skip
    manifest = Manifest(
        authority.code, frame.seed, str(frame.as_of), sample.notice.vi, targets=dict(sample.targets)
    )
    _write_sample(frame, folder, manifest)
    manifest.write(folder / "manifest.json")
    return manifest


def _sample(authority: Authority) -> Sample:
    sample = authority.settings.sample
    assert sample is not None  # noqa: S101 - load_settings refuses an authority without one
    return sample


def _seed(sample: Sample, seed: int | None) -> int:
    return sample.seed if seed is None else seed


def _write_sample(frame: Frame, folder: Path, manifest: Manifest) -> None:
    """Make everything, bend it to the targets, and only then write it."""
    targets = _sample(frame.authority).targets
    plan = plan_deliveries(frame)
    money = simulate_months(frame, range(len(frame.units)))
    documents = split_into_documents(frame, range(len(frame.units)), money.amounts)
    documents = pl.concat(numbered(_year(documents, year)) for year in frame.years)
    documents = plant_row_faults(frame, documents, plan)
    manifest.effects += money.effects
    growth = targets.get("same_period_pct")
    if isinstance(growth, float | int):
        documents, effects = calibrate_growth(frame, documents, plan, float(growth))
        manifest.effects += effects
    current = _current_estimates(frame, documents, counted=documents.filter(is_counted(plan)))
    documents, effects = draw_towards_plan(frame, documents, current)
    manifest.effects += effects
    payers = payer_pool(frame.stream("payers"))
    _write_treasury(Treasury(frame, folder, manifest, payers, plan), documents)
    _write_finance(FinanceOffice(frame, folder, manifest), documents, current)
    for said in office_estimates(frame, _true(documents), manifest.effects):
        FinanceOffice(frame, folder, manifest).office_estimate(said)
    TaxOffice(frame, folder, manifest, payers).write(documents)
    _write_truth(frame, documents, folder / "withheld" / "truth_monthly_collections.csv")


def _true(documents: pl.DataFrame) -> pl.DataFrame:
    """What was really paid: every document once."""
    return documents.filter(pl.col("fault").fill_null("") != "duplicate_line")


def _year(documents: pl.DataFrame, year: int) -> pl.DataFrame:
    return documents.filter(pl.col("day").dt.year() == year)


def _current_estimates(frame: Frame, documents: pl.DataFrame, counted: pl.DataFrame) -> Ints:
    """Initial estimates of the as-of year, bent to the targets where there are any."""
    year, true = frame.as_of.year, _true(documents)
    actual = [by_unit_and_line(frame, _year(true, number)) for number in (year - 1, year)]
    natural = natural_estimates(frame, actual[0], actual[1])
    if "share_of_estimate_pct" not in _sample(frame.authority).targets:
        return rounded_estimates(natural)
    to_date = _year(counted, year).filter(pl.col("day") <= frame.as_of)
    placed = by_unit_and_line(frame, to_date.filter(pl.col("fault").is_null()))
    return calibrate_estimates(frame, natural, placed, int(to_date["amount"].sum()))


def _write_treasury(treasury: Treasury, documents: pl.DataFrame) -> None:
    as_of = treasury.frame.as_of
    for year in range(treasury.frame.first_year, as_of.year):
        treasury.year(year, _year(documents, year))
    treasury.days(_year(documents, as_of.year))


def _write_finance(office: FinanceOffice, documents: pl.DataFrame, current: Ints) -> None:
    frame = office.frame
    spending = simulate_spending(frame, _sample(frame.authority).targets)
    for year in range(frame.first_year, frame.as_of.year):
        actual = by_unit_and_line(frame, _year(_true(documents), year))
        office.estimates(year, past_estimates(frame, year, actual), spending.estimates[year])
        office.spending_year(year, spending.months)
    office.estimates(frame.as_of.year, current, spending.estimates[frame.as_of.year])
    revised = supplemented_estimates(frame, current)
    office.estimates(frame.as_of.year, revised, spending.supplemented, supplemented=True)
    office.spending_reports(spending)


def _write_truth(frame: Frame, documents: pl.DataFrame, path: Path) -> None:
    """Collections as they truly were, month × unit × line, đồng: what a forecast is scored against."""
    cells = _true(documents).group_by("month", "unit", "line").agg(pl.col("amount").sum())
    cells = cells.sort("month", "unit", "line")
    path.parent.mkdir(parents=True, exist_ok=True)
    cells.select(
        pl.Series("month", list(frame.months)).gather(cells["month"]),
        pl.Series("unit_key", [unit.unit_key for unit in frame.units]).gather(cells["unit"]),
        pl.Series("line_code", [line.line_code for line in frame.lines]).gather(cells["line"]),
        "amount",
    ).write_csv(path)
