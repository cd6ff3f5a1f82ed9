"""The sample's night seen from its books: planted breaks found, figures followed to rows, restated money."""

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from authorities.loading import DEFAULT_AUTHORITY, load_authority
from tests.pipelines.conftest import NIGHT, Wardcast, read
from warehouse.ledger import as_known, flows
from warehouse.revisions import restatements
from warehouse.tables.marts import MARTS

LONG_BIEN = load_authority(DEFAULT_AUTHORITY)

EXPLAINED = {
    "unknown_unit": "wrong_ward", "unknown_item": "wrong_code", "unreadable_amount": "missing_in_treasury",
    "future_date": "missing_in_treasury",
}  # fmt: skip
"""What a planted fault of the treasury's own row looks like beside the tax office's list."""
WARD = "00151@2004"


def lake(home: Path, name: str) -> pl.DataFrame:
    return pl.read_parquet(home / "lake" / name / f"{NIGHT}.parquet")


@pytest.fixture(scope="module")
def manifest(sample: Path) -> dict[str, list[dict[str, object]]]:
    told: dict[str, list[dict[str, object]]] = json.loads((sample / "manifest.json").read_text())
    return told


def test_every_planted_break_is_found_with_its_kind_and_none_is_invented(
    published_home: Path, manifest: dict[str, list[dict[str, object]]], record_property: object
) -> None:
    landed = {file["path"] for file in manifest["files"] if not file["withheld"]}
    planted = {
        (one["document_no"], one["kind"]) for one in manifest["tax_differences"] if one["path"] in landed
    }
    own = {(one["document_no"], EXPLAINED.get(str(one["fault"]))) for one in manifest["row_faults"]}
    breaks = read(published_home, "mart_reconciliation_break")
    found = set(breaks.select("document_no", "break_kind").iter_rows())

    true = found & (planted | own)
    recall, precision = len(found & planted) / len(planted), len(true) / len(found)
    record_property("recall", recall)  # type: ignore[operator]
    record_property("precision", precision)  # type: ignore[operator]
    assert (sorted(planted - found), sorted(found - planted - own)) == ([], [])
    assert (recall, precision) == (1.0, 1.0)
    assert {kind for _, kind in planted} == set(breaks["break_kind"])
    amounts = {
        (one["document_no"], one["kind"]): one["treasury_amount"] - one["tax_amount"]  # type: ignore[operator]
        for one in manifest["tax_differences"]
    }
    for document, kind, off in breaks.select("document_no", "break_kind", "difference_amount").iter_rows():
        if (document, kind) in planted and kind in {"amount", "missing_in_tax", "missing_in_treasury"}:
            assert off == amounts[document, kind]


def test_the_listing_that_has_not_come_is_no_break(published_home: Path) -> None:
    whole = read(published_home, "mart_reconciliation_summary").filter(pl.col("unit_key") == "ALL")
    waiting = whole.filter(pl.col("break_kind") == "not_compared").row(0, named=True)

    assert waiting["tax_amount"] > 0 == waiting["treasury_amount"]
    assert (whole["residual_amount"] == whole["treasury_amount"] - whole["tax_amount"]).all()


# --- traces ----------------------------------------------------------------------------------------------

FIGURES = [
    ("mart_district_brief", [], "collected_amount"),
    ("mart_district_brief", [], "estimate_amount"),
    ("mart_district_brief", [], "same_period_amount"),
    ("mart_district_brief", [], "spent_amount"),
    ("mart_district_brief", [], "spending_estimate_amount"),
    ("mart_unit_position", [WARD], "collected_amount"),
    ("mart_unit_position", [WARD, "--basis", "recurrent"], "collected_amount"),
    ("mart_unit_position", [WARD, "--basis", "entitled"], "same_period_amount"),
    ("mart_unit_position", [WARD, "--estimate-version", "supplemented"], "remaining_amount"),
    ("mart_unit_position", ["UNALLOCATED"], "collected_amount"),
    ("mart_line_position", [WARD, "vat", "--basis", "entitled"], "collected_amount"),
    ("mart_line_position", [WARD, "line_code=vat"], "estimate_amount"),
    ("mart_year_end_forecast", [WARD, "vat"], "collected_amount"),
    ("mart_spending_position", ["00115@2004", "recurrent"], "spent_amount"),
    ("mart_spending_position", ["00115@2004", "recurrent"], "estimate_amount"),
]


@pytest.mark.parametrize(
    ("mart", "key", "column"), FIGURES, ids=[f"{a[5:]}-{c}-{len(b)}" for a, b, c in FIGURES]
)
def test_a_figure_is_the_sum_of_the_rows_it_is_traced_to(
    published_home: Path, wardcast: Wardcast, mart: str, key: list[str], column: str
) -> None:
    home = ("--home", published_home)
    said = wardcast("trace", mart, *key, "--column", column, *home)
    assert said.exit_code == 0, said.output
    assert "which is the figure" in said.output

    rows = json.loads(wardcast("trace", mart, *key, "--column", column, "--format", "json", *home).output,
                      parse_float=Decimal)  # fmt: skip
    figure = Decimal(said.output.split("\n")[0].rsplit(": ", 1)[1].replace(",", ""))
    assert sum(row["amount"] for row in rows) == figure != 0
    assert all(row["source_file"] and row["row_ranges"] != "0" for row in rows)


