"""How long row-by-row validation takes beside the same rules written bare in polars.

Run as ``python -m benchmarks.expectations [ROWS]``. Prints rows per second and ratios; the import of Great
Expectations is timed apart, as a night pays it once.
"""

import datetime as dt
import sys
import time
from collections.abc import Callable
from typing import Any

import polars as pl

from expectations.engine import always_among, judge
from expectations.validation import validate
from warehouse.projections import polars_schema
from warehouse.tables.staging import STAGED

_LINES_A_DOCUMENT = 3
_ROWS_A_DELIVERY = 2_500


def receipts(rows: int, *, faulty_share: float) -> pl.DataFrame:
    """A daily listing of ``rows`` staged receipts; of the faulty ones, four kinds in equal parts."""
    place = pl.int_range(rows, dtype=pl.Int64, eager=True).alias("place")
    delivery = pl.col("place") // _ROWS_A_DELIVERY
    mixed = pl.col("place").hash(7)
    fault = (mixed % 1_000_000).cast(pl.Int64)
    kind = pl.when(fault < int(faulty_share * 1_000_000)).then(fault % 4).otherwise(-1)
    derived: dict[str, pl.Expr] = {
        "delivery_id": pl.format("treasury_daily@{}", delivery.cast(pl.String).str.zfill(12)),
        "source_file": pl.format("2020/06/thu_{}.csv", delivery),
        "sheet": pl.lit(""),
        "row_number": pl.col("place") % _ROWS_A_DELIVERY + 2,
        "source_column": pl.lit(""),
        "recorded_at": pl.lit(dt.date(2020, 7, 1)),
        "recorded_at_assumed": pl.lit(value=False),
        "delivery_order": delivery,
        "unit_key": pl.when(kind != 0).then(pl.format("{}@2004", mixed % 14)),
        "item_code": pl.format("{}", 1000 + mixed % 120),
        "line_code": pl.when(kind != 1).then(pl.format("line_{}", mixed % 16)),
        "document_no": pl.format("{}/KBNN", pl.col("place") // _LINES_A_DOCUMENT),
        "chapter": pl.lit("757"),
        "posting_date": pl.lit(dt.date(2020, 6, 30))
        + pl.duration(days=pl.when(kind == 2).then(5).otherwise(0)),
        "amount": pl.when(kind != 3).then(mixed % 900_000_000 + 1_000),
        "is_cumulative": pl.lit(value=False),
    }
    schema = polars_schema(STAGED["receipt"])
    unstated = pl.lit(None)
    return place.to_frame().select(
        derived.get(name, unstated).cast(kind).alias(name) for name, kind in schema.items()
    )


def bare(staged: pl.DataFrame) -> pl.DataFrame:
    """The same receipt rules as a plain polars filter: what nobody could do without."""
    keys = ["delivery_id", "document_no", "unit_key", "item_code", "posting_date", "amount"]
    return staged.filter(
        pl.col("amount").is_not_null()
        & (pl.col("posting_date") <= pl.col("recorded_at"))
        & pl.col("unit_key").is_not_null()
        & pl.col("line_code").is_not_null()
        & pl.struct(keys).is_first_distinct()
    )


def seconds(call: Callable[[], Any]) -> float:
    """Wall time of the faster of two calls."""
    times = []
    for _ in range(2):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


def main(rows: int) -> None:
    """Prints the comparison."""
    start = time.perf_counter()
    judge("warm", pl.DataFrame({"a": [1]}), {"warm": always_among("a", [1])})
    print(f"import of Great Expectations and a first suite: {time.perf_counter() - start:.2f} s")
    for share in (0.0, 0.001, 0.1):
        staged = receipts(rows, faulty_share=share)
        ours = seconds(lambda staged=staged: validate("receipt", staged))
        plain = seconds(lambda staged=staged: bare(staged))
        print(
            f"{rows:,} receipts, {share:.1%} faulty: {ours:.2f} s, {rows / ours / 1e6:.2f} M rows/s; "
            f"{ours / plain:.2f} × the rules bare in polars ({plain:.2f} s)"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5_000_000)
