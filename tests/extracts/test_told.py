"""What is told once of each different value reaches every row, whether rows are held or lie in a file."""

from dataclasses import replace

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from authorities.forms import Period
from extracts import intake
from extracts.intake import stage_dataset
from extracts.pseudonyms import PseudonymKey
from extracts.told import TIMES, Rows, told
from tests.extracts.conftest import Office, row

WORDS = st.sampled_from([None, "", "a", "b", "a much longer text than a view holds"])
ROWS = st.lists(st.tuples(WORDS, WORDS, st.integers(0, 2)), max_size=30)
SCHEMA = {"code": pl.String, "name": pl.String, "era": pl.Int32}
"""What is asked of a row depends on some of its columns, each way of depending on them once."""
ASKED = {
    "all alike": lambda code, name, era: "x",
    "nobody knows": lambda code, name, era: None,
    "as it stands": lambda code, name, era: code,
    "the name alone": lambda code, name, era: name and name.upper(),
    "two columns": lambda code, name, era: f"{code}@{era}",
    "all of them": lambda code, name, era: f"{code}@{name}@{era}",
}


@pytest.mark.parametrize("asked", ASKED.values(), ids=ASKED)
@given(given_rows=ROWS)
def test_every_row_gets_what_its_own_values_tell(asked, given_rows) -> None:  # type: ignore[no-untyped-def]
    frame = pl.DataFrame(given_rows, schema=SCHEMA, orient="row")
    rows = Rows.held(frame, SCHEMA)
    seen = rows.distinct(*SCHEMA)
    assert sorted(seen.select(*SCHEMA).rows(), key=str) == sorted(frame.unique().rows(), key=str)
    assert seen[TIMES].sum() == frame.height
    answers = pl.Series([asked(*values) for values in seen.select(*SCHEMA).iter_rows()], dtype=pl.String)
    answered = frame.with_columns(told(seen.select(*SCHEMA), answers).alias("answer"))
    assert answered["answer"].to_list() == [asked(*values) for values in frame.iter_rows()]


@given(given_rows=ROWS)
def test_a_column_known_to_be_constant_is_not_read_and_changes_nothing(given_rows) -> None:  # type: ignore[no-untyped-def]
    frame = pl.DataFrame(given_rows, schema=SCHEMA, orient="row")
    lying = Rows.lying(frame.lazy(), frame.height, SCHEMA)
    assert lying.collect(lying.plan).equals(frame)
    assert {name: one.item() for name, one in lying.constants.items()} == {
        name: frame[name][0]
        for name in SCHEMA
        if frame[name].null_count() == 0 and frame[name].n_unique() == 1
    }


ODD = (
    row(1), row(2, "5,5", code="145", name="P. Long Biên"), row(3, "(7)", document="Trần Văn Kín", payer=""),
    row(4, "x", code="00118", item="151"), row(5, "8", day="31/02/2020", name="Phường Ngọc Thụy", code=""),
    row(6, "9", document=" B6 ", code="99999", payer="Lê Thị Giấu"), "Tổng cộng;;;;;;;1", row(7, day=""),
    row(8, "1.000;extra"), row(9, document="12"), row(10, document="Số 7a/Đ", day="15/06/2091"),
)  # fmt: skip


def test_rows_that_lie_in_a_file_are_staged_as_those_that_are_held(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.listing(*ODD, title="Đơn vị tính: nghìn đồng\n")
    office.listing(
        *(row(number, f"{number}.000") for number in range(50)), name="2020-06-29/thu_2020-06-29.csv"
    )
    office.listing("Tổng cộng;;;;;;;0", name="2020-06-28/thu_2020-06-28.csv")
    plan = [["Phường", "Thuế", "Phí"], ["", "", ""], ["Long Biên", "1", None], ["Ngọc Thụy", None, None]]
    office.workbook("2020-01-05/du_toan_2020.xlsx", **{"Thu 2": plan, "Thu 1": [*plan, ["Cộng Hòa", 2, 3]]})
    by_row = office.authority.forms[0].model_copy(update={"period": Period(rule="row", length="month")})
    authority = office.authority.model_copy(update={"forms": (by_row, *office.authority.forms[1:])})
    offices = (office, replace(office, authority=authority))

    def staged() -> list[pl.DataFrame]:
        return [
            stage_dataset(one.authority, dataset, one.register(), one.store, key=key)
            for one in offices
            for dataset in ("receipt", "estimate")
            for key in (None, PseudonymKey(b"k" * 32))
        ]

    held = staged()
    monkeypatch.setattr(intake, "HELD_BYTES", 0)
    monkeypatch.setattr("extracts.told._MANY", 0)
    for before, after in zip(held, staged(), strict=True):
        assert before.height
        assert_frame_equal(before, after)
