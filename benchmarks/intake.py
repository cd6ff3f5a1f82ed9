"""From file to ledger beside the least that anybody could do, as ratios of one run.

Run as ``python -m benchmarks intake``. Four questions, each side in a process of its own, so that peak memory
and processor time are so too:

- a bulk listing from CSV to ledger, beside parse, type and sum by unit, item and month with a bare polars
  scan, of the four columns that this needs and of all ten with their rows kept, on the night it comes and on
  the next; hashing, what is kept and pseudonyms are all included;
- workbooks from file to raw rows, beside calamine's own reading of the same sheets;
- peak memory over histories of one, two and four years of such a listing;
- a night that brings one file, at ten years of daily files beside one year: the intake, and all of the night.

``python -m benchmarks.intake workbooks 142`` asks the second with as many workbooks; 142 are about 500 MB.

The import of Great Expectations is not counted, as a night pays it once. On a busy machine ratios of
processor time are steadier than those of seconds.
"""

import datetime as dt
import gc
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import polars as pl

from authorities.loading import DEFAULT_AUTHORITY, load_authority
from authorities.model import Authority

YEAR = 2019
TITLE = (
    f"KHO BẠC NHÀ NƯỚC\nBẢNG KÊ CHỨNG TỪ THU NGÂN SÁCH NHÀ NƯỚC\nNăm {YEAR}\nĐơn vị tính: đồng\n"
    "STT;Ngày hạch toán;Số chứng từ;Mã ĐBHC;Tên phường;Chương;Tiểu mục;Nội dung/Tên người nộp;MST;Số tiền\n"
)
STEPS = ("read", "stage", "validate", "ledger")
NIGHT = dt.date(YEAR + 1, 6, 30)
SEED = 20200701
BULK = Path("landing", "kho_bac", "lich_su")
DAILY_ROWS = 200
BOOKS, BOOK_ROWS = 6, 60_000


def listing(authority: Authority, rows: int, days: tuple[dt.date, int], seed: int = SEED) -> pl.DataFrame:
    """Documents in the treasury's columns, in order of their days: ``days`` is the first and how many."""
    chance = np.random.default_rng(seed)
    first, count = days
    units = authority.units_on(first)
    items = [item.item_code for item in authority.items]
    place = pl.Series(chance.integers(0, len(units), rows))
    payer = pl.Series(chance.integers(0, 20_000, rows))
    threes = pl.col("amount").cast(pl.String).str.reverse().str.replace_all(r"(\d{3})", "$1.").str.reverse()
    frame = pl.DataFrame({"amount": chance.integers(10_000, 900_000_000, rows)}).select(
        pl.int_range(1, rows + 1).alias("stt"),
        pl.Series(np.sort(chance.integers(0, count, rows))).cast(pl.Int32).alias("day"),
        pl.int_range(seed * 90, seed * 90 + rows).alias("document"),
        place.replace_strict(dict(enumerate(unit.code for unit in units))).alias("code"),
        place.replace_strict(dict(enumerate(f"Phường {unit.name}" for unit in units))).alias("name"),
        pl.Series(chance.choice(["754", "755", "757", "860"], rows)).alias("chapter"),
        pl.Series(chance.choice(items, rows)).alias("item"),
        pl.format("Hộ kinh doanh Nguyễn Văn {}", payer).alias("payer"),
        pl.format("99000{}", payer.cast(pl.String).str.zfill(5)).alias("tax_no"),
        threes.str.strip_chars_start(".").alias("amount"),
    )
    return frame.with_columns(
        (pl.lit(first) + pl.duration(days=pl.col("day"))).dt.strftime("%d/%m/%Y").alias("day")
    )


def write_csv(frame: pl.DataFrame, path: Path) -> int:
    """Writes a listing with titles and a totals row; its total in đồng."""
    total = int(frame["amount"].str.replace_all(".", "", literal=True).cast(pl.Int64).sum())
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(TITLE, encoding="utf-8-sig")
    with path.open("ab") as file:
        frame.write_csv(file, separator=";", include_header=False)
        file.write(f"Tổng cộng;;;;;;;;;{total}\n".encode())
    return total


