"""Office and model together: how far each was off, what each weighs now, and what becomes of the draws.

Weights are inverse mean squared errors of logs (Bates & Granger 1969), drawn towards equal ones while pairs
are few. A leaf is moved once, by the finest statement that speaks of it; a total's difference is spread over
its leaves in proportion to their forecast variances. What the office says is `forecasts.office`' to find out.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from authorities.model import ALL, BASES
from forecasts.arrays import Floats, Integers
from forecasts.office import KEYS
from forecasts.seam import OPINION_SCHEMA

LEAST_PAIRS = 8
LEAST_YEARS = 3
"""Past statements at a like point of the year, and years they must come from, before the office counts."""
_EQUAL_PAIRS = 4.0
"""Pairs' worth of belief that office and model err alike."""
_POOLED_PAIRS = 8.0
"""Pairs' worth of belief that a line's statements err as all lines' of their level do."""
_LARGEST_ERROR = np.log(3.0)
"""A forecast off by more than threefold counts as off threefold: one lost document is no law."""
_LEAST_ERROR = 0.002
"""Nobody is taken to be nearer than two thousandths, however few pairs agreed to the đồng."""
_PRIOR_YEARS = 2.0
_NARROWEST, _WIDEST = 0.4, 1.25
_CENTRAL_80 = 2.0 * 1.2816
_LEVELS = ("leaf", "unit", "line", "all")


def level() -> pl.Expr:
    """Which kind of row a key is: leaf, unit (all its lines), line (all units) or all."""
    all_units, all_lines = pl.col("unit_key") == ALL, pl.col("line_code") == ALL
    return (
        pl.when(all_units & all_lines)
        .then(pl.lit("all"))
        .when(all_lines)
        .then(pl.lit("unit"))
        .when(all_units)
        .then(pl.lit("line"))
        .otherwise(pl.lit("leaf"))
    )


def learnt(pairs: pl.DataFrame) -> pl.DataFrame:
    """What past pairs (`forecasts.office.PAIR_SCHEMA`) teach, by level, basis and line.

    Returns:
        level, basis, line_code, pairs and years (of the level), office_mse and model_mse (of logs; a line's
        drawn towards its level's), weight (0..1, of the office), spread (the deviation of the combination's
        errors over the model's). A level with too few pairs or years has weight 0 and spread 1.
    """
    office, model, actual = (pl.col(f"{name}_amount") for name in ("office", "model", "actual"))
    fit = pairs.filter((office > 0) & (model > 0) & (actual > 0)).with_columns(level=level())
    bound = {"lower_bound": -_LARGEST_ERROR, "upper_bound": _LARGEST_ERROR}
    errors = fit.with_columns(
        office_error=(actual / office).log().clip(**bound), model_error=(actual / model).log().clip(**bound)
    )
    by_level = ["level", "basis"]
    means = [(pl.col(f"{name}_error") ** 2).mean().alias(f"{name}_mse") for name in ("office", "model")]
    pools = errors.group_by(by_level).agg(
        pl.len().cast(pl.Float64).alias("pairs"), pl.col("fiscal_year").n_unique().alias("years"), *means
    )
    lines = errors.group_by(*by_level, "line_code").agg(pl.len().cast(pl.Float64).alias("own_pairs"), *means)
    table = lines.join(pools, on=by_level, suffix="_pool").with_columns(
        _drawn("office_mse", "own_pairs"), _drawn("model_mse", "own_pairs")
    )
    weighed = table.with_columns(weight=_weight())
    own = errors.join(weighed.select(*by_level, "line_code", "weight"), on=[*by_level, "line_code"])
    both = pl.col("weight") * office + (1 - pl.col("weight")) * model
    together = own.with_columns(both_error=(actual / both).log().clip(**bound))
    spread = together.group_by(by_level).agg(
        both_mse=(pl.col("both_error") ** 2).mean(), alone_mse=(pl.col("model_error") ** 2).mean()
    )
    return weighed.join(spread, on=by_level).with_columns(spread=_spread()).sort(*by_level, "line_code")


def _drawn(name: str, pairs: str) -> pl.Expr:
    return (
        (pl.col(pairs) * pl.col(name) + _POOLED_PAIRS * pl.col(f"{name}_pool"))
        / (pl.col(pairs) + _POOLED_PAIRS)
    ).alias(name)


def _enough() -> pl.Expr:
    return (pl.col("pairs") >= LEAST_PAIRS) & (pl.col("years") >= LEAST_YEARS)


def _trusted_pairs() -> pl.Expr:
    """A line's own pairs, and so many of its level's as it was drawn to."""
    borrowed = pl.col("pairs") - pl.col("own_pairs")
    return pl.col("own_pairs") + pl.min_horizontal(borrowed, pl.lit(_POOLED_PAIRS))


def _trust(pairs: pl.Expr) -> pl.Expr:
    return pairs / (pairs + _EQUAL_PAIRS)


def _weight() -> pl.Expr:
    """Inverse to mean squared errors, their ratio drawn towards 1 on the log scale."""
    office, model = (pl.col(f"{name}_mse").clip(lower_bound=_LEAST_ERROR**2) for name in ("office", "model"))
    ratio = (model / office).pow(_trust(_trusted_pairs()))
    return pl.when(_enough()).then(ratio / (1 + ratio)).otherwise(0.0)


