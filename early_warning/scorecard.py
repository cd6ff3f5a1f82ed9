"""How good the warnings were: what was told in past years held against how the years ended.

Pure, from ``early_warning.replay`` and the years' ends to rows of ``mart_warning_scorecard``. A unit's fiscal
year ended short or not, and was warned of or not. Usefulness is the relative usefulness of P. Sarlin, "On
policymakers' loss functions and the evaluation of early warning systems", Economics Letters 119 (2013): 1 for
a rule without error, 0 for what the better of always and never warning gives.
"""

import math
from collections.abc import Iterator, Sequence
from statistics import NormalDist, median

import numpy as np
import numpy.typing as npt
import polars as pl

from authorities.model import Authority
from authorities.warning_scorecard import WarningScorecard
from early_warning.replay import Replay, references, scored_rules
from warehouse.projections import polars_schema
from warehouse.tables.marts import MART_WARNING_SCORECARD

ALL_YEARS = 0
"""``fiscal_year`` of the rows that pool every year scored."""
SCORECARD_SCHEMA = pl.Schema(polars_schema(MART_WARNING_SCORECARD))
YEAR_END_SCHEMA = {
    "unit_key": pl.String, "basis": pl.String, "fiscal_year": pl.Int64, "collected_amount": pl.Int64,
    "estimate_amount": pl.Int64,
}  # fmt: skip
"""How a unit's year ended, minor units; the estimate is of the event's version."""
Floats = npt.NDArray[np.float64]
_CENTRAL = 0.9
_RESAMPLES = 500
_JUDGED = ("hit", "miss", "false_alarm", "correct_rejection")
"""What became of a unit's year, in the order of ``relative_usefulness``."""


