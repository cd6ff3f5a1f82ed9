"""The bitemporal ledger: what was stated, when it happened, when we learned it, and what holds now.

Pure functions from frames to frames. A delivery states a period as a whole; a later one for the same
period (of the authority, or of one unit) supersedes it without overwriting. Positions are in
``warehouse.positions``.
"""

import datetime as dt
from typing import TypeVar

import polars as pl

from authorities.model import ALL, UNALLOCATED
from warehouse.projections import conform, polars_schema
from warehouse.tables.ledger import LEDGER, QUARANTINE

AnyFrame = pl.DataFrame | pl.LazyFrame
"""Rows in memory, or a plan for them."""
Frame = TypeVar("Frame", pl.DataFrame, pl.LazyFrame)
_SCOPE = ["scope_from", "scope_to"]
_VERSIONED = {
    "estimate": ["estimate_version"],
    "spending_estimate": ["estimate_version"],
    "office_estimate": ["basis", "office"],
}
"""Columns besides the period that a delivery of a dataset states as a whole."""
_PLACE = ("sheet", "row_number", "source_column")
_OF_DOCUMENTS = {*_PLACE, "delivery_id", "document_no", "chapter", "recorded_at_assumed"}
"""Columns that tell documents of one day, place and delivery apart."""
_IS_REVERSAL = (pl.col("amount") < 0).alias("_is_reversal")
_FILE = pl.lit("file ") + pl.col("source_file").str.split("/").list.last()
"""A file by its name without folders: the dated folder differs when it is sent again."""


