"""Marts made of positions and ledger, and the whole way from files to the brief against a clerk's sums."""

import datetime as dt
import shutil
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authorities.loading import AUTHORITIES_FOLDER, load_authority
from authorities.model import ALL, UNALLOCATED, Authority, Unit
from expectations.validation import validate
from extracts.intake import stage_dataset, take_in
from extracts.simulator.simulate import simulate
from tests.extracts.simulator.reading import Receipt, landed_receipts
from tests.warehouse.district import LONG_AGO, WARDS, A, B, day, district, spent
from warehouse import marts
from warehouse.arrivals import complete_days, statements
from warehouse.ledger import as_known, build_ledger, flows, standing_estimates
from warehouse.positions import Night, basis_estimates, basis_receipts, positions
from warehouse.projections import empty_frame, polars_schema
from warehouse.tables.ledger import QUARANTINE
from warehouse.tables.marts import MART_QUARANTINE, MART_SPENDING_POSITION, MART_UNIT_POSITION

NIGHT = day("06-30")
DISTRICT = district()
CENTS = district(currency={"code": "UAH", "minor_digits": 2, "display_unit": {"vi": "", "en": ""}})

# --- money at the edge -------------------------------------------------------------------------------

QUARANTINE_ROW = {
    "as_of": NIGHT, "dataset": "receipt", "rule": "r", "source_file": "f", "rows": 1, "first_row_number": 1,
    "explanation": "",
}  # fmt: skip


def at_the_edge(authority: Authority, amount: int) -> Decimal:
    row = pl.DataFrame([QUARANTINE_ROW | {"amount": amount}])
    published: Decimal = marts.at_the_edge(row, MART_QUARANTINE, authority)["amount"].item()
    return published


@given(st.integers(-(10**18) + 1, 10**18 - 1))
@settings(max_examples=50, deadline=None)
def test_whole_units_leave_as_they_are(amount: int) -> None:
    assert at_the_edge(DISTRICT, amount) == amount


@given(st.integers(-(2**63) + 1, 2**63 - 1))
@settings(max_examples=50, deadline=None)
def test_hundredths_leave_exact(amount: int) -> None:
    assert at_the_edge(CENTS, amount) == Decimal(amount).scaleb(-2)


# --- the brief ---------------------------------------------------------------------------------------


def unit_row(unit: str, basis: str, share: float | None, rank: int | None, **more: Any) -> dict[str, Any]:
    blank = dict.fromkeys(polars_schema(MART_UNIT_POSITION))
    return blank | {
        "as_of": NIGHT, "unit_key": unit, "basis": basis, "estimate_version": "initial",
        "unit_name": f"Unit {unit}", "collected_amount": Decimal(1), "share_of_estimate_pct": share,
        "rank": rank, "publication_id": "",
    } | more  # fmt: skip


def brief(
    *rows: dict[str, Any], authority: Authority = DISTRICT, spending: pl.DataFrame | None = None
) -> dict[str, Any]:
    frame = pl.DataFrame(list(rows), schema=polars_schema(MART_UNIT_POSITION))
    chosen = empty_frame(MART_SPENDING_POSITION) if spending is None else spending
    return marts.district_brief(authority, NIGHT, frame, chosen).row(0, named=True)


WHOLE = unit_row(ALL, "territory", 51.0, None, estimate_amount=Decimal(2))


def test_units_above_half_are_counted_on_each_basis_and_leaders_named_by_rank() -> None:
    rows = [
        unit_row(A, "territory", 60.0, 1), unit_row(B, "territory", 50.0, 2),
        unit_row(A, "recurrent", 55.0, 2), unit_row(B, "recurrent", 70.0, 1),
    ]  # fmt: skip
    told = brief(WHOLE, *rows)

    assert (told["units_total"], told["units_above_half_territory"], told["units_above_half_recurrent"]) == (
        2,
        1,
        2,
    )
    assert told["leaders_recurrent"] == f"Unit {B}, Unit {A}"


def test_other_versions_do_not_count() -> None:
    adjusted = unit_row(A, "territory", 90.0, 1, estimate_version="adjusted")

    assert brief(WHOLE, unit_row(A, "territory", 40.0, 1), adjusted)["units_above_half_territory"] == 0


