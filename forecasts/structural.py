"""The structural method: one statsmodels model per revenue line, every unit filtered by it.

A line's district total, in logs, is fitted as unobserved components (level, season, irregular) with the
declared shocks as regressors. Units take its variances in proportion and are filtered with statsmodels' own
gains. Drawing futures from a fit is in `forecasts.futures`; which series gets which answer in
`forecasts.ladder`.
"""

import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from forecasts import ladder, lumpy, shocks
from forecasts.arrays import Floats, Integers
from forecasts.beliefs import Belief, declared_belief, regressor, strengths
from forecasts.components import LogParts
from forecasts.fits import (
    FORMS,
    LineFit,
    blank,
    line_total,
    lower_root,
    mean_correlation,
    standing,
    units_weights,
)
from forecasts.kalman import Gains, filter_gains
from forecasts.ladder import Rung
from forecasts.panel import Panel
from forecasts.prepare import floored_logs
from forecasts.shocks import LineShocks

_LINE_MODEL_MONTHS = 36
_OWN_MODEL_MONTHS = 36
_LONGEST_FIT = 120
_DEFAULT_VARIANCES = np.array([1.0, 0.1, 0.01])
"""Irregular, level, season: used where a line has no fit of its own."""
_SMALLEST_VARIANCE = 1e-6
_OUTLIER = 3.0
_MOST_SHARED = 0.95


@dataclass(frozen=True, slots=True)
class _LineModel:
    """Fitted variances of a line's total, or the defaults and why."""

    variances: Floats
    converged: bool | None
    effects: dict[str, tuple[float, float]]


def fit_line(panel: Panel, line: LineShocks) -> LineFit:
    """Fit one line (`panel` holds its series only) with the shocks declared for it."""
    raw = panel.receipts
    declared = shocks.cleaned(line, raw, line.declared())
    weights = units_weights(raw)
    regressors = {form: regressor(line, form, weights)[: raw.shape[1]] for form in FORMS}
    total = line_total(declared, panel.allocated())
    model = _fit_total(total, regressors)
    beliefs = {form: declared_belief(line, form).updated(*model.effects.get(form, (1, 0))) for form in FORMS}
    base = shocks.cleaned(line, raw, strengths(line, beliefs, {form: np.zeros(1) for form in FORMS}))
    modelled = _has_model(total)
    rungs = ladder.choose(
        base,
        panel.first_seen,
        panel.allocated(),
        ladder.Terms(modelled, own_months=_OWN_MODEL_MONTHS, converged=model.converged),
    )
    rungs = ladder.remarked(rungs, panel.remark)
    return _forecast_units(panel, base, rungs, model, beliefs, regressors)


def _has_model(total: Floats) -> bool:
    seen = np.flatnonzero(np.nan_to_num(total) > 0)
    if not len(seen) or len(total) - seen[0] < _LINE_MODEL_MONTHS:
        return False
    return bool(ladder.regular(total[None, :], np.array([seen[0]]))[0])


def _fit_total(total: Floats, regressors: dict[str, Floats]) -> _LineModel:
    """Maximum likelihood on the line's total, regressors put back where shocks were cleaned away."""
    if not _has_model(total):
        return _LineModel(_DEFAULT_VARIANCES, None, {})
    start = max(int(np.flatnonzero(np.nan_to_num(total) > 0)[0]), len(total) - _LONGEST_FIT)
    logs = floored_logs(total[None, start:], np.zeros(1, dtype=np.int64))[0]
    if np.nanstd(logs) < 1e-9:
        return _LineModel(_DEFAULT_VARIANCES, None, {})
    used = {form: one[start:] for form, one in regressors.items() if np.abs(one[start:]).max() > 0.01}
    shocked = logs + sum(used.values(), np.zeros_like(logs))
    return _maximum_likelihood(shocked, used)


def _structural_model(logs: Floats, exog: Floats | None = None) -> Any:
    from statsmodels.tsa.statespace.structural import UnobservedComponents

    return UnobservedComponents(logs, level="llevel", seasonal=12, exog=exog)


def _maximum_likelihood(logs: Floats, used: dict[str, Floats]) -> _LineModel:
    exog = np.column_stack(list(used.values())) if used else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            results = _structural_model(logs, exog).fit(disp=0, maxiter=100)
            parameters, errors = np.asarray(results.params), np.asarray(results.bse)
            converged = bool(results.mle_retvals["converged"])
        except (ValueError, np.linalg.LinAlgError):
            return _LineModel(_DEFAULT_VARIANCES, converged=False, effects={})
    variances = parameters[:3]
    if not np.isfinite(variances).all() or variances.max() <= 0:
        return _LineModel(_DEFAULT_VARIANCES, converged=False, effects={})
    effects = {form: (float(parameters[3 + i]), float(errors[3 + i])) for i, form in enumerate(used)}
    return _LineModel(np.maximum(variances / variances.max(), _SMALLEST_VARIANCE), converged, effects)


