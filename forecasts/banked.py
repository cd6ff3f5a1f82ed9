"""The bank method: what `forecasts.factors` makes of a line's logs, with shocks and the ladder around it.

Which series can bear logs is `forecasts.ladder`'s to say; drawing months to come is `forecasts.futures`'.
"""

from dataclasses import replace

import numpy as np

from forecasts import factors, few, ladder, lumpy, shocks
from forecasts.arrays import Flags, Floats, Integers
from forecasts.beliefs import Belief, declared_belief, regressor, strengths
from forecasts.calibration import Calibration, calibrate
from forecasts.components import LogParts, beside_factor
from forecasts.fits import FORMS, LineFit, blank, line_total, lower_root, standing, units_weights
from forecasts.ladder import RungName
from forecasts.panel import Panel
from forecasts.prepare import alive_since, floored_logs
from forecasts.remaining import unskewed
from forecasts.shocks import LineShocks

_OWN_MONTHS = 24
_OWN_MONTHS_BESIDE_FACTOR = 12
_YOUNG_SPREAD = 0.4
_MODELLED: tuple[RungName, RungName] = ("full", "line_factor")


def fit_line(panel: Panel, line: LineShocks) -> LineFit:
    """Fit one line (`panel` holds its series only) with the shocks declared for it."""
    raw, weights = panel.receipts, units_weights(panel.receipts)
    past = {form: regressor(line, form, weights)[: raw.shape[1]] for form in FORMS}
    seen = {form: one for form, one in past.items() if np.abs(one).max(initial=0) > 0.01}
    effect = _effects(panel, shocks.cleaned(line, raw, line.declared()), seen)
    beliefs = {form: _belief(line, form, effect) for form in FORMS}
    still = {form: np.zeros(1) for form in FORMS}
    base = shocks.cleaned(line, raw, strengths(line, beliefs, still)) if line.terms else raw
    fit = _fit_units(panel, base, beliefs)
    for form, ahead in effect.ahead.items() if effect is not None else ():
        fit.response[form][:] = ahead
    return fit


def _belief(line: LineShocks, form: str, effect: factors.RegressorEffect | None) -> Belief:
    belief = declared_belief(line, form)
    if effect is None or form not in effect.estimate:
        return belief
    return belief.updated(effect.estimate[form], effect.error[form])


def _effects(panel: Panel, declared: Floats, seen: dict[str, Floats]) -> factors.RegressorEffect | None:
    """What the line's factor (or total) shows of its declared shocks; None where it cannot show any."""
    if not seen:
        return None
    series = line_series(panel, declared)
    if np.isfinite(series).sum() < _OWN_MONTHS:
        return None
    begin = int(np.isfinite(series).argmax())
    shocked = series + sum(seen.values(), np.zeros_like(series))
    return factors.regress(shocked[begin:], {form: one[begin:] for form, one in seen.items()}, panel.horizon)


def line_series(panel: Panel, receipts: Floats) -> Floats:
    """T, logs of the line as a whole: the factor of its regular units, or their total; NaN where unknown."""
    since = alive_since(receipts)
    fit = ladder.regular(receipts, since) & panel.allocated() & _seasoned(receipts, since)
    if fit.sum() >= factors.UNITS_FOR_FACTOR:
        return factors.common_factor(floored_logs(receipts, since)[fit])
    total = line_total(receipts, fit)[None, :]
    start = alive_since(total)
    if not fit.any() or not ladder.regular(total, start)[0]:
        return np.full(receipts.shape[1], np.nan)
    logs: Floats = floored_logs(total, start)[0]
    return logs


def _seasoned(receipts: Floats, since: Integers) -> Flags:
    """Series with months enough to speak for their line."""
    old: Flags = receipts.shape[1] - since >= factors.MONTHS_FOR_FACTOR
    return old


def _fit_units(panel: Panel, base: Floats, beliefs: dict[str, Belief]) -> LineFit:
    since = alive_since(base)
    series = line_series(panel, base)
    known = np.isfinite(series).sum()
    old = ladder.regular(base, since) & panel.allocated() & _seasoned(base, since)
    beside = old.sum() >= factors.UNITS_FOR_FACTOR
    terms = ladder.Terms(
        line_modelled=bool(known >= _OWN_MONTHS),
        own_months=_OWN_MONTHS_BESIDE_FACTOR if beside else _OWN_MONTHS,
        converged=True,  # weighing fixed models cannot fail to converge
    )
    rungs = ladder.remarked(ladder.choose(base, since, panel.allocated(), terms), panel.remark)
    fit = replace(
        blank(rungs, base, panel.horizon, beliefs),
        lumpy=lumpy.forecast(base, standing(rungs, "pace"), panel.horizon),
    )
    full, young = (np.flatnonzero(standing(rungs, name)) for name in _MODELLED)
    logs = floored_logs(base, since)
    if len(full):
        width = calibrate(logs[full], panel.horizon)
        answer = factors.forecast_logs(logs[full], panel.horizon)
        _enter(fit, full, few.beside_plain(answer, base[full], since[full]), width)
        fit = replace(fit, past=width.past.spread_over(full, len(rungs)))
    if len(young):
        _follow(fit, young, logs[young], series)
    return fit


def _enter(fit: LineFit, rows: Integers, answer: factors.LogForecast, width: Calibration) -> None:
    fit.mean[rows] = unskewed(answer.mean, answer.shared + answer.own)
    fit.common[rows] = width.shared * lower_root(answer.shared)
    fit.own[rows] = width.own * lower_root(answer.own)
    fit.freedom[rows] = width.freedom
    fit.surprises[:] = answer.surprises
    fit.parts.enter(rows, answer.parts)


def _follow(fit: LineFit, rows: Integers, logs: Floats, series: Floats) -> None:
    """Young units: the line's own forecast, moved to where the unit stood beside it in the months it has."""
    begin, horizon = int(np.isfinite(series).argmax()), fit.mean.shape[1]
    line = factors.mixture(factors.FACTOR_GRID, series[None, begin:], horizon)
    gap = logs - series[None, :]
    months = np.isfinite(gap).sum(axis=1)
    spread = np.sqrt((_YOUNG_SPREAD**2 * 3 + months * _variance(gap)) / (3 + months))
    away = np.where(months > 0, np.nansum(np.nan_to_num(gap), axis=1) / np.maximum(months, 1), 0.0)
    alike = np.eye(horizon)[None] + 1 / np.maximum(months, 1)[:, None, None]
    own = spread[:, None, None] ** 2 * alike
    fit.mean[rows] = unskewed(line.mean + away[:, None], line.covariance + own)
    fit.common[rows], fit.own[rows] = lower_root(line.covariance), lower_root(own)
    beside = np.repeat(away[:, None], horizon, axis=1)
    alone = LogParts(beside, np.zeros_like(beside), np.zeros_like(beside))
    fit.parts.enter(rows, beside_factor(series, line.mean[0], line.season[0], alone))


def _variance(gap: Floats) -> Floats:
    known = np.isfinite(gap)
    count = np.maximum(known.sum(axis=1), 1)
    centre = np.where(known, gap, 0).sum(axis=1) / count
    variance: Floats = (np.where(known, gap - centre[:, None], 0) ** 2).sum(axis=1) / count
    return variance