def write_listing(authority: Authority, path: Path, rows: int, year: int = YEAR) -> int:
    """Writes a year's listing of ``rows`` documents in the treasury's bulk form; its total in đồng."""
    return write_csv(listing(authority, rows, (dt.date(year, 1, 1), 365)), path)


def write_days(authority: Authority, folder: Path, years: int, rows: int = DAILY_ROWS) -> int:
    """Writes a listing for each working day of the ``years`` up to ``NIGHT``; how many."""
    first = NIGHT.replace(year=NIGHT.year - years)
    days = [first + dt.timedelta(days=number) for number in range(1, (NIGHT - first).days + 1)]
    worked = [day for day in days if day.isoweekday() <= 5]
    for seed, day in enumerate(worked):
        name = f"landing/kho_bac/{day}/bang_ke_thu_{day}.csv"
        write_csv(listing(authority, rows, (day, 1), seed), folder / name)
    return len(worked)


def write_books(authority: Authority, folder: Path, books: int, rows: int) -> int:
    """Writes daily listings as xlsx, two at a time; their bytes."""
    with ProcessPoolExecutor(2, get_context("spawn")) as writers:
        return sum(writers.map(partial(_write_book, authority, folder, rows), range(books)))


def _write_book(authority: Authority, folder: Path, rows: int, number: int) -> int:
    import xlsxwriter

    titles = TITLE.splitlines()
    day = dt.date(YEAR, 1, 1) + dt.timedelta(days=number)
    path = folder / f"landing/kho_bac/{day}/bang_ke_thu_{day}.xlsx"
    path.parent.mkdir(parents=True, exist_ok=True)
    with xlsxwriter.Workbook(path, {"constant_memory": True}) as book:
        sheet = book.add_worksheet("Thu")
        for place, title in enumerate(titles[:-1]):
            sheet.write_string(place, 0, title)
        sheet.write_row(len(titles) - 1, 0, titles[-1].split(";"))
        documents = listing(authority, rows, (day, 1), number).with_columns(
            pl.col("amount").str.replace_all(".", "", literal=True).cast(pl.Int64)
        )
        for place, row in enumerate(documents.iter_rows(), start=len(titles)):
            sheet.write_row(place, 0, row)
    return path.stat().st_size


def bare(folder: Path) -> dict[str, float]:
    """Parse, type and aggregate with a lazy polars scan; the sum found."""
    sums = (
        pl.scan_csv(next((folder / BULK).glob("*.csv")), separator=";", skip_lines=4, infer_schema=False)
        .filter(pl.col("Mã ĐBHC").is_not_null())
        .select(
            pl.col("Mã ĐBHC").alias("unit"),
            pl.col("Tiểu mục").alias("item"),
            pl.col("Ngày hạch toán").str.to_date("%d/%m/%Y").dt.month().alias("month"),
            pl.col("Số tiền").str.replace_all(".", "", literal=True).cast(pl.Int64).alias("amount"),
        )
        .group_by("unit", "item", "month")
        .agg(pl.col("amount").sum())
        .collect()
    )
    return {"amount": int(sums["amount"].sum())}


def bare_kept(folder: Path) -> dict[str, float]:
    """The same of all ten columns, received texts and typed rows kept as Parquet, as ours are."""
    own = folder / "bare"
    own.mkdir(exist_ok=True)
    received, typed = own / "received.parquet", own / "typed.parquet"
    listing = next((folder / BULK).glob("*.csv"))
    texts = pl.scan_csv(listing, separator=";", skip_lines=4, infer_schema=False)
    texts.sink_parquet(received, compression="lz4", statistics=False)
    rows = (
        pl.scan_parquet(received)
        .filter(pl.col("Mã ĐBHC").is_not_null())
        .with_columns(
            pl.col("STT").cast(pl.Int32),
            pl.col("Ngày hạch toán").str.to_date("%d/%m/%Y"),
            pl.col("Số tiền").str.replace_all(".", "", literal=True).cast(pl.Int64),
        )
    )
    rows.sink_parquet(typed, compression="lz4", statistics=False)
    month = pl.col("Ngày hạch toán").dt.month().alias("month")
    sums = pl.scan_parquet(typed).group_by("Mã ĐBHC", "Tiểu mục", month).agg(pl.col("Số tiền").sum())
    return {"amount": int(sums.collect(engine="streaming")["Số tiền"].sum())}


