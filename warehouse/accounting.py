"""Whether every row of every file is somewhere: accepted, quarantined, superseded, or recognised as no data.

Pure: counts from the register of deliveries, the ledger and the quarantine. What is done about a difference
is the assets' matter.
"""

import datetime as dt

import polars as pl

from warehouse.ledger import AnyFrame

STATES = ("rows_quarantined", "rows_superseded", "rows_accepted")
"""What can have become of a data row; of a wide row whose cells fared differently, the first holds."""
_FILE = ["delivery_id", "source_file"]


def account_of_files(
    dataset: str, register: pl.DataFrame, ledger: AnyFrame, refused: pl.DataFrame, as_of: dt.date
) -> pl.DataFrame:
    """What became of the rows of each file of a dataset.

    Args:
        register: ``core_delivery``.
        ledger: the dataset's ledger.
        refused: rows of the dataset that broke a rule; those only unallocated are in the ledger.

    Returns:
        delivery_id, source_file, rows_received, rows_not_data, the ``STATES``, and rows_unaccounted, which is
        zero for every file or rows were lost or invented.
    """
    own = register.filter(pl.col("dataset") == dataset, pl.col("status") == "read")
    superseded = (pl.col("superseded_at") <= as_of).fill_null(value=False)
    held = refused.filter(pl.col("outcome") == "held").join(
        own.select(*_FILE, "delivery_order"), on=_FILE, how="left"
    )
    place = ["delivery_order", "sheet", "row_number", "source_column"]
    cells = pl.concat(
        [
            ledger.lazy().select(*place, pl.when(superseded).then(1).otherwise(2).alias("state")),
            held.lazy().select(*place, pl.lit(0, pl.Int32).alias("state")),
        ]
    )
    is_wide = pl.col("source_column") != ""
    rows = ["delivery_order", "sheet", "row_number"]
    wide = cells.filter(is_wide).group_by(rows).agg(pl.col("state").min())
    states = pl.concat([cells.filter(~is_wide).select(*rows, "state"), wide])
    counts = (
        states.group_by("delivery_order")
        .agg(
            (pl.col("state") == number).sum().cast(pl.Int32).alias(name) for number, name in enumerate(STATES)
        )
        .collect(engine="streaming")
    )
    told = own.join(counts, on="delivery_order", how="left").with_columns(pl.col(STATES).fill_null(0))
    somewhere = pl.sum_horizontal("rows_not_data", *STATES)
    return told.select(
        *_FILE, "rows_received", "rows_not_data", *STATES,
        (pl.col("rows_received") - somewhere).alias("rows_unaccounted"),
    ).sort(_FILE)  # fmt: skip
