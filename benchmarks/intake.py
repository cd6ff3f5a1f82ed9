"""How long a bulk listing takes from CSV to ledger, beside the same reading done bare in polars.

Run as ``python -m benchmarks.intake [ROWS]``. Both sides start from the same file on disk (titles, Vietnamese
numbers and dates, names of payers, a totals row), in processes of their own, so that peak memory is so too.
Bare is what nobody could do without: parse, type the amount and the date, sum by unit, item and month. The
import of Great Expectations is timed apart, as a night pays it once.
"""

import datetime as dt
import json
import resource
import subprocess
import sys
import tempfile
import time
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


def write_listing(authority: Authority, path: Path, rows: int) -> int:
    """Writes a year's listing of ``rows`` documents in the treasury's bulk form; its total in đồng."""
    chance = np.random.default_rng(SEED)
    units = authority.units_on(dt.date(YEAR, 6, 30))
    items = [item.item_code for item in authority.items]
    amounts = chance.integers(10_000, 900_000_000, rows)
    place = pl.Series(chance.integers(0, len(units), rows))
    payer = pl.Series(chance.integers(0, 20_000, rows))
    threes = pl.col("amount").cast(pl.String).str.reverse().str.replace_all(r"(\d{3})", "$1.").str.reverse()
    frame = pl.DataFrame({"amount": amounts}).select(
        pl.int_range(1, rows + 1).alias("stt"),
        pl.Series(np.sort(chance.integers(0, 365, rows))).cast(pl.Int32).alias("day"),
        pl.int_range(1_900_000_000, 1_900_000_000 + rows).alias("document"),
        place.replace_strict(dict(enumerate(unit.code for unit in units))).alias("code"),
        place.replace_strict(dict(enumerate(f"Phường {unit.name}" for unit in units))).alias("name"),
        pl.Series(chance.choice(["754", "755", "757", "860"], rows)).alias("chapter"),
        pl.Series(chance.choice(items, rows)).alias("item"),
        pl.format("Hộ kinh doanh Nguyễn Văn {}", payer).alias("payer"),
        pl.format("99000{}", payer.cast(pl.String).str.zfill(5)).alias("tax_no"),
        threes.str.strip_chars_start(".").alias("amount"),
    )
    written = frame.with_columns(
        (pl.lit(dt.date(YEAR, 1, 1)) + pl.duration(days=pl.col("day"))).dt.strftime("%d/%m/%Y").alias("day")
    )
    with path.open("w", encoding="utf-8-sig") as file:
        file.write(TITLE)
    with path.open("ab") as file:
        written.write_csv(file, separator=";", include_header=False)
        file.write(f"Tổng cộng;;;;;;;;;{int(amounts.sum())}\n".encode())
    return int(amounts.sum())


def bare(path: Path) -> dict[str, float]:
    """Parse, type and aggregate with a lazy polars scan; seconds by step, and the sum found."""
    start = time.perf_counter()
    sums = (
        pl.scan_csv(path, separator=";", skip_lines=4, infer_schema=False)
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
    return {"all": time.perf_counter() - start, "amount": int(sums["amount"].sum())}


def ours(folder: Path) -> dict[str, float]:
    """The way of a night from the landing folder to the ledger; seconds by step, and the sum found."""
    from expectations.engine import always_among, judge
    from expectations.validation import validate
    from extracts.intake import stage_dataset, take_in
    from warehouse.ledger import build_ledger

    authority = load_authority(DEFAULT_AUTHORITY)
    judge("warm", pl.DataFrame({"a": [1]}), {"warm": always_among("a", [1])})
    marks = [time.perf_counter()]
    register = take_in(authority, folder / "landing", folder / "store", NIGHT)
    marks.append(time.perf_counter())
    staged = stage_dataset(authority, "receipt", register, folder / "store")
    marks.append(time.perf_counter())
    checked = validate("receipt", staged)
    marks.append(time.perf_counter())
    ledger = build_ledger("receipt", checked.accepted, checked.unallocated, staged)
    marks.append(time.perf_counter())
    steps = {step: after - before for step, before, after in zip(STEPS, marks, marks[1:], strict=False)}
    return {**steps, "all": marks[-1] - marks[0], "amount": int(ledger["amount"].sum())}


def measured(which: str, folder: Path) -> dict[str, float]:
    """One side in a process of its own, with its peak memory in MB."""
    found = subprocess.run(
        [sys.executable, "-m", "benchmarks.intake", which, str(folder)], check=True, stdout=subprocess.PIPE
    )
    result: dict[str, float] = json.loads(found.stdout.splitlines()[-1])
    return result


def main(rows: int) -> None:
    """Prints the comparison."""
    authority = load_authority(DEFAULT_AUTHORITY)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        listing = folder / "landing" / "kho_bac" / "lich_su" / f"bang_ke_thu_{YEAR}.csv"
        listing.parent.mkdir(parents=True)
        total = write_listing(authority, listing, rows)
        print(f"{rows:,} receipts, {listing.stat().st_size / 1e6:.0f} MB of CSV")
        plain = measured("bare", folder)
        whole = measured("ours", folder)
        again = measured("ours", folder)
    assert plain["amount"] == whole["amount"] == again["amount"] == total, "the sides do not agree"
    for title, side in (("bare polars", plain), ("CSV to ledger", whole), ("the next night", again)):
        steps = ", ".join(f"{step} {side[step]:.2f} s" for step in STEPS if step in side)
        print(
            f"{title:>15}: {side['all']:6.2f} s, {rows / side['all'] / 1e6:5.2f} M rows/s, "
            f"{side['all'] / plain['all']:5.2f} × bare, peak {side['peak']:,.0f} MB  {steps}"
        )


def _one_side(which: str, folder: Path) -> None:
    if which == "bare":
        result = bare(folder / "landing" / "kho_bac" / "lich_su" / f"bang_ke_thu_{YEAR}.csv")
    else:
        result = ours(folder)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({**result, "peak": peak}))


if __name__ == "__main__":
    if len(sys.argv) > 2:
        _one_side(sys.argv[1], Path(sys.argv[2]))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 5_000_000)