def test_units_no_longer_in_force_and_unallocated_money_are_no_units() -> None:
    gone = Unit(code="003", name="Cổ Loa", valid_from=LONG_AGO, valid_to=day("03-31"))
    others = [unit_row("003@2004", "territory", 99.0, None), unit_row(UNALLOCATED, "territory", None, None)]

    told = brief(WHOLE, unit_row(A, "territory", 40.0, 1), *others, authority=district(units=(*WARDS, gone)))

    assert (told["units_total"], told["units_above_half_territory"]) == (1, 0)


def test_an_authority_without_recurrent_basis_says_nothing_of_it() -> None:
    told = brief(WHOLE, unit_row(A, "territory", 60.0, 1), authority=district(has_recurrent_basis=False))

    assert (told["units_above_half_recurrent"], told["leaders_recurrent"]) == (None, None)


def test_without_spending_the_brief_leaves_it_out() -> None:
    told = brief(WHOLE)

    assert (told["spent_amount"], told["spending_share_pct"], told["spending_same_period_pct"]) == (None,) * 3


# --- spending ----------------------------------------------------------------------------------------


def plan(*entries: tuple[str, str, str, int]) -> pl.DataFrame:
    schema = {
        "unit_key": pl.String,
        "spending_kind": pl.String,
        "estimate_version": pl.String,
        "amount": pl.Int64,
    }
    frame = pl.DataFrame(list(entries), schema=schema, orient="row")
    return frame.with_columns(pl.lit(2020).alias("fiscal_year"))


def spending(
    ledger: pl.DataFrame, estimates: pl.DataFrame, authority: Authority = DISTRICT
) -> dict[tuple[str, str], dict[str, Any]]:
    mart = marts.spending_position(authority, NIGHT, ledger, estimates)
    return {(row["unit_key"], row["spending_kind"]): row for row in mart.to_dicts()}


REPORTS = [
    (unit, "recurrent", when, amount)
    for unit in (A, B)
    for when, amount in (("2019-01-31", 5), ("2019-05-31", 20), ("2019-06-30", 25), ("2019-12-31", 90))
]


def test_spending_is_compared_with_plan_and_same_period() -> None:
    now = [(A, "recurrent", "06-30", 40), (B, "recurrent", "06-30", 35), (B, "development", "06-30", 5)]
    at = spending(
        spent(*REPORTS, *now), plan((A, "recurrent", "initial", 100), (A, "recurrent", "supplemented", 1))
    )

    assert at[A, "recurrent"]["share_pct"] == 40.0
    assert at[A, "recurrent"]["same_period_pct"] == pytest.approx(160)
    assert at[ALL, "recurrent"]["same_period_pct"] == pytest.approx(150)
    assert at[ALL, ALL]["spent_amount"] == 80
    assert at[ALL, ALL]["same_period_pct"] == pytest.approx(160)


def test_a_unit_that_is_behind_is_compared_up_to_its_own_report() -> None:
    now = [(A, "recurrent", "06-30", 40), (B, "recurrent", "05-31", 30)]
    at = spending(spent(*REPORTS, *now), plan())

    assert at[B, "recurrent"]["same_period_pct"] == pytest.approx(150)
    assert at[ALL, ALL]["same_period_pct"] == pytest.approx(100 * 70 / 45)


def test_a_unit_that_sent_nothing_this_year_does_not_drag_the_comparison_down() -> None:
    at = spending(spent(*REPORTS, (A, "recurrent", "06-30", 50)), plan())

    assert at[ALL, ALL]["same_period_pct"] == pytest.approx(200)


def test_spending_of_a_last_year_that_is_not_whole_is_not_compared_with() -> None:
    at = spending(
        spent((A, "recurrent", "2019-04-30", 9), (A, "recurrent", "06-30", 40), cumulative=False), plan()
    )

    assert at[A, "recurrent"]["same_period_pct"] is None


def test_a_plan_without_spending_has_spent_nothing() -> None:
    at = spending(spent(), plan((A, "recurrent", "initial", 100)))

    assert (at[A, "recurrent"]["spent_amount"], at[A, "recurrent"]["share_pct"]) == (0, 0.0)


