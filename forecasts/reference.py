"""The reference path: a series through plain statsmodels, at the bank's likeliest point and freely fitted.

What a statistician asks of a model of one series: smoothed components, innovations and their tests,
likelihoods beside a maximum-likelihood fit, and proof that the bank's matrices are statsmodels' filter.
Nightly forecasts never come here; which series are studied is `forecasts.diagnostics`' to say.
"""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from forecasts import months
from forecasts.arrays import Floats
from forecasts.bank import Maps, ModelSpec, maps_for
from forecasts.outliers import centre, same_pattern
from forecasts.weights import model_weights

LAGS = 24
_AHEAD = 12
_BAND = 1.96
_SMALLEST_SCALE = 1e-12
_LIKELY_CHANCE = 0.05


@dataclass(frozen=True, slots=True)
class Study:
    """One series under its likeliest model; values are logs, deviations are of logs.

    series: month, value. components: month, component, value, low, high (smoothed, central 95%). innovations:
    month, value (standardised). autocorrelation: lag, value, bound. tests: test, statistic, p_value, reading.
    weights: level, kind, weight, over the whole grid. fits: parameters, likelihood and AIC of three fits.
    agreement: quantity, difference (largest between the bank and statsmodels).
    """

    title: str
    series: pl.DataFrame
    components: pl.DataFrame
    innovations: pl.DataFrame
    autocorrelation: pl.DataFrame
    tests: pl.DataFrame
    weights: pl.DataFrame
    fits: pl.DataFrame
    agreement: pl.DataFrame


def weights_in_line(grid: tuple[ModelSpec, ...], logs: Floats, row: int) -> Floats:
    """G, the weights of one of a line's series (n × T logs, NaN where missing), as the bank weighs it."""
    rows = next(rows for rows in same_pattern(logs) if row in rows)
    maps = maps_for(grid, np.isfinite(logs[row]), _AHEAD)
    squares = maps.squares(np.nan_to_num(logs[rows] - centre(logs[rows])))
    weights: Floats = model_weights(maps.log_likelihood(squares))[rows.tolist().index(row)]
    return weights


def study(title: str, logs: Floats, first_month: int, grid: tuple[ModelSpec, ...], weights: Floats) -> Study:
    """Study a series (T logs from the month with ordinal `first_month`, NaN where missing) weighed over a
    grid."""
    middle = float(centre(logs[None])[0, 0])
    series, spec = logs - middle, grid[int(weights.argmax())]
    maps = maps_for((spec,), np.isfinite(logs), _AHEAD)
    squares = float(maps.squares(np.nan_to_num(series)[None])[0, 0])
    scale = max(squares / max(maps.counted, 1), _SMALLEST_SCALE)
    results = spec.system(series, scale).smooth(spec.parameters(scale))
    days = [months.first_day(first_month + month) for month in range(len(logs))]
    seen = np.flatnonzero(np.isfinite(logs))
    innovations = np.asarray(results.filter_results.standardized_forecasts_error[0])
    counted = seen[seen >= 1]
    found = pl.DataFrame({"month": [days[m] for m in counted], "value": innovations[counted]})
    smooth = pl.concat(list(_components(results, days, series, middle))).filter(
        pl.col("month") >= days[int(seen[0])]
    )
    return Study(
        title,
        pl.DataFrame({"month": [days[m] for m in seen], "value": logs[seen]}),
        smooth,
        found,
        _autocorrelation(innovations[counted]),
        _tests(innovations[counted], results),
        _weights(grid, weights),
        _fits(spec, series, scale, results),
        _agreement(maps, series, scale, results),
    )


def _components(results: Any, days: list[Any], series: Floats, middle: float) -> Iterator[pl.DataFrame]:
    """The smoothed components statsmodels knows of, and the irregular that is left."""
    left = series.copy()
    named = {
        "level": results.level,
        "season": results.seasonal,
        "autoregression": results.autoregressive,
    }
    for name, component in named.items():
        if component is None:
            continue
        value, spread = component["smoothed"], _BAND * np.sqrt(np.maximum(component["smoothed_cov"], 0))
        left = left - value
        shown = value + (middle if name == "level" else 0.0)
        yield _component(name, days, shown, spread)
    yield _component("irregular", days, left, np.zeros_like(left))


