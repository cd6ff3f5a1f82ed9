"""Two publications side by side: which figures moved, and what moved each; the causes add up to the change.

Pure functions on published marts in minor units. What the ledger says of receipts between two nights is in
``warehouse.receipt_causes``; finding and reading the publications, and showing what came out, is the floors'
above.

Causes: ``new_receipts``, ``restatement`` (a period stated anew), ``receipts`` (the two not told apart),
``estimate``, ``office_estimate``, ``new_fiscal_year``, ``late_files`` (put in since under an earlier received
day), ``model`` (another version of the code), ``configuration``, ``people`` (an act of somebody's),
``preceding_night`` (of a night's own rerun: it follows another night's cases now), ``passing_days``; several
joined by ``_and_`` where nothing tells them apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from authorities.model import ALL
from warehouse.engines import Publication
from warehouse.tables.marts import BY_RULE

KEYS = ["unit_key", "line_code", "basis"]
PARTS_SCHEMA = pl.Schema(
    {**dict.fromkeys([*KEYS, "cause"], pl.String()), "amount": pl.Int64()},
)
MOVES_SCHEMA = pl.Schema(
    {
        "what": pl.String(),
        **dict.fromkeys([*KEYS, "measure"], pl.String()),
        **dict.fromkeys(["before_amount", "after_amount", "change_amount"], pl.Int64()),
        "cause": pl.String(),
        "cause_amount": pl.Int64(),
        "before_state": pl.String(),
        "after_state": pl.String(),
    }
)
NO_PARTS = pl.DataFrame(schema=PARTS_SCHEMA)
_TERRITORY = "territory"
_NEW_YEAR = "new_fiscal_year"


@dataclass(frozen=True)
class Pair:
    """The earlier and the later publication."""

    earlier: Publication
    later: Publication

    @property
    def is_one_night(self) -> bool:
        """Whether both are of the same night: then nobody had learned anything in between."""
        return self.earlier.as_of == self.later.as_of

    def rest(self, otherwise: str = "late_files", *, with_data: str | None = None) -> str:
        """The cause of what nothing else explains: what is not the same in both, else ``otherwise``.

        ``with_data``: what the data, which may have moved too, is called.
        """
        found = [with_data] if with_data else []
        if self.earlier.code_version != self.later.code_version:
            found.append("model")
        if self.earlier.config_sha256 != self.later.config_sha256:
            found.append("configuration")
        return "_and_".join(found) or otherwise


@dataclass(frozen=True)
class Link:
    """A night's news of the forecast: ``mart_forecast_news`` in minor units, the publication it belongs to,
    and the one that it compares with."""

    pair: Pair
    news: pl.DataFrame

    @property
    def is_whole(self) -> bool:
        """Whether the news speaks of these two nights; a night without news compares with none."""
        return set(self.news["previous_as_of"]) == {self.pair.earlier.as_of}


def position_moves(
    before: pl.DataFrame, after: pl.DataFrame, parts: pl.DataFrame, pair: Pair, *, same_year: bool
) -> pl.DataFrame:
    """What moved of collections and estimates (``MOVES_SCHEMA``).

    Args:
        before, after: ``mart_line_position`` of both, minor units.
        parts: causes of the change of what is collected (``PARTS_SCHEMA``); what they leave is told by
            what is not the same in both publications.
        same_year: whether both nights are of one fiscal year.
    """
    collected = _change(*(_measured(one, "collected_amount") for one in (before, after)))
    if not same_year:
        parts = _new_year(collected)
    moved = [attributed("position", "collected_amount", collected, parts, pair.rest())]
    versions = sorted({*before["estimate_version"], *after["estimate_version"]})
    for version in versions:
        change = _change(*(_measured(one, "estimate_amount", version) for one in (before, after)))
        measure = "estimate_amount" if version == "initial" else f"estimate_amount ({version})"
        causes = _estimate_causes(change, pair, same_year=same_year)
        moved.append(attributed("position", measure, change, causes, pair.rest()))
    return pl.concat(moved)


def forecast_moves(
    before: pl.DataFrame, after: pl.DataFrame, links: Sequence[Link], pair: Pair
) -> pl.DataFrame:
    """What moved of the year-end means in the base scenario (``MOVES_SCHEMA``).

    Args:
        before, after: ``mart_year_end_forecast`` of both, base scenario, minor units.
        links: news of every night after the earlier one up to the later one, in order. Where one does not
            follow on the one before, none is used.
    """
    change = _change(*(one.select(*KEYS, pl.col("mean_amount").alias("amount")) for one in (before, after)))
    if pair.is_one_night:
        return attributed("forecast", "mean_amount", change, NO_PARTS, pair.rest())
    if not links or not all(link.is_whole for link in links):
        rest = pair.rest(with_data="receipts")
        return attributed("forecast", "mean_amount", change, NO_PARTS, rest)
    return attributed("forecast", "mean_amount", change, pl.concat(map(_told, links)), pair.rest())


def warning_moves(
    before: pl.DataFrame, after: pl.DataFrame, figures: pl.DataFrame, pair: Pair
) -> pl.DataFrame:
    """Cases that came, went or changed their state or severity (``MOVES_SCHEMA``; states, no amounts).

    Args:
        before, after: ``mart_warning`` of both.
        figures: the moves of positions and forecasts: a warning's cause is the one that moved its unit most.
    """
    chosen = ["warning_id", "unit_key", "state", "severity", "state_by"]
    both = before.select(chosen).join(after.select(chosen), on="warning_id", how="full", coalesce=True)
    both = both.with_columns(
        pl.coalesce("unit_key_right", "unit_key").alias("unit_key"),
        _said("state", "severity").alias("before_state"),
        _said("state_right", "severity_right").alias("after_state"),
    )
    moved = both.filter(pl.col("before_state") != pl.col("after_state"))
    acted = (pl.col("state") != pl.col("state_right")) & (pl.col("state_by_right") != BY_RULE)
    cause = pl.when(acted.fill_null(value=False)).then(pl.lit("people")).otherwise(
        pl.coalesce("cause", pl.lit(pair.rest("preceding_night" if pair.is_one_night else "passing_days")))
    )  # fmt: skip
    told = moved.join(_strongest(figures), on="unit_key", how="left").with_columns(
        what=pl.lit("warning"),
        line_code=pl.lit(None, pl.String),
        basis=pl.lit(None, pl.String),
        measure="warning_id",
        cause=cause,
    )
    return _shaped(told).sort("unit_key", "measure")


def attributed(what: str, measure: str, change: pl.DataFrame, parts: pl.DataFrame, rest: str) -> pl.DataFrame:
    """One row a cause of every change; what ``parts`` leave of it has the cause ``rest``.

    Args:
        change: ``KEYS``, before and after (null where there is none), change.
        parts: ``PARTS_SCHEMA``; of keys that are not in ``change`` they are left out.
    """
    summed = parts.group_by(*KEYS, "cause").agg(pl.col("amount").sum())
    told = summed.group_by(KEYS).agg(pl.col("amount").sum().alias("told"))
    left = change.join(told, on=KEYS, how="left").select(
        *KEYS, pl.lit(rest).alias("cause"), (pl.col("change") - pl.col("told").fill_null(0)).alias("amount")
    )
    every = pl.concat([summed.select(PARTS_SCHEMA.names()), left])
    causes = every.group_by(*KEYS, "cause").agg(pl.col("amount").sum()).filter(pl.col("amount") != 0)
    rows = change.join(causes, on=KEYS).rename(
        {"before": "before_amount", "after": "after_amount", "change": "change_amount"}
    )
    named = rows.with_columns(
        pl.lit(what).alias("what"), pl.lit(measure).alias("measure"), pl.col("amount").alias("cause_amount")
    )
    return _shaped(named).sort(
        *KEYS, pl.col("cause_amount").abs(), "cause", descending=[False] * 3 + [True, False]
    )


def without_little(moves: pl.DataFrame, little_pct: float) -> pl.DataFrame:
    """The moves without figures of which neither the change nor any cause is ``little_pct`` % of what stood
    before; warnings stay."""
    key = ["what", *KEYS, "measure"]
    largest = pl.max_horizontal(pl.col("change_amount").abs(), pl.col("cause_amount").abs().max().over(key))
    bar = pl.max_horizontal(pl.col("before_amount").abs(), pl.col("after_amount").abs()) * little_pct / 100
    return moves.filter((pl.col("what") == "warning") | (largest >= bar))


def _measured(positions: pl.DataFrame, measure: str, version: str = "initial") -> pl.DataFrame:
    return positions.filter(pl.col("estimate_version") == version).select(
        *KEYS, pl.col(measure).alias("amount")
    )


def _change(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    both = before.rename({"amount": "before"}).join(
        after.rename({"amount": "after"}), on=KEYS, how="full", coalesce=True
    )
    change = pl.col("after").fill_null(0) - pl.col("before").fill_null(0)
    return both.with_columns(change.alias("change"))


def _new_year(change: pl.DataFrame) -> pl.DataFrame:
    """Nothing of the old year counts any more, and what stands now is all of the new one."""
    gone = change.select(*KEYS, cause=pl.lit(_NEW_YEAR), amount=-pl.col("before").fill_null(0))
    came = change.select(*KEYS, cause=pl.lit("receipts"), amount=pl.col("after").fill_null(0))
    return pl.concat([gone, came])


def _estimate_causes(change: pl.DataFrame, pair: Pair, *, same_year: bool) -> pl.DataFrame:
    """An estimate moves when another is stated; on other bases also when the shares do."""
    if not same_year:
        return change.select(*KEYS, cause=pl.lit(_NEW_YEAR), amount="change")
    stated = change.filter(pl.col("basis") == _TERRITORY, pl.col("change") != 0).select(KEYS[:2])
    moved = change.join(stated, on=KEYS[:2], how="semi")
    cause = "estimate" if not pair.is_one_night else pair.rest()
    return moved.select(*KEYS, cause=pl.lit(cause), amount="change")


def _told(link: Link) -> pl.DataFrame:
    """A night's news as parts; `other` is the code, where that changed, and late files where not."""
    other = link.pair.rest() if link.pair.rest() != "configuration" else "late_files"
    cause = pl.when(pl.col("cause") == "other").then(pl.lit(other)).otherwise("cause")
    return link.news.with_columns(cause=cause).select(PARTS_SCHEMA.names())


def _strongest(figures: pl.DataFrame) -> pl.DataFrame:
    """unit_key and the cause that moved it most, on the territory, lines together."""
    whole = figures.filter(pl.col("line_code") == ALL, pl.col("basis") == _TERRITORY)
    ordered = whole.sort(pl.col("cause_amount").abs(), "cause", descending=[True, False])
    return ordered.group_by("unit_key", maintain_order=True).agg(pl.col("cause").first())


def _said(state: str, severity: str) -> pl.Expr:
    """A case's state with its severity; 'none' where there is no case."""
    return pl.concat_str([pl.col(state), pl.lit(" ("), pl.col(severity), pl.lit(")")]).fill_null("none")


def _shaped(rows: pl.DataFrame) -> pl.DataFrame:
    lacking = [
        pl.lit(None, kind).alias(name) for name, kind in MOVES_SCHEMA.items() if name not in rows.columns
    ]
    return rows.with_columns(lacking).select(pl.col(name).cast(kind) for name, kind in MOVES_SCHEMA.items())
