"""Big texts read a piece at a time: the same rows, notes and problems as of texts read whole."""

import re
import tempfile
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from extracts.intake import counts_of, unit_names
from extracts.landing import deliveries_of
from extracts.raw import KeptDelivery, keep_delivery, kept_rows, read_kept, scan_kept
from tests.extracts.conftest import HEADER, Office, build_authority, row
from tests.extracts.mutations import mutate
from tests.extracts.test_fuzz import cells, listing

SHOWN = "2020-06-30/thu_2020-06-30.csv"
ROWS = [row(n, f"{n}.000") for n in range(1, 40)]
TOTAL = "Tổng cộng;;;;;;;780.000"
FOOTER = ["", ";;;;;;Long Biên, ngày 30/06/2020;", ";;;;;;Người lập;"]

BY_PIECES = {
    "plain": [HEADER, *ROWS, TOTAL],
    "title and unit": ["Kho bạc", "Đơn vị tính: triệu đồng", "", HEADER, *ROWS],
    "no end of the last line": [HEADER, *ROWS[:-1], TOTAL],
    "numbered columns": [HEADER, "(1);(2);(3);(4);(5);(6);(7);(8)", *ROWS, TOTAL],
    "a footer": [HEADER, *ROWS, TOTAL, *FOOTER],
    "a footer without a total": [HEADER, *ROWS, *FOOTER],
    "rows without amount amid totals": [HEADER, TOTAL, *ROWS, ";;;;;;Kín;", TOTAL, ";;;;;;Kín;"],
    "the header again": [HEADER, *ROWS, HEADER, *ROWS, TOTAL],
    "blanks": [HEADER, row(1, "5", payer=" "), " ; ;\t", row(2, "\u00a0"), "", row(3, "7", payer="\u3000")],
    "cells beyond the header": [HEADER, ROWS[0], row(2, "6", payer="Kín; con"), *ROWS],
    "quotation marks": [HEADER, ROWS[0], row(2, payer='"Công ty ""Kín"""'), row(3, payer='"a\nb"'), *ROWS],
    "commas": [line.replace(";", ",") for line in [HEADER, *ROWS]],
    "commas at all ends": [line.replace(";", ",") for line in [HEADER, *(f"{line};" for line in ROWS)]],
    "tabs": [line.replace(";", "\t") for line in [HEADER, *ROWS]],
    "months first": [HEADER, *(row(n, day=f"06/{n}/2020") for n in range(1, 30))],
    "dates in several ways": [HEADER, *ROWS, row(1, day="2020-06-30"), row(2, day="44012")],
    "decimal points": ["Đơn vị: triệu đồng", HEADER, *(row(n, "1,234.5") for n in range(9))],
    "a column left out": [re.sub(";(Người nộp|Trần Văn Kín)", "", line) for line in [HEADER, *ROWS]],
    "carriage returns": [f"{line}\r" for line in [HEADER, *ROWS, TOTAL]],
}  # fmt: skip
WHOLE = {
    "nothing below": [HEADER],
    "only blanks below": [HEADER, "", ";;;"],
    "no header": ROWS,
    "a swallowed row": [HEADER, row(1, payer='"Kín'), row(2), row(3, payer='con"'), row(4)],
    "a quotation mark astray": [HEADER, row(1, payer='5" ống'), row(2, payer='"Kín" và con'), *ROWS],
    "some lines with a comma too many": [
        line.replace(";", ",") for line in [f"{HEADER};Ghi", *(f"{line};" for line in ROWS), f"{row(1)};;"]
    ],
    "a web page": ["<html><table><tr><td>1</td></tr></table></html>", ""],
    "a NUL": [HEADER, *ROWS, "\0"],
}  # fmt: skip


