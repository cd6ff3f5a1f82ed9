"""Many series through one filter: statsmodels gives the gains, numpy carries the series.

The gains of a Kalman filter depend on the model, the length and the missing months, not on the data. So
statsmodels' filter runs once per model and pattern of missing months, and every series with that pattern
follows by matrix products. Which models there are, and how they are chosen, belongs to the methods.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from forecasts.arrays import Flags, Floats, Integers

BLOCKS = ("level", "season", "ar")
"""What the states of a structural model stand for: its level (with a slope), its season, an autoregression.
"""


@dataclass(frozen=True, slots=True)
class Gains:
    """One model's filter over one pattern of months.

    gain: T × m; variance: T, of the innovations; design: m; transition: m × m; usable: T, months that are
    observed and past the diffuse start; block: m, position in `BLOCKS` of what each state stands for. end:
    m × m, covariance of the state after the last month; shock: m × m, what each month adds to it; noise:
    variance of the irregular. forecast_cov: H × H of the months to come; forecast_map: H × m, from the last
    state.
    """

    gain: Floats
    variance: Floats
    design: Floats
    transition: Floats
    usable: Flags
    block: Integers
    end: Floats
    shock: Floats
    noise: float
    forecast_map: Floats
    forecast_cov: Floats

    def reaching(self, horizon: int) -> "Gains":
        """The same filter with forecasts of so many months."""
        maps, cov = _forecast(self, horizon)
        return replace(self, forecast_map=maps, forecast_cov=cov)

    def innovations(self, series: Floats) -> tuple[Floats, Floats]:
        """Innovations (n × T, zero where missing) and the state after the last month (m × n) of series (n ×
        T).
        """
        state = np.zeros((len(self.design), series.shape[0]))
        found = np.zeros_like(series)
        for month in range(series.shape[1]):
            surprise = series[:, month] - self.design @ state
            surprise[np.isnan(surprise)] = 0.0
            found[:, month] = surprise
            state = self.transition @ state + self.gain[month][:, None] * surprise
        return found, state

    def responses(self, observed: Flags) -> tuple[Floats, Floats]:
        """What a one in each observed month does to innovations (T × T) and to the last state (m × T)."""
        length = len(observed)
        state, found = np.zeros((len(self.design), length)), np.zeros((length, length))
        for month in range(length):
            if not observed[month]:
                state = self.transition @ state
                continue
            seen = state[:, : month + 1]
            found[: month + 1, month] = -(self.design @ seen)
            found[month, month] += 1.0
            state[:, : month + 1] = self.transition @ seen + np.outer(
                self.gain[month], found[: month + 1, month]
            )
        return found, state

    def forecasts(self, state: Floats) -> Floats:
        """Point forecasts, n × H, from the state after the last month."""
        means: Floats = (self.forecast_map @ state).T
        return means

    def forecasts_by_block(self, state: Floats) -> Floats:
        """Blocks × n × H, the parts of `forecasts` in the order of `BLOCKS`, which add up to it.

        Blocks of states do not mix from month to month, so that each is forecast by its own linear map.
        """
        parts: Floats = np.stack(
            [(self.forecast_map[:, self.block == b] @ state[self.block == b]).T for b in range(len(BLOCKS))]
        )
        return parts

    def standardised(self, innovations: Floats) -> Floats:
        """Innovations over their standard deviation at unit scale; NaN where there is none."""
        with np.errstate(invalid="ignore", divide="ignore"):
            scaled = innovations / np.sqrt(self.variance)
        return np.where(self.usable, scaled, np.nan)


def filter_gains(model: Any, parameters: Floats, horizon: int) -> Gains:
    """The gains of a statsmodels structural model (its `endog` gives the missing months) at fixed
    parameters."""
    results = model.filter(parameters, cov_type="none").filter_results
    transition = _constant(results.transition)
    design = _constant(results.design)[0]
    usable = (results.nmissing == 0) & (np.arange(results.nobs) >= results.loglikelihood_burn)
    selection, noise = _constant(results.selection), _constant(results.state_cov)
    gains = Gains(
        results.kalman_gain[:, 0].T.copy(),
        np.where(results.nmissing == 0, results.forecasts_error_cov[0, 0], 1.0),
        design,
        transition,
        usable,
        _blocks(model),
        end=results.predicted_state_cov[..., -1].copy(),
        shock=selection @ noise @ selection.T,
        noise=float(_constant(results.obs_cov)[0, 0]),
        forecast_map=np.zeros((0, len(design))),
        forecast_cov=np.zeros((0, 0)),
    )
    return gains.reaching(horizon)


def _blocks(model: Any) -> Integers:
    """Position in `BLOCKS` of each of a statsmodels structural model's states, by their names."""
    kinds = {"seasonal": "season", "ar": "ar"}
    names = [str(name).split(".")[0] for name in model.state_names]
    return np.array([BLOCKS.index(kinds.get(name, "level")) for name in names], dtype=np.int64)


def _constant(matrix: Floats) -> Floats:
    return matrix[..., 0] if matrix.ndim == 3 else matrix


def _forecast(gains: Gains, horizon: int) -> tuple[Floats, Floats]:
    """Maps from the last state to the next months, and the covariance of those months at unit scale."""
    design, transition = gains.design, gains.transition
    maps, power, states = np.zeros((horizon, len(design))), np.eye(len(design)), [gains.end]
    for step in range(horizon):
        maps[step] = design @ power
        power = transition @ power
        states.append(transition @ states[-1] @ transition.T + gains.shock)
    cov = np.eye(horizon) * gains.noise
    for step in range(horizon):
        loading = states[step] @ design
        for later in range(step, horizon):
            value = design @ loading
            cov[step, later] += value
            if later > step:
                cov[later, step] += value
            loading = transition @ loading
    return maps, cov