def _spread() -> pl.Expr:
    """Drawn towards 1 while years are few, as errors of one year go together, and kept within bounds."""
    both, alone = (pl.col(f"{name}_mse").clip(lower_bound=_LEAST_ERROR**2) for name in ("both", "alone"))
    trust = pl.col("years") / (pl.col("years") + _PRIOR_YEARS)
    ratio = (both / alone).sqrt().pow(trust).clip(_NARROWEST, _WIDEST)
    return pl.when(_enough()).then(ratio).otherwise(1.0)


@dataclass(frozen=True, slots=True)
class Moves:
    """What the office changes in the model's draws, by leaf.

    unit_key, line_code: n; shift: n, added to the mean of what is still to come on the territory, minor
    units; spread: n, factor on its deviations; by: keys of the statements that moved any leaf.
    """

    unit_key: tuple[str, ...]
    line_code: tuple[str, ...]
    shift: Floats
    spread: Floats
    by: pl.DataFrame

    def of(self, units: tuple[str, ...], lines: tuple[str, ...]) -> tuple[Floats, Floats]:
        """Shift and spread of series in the order given; 0 and 1 for those that nobody speaks of."""
        at = {key: row for row, key in enumerate(zip(self.unit_key, self.line_code, strict=True))}
        rows = [at.get(key, -1) for key in zip(units, lines, strict=True)]
        shift, spread = np.append(self.shift, 0.0), np.append(self.spread, 1.0)
        return shift[rows], spread[rows]


def moves(said: pl.DataFrame, taught: pl.DataFrame, model: pl.DataFrame, shares: pl.DataFrame) -> Moves:
    """How leaves move so that each statement's weight is in the mean of the row it speaks of.

    Args:
        said: `forecasts.office.spoken`; derived totals move nothing.
        taught: `learnt`.
        model: the model alone, as `YEAR_END_SCHEMA` in one scenario.
        shares: `SHARES_SCHEMA`.
    """
    leaves = _leaves(model, shares)
    count = leaves.height
    shift, spread, free = np.zeros(count), np.ones(count), np.ones(count, dtype=bool)
    weighed = with_weights(said.filter(~pl.col("derived")), taught).filter(pl.col("weight") > 0)
    weighed = weighed.join(model.select(*KEYS, "mean_amount"), on=KEYS)
    variance, room = (leaves[name].to_numpy() for name in ("variance", "room"))
    by = [pl.DataFrame(schema=dict.fromkeys(KEYS, pl.String))]
    for kind in _LEVELS:
        for basis in BASES:
            part = leaves[basis].to_numpy()
            chosen = weighed.filter(pl.col("level") == kind, pl.col("basis") == basis)
            group, rows = _groups(leaves, chosen, kind)
            concerned = (group >= 0) & (part > 0)
            if not concerned.any():
                continue
            before = np.bincount(group[concerned], (part * shift)[concerned], chosen.height)
            mean = chosen["mean_amount"].to_numpy().astype(np.float64) + before
            wanted = chosen["weight"].to_numpy() * (chosen["office_amount"].to_numpy() - mean)
            open_group = np.where(concerned & free, group, -1)
            by.append(chosen[np.unique(open_group[open_group >= 0])].select(KEYS))
            shift += spread_over(wanted, open_group, part, variance, room + shift)
            spread = np.where(open_group >= 0, chosen["spread"].to_numpy()[rows], spread)
            free &= open_group < 0
    return Moves(tuple(leaves["unit_key"]), tuple(leaves["line_code"]), shift, spread, pl.concat(by))


def with_weights(said: pl.DataFrame, taught: pl.DataFrame) -> pl.DataFrame:
    """Statements with `level`, `weight`, `spread` and `pairs`; a line without pairs goes by its level."""
    by_level = ["level", "basis"]
    own = taught.select(*by_level, "line_code", "weight", "spread", "pairs")
    usual = taught.group_by(by_level).agg(
        pl.col("weight").mean(), pl.col("spread").mean(), pl.col("pairs").max()
    )
    joined = said.with_columns(level=level()).join(own, on=[*by_level, "line_code"], how="left")
    joined = joined.join(usual, on=by_level, how="left", suffix="_usual")
    nothing = {"weight": 0.0, "spread": 1.0, "pairs": 0.0}
    filled = [
        pl.coalesce(name, f"{name}_usual", pl.lit(value)).alias(name) for name, value in nothing.items()
    ]
    return joined.with_columns(filled).drop("weight_usual", "spread_usual", "pairs_usual")