def _component(name: str, days: list[Any], value: Floats, spread: Floats) -> pl.DataFrame:
    return pl.DataFrame(
        {"month": days, "value": value, "low": value - spread, "high": value + spread}
    ).select("month", pl.lit(name).alias("component"), pl.col("value", "low", "high").fill_nan(None))


def _autocorrelation(innovations: Floats) -> pl.DataFrame:
    """Lags 1 to 24 with the bound that white noise keeps to 95 times in 100."""
    from statsmodels.tsa.stattools import acf

    lags = min(LAGS, len(innovations) - 1)
    if lags < 1 or innovations.std() == 0:
        return pl.DataFrame(schema={"lag": pl.Int64, "value": pl.Float64, "bound": pl.Float64})
    values = acf(innovations, nlags=lags, fft=False)[1:]
    bound = _BAND / np.sqrt(len(innovations))
    return pl.DataFrame({"lag": range(1, lags + 1), "value": values, "bound": [bound] * lags})


def _tests(innovations: Floats, results: Any) -> pl.DataFrame:
    """Are the innovations white, normal, of one variance? Null where there are too few to say."""
    from statsmodels.stats.diagnostic import acorr_ljungbox
    from statsmodels.stats.stattools import jarque_bera

    names = {
        "Ljung–Box, lags 1–12": "autocorrelation is left in the innovations",
        "Ljung–Box, lags 1–24": "autocorrelation is left in the innovations",
        "Jarque–Bera": "tails or skew that a normal distribution has not",
        "Variance, last third ÷ first third": "the variance has changed over the years",
    }
    if len(innovations) <= 2 * LAGS or innovations.std() == 0:
        return _read(names, [(np.nan, np.nan)] * len(names))
    white = acorr_ljungbox(innovations, lags=[12, 24])
    even = results.test_heteroskedasticity(method="breakvar")[0]
    found = [*white.itertuples(index=False), jarque_bera(innovations)[:2], even]
    return _read(names, [(float(statistic), float(chance)) for statistic, chance in found])


def _read(names: dict[str, str], found: list[tuple[float, float]]) -> pl.DataFrame:
    """Tests with what they say at the 5% level."""
    table = pl.DataFrame(
        {"test": list(names), "finding": list(names.values())}
        | dict(zip(("statistic", "p_value"), zip(*found, strict=True), strict=True)),
        schema_overrides={"statistic": pl.Float64, "p_value": pl.Float64},
    ).with_columns(pl.col("statistic", "p_value").fill_nan(None))
    reading = (
        pl.when(pl.col("p_value").is_null())
        .then(pl.lit("too few months to say"))
        .when(pl.col("p_value") < _LIKELY_CHANCE)
        .then("finding")
        .otherwise(pl.lit("nothing found"))
    )
    return table.select("test", "statistic", "p_value", reading=reading)


def _weights(grid: tuple[ModelSpec, ...], weights: Floats) -> pl.DataFrame:
    """Weight by level's variance ratio and by what else the model has."""
    return pl.DataFrame(
        {
            "level": [spec.level for spec in grid],
            "kind": [kind_of(spec) for spec in grid],
            "weight": weights,
        }
    )


def kind_of(spec: ModelSpec) -> str:
    """What a grid point has beside its level and irregular, in words."""
    season = f"season {spec.season_prior:g}" if spec.season_prior else "no season"
    moving = f", moving {spec.season:g}" if spec.season_prior and spec.season else ""
    slope = f", slope {spec.slope:g}" if spec.slope else ""
    autoregression = f", AR {spec.ar:g}" if spec.ar_variance else ""
    return season + moving + slope + autoregression


