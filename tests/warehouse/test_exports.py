from decimal import Decimal
from pathlib import Path

import openpyxl
import polars as pl
import pytest

from tests.warehouse.publication_scenario import EARLIER, NIGHT, dimensions, facts, marts
from warehouse.engines import Warehouse, WarehouseError, open_warehouse, warehouse_url
from warehouse.exports import EXPORTED, export, guarded

POSITIONS = "mart_unit_position"


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    """Two nights of the small district, one of whose names is a formula."""
    warehouse = open_warehouse(warehouse_url(tmp_path / "wardcast.duckdb"))
    known = dimensions()
    known["dim_unit"] = known["dim_unit"].with_columns(
        pl.when(pl.col("unit_key") == "00151@2004")
        .then(pl.lit("=1+1"))
        .otherwise("unit_name")
        .alias("unit_name")
    )
    for night in (EARLIER, NIGHT):
        warehouse.publish(night, marts(night, "-1234567.25"), known, facts())
    return warehouse


def test_every_table_becomes_a_parquet_file_equal_to_the_mart(warehouse: Warehouse, tmp_path: Path) -> None:
    files = export(warehouse, tmp_path / "out", "parquet", EXPORTED, NIGHT)

    assert [file.stem for file in files] == list(EXPORTED)
    assert pl.read_parquet(tmp_path / "out" / f"{POSITIONS}.parquet").equals(
        warehouse.read_mart(POSITIONS, NIGHT)
    )


def test_without_a_night_all_nights_are_written(warehouse: Warehouse, tmp_path: Path) -> None:
    export(warehouse, tmp_path / "out", "parquet", [POSITIONS], None)

    assert pl.read_parquet(tmp_path / "out" / f"{POSITIONS}.parquet")["as_of"].unique().sort().to_list() == [
        EARLIER, NIGHT]  # fmt: skip


def test_csv_is_what_a_vietnamese_excel_opens_by_a_double_click(warehouse: Warehouse, tmp_path: Path) -> None:
    file, units = export(warehouse, tmp_path / "out", "csv", [POSITIONS, "dim_unit"], NIGHT)
    text = file.read_bytes()

    assert text.startswith(b"\xef\xbb\xbf")
    assert "-1234567,25" in text.decode("utf-8")
    assert "Gia Thụy" in units.read_text("utf-8-sig")
    assert ";'=1+1;" in units.read_text("utf-8-sig")


def test_xlsx_holds_numbers_dates_and_no_formula(warehouse: Warehouse, tmp_path: Path) -> None:
    positions, units = export(warehouse, tmp_path / "out", "xlsx", [POSITIONS, "dim_unit"], NIGHT)

    sheet = openpyxl.load_workbook(positions).active
    header, first = ([cell.value for cell in row] for row in list(sheet.iter_rows())[:2])
    row = dict(zip(header, first, strict=True))
    assert row["collected_amount"] == -1234567.25
    assert row["as_of"].date() == NIGHT
    cells = [cell for line in openpyxl.load_workbook(units).active.iter_rows() for cell in line]
    assert "'=1+1" in {cell.value for cell in cells}
    assert not [cell for cell in cells if cell.data_type == "f"]


@pytest.mark.parametrize("text", ["=A1", "+1", "-1", "@SUM(A1)", "\tx", "\rx"])
def test_texts_that_begin_a_formula_are_guarded(text: str) -> None:
    frame = pl.DataFrame({"a": [text, "An Hòa", None], "n": [Decimal("-1"), None, Decimal("2")]})

    assert guarded(frame)["a"].to_list() == ["'" + text, "An Hòa", None]
    assert guarded(frame)["n"].equals(frame["n"])


def test_an_export_replaces_the_one_before_whole(warehouse: Warehouse, tmp_path: Path) -> None:
    export(warehouse, tmp_path / "out", "csv", [POSITIONS, "dim_unit"], NIGHT)
    export(warehouse, tmp_path / "out", "csv", ["dim_line"], NIGHT)

    assert [path.name for path in (tmp_path / "out").iterdir()] == ["dim_line.csv"]
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".out")]


def test_a_folder_with_other_things_is_left_alone(warehouse: Warehouse, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")

    with pytest.raises(WarehouseError, match=r"letter\.txt"):
        export(warehouse, tmp_path / "mine", "csv", [POSITIONS], NIGHT)

    assert (tmp_path / "mine" / "letter.txt").read_text() == "dear"


def test_an_unknown_mart_is_named_with_those_there_are(warehouse: Warehouse, tmp_path: Path) -> None:
    with pytest.raises(WarehouseError, match="no mart 'mart_nothing'; there are mart_district_brief"):
        export(warehouse, tmp_path / "out", "csv", ["mart_nothing"], NIGHT)
    assert not (tmp_path / "out").exists()


def test_a_failed_export_leaves_the_one_before(warehouse: Warehouse, tmp_path: Path) -> None:
    export(warehouse, tmp_path / "out", "csv", [POSITIONS], NIGHT)
    before = (tmp_path / "out" / f"{POSITIONS}.csv").read_bytes()

    with pytest.raises(WarehouseError):
        export(warehouse, tmp_path / "out", "csv", ["dim_unit", "mart_nothing"], NIGHT)

    assert (tmp_path / "out" / f"{POSITIONS}.csv").read_bytes() == before