def test_spending_without_plan_has_no_share() -> None:
    assert spending(spent((A, "recurrent", "06-30", 40)), plan())[A, "recurrent"]["share_pct"] is None


def test_a_figure_for_a_month_that_is_not_over_waits_for_its_end() -> None:
    assert spending(spent((A, "recurrent", "07-31", 40)), plan()) == {}


def test_no_spending_at_all_is_an_empty_mart() -> None:
    assert spending(spent(), plan()) == {}


# --- quarantine --------------------------------------------------------------------------------------

REFUSED = {
    "dataset": "receipt", "delivery_id": "d", "source_file": "f.csv", "sheet": "", "source_column": "",
    "rule": "unit_is_known", "outcome": "unallocated", "unit_key": None, "posting_date": NIGHT,
    "recorded_at": day("06-01"), "superseded_at": None,
}  # fmt: skip


def refused(*rows: dict[str, Any]) -> pl.DataFrame:
    mart = pl.DataFrame([REFUSED | row for row in rows], schema=polars_schema(QUARANTINE))
    return marts.quarantine_mart(DISTRICT, NIGHT, mart, lambda dataset, rule: f"{dataset}/{rule}")


def test_refused_rows_are_told_by_rule_and_file_with_their_money() -> None:
    mart = refused(
        {"row_number": 7, "amount": 5}, {"row_number": 3, "amount": None},
        {"row_number": 1, "amount": 2, "source_file": "g.csv"},
    )  # fmt: skip

    assert mart.select("source_file", "rows", "amount", "first_row_number", "explanation").rows() == [
        ("f.csv", 2, 5, 3, "receipt/unit_is_known"), ("g.csv", 1, 2, 1, "receipt/unit_is_known"),
    ]  # fmt: skip


def test_only_what_stands_on_the_night_is_told() -> None:
    mended = {"row_number": 1, "amount": 5, "superseded_at": day("06-20")}
    later = {"row_number": 2, "amount": 5, "recorded_at": day("07-01")}

    assert refused(mended, later).is_empty()


# --- dimensions --------------------------------------------------------------------------------------


def test_dimensions_hold_total_and_unallocated_beside_what_is_configured() -> None:
    frames = marts.dimensions(DISTRICT, NIGHT)

    assert set(frames["dim_unit"]["unit_key"]) == {A, B, ALL, UNALLOCATED}
    assert set(frames["dim_line"]["line_code"]) == {"vat", "fees", "land", ALL, UNALLOCATED}
    assert set(frames["dim_item"]["item_code"]) == {"1701", "2101", "1401", UNALLOCATED}


def test_lines_say_whether_they_count_for_recurrent_spending() -> None:
    lines = marts.dimensions(DISTRICT, NIGHT)["dim_line"]

    assert dict(lines.select("line_code", "counts_as_recurrent").iter_rows()) == {
        "vat": True, "fees": True, "land": False, ALL: None, UNALLOCATED: None,
    }  # fmt: skip


# --- from files to the brief, against a clerk's own sums ----------------------------------------------


@dataclass(frozen=True)
class Office:
    """A simulated office of three years, and where its raw rows are kept."""

    authority: Authority
    landing: Path
    store: Path


@pytest.fixture(scope="session")
def office(tmp_path_factory: pytest.TempPathFactory) -> Office:
    folder = tmp_path_factory.mktemp("office")
    authority = load_authority(AUTHORITIES_FOLDER / "long_bien")
    simulate(authority, folder, years=3)
    return Office(authority, folder / "landing", folder / "raw")


@pytest.fixture(scope="session")
def clerk(office: Office) -> list[Receipt]:
    """Receipts as a clerk reads them from the files, with nothing of the project's."""
    return landed_receipts(office.landing)