def _forecast_units(
    panel: Panel,
    base: Floats,
    rungs: list[Rung],
    model: _LineModel,
    beliefs: dict[str, Belief],
    regressors: dict[str, Floats],
) -> LineFit:
    length = base.shape[1]
    fit = replace(
        blank(rungs, base, panel.horizon, beliefs),
        lumpy=lumpy.forecast(base, standing(rungs, "pace"), panel.horizon),
    )
    start = max(length - _LONGEST_FIT, 0)
    logs = floored_logs(base, panel.first_seen)[:, start:]
    recent = {form: one[start:] for form, one in regressors.items()}
    full = np.flatnonzero(standing(rungs, "full"))
    surprises = np.full(logs.shape, np.nan)
    for rows in _same_pattern(logs, full):
        surprises[rows] = _filter_rows(fit, rows, logs, recent, model)
    part = _common_part(surprises[full])
    fit.common[full], fit.own[full] = np.sqrt(part) * fit.own[full], np.sqrt(1 - part) * fit.own[full]
    fit.surprises[start:] = _monthly_mean(surprises[full])
    young = np.flatnonzero(standing(rungs, "line_factor"))
    if len(young):
        _follow_line(fit, young, base, panel, recent, model)
    return fit


def _same_pattern(logs: Floats, rows: Integers) -> list[Integers]:
    """Rows grouped by which months they have."""
    groups: dict[bytes, list[int]] = {}
    for row in rows.tolist():
        groups.setdefault(np.isnan(logs[row]).tobytes(), []).append(row)
    return [np.array(members, dtype=np.int64) for members in groups.values()]


def _filter_rows(
    fit: LineFit, rows: Integers, logs: Floats, regressors: dict[str, Floats], model: _LineModel
) -> Floats:
    """Fill means, roots and responses of rows with one pattern of months; returns their standardised
    innovations.
    """
    known = np.isfinite(logs[rows[0]])
    begin = int(known.argmax())
    series = logs[rows, begin:]
    gains = filter_gains(_structural_model(series[0]), model.variances, fit.mean.shape[1])
    calm, scale = calmed(gains, series)
    innovations, state = gains.innovations(calm)
    fit.mean[rows] = gains.forecasts(state)
    level, season, _ = gains.forecasts_by_block(state)
    fit.parts.enter(rows, LogParts(level, season, np.zeros_like(level)))
    fit.own[rows] = scale[:, None, None] * lower_root(gains.forecast_cov)
    for form, moving in regressors.items():
        _, moved = gains.innovations(np.where(known, moving, np.nan)[None, begin:])
        fit.response[form][rows] = gains.forecasts(moved)
    found = np.full((len(rows), logs.shape[1]), np.nan)
    found[:, begin:] = gains.standardised(innovations) / np.maximum(scale, 1e-12)[:, None]
    return found


def calmed(gains: Gains, series: Floats) -> tuple[Floats, Floats]:
    """Series (n × T) with innovations pulled back to ±3 robust deviations, and each series' deviation at unit
    scale.
    """
    innovations, _ = gains.innovations(series)
    scaled = gains.standardised(innovations)
    if not gains.usable.any():
        return series, np.zeros(len(series))
    usable = scaled[:, gains.usable]
    robust: Floats = 1.4826 * np.median(np.abs(usable), axis=1)
    robust = np.where(robust > 0, robust, usable.std(axis=1))
    limit = _OUTLIER * robust[:, None] * np.sqrt(gains.variance)
    kept = np.where(gains.usable, np.clip(innovations, -limit, limit), innovations)
    tame = np.clip(usable, -_OUTLIER * robust[:, None], _OUTLIER * robust[:, None])
    return series - (innovations - kept), np.sqrt((tame**2).mean(axis=1))


def _common_part(surprises: Floats) -> float:
    """Mean correlation (0..0.95) between units' innovations: the part of their variance the line shares."""
    months = np.isfinite(surprises).all(axis=0) if len(surprises) else np.zeros(0, dtype=bool)
    if len(surprises) < 2 or months.sum() < 12:
        return 0.0
    spread = surprises[:, months]
    spread = spread[spread.std(axis=1) > 0]
    if len(spread) < 2:
        return 0.0
    return float(np.clip(mean_correlation(spread), 0.0, _MOST_SHARED))


def _monthly_mean(surprises: Floats) -> Floats:
    known = np.isfinite(surprises)
    count = known.sum(axis=0)
    return np.where(
        count > 0, np.nansum(np.where(known, surprises, 0), axis=0) / np.maximum(count, 1), np.nan
    )


def _follow_line(
    fit: LineFit,
    young: Integers,
    base: Floats,
    panel: Panel,
    regressors: dict[str, Floats],
    model: _LineModel,
) -> None:
    """Young units: their share of the line's total over the months they have, with the share's own
    deviation."""
    total = line_total(base, panel.allocated())
    length = min(len(total), _LONGEST_FIT)
    logs = floored_logs(total[None, -length:], np.array([int((np.nan_to_num(total[-length:]) > 0).argmax())]))
    line = blank(fit.rungs[:1], logs, panel.horizon, fit.beliefs)
    _filter_rows(line, np.array([0]), logs, {f: one[-length:] for f, one in regressors.items()}, model)
    for row in young.tolist():
        gap = floored_logs(base[[row]], panel.first_seen[[row]])[0, -12:] - logs[0, -12:]
        gap = gap[np.isfinite(gap)]
        fit.mean[row] = line.mean[0] + (gap.mean() if len(gap) else 0.0)
        fit.common[row] = line.own[0]
        fit.parts.level[row] = fit.mean[row] - line.parts.season[0]
        fit.parts.season[row] = line.parts.season[0]
        fit.own[row] = max(float(gap.std()) if len(gap) > 2 else 0.5, 0.1) * np.eye(panel.horizon)
        for form, response in line.response.items():
            fit.response[form][row] = response[0]