def both_ways(office: Office, text: bytes) -> tuple[KeptDelivery, KeptDelivery]:
    """A file's rows as read by pieces if they can be, and as read whole."""
    path = office.put(SHOWN, text)
    [delivery] = deliveries_of(office.authority, path, SHOWN)
    stores = [Path(tempfile.mkdtemp(dir=office.folder)) for _ in range(2)]
    names = unit_names(office.authority)
    pieces = keep_delivery(delivery, stores[0], names, bulk_bytes=0)
    whole = keep_delivery(delivery, stores[1], names, bulk_bytes=len(text) + 1)
    assert isinstance(whole.rows, pl.DataFrame)
    assert (str(pieces.problem), pieces.notes) == (str(whole.problem), whole.notes)
    assert_frame_equal(pieces.rows.lazy().collect(), whole.rows)
    form = delivery.form
    assert form is not None
    if not whole.problem:
        assert counts_of(pieces.rows, form, 0, SHOWN) == counts_of(whole.rows, form, 0, SHOWN)
        kept = [kept_rows(store, form, delivery.sha256, names) for store in stores]
        assert_frame_equal(*(scan_kept(path).collect() for path in kept))
        assert_frame_equal(*(read_kept(path, without=["taxpayer_name"]) for path in kept))
        assert keep_delivery(delivery, stores[0], names).notes == whole.notes
    return pieces, whole


@pytest.mark.parametrize("lines", BY_PIECES.values(), ids=BY_PIECES)
def test_rows_read_by_pieces_are_those_of_the_text_read_whole(office: Office, lines: list[str]) -> None:
    pieces, whole = both_ways(office, "\n".join(lines).encode())

    assert isinstance(pieces.rows, pl.LazyFrame)
    assert whole.problem is None


@pytest.mark.parametrize("lines", WHOLE.values(), ids=WHOLE)
def test_a_text_that_is_not_plain_throughout_is_read_whole(office: Office, lines: list[str]) -> None:
    pieces, _ = both_ways(office, "\n".join(lines).encode())

    assert isinstance(pieces.rows, pl.DataFrame)


def test_a_text_of_another_encoding_is_read_whole(office: Office) -> None:
    text = "\n".join([HEADER, *ROWS, TOTAL])

    for raw in (text.encode("utf-16"), text.encode() + b"\n\xff;"):
        pieces, _ = both_ways(office, raw)
        assert isinstance(pieces.rows, pl.DataFrame)


def test_rows_of_many_pieces_are_told_alike(office: Office) -> None:
    rows = [row(n, f"{n % 97}.000", day=f"{n % 28 + 1:02d}/06/2020") for n in range(300_000)]
    rows[50_000:50_000] = [";;;;;;Kín;", "", TOTAL]

    pieces, whole = both_ways(office, "\n".join([HEADER, *rows, TOTAL, *FOOTER]).encode())

    assert isinstance(pieces.rows, pl.LazyFrame)
    assert whole.rows.lazy().collect()["row_kind"].value_counts().sort("row_kind").rows() == [
        ("data", 300_001),
        ("section", 2),
        ("total", 2),
    ]


def test_rows_kept_by_pieces_that_are_damaged_are_read_anew(office: Office) -> None:
    path = office.put(SHOWN, "\n".join([HEADER, *ROWS, TOTAL]))
    [delivery] = deliveries_of(office.authority, path, SHOWN)
    assert delivery.form is not None
    first = keep_delivery(delivery, office.store, bulk_bytes=0).rows.lazy().collect()
    kept = kept_rows(office.store, delivery.form, delivery.sha256)
    raw = kept.read_bytes()
    kept.chmod(0o600)
    kept.write_bytes(raw[:4] + b"\xff" * 400 + raw[404:])

    assert keep_delivery(delivery, office.store, bulk_bytes=0).rows.lazy().collect().equals(first)
    assert kept.read_bytes() != raw[:4] + b"\xff" * 400 + raw[404:]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Office:
    folder = tmp_path_factory.mktemp("bulk")
    return Office(build_authority(folder / "small"), folder)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(cells, min_size=1, max_size=10), max_size=12), st.sampled_from(";,\t|"))
def test_any_rows_are_read_alike(small: Office, rows: list[list[str]], delimiter: str) -> None:
    lines = [delimiter.join(filled) for filled in rows]
    text = "\n".join([HEADER.replace(";", delimiter), *lines, row(1, "5").replace(";", delimiter), ""])

    both_ways(small, text.encode())


def test_broken_texts_are_read_alike_or_refused_alike(small: Office) -> None:
    for seed in range(60):
        both_ways(small, mutate(listing(), seed))