def night_positions(office: Office) -> pl.DataFrame:
    """The unit positions of 30 June 2020, by the project's own way from files to mart."""
    authority = office.authority
    register = take_in(authority, office.landing, office.store, NIGHT)
    ledgers, staged = {}, {}
    for dataset in ("receipt", "estimate"):
        staged[dataset] = stage_dataset(authority, dataset, register, office.store)
        verdict = validate(dataset, staged[dataset])
        rows = build_ledger(dataset, verdict.accepted, verdict.unallocated, staged[dataset])
        ledgers[dataset] = as_known(rows, NIGHT)
    moved = flows(ledgers["receipt"], ["unit_key", "item_code", "line_code"], 1)
    plans = standing_estimates(ledgers["estimate"], ["unit_key", "line_code"])
    complete = complete_days(authority, statements(register, [staged["receipt"]]), "receipt", NIGHT)
    found = positions(
        authority, Night(NIGHT, NIGHT, 2020), basis_receipts(authority, moved, NIGHT),
        basis_estimates(authority, plans, NIGHT), complete,
    )  # fmt: skip
    return marts.unit_position(authority, found)


@pytest.fixture(scope="session")
def unit_positions(office: Office) -> pl.DataFrame:
    return night_positions(office)


def collected(frame: pl.DataFrame, column: str = "collected_amount") -> dict[str, int]:
    chosen = frame.filter(pl.col("basis") == "territory", pl.col("estimate_version") == "initial")
    return {unit: int(amount) for unit, amount in chosen.select("unit_key", column).iter_rows()}


def by_hand(clerk: list[Receipt], first: dt.date, last: dt.date) -> dict[str, int]:
    sums: dict[str, int] = defaultdict(int)
    for row in clerk:
        if first <= row.day <= last:
            sums[row.unit_code] += row.amount or 0
    return sums


@pytest.mark.parametrize(("column", "year"), [("collected_amount", 2020), ("same_period_amount", 2019)])
def test_every_ward_collected_what_a_clerk_adds_up_from_the_files(
    office: Office, clerk: list[Receipt], unit_positions: pl.DataFrame, column: str, year: int
) -> None:
    found = collected(unit_positions, column)
    sums = by_hand(clerk, dt.date(year, 1, 1), dt.date(year, 6, 30))
    wards = {unit.unit_key: sums[unit.code] for unit in office.authority.units_on(NIGHT)}

    assert {unit: found[unit] for unit in wards} == wards
    assert found[ALL] == sum(sums.values())


def test_money_of_no_known_ward_is_what_is_left_of_the_total(
    clerk: list[Receipt], unit_positions: pl.DataFrame
) -> None:
    found = collected(unit_positions)
    wards = sum(amount for unit, amount in found.items() if unit not in {ALL, UNALLOCATED})

    assert found[UNALLOCATED] == sum(by_hand(clerk, dt.date(2020, 1, 1), NIGHT).values()) - wards > 0


def test_one_receipt_moves_the_brief_by_exactly_its_change(
    office: Office, clerk: list[Receipt], unit_positions: pl.DataFrame, tmp_path: Path
) -> None:
    changed = Office(office.authority, tmp_path / "landing", office.store)
    shutil.copytree(office.landing, changed.landing)
    row = next(
        row
        for row in clerk
        if row.day.year == 2020 and row.path.endswith(".csv") and row.unit_code == "00151"
    )
    raise_amount(changed.landing / row.path, row, by=1_234_567)

    before, after = (
        of_brief(office.authority, frame) for frame in (unit_positions, night_positions(changed))
    )

    assert after - before == 1_234_567


def of_brief(authority: Authority, frame: pl.DataFrame) -> Decimal:
    mart = marts.district_brief(authority, NIGHT, frame, empty_frame(MART_SPENDING_POSITION))
    amount: Decimal = mart["collected_amount"].item()
    return amount


def raise_amount(path: Path, row: Receipt, by: int) -> None:
    """Write another amount into one line of a listing, as a clerk would with an editor."""
    lines = path.read_bytes().split(b"\n")
    old, new = (
        f"{amount:,}".replace(",", ".").encode() for amount in (row.amount or 0, (row.amount or 0) + by)
    )
    assert lines[row.row - 1].count(old) == 1
    lines[row.row - 1] = lines[row.row - 1].replace(old, new)
    path.chmod(0o600)
    path.write_bytes(b"\n".join(lines))
