"""Broken files of every kind: a named problem or a reading that accounts for every row; no crash, no hang.

More seeds than a test run can bear: ``python -m tests.extracts.test_fuzz FIRST LAST``.
"""

import gzip
import io
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from authorities.forms import ExtractForm
from extracts.intake import stage_dataset, take_in
from extracts.reading import read_sheets
from extracts.row_kinds import DATA_KINDS, ROW_KINDS
from tests.extracts.conftest import AS_OF, HEADER, Office, build_authority, row
from tests.extracts.mutations import mutate
from warehouse.ledger import build_ledger

SEEDS = 25
SLOWEST_SECONDS = 20.0
"""A file of a kilobyte that takes longer hangs: most take milliseconds."""
STATUSES = {"read", "unreadable", "unclaimed"}


def listing() -> bytes:
    wards = (("00145", "Long Biên"), ("00118", "Phường Ngọc Thụy"))
    places = [dict(zip(("code", "name"), wards[n % 2], strict=True)) for n in range(1, 15)]
    lines = [row(n, f"{n}.000", **place) for n, place in enumerate(places, start=1)]
    return "\n".join(["Đơn vị tính: đồng", HEADER, *lines, "Tổng cộng;;;;;;;105.000", ""]).encode()


def workbook() -> bytes:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
        sheet = book.add_worksheet("Thu")
        for place, line in enumerate(listing().decode().splitlines()):
            sheet.write_row(place, 0, line.split(";"))
    return buffer.getvalue()


def parquet() -> bytes:
    lines = [line.split(";") for line in listing().decode().splitlines()[1:-1]]
    buffer = io.BytesIO()
    pl.DataFrame(lines[1:], schema=lines[0], orient="row").write_parquet(buffer)
    return buffer.getvalue()


def page() -> bytes:
    rows = [line.split(";") for line in listing().decode().splitlines()]
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>" for cells in rows)
    return f'<html><meta charset="utf-8"><table>{body}</table></html>'.encode()


FILES = {
    "thu_2020-06-30.csv": listing,
    "thu_2020-06-30.xlsx": workbook,
    "thu_2020-06-30.xls": page,
    "thu_2020-06-30.parquet": parquet,
    "thu_2020-06-30.csv.gz": lambda: gzip.compress(listing()),
}


def account(office: Office, name: str, raw: bytes) -> str:
    """Takes one file in and holds every row of it against what became of it; its status."""
    path = office.put(f"2020-06-30/{name}", raw)
    store = Path(tempfile.mkdtemp(dir=office.folder))
    started = time.perf_counter()
    register = take_in(office.authority, office.landing, store, AS_OF)
    assert time.perf_counter() - started < SLOWEST_SECONDS
    assert set(register["status"]) <= STATUSES, register["status"].to_list()
    assert all(problem for problem in register.filter(pl.col("status") != "read")["problem"])
    staged = stage_dataset(office.authority, "receipt", register, store)
    read = register.filter(pl.col("status") == "read")
    assert (read["rows_received"] == read["rows_data"] + read["rows_not_data"]).all()
    assert staged.height == read["rows_data"].sum()
    assert (staged["amount"].drop_nulls().cast(pl.Int128).sum() or 0) == read["amount_received"].sum()
    if staged.height:
        _judged(staged)
    path.unlink()
    return " ".join(sorted(set(register["status"])))


def _judged(staged: pl.DataFrame) -> None:
    from expectations.validation import validate

    judged = validate("receipt", staged)
    ledger = build_ledger("receipt", judged.accepted, judged.unallocated, staged)
    held = judged.quarantine.filter(pl.col("outcome") == "held")
    assert judged.accepted.height + judged.unallocated.height + held.height == staged.height
    assert ledger.height == judged.accepted.height + judged.unallocated.height


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Office:
    folder = tmp_path_factory.mktemp("fuzz")
    return Office(build_authority(folder / "small"), folder)


@pytest.mark.parametrize("name", FILES)
def test_broken_files_are_refused_by_name_or_accounted_for_row_by_row(small: Office, name: str) -> None:
    raw = FILES[name]()
    assert account(small, name, raw) == "read"

    seen = {account(small, name, mutate(raw, seed)) for seed in range(SEEDS)}

    assert "unreadable" in seen


cells = st.text(alphabet='aĐ1.,-();"\t \n|#/ệ\u00a0\u200b0', max_size=9)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(cells, min_size=1, max_size=10), max_size=12), st.sampled_from(";,\t|"))
def test_any_rows_below_a_header_are_all_there(small: Office, rows: list[list[str]], delimiter: str) -> None:
    lines = [delimiter.join(cells) for cells in rows]
    text = "\n".join([HEADER.replace(";", delimiter), *lines, row(1, "5").replace(";", delimiter), ""])

    assert account(small, "thu_2020-06-30.csv", text.encode()) in {"read", "unreadable"}


def test_rows_of_a_workbook_are_neither_lost_nor_invented(small: Office, tmp_path: Path) -> None:
    form: ExtractForm = small.authority.forms[0]
    for gap in (1, 50, 5000, 60_000):
        with xlsxwriter.Workbook(str(tmp_path / f"{gap}.xlsx")) as book:
            sheet = book.add_worksheet("Thu")
            sheet.write_row(0, 0, HEADER.split(";"))
            sheet.write_row(1, 0, row(1, "5").split(";"))
            sheet.write_row(1 + gap, 0, row(2, "7").split(";"))
        [reading] = read_sheets(tmp_path / f"{gap}.xlsx", f"{gap}.xlsx", form)
        assert reading.rows.select("row_number", "amount").rows() == [(2, "5"), (2 + gap, "7")]
        assert set(reading.rows["row_kind"]) <= set(DATA_KINDS) < set(ROW_KINDS)


def _more(first: int, last: int) -> Iterator[str]:
    folder = Path(tempfile.mkdtemp())
    office = Office(build_authority(folder / "small"), folder)
    for name, make in FILES.items():
        raw = make()
        told = [account(office, name, mutate(raw, seed)) for seed in range(first, last)]
        yield f"{name}: " + ", ".join(f"{told.count(status)} {status}" for status in sorted(set(told)))


if __name__ == "__main__":
    sys.stdout.write(textwrap.dedent("\n".join(_more(int(sys.argv[1]), int(sys.argv[2])))) + "\n")
