"""What a method knows of one line after looking at its past: enough to draw the months to come.

The methods fill it in; `forecasts.futures` draws from it.
"""

from dataclasses import dataclass, replace

import numpy as np

from forecasts.arrays import Flags, Floats, Integers
from forecasts.beliefs import Belief
from forecasts.components import LogParts
from forecasts.ladder import Rung, RungName
from forecasts.lumpy import Lumpy
from forecasts.noise import FREEDOM
from forecasts.sharing import PastErrors

FORMS = ("deferral", "rate_change")
"""Forms of shock whose strength can be learnt from the past."""


@dataclass(frozen=True, slots=True)
class LineFit:
    """What a line's n units are forecast from, before any shock to come.

    base: n × T receipts cleaned of shocks. In logs, for the months to come: mean n × H; common and own, n × H
    × H lower roots of the covariance the units share and of what is each one's own. response: by form of
    shock, n × H, how the mean moves with the strength of shocks past; surprises: T, the line's standardised
    innovations, NaN where none; parts: what the mean consists of, before uncertainty lowers it. lumpy: the
    months to come of units on the `pace` rung, which have no logs. freedom: n, degrees of freedom of what is
    each one's own; past: how past year-ends went wrong.
    """

    rungs: list[Rung]
    base: Floats
    mean: Floats
    common: Floats
    own: Floats
    beliefs: dict[str, Belief]
    response: dict[str, Floats]
    surprises: Floats
    parts: LogParts
    lumpy: Lumpy
    freedom: Floats
    past: PastErrors

    def take(self, rows: Integers) -> "LineFit":
        """The same fit with only these units: whatever has a row per unit is cut down, the rest is the
        line's."""
        return replace(
            self,
            rungs=[self.rungs[row] for row in rows],
            base=self.base[rows],
            mean=self.mean[rows],
            common=self.common[rows],
            own=self.own[rows],
            response={form: moved[rows] for form, moved in self.response.items()},
            parts=self.parts.take(rows),
            lumpy=self.lumpy.take(rows),
            freedom=self.freedom[rows],
            past=self.past.take(rows),
        )


def standing(rungs: list[Rung], name: RungName) -> Flags:
    """Which units stand on a rung."""
    return np.array([rung.name == name for rung in rungs], dtype=bool)


def blank(rungs: list[Rung], base: Floats, horizon: int, beliefs: dict[str, Belief]) -> LineFit:
    """A fit with everything still to be filled in."""
    count = len(rungs)
    return LineFit(
        rungs,
        base,
        mean=np.zeros((count, horizon)),
        common=np.zeros((count, horizon, horizon)),
        own=np.zeros((count, horizon, horizon)),
        beliefs=beliefs,
        response={form: np.zeros((count, horizon)) for form in FORMS},
        surprises=np.full(base.shape[1], np.nan),
        parts=LogParts.nothing(count, horizon),
        lumpy=Lumpy.nothing(count, horizon),
        freedom=np.full(count, FREEDOM),
        past=PastErrors.nothing(count),
    )


def lower_root(covariance: Floats) -> Floats:
    """Lower triangular roots (… × H × H) of covariances: rows follow time, so that noise two lines share
    falls in the same month of both."""
    size = covariance.shape[-1]
    trace = np.trace(covariance, axis1=-2, axis2=-1)[..., None, None]
    root: Floats = np.linalg.cholesky(covariance + (1e-9 * np.maximum(trace, 1e-12)) * np.eye(size))
    return root


def mean_correlation(rows: Floats) -> float:
    """Mean of the correlations between at least two rows that vary."""
    table = np.corrcoef(rows).reshape(len(rows), len(rows))
    return float((table.sum() - len(rows)) / (len(rows) * (len(rows) - 1)))


def units_weights(receipts: Floats) -> Floats:
    """n, each unit's part of its line's receipts over the last two years; equal parts where there are
    none."""
    size = np.maximum(np.nan_to_num(receipts[:, -24:]).sum(axis=1), 0)
    return size / size.sum() if size.sum() > 0 else np.full(len(size), 1 / max(len(size), 1))


def line_total(receipts: Floats, allocated: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Floats:
    """T, the units' sum by month, NaN where nothing is known (masked months)."""
    known = np.isfinite(receipts[allocated]).any(axis=0)
    return np.where(known, np.nansum(receipts[allocated], axis=0), np.nan)
