"""Rows behind figures, where the sum is not simply of listed rows: cumulative reports, parts, passed land."""

import datetime as dt
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authorities.model import Succession, Unit
from tests.warehouse.district import LONG_AGO, WARDS, A, B, day, delivery, district, estimates
from warehouse.ledger import as_known, build_ledger, flows, standing_estimates
from warehouse.positions import basis_estimates, basis_receipts
from warehouse.projections import empty_frame
from warehouse.tables.ledger import QUARANTINE
from warehouse.tracing import traced_estimates, traced_receipts
from warehouse.tracing_figures import by_place

NIGHT = day("06-30")
KEY = ["unit_key", "item_code", "line_code"]
NOTHING = empty_frame(QUARANTINE)
AUTHORITY = district()


def ledger(*deliveries: pl.DataFrame) -> pl.DataFrame:
    stated = pl.concat(deliveries)
    return as_known(build_ledger("receipt", stated, stated.clear(), stated), NIGHT)


def report(order: int, posted: str, *figures: tuple[str, int]) -> pl.DataFrame:
    entries = [(A, item, posted, amount) for item, amount in figures]
    return delivery(order, posted, *entries, scope=posted, of_unit=True, cumulative=True)


def test_what_a_cumulative_figure_adds_is_traced_to_the_row_that_states_it() -> None:
    known = ledger(report(1, "01-31", ("1701", 10)), report(2, "02-29", ("1701", 25)))

    rows = traced_receipts(AUTHORITY, known, NOTHING, NIGHT)

    whole = rows.filter(pl.col("basis") == "territory").sort("posting_date")
    assert whole.select("source_file", "first_row", "amount").rows() == [
        ("01-31/file1.csv", 1, 10), ("02-29/file2.csv", 1, 15)
    ]  # fmt: skip


def test_a_figure_that_a_report_no_longer_states_is_traced_to_the_report() -> None:
    rows = traced_receipts(
        AUTHORITY, ledger(report(1, "01-31", ("1701", 10)), report(2, "02-29", ("2101", 4))), NOTHING, NIGHT
    )

    gone = rows.filter(pl.col("basis") == "territory", pl.col("amount") < 0)
    assert gone.select("source_file", "line_code", "amount").rows() == [("02-29/file2.csv", "vat", -10)]


def test_rows_of_an_estimate_add_up_to_the_rounded_part_of_their_sum() -> None:
    """33.33 % of 1 + 1 + 1 is 1; of each alone it is nothing."""
    stated = pl.concat(
        [estimates(1, "01-02", "initial", (A, "vat", 1)).with_columns(row_number=pl.lit(n, pl.Int32))
         for n in (1, 2, 3)]
    )  # fmt: skip
    known = as_known(build_ledger("estimate", stated, stated.clear(), stated), NIGHT)

    rows = traced_estimates(AUTHORITY, known, NIGHT, "initial").filter(pl.col("basis") == "entitled")

    exact = basis_estimates(AUTHORITY, standing_estimates(known, ["unit_key", "line_code"]), NIGHT)
    assert rows["amount"].sum() == exact.filter(pl.col("basis") == "entitled")["amount"].sum() == 1


def test_a_unit_without_the_version_is_traced_to_the_version_before() -> None:
    stated = pl.concat(
        [estimates(1, "01-02", "initial", (A, "vat", 10), (B, "vat", 20)),
         estimates(2, "05-20", "supplemented", (A, "vat", 15))]
    )  # fmt: skip
    known = as_known(build_ledger("estimate", stated, stated.clear(), stated), NIGHT)

    rows = traced_estimates(AUTHORITY, known, NIGHT, "supplemented").filter(pl.col("basis") == "territory")

    assert sorted(rows.select("unit_key", "amount", "source_file").rows()) == [
        (A, 15, "05-20/estimate2.xlsx"), (B, 20, "01-02/estimate1.xlsx")
    ]  # fmt: skip


C = "003@2020"
PASSED = district(
    units=(*(unit.model_copy(update={"valid_to": dt.date(2020, 5, 31)}) for unit in WARDS),
           Unit(code="003", name="Mới", valid_from=dt.date(2020, 6, 1)),
           Unit(code="004", name="Còn lại", valid_from=LONG_AGO)),
).model_copy(
    update={
        "successions": tuple(
            Succession(old_unit_key=old, new_unit_key=new, effective_on=dt.date(2020, 6, 1),
                       weight=Decimal(weight), weight_low=Decimal(weight),
                       weight_high=Decimal(weight), weight_basis="assumed", assumed=True, source="")
            for old, new, weight in ((A, C, "0.3"), (A, "004@2004", "0.7"), (B, C, "1"))
        )
    }
)  # fmt: skip

ENTRIES = st.lists(
    st.tuples(st.sampled_from([A, B]), st.sampled_from(["1701", "2101"]),
              st.sampled_from(["05-01", "05-02"]), st.integers(-999, 999).filter(bool)),
    min_size=1, max_size=8,
)  # fmt: skip


@pytest.mark.parametrize("authority", [AUTHORITY, PASSED], ids=["as it stands", "land passed"])
@given(entries=ENTRIES)
@settings(max_examples=40, deadline=None)
def test_traced_rows_add_up_to_the_night_s_receipts(
    authority: object, entries: list[tuple[str, str, str, int]]
) -> None:
    known = ledger(delivery(1, "05-02", *entries))
    moved = flows(known, KEY, 1)

    rows = traced_receipts(authority, known, NOTHING, NIGHT)  # type: ignore[arg-type]

    exact = basis_receipts(authority, moved, NIGHT)  # type: ignore[arg-type]
    by = ["unit_key", "line_code", "basis", "posting_date"]
    sums = [frame.group_by(by).agg(pl.col("amount").sum()).filter(pl.col("amount") != 0).sort(by)
            for frame in (rows, exact)]  # fmt: skip
    assert sums[0].equals(sums[1].select(sums[0].columns))


def test_rows_that_follow_one_another_are_a_range() -> None:
    rows = pl.DataFrame(
        [("f", "s", 5, 5, 1), ("f", "s", 6, 6, 1), ("f", "s", 9, 9, 1), ("f", "t", 10, 12, 4),
         ("g", "", 1, 1, 1)],
        schema={"source_file": pl.String, "sheet": pl.String, "first_row": pl.Int32, "last_row": pl.Int32,
                "amount": pl.Int64}, orient="row",
    )  # fmt: skip

    assert by_place(rows).rows() == [
        ("f", "s", "5-6, 9", 3, 3), ("f", "t", "10-12", 1, 4), ("g", "", "1", 1, 1)
    ]  # fmt: skip
    assert by_place(rows, each_row=True)["row_ranges"].to_list() == ["5", "6", "9", "10-12", "1"]