def ours(folder: Path, authority: Authority, night: dt.date = NIGHT) -> dict[str, float]:
    """The way of a night from the landing folder to the ledger, and its sums by unit, item and month; seconds
    by step, and the sum found."""
    from expectations.validation import counting_rows, settle, with_broken_rule
    from extracts.intake import scan_dataset, take_in
    from extracts.pseudonyms import pseudonym_key
    from warehouse.ledger import ledger_rows

    store = folder / "raw"
    marks = [time.perf_counter()]
    register = take_in(authority, folder / "landing", store, night)
    marks.append(time.perf_counter())
    key = pseudonym_key(store)
    judged = partial(with_broken_rule, "receipt")
    staged = scan_dataset(authority, "receipt", register, store, folder / "staged", judged, key)
    marks.append(time.perf_counter())
    settle("receipt", staged)
    marks.append(time.perf_counter())
    ledger = ledger_rows("receipt", counting_rows("receipt", staged), staged)
    month = pl.col("posting_date").dt.month().alias("month")
    sums = ledger.group_by("unit_key", "item_code", month).agg(pl.col("amount").sum())
    found = sums.collect(engine="streaming")
    marks.append(time.perf_counter())
    steps = {step: after - before for step, before, after in zip(STEPS, marks, marks[1:], strict=False)}
    return {**steps, "amount": int(found["amount"].sum())}


def calamine(folder: Path) -> dict[str, float]:
    """Every sheet of every workbook as Python rows; cells read."""
    from python_calamine import CalamineWorkbook

    cells = 0
    for path in sorted((folder / "landing").rglob("*.xlsx")):
        for row in CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python():
            cells += len(row)
    return {"cells": cells}


def books(folder: Path, authority: Authority) -> dict[str, float]:
    """The same workbooks to raw rows that are kept; rows read."""
    from extracts.intake import take_in

    register = take_in(authority, folder / "landing", folder / "raw", NIGHT)
    return {"rows": int(register["rows_data"].sum())}


def _warm() -> Authority:
    """What a night pays once, whatever it reads."""
    from expectations.engine import always_among, judge

    judge("warm", pl.DataFrame({"a": [1]}), {"warm": always_among("a", [1])})
    authority = load_authority(DEFAULT_AUTHORITY)
    gc.freeze()  # else a look through all that was imported falls into one side's second by chance
    return authority


def _one_side(which: str, folder: Path) -> None:
    sides: dict[str, Callable[[], dict[str, float]]] = {
        "bare": lambda: bare(folder),
        "bare_kept": lambda: bare_kept(folder),
        "calamine": lambda: calamine(folder),
        "ours": lambda: ours(folder, authority),
        "eve": lambda: ours(folder, authority, NIGHT - dt.timedelta(days=1)),
        "books": lambda: books(folder, authority),
    }
    authority = _warm()
    seconds, cpu = time.perf_counter(), time.process_time()
    found = sides[which]()
    took = {"all": time.perf_counter() - seconds, "cpu": time.process_time() - cpu}
    print(json.dumps({**found, **took, "peak": _peak_megabytes()}))