def scorecard(authority: Authority, replay: Replay, year_ends: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Scores (``SCORECARD_SCHEMA``) by rule and fiscal year, and of all years together (``ALL_YEARS``).

    A rule warned of a unit's year if it spoke of it on any night until ``least_lead_days`` before the year's
    end; the lead counts from the last time that it began to.

    Args:
        year_ends: ``YEAR_END_SCHEMA``, of every unit-year to be scored.
        seed: of the interval of usefulness.
    """
    if year_ends.is_empty():
        return pl.DataFrame(schema=SCORECARD_SCHEMA)
    asked = authority.settings.warning_scorecard
    rules: dict[str, str] = {rule.rule_code: rule.basis for rule in scored_rules(authority)}
    rules |= {code: basis for code, (_, basis) in references(authority).items()}
    rows = [
        row
        for code, basis in rules.items()
        for row in _of_rule(
            code, _unit_years(authority, replay, year_ends, code, _event_basis(asked, basis)), asked, seed
        )
    ]
    return pl.DataFrame(rows, schema=SCORECARD_SCHEMA, orient="row").sort("rule_code", "fiscal_year")


def _event_basis(asked: WarningScorecard, basis: str) -> str:
    return basis if asked.event.basis == "of_rule" else asked.event.basis


def _unit_years(
    authority: Authority, replay: Replay, year_ends: pl.DataFrame, code: str, basis: str
) -> pl.DataFrame:
    """Unit-years of one rule: is_short, warned, lead_days (null unwarned), spells, told_at_mid_year."""
    asked = authority.settings.warning_scorecard
    ends = {year: authority.fiscal_year_end(year) for year in year_ends["fiscal_year"].unique()}
    own = year_ends.filter(pl.col("basis") == basis, pl.col("estimate_amount") > 0).with_columns(
        pl.col("fiscal_year").replace_strict(ends, return_dtype=pl.Date).alias("ends_on"),
        (pl.col("collected_amount") < pl.col("estimate_amount") * (1 - asked.event.short_by_pct / 100)).alias(
            "is_short"
        ),
    )
    key = ["unit_key", "fiscal_year"]
    told = replay.spells.filter(pl.col("rule_code") == code).join(own.select(*key, "ends_on"), on=key)
    in_time = told.filter((pl.col("ends_on") - pl.col("opened_on")).dt.total_days() >= asked.least_lead_days)
    told_by = in_time.group_by(key).agg(pl.col("opened_on").max(), pl.len().cast(pl.Int64).alias("spells"))
    judged = told.join(replay.judged, on=key).filter(
        pl.col("judged_on").is_between(pl.col("opened_on"), pl.col("told_until"))
    )
    return (
        own.join(told_by, on=key, how="left")
        .join(judged.select(key).unique().with_columns(told_at_mid_year=True), on=key, how="left")
        .select(
            *key,
            "is_short",
            "basis",
            pl.col("opened_on").is_not_null().alias("warned"),
            (pl.col("ends_on") - pl.col("opened_on")).dt.total_days().alias("lead_days"),
            pl.col("spells").fill_null(0),
            pl.col("told_at_mid_year").fill_null(value=False),
        )
        .with_columns(_judgement())
        .sort(key)
    )


def _judgement() -> pl.Expr:
    is_short, warned = pl.col("is_short"), pl.col("warned")
    return (
        pl.when(is_short & warned).then(pl.lit("hit"))
        .when(is_short).then(pl.lit("miss"))
        .when(warned).then(pl.lit("false_alarm"))
        .otherwise(pl.lit("correct_rejection"))
        .alias("judgement")
    )  # fmt: skip


def _of_rule(
    code: str, rows: pl.DataFrame, asked: WarningScorecard, seed: int
) -> Iterator[dict[str, object]]:
    """A row a year and one for all of them; none where no unit-year can be scored."""
    years = rows.partition_by("fiscal_year", maintain_order=True)
    for year, part in [(one["fiscal_year"][0], one) for one in years] + [(ALL_YEARS, rows)]:
        if part.height:
            yield {"rule_code": code, "fiscal_year": year, **_scored(part, asked, seed)}


def _scored(part: pl.DataFrame, asked: WarningScorecard, seed: int) -> dict[str, object]:
    hits, misses, false, right = (part.filter(judgement=kind).height for kind in _JUDGED)
    leads = sorted(part.filter(judgement="hit")["lead_days"])
    at_mid_year = part.filter(pl.col("told_at_mid_year"))
    openings = int(part.filter(~pl.col("is_short"))["spells"].sum())
    lead_low, lead_high = median_interval(leads)
    return {
        "basis": part["basis"][0],
        "fiscal_years": part["fiscal_year"].n_unique(),
        "unit_years": part.height,
        "hits": hits, "misses": misses, "false_alarms": false, "correct_rejections": right,
        **_share("precision", hits, hits + false),
        **_share("recall", hits, hits + misses),
        "median_lead_days": float(median(leads)) if leads else None,
        "median_lead_days_low": lead_low, "median_lead_days_high": lead_high,
        "false_alarms_per_unit_year": openings / part.height,
        **_usefulness(part, asked.miss_costs, seed),
        "mid_year_hits": at_mid_year.filter(pl.col("is_short")).height,
        "mid_year_false_alarms": at_mid_year.filter(~pl.col("is_short")).height,
        "estimate_version": asked.event.estimate_version,
        "short_by_pct": asked.event.short_by_pct,
        "least_lead_days": asked.least_lead_days,
        "miss_costs": asked.miss_costs,
    }  # fmt: skip


def _share(name: str, part: int, whole: int) -> dict[str, float | None]:
    low, high = wilson_interval(part, whole)
    return {name: part / whole if whole else None, f"{name}_low": low, f"{name}_high": high}


def wilson_interval(part: int, whole: int) -> tuple[float | None, float | None]:
    """The central 90% of a share by Wilson's score interval (1927), which holds for few cases too."""
    if not whole:
        return None, None
    z = NormalDist().inv_cdf((1 + _CENTRAL) / 2)
    share, spread = part / whole, z * z / whole
    middle = share + spread / 2
    half = z * math.sqrt(share * (1 - share) / whole + spread / whole / 4)
    return max((middle - half) / (1 + spread), 0.0), min((middle + half) / (1 + spread), 1.0)


def median_interval(values: Sequence[int]) -> tuple[float | None, float | None]:
    """At least the central 90% of a median: the order statistics that a fair coin puts on either side of it.

    Of four values or fewer no two are that sure; then the least and the largest.
    """
    n = len(values)
    if not n:
        return None, None
    below, outside = 0, 0.5**n
    while outside + math.comb(n, below + 1) * 0.5**n <= (1 - _CENTRAL) / 2:
        below += 1
        outside += math.comb(n, below) * 0.5**n
    return float(values[below]), float(values[n - 1 - below])


def _usefulness(part: pl.DataFrame, miss_costs: float, seed: int) -> dict[str, float | None]:
    """Relative usefulness with the central 90% over units drawn again, each with all its years."""
    judged = {kind: (pl.col("judgement") == kind).sum() for kind in _JUDGED}
    units = part.group_by("unit_key", maintain_order=True).agg(**judged)
    counts = units.select(_JUDGED).to_numpy().astype(np.float64)
    value = relative_usefulness(counts.sum(axis=0)[None, :], miss_costs)[0]
    if not math.isfinite(value):
        return dict.fromkeys(("usefulness", "usefulness_low", "usefulness_high"))
    alike = np.full(units.height, 1 / units.height)
    drawn = np.random.default_rng(seed).multinomial(units.height, alike, size=_RESAMPLES)
    spread = relative_usefulness(drawn.astype(np.float64) @ counts, miss_costs)
    low, high = np.nanquantile(spread, [(1 - _CENTRAL) / 2, (1 + _CENTRAL) / 2])
    return {"usefulness": float(value), "usefulness_low": float(low), "usefulness_high": float(high)}


def relative_usefulness(counts: Floats, miss_costs: float) -> Floats:
    """1 − loss ÷ the loss of the better of always and never warning; NaN where either could not be wrong.

    Sarlin's (2013), with the preference μ = miss_costs ÷ (1 + miss_costs), multiplied out.

    Args:
        counts: rows × (hits, misses, false alarms, correct rejections).
    """
    hits, misses, false_alarms, rejections = counts.T
    least = np.minimum(miss_costs * (hits + misses), false_alarms + rejections)
    loss = miss_costs * misses + false_alarms
    useful: Floats = np.where(least > 0, 1 - loss / np.where(least > 0, least, 1.0), np.nan)
    return useful