def build_ledger(
    dataset: str,
    accepted: pl.DataFrame,
    unallocated: pl.DataFrame,
    stated: pl.DataFrame,
    empty: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Ledger rows of a dataset from frames in memory; a night has ``ledger_rows``.

    Args:
        dataset: name of the dataset.
        accepted, unallocated: staged rows that count, the second without a known place.
        stated, empty: as for ``ledger_rows``.

    Returns:
        The dataset's ledger table in order of arrival: by delivery, then as its file has the rows.
    """
    rows = pl.concat([accepted, unallocated]).sort("delivery_order", *_PLACE)
    table = LEDGER[dataset]
    return conform(ledger_rows(dataset, rows.lazy(), stated.lazy(), empty).collect(), table, is_sorted=True)


def ledger_rows(
    dataset: str, counting: pl.LazyFrame, stated: pl.LazyFrame, empty: pl.DataFrame | None = None
) -> pl.LazyFrame:
    """The dataset's ledger table as a plan, its rows in the order of ``counting``.

    Args:
        counting: staged rows that count, in order of arrival.
        stated: all staged rows, whose deliveries say which periods were stated when, refused rows included.
        empty: periods that deliveries without any row stated (``statement_columns``).
    """
    dated = with_supersession(dataset, counting, stated, empty)
    return dated.select(pl.col(name).cast(kind) for name, kind in polars_schema(LEDGER[dataset]).items())


def build_quarantine(
    dataset: str, refused: pl.DataFrame, stated: AnyFrame, empty: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Quarantined rows with the day from which a later delivery holds instead.

    Args:
        refused: rows of the quarantine without what superseded them, with the columns by which their
            delivery states a period (``statement_columns``).
        stated, empty: as for ``ledger_rows``.
    """
    dated = with_supersession(dataset, refused.lazy(), stated.lazy(), empty).collect()
    return conform(dated.select(list(polars_schema(QUARANTINE))), QUARANTINE)


def statement_columns(dataset: str) -> list[str]:
    """The columns by which a delivery of a dataset states a period: which, whose, in which file, when."""
    own = ["scope_unit", "scope_part", "delivery_order", "recorded_at", "source_file"]
    return [*_SCOPE, *_VERSIONED.get(dataset, []), *own]


def with_supersession(
    dataset: str, rows: pl.LazyFrame, stated: pl.LazyFrame, empty: pl.DataFrame | None = None
) -> pl.LazyFrame:
    """``rows`` with the day on which a later delivery restated their period, and that delivery's file.

    A delivery of the whole authority supersedes all earlier rows of its period; one of a unit supersedes
    that unit's rows only, whoever stated them. Rows of a report whose unit nobody knows wait for a file of
    the same name: two wards' misspelt reports of one month do not replace one another. A part of a period
    that came in several files supersedes the same part and whatever stated the period whole or in another
    number of parts. A delivery that is in doubt (``scope_doubt``) supersedes nothing.

    What happens to a row is told by its delivery, period and unit alone: it is worked out once for each of
    these, and then told to the rows, in whatever number they are.
    """
    scope = [*_SCOPE, *_VERSIONED.get(dataset, [])]
    statements = _statements(scope, stated, empty)
    disputed = (
        statements.group_by(scope)
        .agg(pl.col("delivery_order").min().alias("first"), pl.col("delivery_order").max().alias("last"))
        .filter(pl.col("first") < pl.col("last"))
        .select(scope)
    )
    nothing = [pl.lit(None, pl.Date).alias("superseded_at"), pl.lit(None, pl.String).alias("superseded_by")]
    if disputed.is_empty():
        return rows.with_columns(nothing)
    disputing = statements.join(disputed, on=scope, how="semi")
    files = _files_of(disputing, stated, empty)
    has_unit = pl.col("unit_key").is_not_null() & (pl.col("unit_key") != UNALLOCATED)
    kind = [*scope, "delivery_order", "_whose", "_part"]
    marked = rows.with_columns(
        pl.when(has_unit).then(pl.col("unit_key")).otherwise(_FILE).alias("_whose"),
        pl.col("scope_part").fill_null(_WHOLE).alias("_part"),
    )
    kinds = (
        marked.join(disputed.lazy(), on=scope, how="semi")
        .select(*kind, _split().alias("_split"))
        .unique()
        .collect(engine="streaming")
    )
    moment = _superseding(kinds, disputing, files, scope)
    by_order = files.select(pl.col("delivery_order").cast(pl.Int64), "source_file").unique("delivery_order")
    told = (
        kinds.select(*kind, _day_of(moment), _order_of(moment))
        .drop_nulls("superseded_at")
        .join(
            by_order.rename({"source_file": "superseded_by"}),
            left_on="_order",
            right_on="delivery_order",
            how="left",
        )
        .drop("_order")
    )
    if told.is_empty():
        return rows.with_columns(nothing)
    return marked.join(told.lazy(), on=kind, how="left", maintain_order="left").drop("_whose", "_part")


def _files_of(disputing: pl.DataFrame, stated: pl.LazyFrame, empty: pl.DataFrame | None) -> pl.DataFrame:
    """The deliveries of ``disputing``, whom each speaks for, and their files."""
    names = ["scope_unit", "delivery_order", "source_file"]
    files = (
        stated.select(names)
        if empty is None
        else pl.concat([stated.select(names), empty.lazy().select(names)])
    )
    own = pl.col("delivery_order").is_in(disputing["delivery_order"].unique().implode())
    return files.filter(own).unique().collect(engine="streaming")


_WHOLE = ""
_LATEST_ORDER = 2**31
_EPOCH_SHIFT = 10**6
"""Days added so that every moment is positive, however long ago."""


def _split() -> pl.Expr:
    """Into how many parts the period was split, as text; empty where it was stated whole."""
    return pl.col("scope_part").str.replace("^[^/]*/?", "of ").fill_null(_WHOLE)


def _statements(scope: list[str], stated: pl.LazyFrame, empty: pl.DataFrame | None) -> pl.DataFrame:
    """Each period stated by each delivery that is believed, with its moment: day and order in one number."""
    columns = [*scope, "scope_unit", "scope_part", "delivery_order", "recorded_at"]
    may_be = pl.col("delivery_order").is_in(contested(stated, empty).implode())
    trusted = stated.filter(may_be, pl.col("scope_doubt").is_null())
    believed = trusted.select(columns).unique().collect(engine="streaming")
    if empty is not None and empty.height:
        believed = pl.concat([believed, empty.select(columns).cast(believed.schema)])
    day = pl.col("recorded_at").to_physical().cast(pl.Int64) + _EPOCH_SHIFT
    return believed.with_columns(
        (day * _LATEST_ORDER + pl.col("delivery_order")).alias("_moment"),
        pl.col("scope_part").fill_null(_WHOLE).alias("_part"),
        _split().alias("_split"),
    )


def contested(stated: pl.LazyFrame, empty: pl.DataFrame | None = None) -> pl.Series:
    """Deliveries (``delivery_order``) whose stated days overlap another's: only these can restate anything.

    Most do not, and millions of their rows need not be looked at more closely.
    """
    columns = ["delivery_order", *_SCOPE]
    spoken = [stated.select(columns)] + ([empty.lazy().select(columns)] if empty is not None else [])
    spans = (
        pl.concat(spoken, how="vertical_relaxed")
        .group_by("delivery_order")
        .agg(pl.col("scope_from").min(), pl.col("scope_to").max())
        .drop_nulls()
        .sort("scope_from", "delivery_order")
        .collect(engine="streaming")
    )
    reached, following = pl.col("scope_to").cum_max().shift(1), pl.col("scope_from").shift(-1)
    overlaps = (pl.col("scope_from") <= reached) | (pl.col("scope_to") >= following)
    return spans.filter(overlaps.fill_null(value=False))["delivery_order"]


def _day_of(moment: pl.Series) -> pl.Series:
    days = moment // _LATEST_ORDER - _EPOCH_SHIFT
    return days.cast(pl.Int32).cast(pl.Date).alias("superseded_at")


def _order_of(moment: pl.Series) -> pl.Series:
    return (moment % _LATEST_ORDER).alias("_order")


def _superseding(
    rows: pl.DataFrame, statements: pl.DataFrame, files: pl.DataFrame, scope: list[str]
) -> pl.Series:
    """For each row, the moment of the first statement that holds instead; null while it stands."""

    def later(among: pl.Expr, *by: str) -> pl.Series:
        chosen = statements.filter(among)
        whole = chosen.filter(pl.col("scope_unit") == ALL)
        return _least(
            _next_statement(rows, whole, [*scope, *by]),
            _next_statement(rows, _own_statements(chosen, files), [*scope, "_whose", *by]),
        )

    first = later(pl.col("_part") == _WHOLE)
    splits = [split for split in statements["_split"].unique().sort() if split != _WHOLE]
    if not splits:
        return first
    first = _least(first, later(pl.col("_part") != _WHOLE, "_part"))
    for split in splits:
        otherwise = rows["_split"] != split
        first = _least(first, later(pl.col("_split") == split).set(~otherwise, None))
    return first


def _least(one: pl.Series, other: pl.Series) -> pl.Series:
    return pl.select(pl.min_horizontal(one, other).alias("moment"))["moment"]


def _own_statements(statements: pl.DataFrame, files: pl.DataFrame) -> pl.DataFrame:
    """Statements of units, each under the unit it names and under the name of its file."""
    own = statements.filter(pl.col("scope_unit") != ALL)
    told = files.filter(pl.col("scope_unit") != ALL).select("delivery_order", _FILE.alias("_whose")).unique()
    named = own.filter(pl.col("scope_unit") != UNALLOCATED).with_columns(pl.col("scope_unit").alias("_whose"))
    return pl.concat([named, own.join(told, on="delivery_order")])


def _next_statement(rows: pl.DataFrame, statements: pl.DataFrame, by: list[str]) -> pl.Series:
    """For each row, the first moment of a statement of its scope by any later delivery; else null."""
    indexed = rows.select(*by, "delivery_order").with_row_index("_row").sort("delivery_order")
    first = pl.col("_moment").cum_min(reverse=True).over(by, order_by="delivery_order")
    later = statements.select(*by, "delivery_order", first.alias("_restated")).sort("delivery_order")
    joined = indexed.join_asof(
        later,
        on="delivery_order",
        by=by,
        strategy="forward",
        allow_exact_matches=False,
        check_sortedness=False,
    )
    return joined.sort("_row")["_restated"]


def by_day(ledger: AnyFrame) -> pl.DataFrame:
    """Ledger rows with the documents of one day, place and delivery added up, in the ledger's columns.

    What is asked of money by day, and of what was known of it when, is answered by these few rows as by the
    documents; gains and reversals stay apart.
    """
    told = [name for name in ledger.lazy().collect_schema() if name not in _OF_DOCUMENTS and name != "amount"]
    sums = ledger.lazy().group_by(*told, _IS_REVERSAL).agg(pl.col("amount").sum())
    return sums.drop("_is_reversal").collect(engine="streaming").sort(*told, "amount")


def as_known(rows: Frame, as_of: dt.date) -> Frame:
    """Ledger (or quarantine) rows that stood on the night ``as_of``."""
    return rows.filter(
        pl.col("recorded_at") <= as_of,
        pl.col("superseded_at").is_null() | (pl.col("superseded_at") > as_of),
    )


def fiscal_year(day: pl.Expr, start_month: int) -> pl.Expr:
    """Fiscal year of a date, named by the calendar year in which it starts."""
    return day.dt.year() - (day.dt.month() < start_month).cast(pl.Int32)


_NOT_UNKNOWN = ("delivery_is_whole", "figure_not_repeated", "document_line_not_repeated")
"""Rules by which a row is held though what it speaks of is known: from the file before, or the row before."""


def unknown_cells(quarantine: pl.DataFrame, dataset: str) -> pl.DataFrame:
    """Rows of the quarantine that stood for a figure nobody could read: the figure is unknown, not zero."""
    return quarantine.filter(
        pl.col("dataset") == dataset,
        pl.col("outcome") == "held",
        ~pl.col("rule").is_in(_NOT_UNKNOWN),
        pl.col("unit_key").is_not_null() & pl.col("posting_date").is_not_null(),
    )


def flows(known: Frame, key: list[str], start_month: int, unknown: pl.DataFrame | None = None) -> Frame:
    """Money by day from ledger rows: listed documents as they are, cumulative figures as increments.

    Args:
        known: ledger rows of one night (``as_known``) with posting_date, amount, is_cumulative; or a plan for
            them, which gives a plan.
        key: columns that make a cumulative series, unit_key first (unit and item, or unit and spending kind).
        start_month: first month of the fiscal year, at which cumulative figures start again.
        unknown: ``unknown_cells`` of the night; such a figure is taken to be what the report before said.

    Returns:
        ``key``, posting_date and amount: what came on the date, or since the figure before. A fall of a
        cumulative figure is a negative amount (a correction) and stays; a figure that a unit's later report
        no longer states has become zero (a code was split or reclassified). Where a unit changes from
        listings to cumulative reports within a year, the report's figure contains what had been listed.
    """
    columns = [*key, "posting_date", "amount"]
    listed = known.lazy().filter(~pl.col("is_cumulative")).select(columns)
    stated = known.lazy().filter(pl.col("is_cumulative")).select(columns).collect(engine="streaming")
    if stated.height:
        listed = pl.concat([listed, _increments(stated, listed, key, start_month, unknown).lazy()])
    return listed if isinstance(known, pl.LazyFrame) else listed.collect()


def _increments(
    stated: pl.DataFrame,
    listed: pl.LazyFrame,
    key: list[str],
    start_month: int,
    unknown: pl.DataFrame | None,
) -> pl.DataFrame:
    """What each cumulative figure adds, on every date that the unit reported, to what is known by then.

    A key may have several rows a date (chapters of an item, several unknown items): its figure is their sum.
    """
    year = fiscal_year(pl.col("posting_date"), start_month).alias("_year")
    series = [*key, "_year"]
    dated = stated.with_columns(year).group_by(*series, "posting_date").agg(pl.col("amount").sum())
    reports = dated.select("unit_key", "_year", "posting_date").unique()
    first = dated.group_by(series).agg(pl.col("posting_date").min().alias("_first"))
    grid = first.join(reports, on=["unit_key", "_year"]).filter(pl.col("posting_date") >= pl.col("_first"))
    reported = grid.join(dated, on=[*series, "posting_date"], how="left")
    full = (
        (reported if unknown is None else _without_unknown(reported, unknown, key))
        .sort("posting_date")
        .join_asof(_listed_to_date(listed.with_columns(year), series), on="posting_date", by=series,
                   strategy="backward", check_sortedness=False)
    )  # fmt: skip
    beyond = full.with_columns(pl.col("amount").fill_null(0) - pl.col("_listed").fill_null(0))
    before = pl.col("amount").shift(1, fill_value=0).over(series, order_by="posting_date")
    return beyond.select(*key, "posting_date", (pl.col("amount") - before).alias("amount"))


def _without_unknown(reported: pl.DataFrame, unknown: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    """``reported`` without the figures that stood in an unreadable cell.

    Where the cell's own key is not known, any figure of the unit that the report seems to lack may be it.
    """
    cells = unknown.select("posting_date", *key, *({"line_code"} - {*key} if "item_code" in key else set()))
    if "item_code" in key:
        given_by_line = pl.col("item_code").is_null() & pl.col("line_code").is_not_null()
        cells = cells.with_columns(
            pl.when(given_by_line).then(pl.lit("")).otherwise("item_code").alias("item_code")
        )
    named = pl.all_horizontal(pl.col(key).is_not_null())
    placed = reported.join(cells.filter(named), on=[*key, "posting_date"], how="anti")
    vague = (
        cells.filter(~named)
        .select("unit_key", "posting_date")
        .unique()
        .with_columns(pl.lit(1).alias("_vague"))
    )
    seen = placed.join(vague, on=["unit_key", "posting_date"], how="left")
    return seen.filter(pl.col("amount").is_not_null() | pl.col("_vague").is_null()).drop("_vague")


def _listed_to_date(listed: pl.LazyFrame, series: list[str]) -> pl.DataFrame:
    """Listed money of each series and year up to each of its dates."""
    sums = listed.group_by(*series, "posting_date").agg(pl.col("amount").sum())
    daily = sums.collect(engine="streaming").sort("posting_date")
    return daily.select(*series, "posting_date", pl.col("amount").cum_sum().over(series).alias("_listed"))


def in_effect(known: pl.DataFrame, as_of: dt.date) -> pl.DataFrame:
    """Estimates that hold on ``as_of``: a decision may be known before the day from which it holds."""
    return known.filter(pl.col("effective_from").is_null() | (pl.col("effective_from") <= as_of))


def standing_estimates(known: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    """The estimate of each key, fiscal year and version by the unit's latest statement of that version.

    Args:
        known: ledger rows of estimates of one night, those ``in_effect``.
        key: unit_key first, then item and line, or the spending kind. A key that the latest statement no
            longer has was reclassified and does not count twice.
    """
    latest = pl.col("scope_to") == pl.col("scope_to").max().over(
        "unit_key", "fiscal_year", "estimate_version"
    )
    return known.filter(latest).group_by(*key, "fiscal_year", "estimate_version").agg(pl.col("amount").sum())
