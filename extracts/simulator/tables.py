"""How documents look on paper: the treasury's columns as text, with the messes of real listings.

Vietnamese numbers and dates, ward name variants, and the planted row faults. Files, encodings and workbooks
are in ``files``.
"""

import polars as pl

from extracts.simulator.faults import UNKNOWN_ITEM, UNKNOWN_UNIT
from extracts.simulator.frame import Frame

RECEIPT_HEADER = (
    "STT", "Ngày hạch toán", "Số chứng từ", "Mã ĐBHC", "Tên phường", "Chương", "Tiểu mục",
    "Nội dung/Tên người nộp", "MST", "Số tiền",
)  # fmt: skip
_VARIANT_CHANCE = 0.12


def grouped(amount: pl.Expr) -> pl.Expr:
    """A whole number as Vietnamese offices print it: ``1.234.567``."""
    digits = amount.abs().cast(pl.String)
    first = (digits.str.len_chars() - 1) % 3 + 1
    rest = digits.str.slice(first).str.replace_all(r"(\d{3})", ".$1")
    return pl.when(amount < 0).then(pl.lit("-")).otherwise(pl.lit("")) + digits.str.slice(0, first) + rest


def grouped_text(amount: int) -> str:
    """``grouped`` for one number."""
    return f"{amount:,}".replace(",", ".")


def unit_names(frame: Frame) -> tuple[list[str], list[int], list[int]]:
    """Every way to write each unit: all names in one list, and each unit's start and count in it."""
    names: list[str] = []
    starts, lengths = [], []
    for unit in frame.units:
        variants = unit.name_variants or (unit.name,)
        starts.append(len(names))
        lengths.append(len(variants))
        names += variants
    return names, starts, lengths


def printed(
    frame: Frame, documents: pl.DataFrame, payers: pl.DataFrame, key: str, *, first_number: int = 1
) -> pl.DataFrame:
    """Documents as text columns of the listing, faults included, in the given order.

    Args:
        key: names the stream from which the name variants are drawn, so that a file reads the same each time.
        first_number: number in the first row's STT.

    Beside the columns of ``RECEIPT_HEADER`` come ``amount`` (as printed, the true one where it cannot be
    read) and ``fault``.
    """
    names, starts, lengths = unit_names(frame)
    rng = frame.stream("names", key)
    unit = documents["unit"].to_numpy()
    length = pl.Series(lengths).gather(unit).to_numpy()
    odd = rng.random(len(unit)) < _VARIANT_CHANCE
    choice = (rng.random(len(unit)) * length).astype(int) * odd
    place = pl.Series(starts).gather(unit).to_numpy() + choice
    payer = documents["payer"].to_numpy()
    fault = pl.col("fault").fill_null("")
    wide = documents.with_columns(
        unit_code=pl.Series([unit.code for unit in frame.units]).gather(unit),
        unit_name=pl.Series(names).gather(place),
        taxpayer_name=payers["taxpayer_name"].gather(payer),
        taxpayer_no=payers["taxpayer_no"].gather(payer),
    )
    day = pl.when(fault == "future_date").then(pl.col("day").dt.offset_by("1y")).otherwise("day")
    amount = grouped(pl.col("amount"))
    garbled = amount.str.replace_all("0", "O", literal=True) + "đ?"
    return wide.select(
        pl.int_range(first_number, first_number + pl.len()).cast(pl.String).alias("STT"),
        day.dt.strftime("%d/%m/%Y").alias("Ngày hạch toán"),
        pl.col("document_no").alias("Số chứng từ"),
        pl.when(fault == "unknown_unit")
        .then(pl.lit(UNKNOWN_UNIT[0]))
        .otherwise("unit_code")
        .alias("Mã ĐBHC"),
        pl.when(fault == "unknown_unit")
        .then(pl.lit(UNKNOWN_UNIT[1]))
        .otherwise("unit_name")
        .alias("Tên phường"),
        pl.col("chapter").alias("Chương"),
        pl.when(fault == "unknown_item").then(pl.lit(UNKNOWN_ITEM)).otherwise("item_code").alias("Tiểu mục"),
        pl.col("taxpayer_name").alias("Nội dung/Tên người nộp"),
        pl.col("taxpayer_no").alias("MST"),
        pl.when(fault == "unreadable_amount").then(garbled).otherwise(amount).alias("Số tiền"),
        pl.col("amount"),
        pl.col("fault"),
    )