def test_traced_rows_are_the_ward_s_rows_in_the_file(
    published_home: Path, sample: Path, wardcast: Wardcast
) -> None:
    said = wardcast(
        "trace", "mart_unit_position", WARD, "--rows", "--format", "json", "--home", published_home
    )
    row = next(one for one in json.loads(said.output) if one["source_file"].endswith(".csv"))
    line = (
        (sample / "landing" / row["source_file"])
        .read_text("utf-8-sig")
        .splitlines()[int(row["row_ranges"]) - 1]
    )
    assert "00151" in line.split(";")
    assert int(line.rsplit(";", 1)[1].replace(".", "")) == row["amount"]
    assert line.split(";")[7] not in said.output, "no taxpayer's name"


def test_a_break_is_traced_to_both_offices_rows(published_home: Path, wardcast: Wardcast) -> None:
    broken = read(published_home, "mart_reconciliation_break").filter(pl.col("break_kind") == "amount")
    for column, sender in (("treasury_amount", "kho_bac"), ("tax_amount", "thue")):
        said = wardcast("trace", "mart_reconciliation_break", broken["break_id"][0], "--column", column,
                        "--format", "json", "--home", published_home)  # fmt: skip
        [row] = json.loads(said.output)
        assert row["source_file"].startswith(sender)
        assert row["amount"] == broken[column][0]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("mart_year_end_forecast", WARD, "vat", "--column", "mean_amount"), "comes out of the forecast"),
        (("mart_unit_position", WARD, "--column", "share_of_estimate_pct"), "collected_amount"),
        (("mart_unit_position", "99999@2004"), "has no row with unit_key=99999@2004"),
        (("mart_reconciliation_break",), "say which by break_id"),
        (("mart_none", WARD), "there is no mart 'mart_none'"),
        (("mart_unit_position", WARD, "vat"), "'vat' is no key of mart_unit_position"),
        (("mart_unit_position", WARD, "--as-of", "2020-06-29"), "has no row"),
    ],
)
def test_what_cannot_be_traced_says_why(
    published_home: Path, wardcast: Wardcast, words: tuple[str, ...], told: str
) -> None:
    said = wardcast("trace", *words, "--home", published_home)
    assert said.exit_code == (2 if "there is no" in told or "is no key" in told else 1)
    assert told in said.output


# --- restated --------------------------------------------------------------------------------------------


def collected(ledger: pl.DataFrame, night: dt.date, until: dt.date) -> int:
    moved = flows(as_known(ledger, night), ["unit_key", "item_code", "line_code"], 1)
    return int(moved.filter(pl.col("posting_date").is_between(dt.date(2020, 1, 1), until))["amount"].sum())


def test_a_correction_is_restated_by_its_file_and_adds_up_to_the_change_without_new_days(
    published_home: Path, manifest: dict[str, list[dict[str, object]]]
) -> None:
    corrected = next(one for one in manifest["delivery_faults"] if one["fault"] == "corrected_file")
    better = str(corrected["other_path"]).removeprefix("landing/")
    came = dt.date.fromisoformat(better.split("/")[1])
    ledger, held = lake(published_home, "core_receipt"), lake(published_home, "core_quarantine")
    before = came - dt.timedelta(days=1)

    told = restatements(LONG_BIEN, ledger, held, [before], came)

    change = collected(ledger, came, came) - collected(ledger, before, before)
    new = collected(ledger, came, came) - collected(ledger, came, before)
    assert told["difference_amount"].sum() == corrected["amount"] == change - new
    assert set(told["source_file"]) == {better}
    assert set(told["month"]) == {dt.date.fromisoformat(str(corrected["day"])).replace(day=1)}


def test_between_any_two_nights_what_is_restated_adds_up(published_home: Path) -> None:
    ledger, held = lake(published_home, "core_receipt"), lake(published_home, "core_quarantine")
    last = dt.date.fromisoformat(NIGHT)
    for night in (dt.date(2020, 5, 11), dt.date(2020, 5, 20), dt.date(2020, 6, 15)):
        told = restatements(LONG_BIEN, ledger, held, [night], last)
        known = [collected(ledger, asked, night) for asked in (night, last)]
        assert told["difference_amount"].sum() == known[1] - known[0]


# --- versions of estimates -------------------------------------------------------------------------------


def test_a_supplement_stands_beside_the_initial_estimate_with_its_change(published_home: Path) -> None:
    rows = read(published_home, "mart_estimate_version").filter(
        pl.col("fiscal_year") == 2020, pl.col("estimate_kind") == "revenue", pl.col("unit_key") == "ALL"
    )
    told = {row["estimate_version"]: row for row in rows.iter_rows(named=True)}
    brief = read(published_home, "mart_district_brief")
    assert told["initial"]["estimate_amount"] == brief["estimate_amount"][0]
    assert told["supplemented"]["change_amount"] == (
        told["supplemented"]["estimate_amount"] - told["initial"]["estimate_amount"]
    )
    assert [told[name]["is_latest"] for name in ("initial", "supplemented")] == [False, True]
    decisions = [told[name]["decision_no"] for name in ("initial", "supplemented")]
    assert all(decisions)
    assert decisions[0] != decisions[1]
    assert told["supplemented"]["decided_on"] == dt.date(2020, 5, 20)
    assert told["supplemented"]["approved_by"].startswith("UBND")


def test_every_row_of_every_mart_carries_its_last_complete_day(published_home: Path) -> None:
    dated = [table for table in MARTS if "as_of" in table.columns]
    bare = {
        table.name: rows.height
        for table in dated
        if not (
            rows := read(published_home, table.name).filter(pl.col("last_complete_day").is_null())
        ).is_empty()
    }

    assert len(dated) > 20
    assert not bare
    days = ["unit_key", "last_complete_day"]
    own = read(published_home, "mart_unit_position").select(days).unique()
    for told in ("mart_year_end_forecast", "mart_recurrent_balance", "mart_shock_effect"):
        assert read(published_home, told).select(days).unique().join(own, on=days, how="anti").is_empty()