def _peak_megabytes() -> float:
    """Of this process alone; ``getrusage`` also tells what the one that started it held."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def measured(which: str, folder: Path) -> dict[str, float]:
    """One side in a process of its own, with seconds, processor seconds and peak memory in MB."""
    words = [sys.executable, "-m", "benchmarks.intake", which, str(folder)]
    found = subprocess.run(words, check=True, stdout=subprocess.PIPE)
    result: dict[str, float] = json.loads(found.stdout.splitlines()[-1])
    return result


def _told(title: str, side: dict[str, float], beside: dict[str, float]) -> None:
    steps = ", ".join(f"{step} {side[step]:.2f}" for step in STEPS if step in side)
    print(
        f"{title:>22}: {side['all']:6.2f} s ({side['all'] / beside['all']:5.2f} ×), processor "
        f"{side['cpu']:6.2f} s ({side['cpu'] / beside['cpu']:5.2f} ×), peak {side['peak']:,.0f} MB  {steps}"
    )


def _csv_to_ledger(authority: Authority, rows: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / BULK / f"bang_ke_thu_{YEAR}.csv"
        total = write_listing(authority, path, rows)
        print(f"{rows:,} receipts, {path.stat().st_size / 1e6:.0f} MB of CSV (goal 2.5 ×)")
        measured("bare", Path(name))  # so that all sides find the file in the system's memory
        sides = [measured(which, Path(name)) for which in ("bare", "bare_kept", "ours", "ours")]
    assert {side["amount"] for side in sides} == {total}, "the sides do not agree"
    plain, kept, first, again = sides
    _told("bare polars", plain, plain)
    _told("and its rows kept", kept, plain)
    _told("CSV to ledger", first, plain)
    _told("beside kept rows", first, kept)
    _told("the next night", again, plain)


def _workbooks(authority: Authority, books: int = BOOKS) -> None:
    with tempfile.TemporaryDirectory() as name:
        size = write_books(authority, Path(name), books, BOOK_ROWS)
        print(f"{books} workbooks of {BOOK_ROWS:,} rows, {size / 1e6:.0f} MB of xlsx (goal 1.3 ×)")
        plain, read = measured("calamine", Path(name)), measured("books", Path(name))
    assert read["rows"] == books * BOOK_ROWS, "rows were lost"
    _told("calamine alone", plain, plain)
    _told("to raw rows", read, plain)


def _memory(authority: Authority, rows: int) -> None:
    print(
        "peak memory of a night over histories of one, two and four years that were read before (goal: alike)"
    )
    with tempfile.TemporaryDirectory() as name:
        for years in (1, 2, 4):
            for year in range(YEAR - years + 1, YEAR + 1):
                path = Path(name) / BULK / f"bang_ke_thu_{year}.csv"
                if not path.is_file():
                    write_listing(authority, path, rows, year)
            measured("ours", Path(name))
            night = measured("ours", Path(name))
            print(f"{years * rows:>14,} receipts: peak {night['peak']:,.0f} MB, {night['all']:.2f} s")


def _whole_night(folder: Path, night: dt.date) -> dict[str, float]:
    """A night by the command, its home in the folder too."""
    words = ["nightly", "--landing", folder / "landing", "--home", folder / "home", "--as-of", str(night)]
    began = time.perf_counter()
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen([sys.executable, "-m", "pipelines.command", *words], **silent)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"the night of {night} ended with {status}")
    spent = usage.ru_utime + usage.ru_stime
    return {"all": time.perf_counter() - began, "cpu": spent, "peak": usage.ru_maxrss / 1024}


def _one_file(authority: Authority) -> None:
    nights: dict[int, dict[str, float]] = {}
    whole: dict[int, dict[str, float]] = {}
    for years in (1, 10):
        with tempfile.TemporaryDirectory() as name:
            files = write_days(authority, Path(name), years)
            first = measured("eve", Path(name))
            nights[years] = measured("ours", Path(name))
            _whole_night(Path(name), NIGHT - dt.timedelta(days=1))
            whole[years] = _whole_night(Path(name), NIGHT)
        print(f"{files:,} files of {DAILY_ROWS} receipts: the first night took {first['all']:.1f} s")
    print("a night that brings one file (goal 1.5 ×)")
    _told("at one year", nights[1], nights[1])
    _told("at ten years", nights[10], nights[1])
    _told("whole, at one year", whole[1], whole[1])
    _told("whole, at ten years", whole[10], whole[1])


def main(rows: int) -> None:
    """Prints the four comparisons."""
    authority = load_authority(DEFAULT_AUTHORITY)
    _csv_to_ledger(authority, rows)
    _workbooks(authority)
    _memory(authority, rows)
    _one_file(authority)


if __name__ == "__main__":
    if sys.argv[1] == "workbooks":
        _workbooks(load_authority(DEFAULT_AUTHORITY), int(sys.argv[2]))
    else:
        _one_side(sys.argv[1], Path(sys.argv[2]))