def _leaves(model: pl.DataFrame, shares: pl.DataFrame) -> pl.DataFrame:
    """Leaves: variance of what is still to come, the room below its mean, and their part in each basis."""
    rows = model.filter(
        pl.col("basis") == BASES[0], pl.col("unit_key") != ALL, pl.col("line_code") != ALL
    ).sort("line_code", "unit_key")
    width = (pl.col("p90_amount") - pl.col("p10_amount")).cast(pl.Float64)
    leaves = rows.select(
        "unit_key",
        "line_code",
        variance=(width / _CENTRAL_80) ** 2,
        room=(pl.col("mean_amount") - pl.col("collected_amount")).cast(pl.Float64).clip(lower_bound=0),
        **{BASES[0]: pl.lit(1.0)},
    )
    for basis in BASES[1:]:
        given = shares.filter(pl.col("basis") == basis).select(
            "unit_key", "line_code", pl.col("share").alias(basis)
        )
        leaves = leaves.join(given, on=["unit_key", "line_code"], how="left", maintain_order="left")
    return leaves.with_columns(pl.col(BASES).fill_null(0.0))


def _groups(leaves: pl.DataFrame, chosen: pl.DataFrame, kind: str) -> tuple[Integers, Integers]:
    """For each leaf the place of the statement that speaks of it, −1 for none, and that place to index by."""
    on = {"leaf": ["unit_key", "line_code"], "unit": ["unit_key"], "line": ["line_code"], "all": []}[kind]
    if not on:
        place = np.full(leaves.height, 0 if chosen.height else -1, dtype=np.int64)
    else:
        numbered = chosen.select(*on).with_row_index("place").with_columns(pl.col("place").cast(pl.Int64))
        joined = leaves.select(on).join(numbered, on=on, how="left", maintain_order="left")
        place = joined["place"].fill_null(-1).to_numpy()
    return place, np.maximum(place, 0)


def spread_over(wanted: Floats, group: Integers, part: Floats, variance: Floats, room: Floats) -> Floats:
    """Shifts of n leaves that, times `part`, add up to `wanted` of their group, in proportion to variances.

    group: n, −1 for leaves that stay; room: n, how far a leaf may be lowered. What a leaf has no room for its
    neighbours take; what nobody has room for is left out.
    """
    count, shift, left = len(wanted), np.zeros(len(group)), wanted.astype(np.float64).copy()
    active = group >= 0
    for _ in range(8):
        if not active.any() or not np.abs(left).max(initial=0.0) > 0.5:
            break
        rows = np.flatnonzero(active)
        own, weight = group[rows], part[rows] * variance[rows]
        certain = np.bincount(own, weight, count)[own] <= 0
        weight = np.where(certain, part[rows], weight)
        base = np.bincount(own, part[rows] * weight, count)
        moved = np.maximum(shift[rows] + left[own] * weight / base[own], -room[rows])
        left -= np.bincount(own, part[rows] * (moved - shift[rows]), count)
        stuck = moved <= -room[rows]
        shift[rows] = moved
        active[rows[stuck]] = False
    return shift


def moved(ahead: Floats, shift: Floats, spread: Floats) -> Floats:
    """Draws of what is still to come, their means moved by `shift` and their deviations scaled by `spread`.

    ahead: n × months × draws, cumulative; shift, spread: n. Receipts that cannot be negative stay so and keep
    their path's shape; others are moved evenly over the months.
    """
    made = ahead.copy()
    if not ahead.shape[1]:
        return made
    for row in np.flatnonzero((shift != 0) | (spread != 1)).tolist():
        made[row] = _moved_one(ahead[row], float(shift[row]), float(spread[row]))
    return made


def _moved_one(ahead: Floats, shift: float, spread: float) -> Floats:
    total = ahead[-1]
    mean = float(total.mean())
    target = mean + shift
    if mean > 0 and total.min() >= 0 and target >= 0:
        bent = (total / mean) ** spread
        factor = np.divide(bent, total, out=np.zeros_like(total), where=total > 0)
        scaled: Floats = ahead * (target / float(bent.mean()) * factor)
        return scaled
    steps = np.arange(1, len(ahead) + 1) / len(ahead)
    change = shift + (spread - 1) * (total - mean)
    even: Floats = ahead + steps[:, None] * change[None, :]
    return even


def told(
    weighed: pl.DataFrame, by: pl.DataFrame, model: pl.DataFrame, combined: pl.DataFrame
) -> pl.DataFrame:
    """Both parts of every row the office speaks of: `OPINION_SCHEMA`, sorted by key.

    `weight_pct` is null for totals that are moved by what the office says of their parts.

    Args:
        weighed: `with_weights`.
        by: keys of the statements that moved any leaf.
        model, combined: year-ends of one scenario, alone and together.
    """
    alone = model.select(*KEYS, model_mean_amount="mean_amount")
    together = combined.select(*KEYS, combined_mean_amount="mean_amount")
    own = pl.col("weight") == 0
    rows = weighed.join(alone, on=KEYS).join(together, on=KEYS)
    moving = rows.join(by.with_columns(moves=pl.lit(value=True)), on=KEYS, how="left")
    weight = pl.when(~pl.col("derived") & (own | pl.col("moves").fill_null(value=False)))
    return (
        moving.with_columns(
            weight_pct=weight.then(100 * pl.col("weight")), past_statements=pl.col("pairs").cast(pl.Int64)
        )
        .select(pl.col(name).cast(kind) for name, kind in OPINION_SCHEMA.items())
        .sort(KEYS)
    )
