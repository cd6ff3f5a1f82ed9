"""Why tonight's year-end is not the one published before: one thing changed at a time, what each moved.

Starts from the means as they were published and ends at tonight's; the steps between are forecasts with one
thing changed, and only those whose inputs did change are made. So causes add up to the change for every row,
and a usual night, on which money came and nothing else changed, costs no forecast at all. What was published,
and what the ledger knew then, the floors below and above find out.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from itertools import pairwise

import polars as pl

from forecasts import months
from forecasts.seam import BASE_SCENARIO, ForecastProblem, Method, forecast_year_end

NEWS_SCHEMA = pl.Schema(
    {
        "unit_key": pl.String,
        "line_code": pl.String,
        "basis": pl.String,
        "cause": pl.String,
        "amount": pl.Int64,
    }
)
CAUSES = (
    "configuration", "other", "restatement", "office_estimate", "new_receipts", "passing_days",
    "new_fiscal_year",
)  # fmt: skip
"""Estimates move no year-end, only the shortfall from it, and so are no cause of a change of the mean."""
_KEYS = ["unit_key", "line_code", "basis"]
Steps = Sequence[tuple[str, ForecastProblem]]


def forecast_news(
    before: pl.DataFrame, after: pl.DataFrame, steps: Steps, last: str, method: Method = "bank"
) -> pl.DataFrame:
    """Changes of the mean in the base scenario (`NEWS_SCHEMA`, minor units), by cause; zeros are left out.

    Args:
        before, after: year-end means of two nights as published, in minor units: unit_key, line_code, basis,
            amount. A row that one of them lacks counts as nothing there.
        steps: cause and the problem it leads to, in order (`steps_between`); each costs one forecast.
        last: cause of what is left between the last step and `after`.
    """
    means = [before, *(_means(forecast_year_end(asked, method).year_end) for _, asked in steps), after]
    causes = [*(cause for cause, _ in steps), last]
    parts = [_change(old, new, cause) for (old, new), cause in zip(pairwise(means), causes, strict=True)]
    return pl.concat(parts).filter(pl.col("amount") != 0).sort(*_KEYS, "cause")


def steps_between(
    rebuilt: ForecastProblem,
    restated: ForecastProblem | None,
    current: ForecastProblem,
    *,
    same_configuration: bool,
    as_published: bool,
) -> tuple[Steps, str]:
    """What has to be forecast again to tell the causes apart, and the cause of the rest.

    `configuration`: declared or configured otherwise, or a shock announced since. `other`: the night before
    cannot be made again as it was published (another version of the code, files put in under an earlier day).
    `restatement`: what was stated anew since. `office_estimate`: what an office has said since. The rest is
    `new_receipts`, what came and what was expected and did not; or `passing_days` where nothing came and no
    further day is complete (what was said on the same day of earlier years is another thing). In another
    fiscal year there is nothing to compare but the years (`new_fiscal_year`).

    Args:
        rebuilt: the previous night's problem, made again from tonight's ledger.
        restated: the same with what was stated anew since; None where nothing was.
        current: tonight's problem.
        same_configuration: whether the authority's files were the same on both nights.
        as_published: whether `rebuilt` is surely what the previous night was forecast from.
    """
    if _fiscal_year(rebuilt, rebuilt.as_of) != _fiscal_year(current, current.as_of):
        return [], "new_fiscal_year"
    configured = not same_configuration or _changed_since(rebuilt, current)
    steps: list[tuple[str, ForecastProblem]] = []
    if configured or not as_published:
        steps.append(("configuration" if configured else "other", _as_now(rebuilt, current)))
    if restated is not None:
        steps.append(("restatement", _as_now(restated, current)))
    if _office_spoke(rebuilt, current):
        latest = _as_now(rebuilt if restated is None else restated, current)
        steps.append(("office_estimate", replace(latest, office=_known_earlier(current, latest.as_of))))
    nothing_came = _same_receipts(rebuilt if restated is None else restated, current)
    return steps, "passing_days" if nothing_came else "new_receipts"


def _same_receipts(earlier: ForecastProblem, current: ForecastProblem) -> bool:
    """Whether both know the same receipts, up to the same days."""
    if earlier.last_complete_day != current.last_complete_day:
        return False
    return _alike(earlier.history, current.history) and _alike(earlier.complete, current.complete)


def _alike(one: pl.DataFrame | None, other: pl.DataFrame | None) -> bool:
    """Whether two frames hold the same rows, in whatever order, or neither is there."""
    if one is None or other is None:
        return one is other
    return one.sort(one.columns).equals(other.sort(other.columns))


def _fiscal_year(problem: ForecastProblem, day: date) -> int:
    return months.fiscal_start(day, problem.fiscal_year_start_month)


def _changed_since(rebuilt: ForecastProblem, current: ForecastProblem) -> bool:
    """Whether shares or known shocks are other ones without any file having changed."""
    announced = any(
        shock.known_on(current.as_of) != shock.known_on(rebuilt.as_of) for shock in current.shocks
    )
    names = ["unit_key", "line_code", "basis"]
    both = rebuilt.shares.join(current.shares, on=names, suffix="_now")
    moved = both.filter(pl.col("share") != pl.col("share_now")).height > 0
    return announced or moved or both.height < max(rebuilt.shares.height, current.shares.height)


def _office_spoke(rebuilt: ForecastProblem, current: ForecastProblem) -> bool:
    """Whether an office has said or withdrawn anything since."""
    if current.office is None:
        return False
    since = [pl.col(day) > rebuilt.as_of for day in ("recorded_at", "superseded_at")]
    return current.office.filter(pl.any_horizontal(since)).height > 0


def _known_earlier(current: ForecastProblem, day: date) -> pl.DataFrame | None:
    """Tonight's statements, as if each had been known so many days earlier as `day` lies before tonight.

    Those of past years too: what a statement weighs is learnt from what stood on the same day then.
    """
    if current.office is None:
        return None
    lead = pl.duration(days=(current.as_of - day).days)
    return current.office.with_columns(pl.col("recorded_at") - lead, pl.col("superseded_at") - lead)


def _as_now(earlier: ForecastProblem, current: ForecastProblem) -> ForecastProblem:
    """An earlier night's problem with tonight's shares, shocks and draws; estimates move no mean."""
    known = (shock for shock in current.shocks if shock.known_on(current.as_of))
    early = tuple(
        shock.model_copy(update={"announced_on": min(shock.announced_on, earlier.as_of)}) for shock in known
    )
    return replace(
        earlier,
        shares=current.shares,
        shocks=early,
        seed=current.seed,
        draws=current.draws,
        estimates=earlier.estimates.clear(),
    )


def _means(year_end: pl.DataFrame) -> pl.DataFrame:
    base = year_end.filter(pl.col("scenario") == BASE_SCENARIO)
    return base.select(*_KEYS, amount="mean_amount")


def _change(before: pl.DataFrame, after: pl.DataFrame, cause: str) -> pl.DataFrame:
    both = before.join(after, on=_KEYS, how="full", coalesce=True, suffix="_after")
    change = pl.col("amount_after").fill_null(0) - pl.col("amount").fill_null(0)
    return both.select(*_KEYS, cause=pl.lit(cause), amount=change).cast(NEWS_SCHEMA)


def left_over(news: pl.DataFrame, before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """Rows whose causes do not add up to the change of the mean, with what is left (`NEWS_SCHEMA`)."""
    told = news.group_by(_KEYS).agg(pl.col("amount").sum().alias("told"))
    beside = _change(before, after, "left over").join(told, on=_KEYS, how="full", coalesce=True)
    left = pl.col("amount").fill_null(0) - pl.col("told").fill_null(0)
    rest = beside.select(*_KEYS, cause=pl.lit("left over"), amount=left)
    return rest.filter(pl.col("amount") != 0).sort(_KEYS)
