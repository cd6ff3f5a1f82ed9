"""A whole night is searched for the taxpayers whom its files name: nothing past the raw rows may know them.

The files are the sample's, and in some rows the names stand where they do not belong, as happens.
"""

import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import polars as pl
import pytest

from tests.pipelines.conftest import NIGHT
from warehouse.tables.staging import PSEUDONYM

DAY = Path("kho_bac") / NIGHT / f"bang_ke_thu_{NIGHT}.csv"
HEADLESS = Path("kho_bac") / "2020-06-28" / "bang_ke_thu_2020-06-29.csv"
"""Comes before the day's good listing, so that the night goes on."""
ASTRAY = ("Bùi Thị Lạc Đường", "Hộ kinh doanh Đỗ Văn Sai Cột", "9955500011")
"""Planted where a unit, an item, a day or an amount should stand, and in a listing without its header."""


@dataclass(frozen=True)
class Night:
    """A night's home, what it printed, and every name and number that its files hold."""

    home: Path
    said: str
    taxpayers: list[str]


def astray(listing: Path) -> None:
    """Put names and numbers into cells of the listing's first rows where they do not belong."""
    lines = listing.read_text(encoding="utf-8-sig").splitlines()
    first = next(place for place, line in enumerate(lines) if line.startswith("1;"))
    name, firm, number = ASTRAY
    for offset, (column, said) in enumerate(
        [(3, number), (4, name), (6, firm), (6, number), (1, name), (9, firm), (5, number), (2, name)]
    ):
        cells = lines[first + offset].split(";")
        cells[column] = said
        lines[first + offset] = ";".join(cells)
    listing.write_text("\n".join(lines) + "\n", encoding="utf-8-sig")
    rows = [line.replace(lines[first].split(";")[7], name) for line in lines[first : first + 3]]
    headless = listing.parents[2] / HEADLESS
    headless.parent.mkdir(exist_ok=True)
    headless.write_text("\n".join(rows), encoding="utf-8-sig")


@pytest.fixture(scope="module")
def night(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Night:
    folder = tmp_path_factory.mktemp("taxpayers")
    shutil.copytree(sample / "landing", folder / "landing")
    astray(folder / "landing" / DAY)
    home = folder / "home"
    run = subprocess.run(
        [
            Path(sys.executable).with_name("wardcast"), "nightly", "--landing", folder / "landing",
            "--home", home, "--as-of", NIGHT,
        ],
        capture_output=True, text=True, check=False, env={**os.environ, "COLUMNS": "400"},
    )  # fmt: skip
    assert run.returncode == 0, run.stdout + run.stderr
    named: set[str] = set(ASTRAY)
    for path in (home / "raw").glob("*/*.parquet"):
        rows = pl.read_parquet(path)
        for column in {"taxpayer_name", "taxpayer_no"} & set(rows.columns):
            named |= set(rows[column].drop_nulls().unique())
    return Night(home, run.stdout + run.stderr, sorted(said for said in named if len(said) > 5))


def as_written(said: str) -> set[str]:
    """A text as it may stand in JSON and HTML too."""
    return {said, json.dumps(said)[1:-1]}


def found_in(text: str, taxpayers: list[str]) -> set[str]:
    """Those of ``taxpayers`` that stand in the text."""
    patterns = sorted({way for said in taxpayers for way in as_written(said)})
    return set(pl.Series([text]).str.extract_many(patterns).explode().drop_nulls())


def texts(frame: pl.DataFrame) -> str:
    """Everything in a frame that is text; a figure of ten digits is money."""
    words = frame.select(pl.selectors.string())
    return "\n".join("\n".join(words[name].drop_nulls()) for name in words.columns)


def files_past_raw(home: Path) -> Iterator[Path]:
    apart = {home / "raw", home / "sample"}
    for path in sorted(home.rglob("*")):
        if path.is_file() and not path.is_symlink() and not apart & set(path.parents):
            yield path


def content(path: Path) -> str:
    """A file's content as text, databases and compressed frames read as what they are."""
    if path.suffix == ".parquet":
        # What stands in an item's cell is staged as received; what the catalogue lacks goes no further.
        is_staged = path.parent.name.startswith("stg_") or path.parents[1].name == "staged"
        return texts(pl.read_parquet(path).drop(["item_code"] if is_staged else [], strict=False))
    if path.suffix == ".duckdb":
        with duckdb.connect(path, read_only=True) as connection:
            names = connection.execute(
                "SELECT schema_name || '.' || table_name FROM duckdb_tables() WHERE NOT internal"
            ).fetchall()
            return "\n".join(texts(connection.execute(f"SELECT * FROM {name}").pl()) for (name,) in names)
    return path.read_bytes().decode("utf-8", errors="replace")


def test_the_search_finds_what_it_is_to_find(night: Night, tmp_path: Path) -> None:
    assert len(night.taxpayers) > 1000
    name = ASTRAY[0]
    for said in (f"<td>{name}</td>", json.dumps({"label": name})):
        (tmp_path / "page.html").write_text(said)
        assert found_in(content(tmp_path / "page.html"), night.taxpayers)
    pl.DataFrame({"who": [name]}).write_parquet(tmp_path / "mart.parquet")
    assert found_in(content(tmp_path / "mart.parquet"), night.taxpayers) == {name}


def test_no_mart_page_log_or_event_names_a_taxpayer(night: Night) -> None:
    searched = list(files_past_raw(night.home))
    kinds = {path.suffix for path in searched}
    assert {".parquet", ".duckdb", ".html", ".db"} <= kinds
    told = {
        str(path.relative_to(night.home)): found
        for path in searched
        if (found := found_in(content(path), night.taxpayers))
    }
    assert told == {}
    assert found_in(night.said, night.taxpayers) == set()


def test_staged_rows_carry_pseudonyms_as_far_as_the_ledger(night: Night) -> None:
    lake = night.home / "lake"
    staged = pl.read_parquet(lake / "stg_receipt" / f"{NIGHT}.parquet")
    assert staged[PSEUDONYM].drop_nulls().n_unique() > 500
    assert staged[PSEUDONYM].null_count() < staged.height / 2
    carrying = {
        path.parent.name for path in lake.glob("*/*.parquet") if PSEUDONYM in pl.read_parquet_schema(path)
    }
    assert {"stg_receipt", "stg_tax_collection", "stg_tax_arrears"} <= carrying
    assert {name.partition("_")[0] for name in carrying} == {"stg"}


def test_what_names_taxpayers_is_its_owners_alone(night: Night) -> None:
    raw = [night.home / "raw", *(night.home / "raw").rglob("*")]
    open_to_others = [path for path in raw if path.is_file() and stat.S_IMODE(path.stat().st_mode) & 0o077]
    assert open_to_others == []
    assert len(raw) > 50
    for folder in (night.home, night.home / "raw"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    key = (night.home / "raw" / "pseudonym.key").read_bytes()
    assert not any(key in path.read_bytes() for path in files_past_raw(night.home))