def _fits(spec: ModelSpec, series: Floats, scale: float, results: Any) -> pl.DataFrame:
    """The likeliest point as the bank has it, the same ratios from statsmodels' diffuse start, and maximum
    likelihood from there: the last two can be compared."""
    plain = _plain_model(spec, series)
    rows = [_fit("bank's likeliest point", "bank's own", results, spec.parameters(scale), spec, 1, None)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            first = plain.filter(spec.parameters(scale)).filter_results
            errors = first.standardized_forecasts_error[0, first.loglikelihood_burn :]
            rescaled = spec.parameters(scale * float(np.nanmean(errors**2)))
            rows.append(_fit("the same ratios", "diffuse", plain.filter(rescaled), rescaled, spec, 1, None))
            free = plain.fit(disp=0, maxiter=200)
            done = bool(free.mle_retvals["converged"])
            rows.append(
                _fit("maximum likelihood", "diffuse", free, free.params, spec, len(free.params), done)
            )
        except (ValueError, np.linalg.LinAlgError):
            pass  # a series too short or too even for statsmodels' own start: the first row stands alone
    return pl.DataFrame(rows, infer_schema_length=None)


def _plain_model(spec: ModelSpec, series: Floats) -> Any:
    """The same structure with statsmodels' own start and nothing else of ours."""
    from statsmodels.tsa.statespace.structural import UnobservedComponents

    known = np.flatnonzero(np.isfinite(series))
    return UnobservedComponents(
        series[known[0] :],
        level="lldtrend" if spec.slope else "llevel",
        seasonal=12 if spec.season_prior else None,
        autoregressive=1 if spec.ar_variance else None,
    )


def _fit(
    name: str,
    start: str,
    results: Any,
    parameters: Floats,
    spec: ModelSpec,
    free: int,
    converged: bool | None,
) -> dict[str, Any]:
    """One fit: standard deviations of logs in percent, log-likelihood, AIC."""
    values = [float(value) for value in parameters]
    season = values[2] if spec.season_prior else None
    autoregression = values[-2:] if spec.ar_variance else [None, None]
    deviations = (values[0], values[1], season, autoregression[0])
    likelihood = float(results.llf)
    irregular, level, seasonal, ar_deviation = (
        None if value is None else 100 * float(np.sqrt(max(value, 0))) for value in deviations
    )
    return {
        "fit": name,
        "start": start,
        "irregular_pct": irregular,
        "level_pct": level,
        "season_pct": seasonal,
        "ar_pct": ar_deviation,
        "ar": autoregression[1],
        "log_likelihood": likelihood,
        "free_parameters": free,
        "aic": 2 * free - 2 * likelihood,
        "converged": converged,
    }


def _agreement(maps: Maps, series: Floats, scale: float, results: Any) -> pl.DataFrame:
    """The bank's matrices beside statsmodels' filter: largest differences."""
    known, root = np.nan_to_num(series), np.sqrt(scale)
    squares = maps.squares(known[None])
    counted = np.isfinite(series) & (np.arange(len(series)) >= 1)
    theirs = results.get_forecast(_AHEAD)
    standard = results.filter_results.standardized_forecasts_error[0][counted]
    at_scale = -0.5 * (
        maps.counted * np.log(2 * np.pi * scale) + maps.log_variance[0] + squares[0, 0] / scale
    )
    pairs = {
        "log-likelihood": (at_scale, results.llf_obs[counted].sum()),
        f"{maps.counted} standardised innovations": (maps.innovations(0, known[None])[0] / root, standard),
        f"forecasts of {_AHEAD} months": (maps.ahead[0] @ known, theirs.predicted_mean),
        "their variances": (scale * np.diag(maps.covariance[0]), theirs.var_pred_mean),
    }
    return pl.DataFrame(
        {
            "quantity": list(pairs),
            "difference": [
                float(np.abs(np.asarray(a) - np.asarray(b)).max(initial=0)) for a, b in pairs.values()
            ],
        }
    )
