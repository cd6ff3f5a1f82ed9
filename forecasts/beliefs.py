"""How strong a declared shock is believed to be: the declaration's range, and what the data say.

Strengths are the declared ones to a power, on the log scale of what they leave; a power of 1 is the
declaration. Never does a strength leave its declared range. What strengths do to receipts stands in
`forecasts.shocks`.
"""

from dataclasses import dataclass, replace

import numpy as np

from forecasts.arrays import Floats
from forecasts.shocks import LineShocks, Strength

_CENTRAL_90 = 2 * 1.645
_BASE_MOVES = 0.1
"""Log by which receipts move in the months of a shock for other reasons: what makes an office put off dues
strikes payers too, so that a drop says less of the shock than a calm month would (assumed)."""
_UNITS_APART = 0.35
"""How far units' deferred parts lie apart, beside how far the line's may lie from the declared one (assumed).
"""


@dataclass(frozen=True, slots=True)
class Belief:
    """What is believed of a line's shocks of one kind: declared strengths to the power of N(mean, sd) on log
    scale.

    apart: standard deviation of units' own powers about the line's; confounded: of an estimate, by what else
    moves receipts.
    """

    mean: float = 1.0
    sd: float = 0.0
    estimated: bool = False
    apart: float = 0.0
    confounded: float = 0.0

    def updated(self, estimate: float, error: float) -> "Belief":
        """The declared belief combined with an estimate from the data, by precision; as it was if the data
        say none.
        """
        if not np.isfinite([estimate, error]).all() or error <= 0 or self.sd <= 0:
            return self
        ours, theirs = self.sd**-2, 1 / (error**2 + self.confounded**2)
        mean = (ours * self.mean + theirs * estimate) / (ours + theirs)
        return replace(self, mean=float(mean), sd=float((ours + theirs) ** -0.5), estimated=True)


def declared_belief(shocks: LineShocks, form: str) -> Belief:
    """The belief a declaration's range stands for, from the month it touches most."""
    if form == "closure" or not len(shocks.of_form(form)):
        return Belief()
    value, low, high = (
        abs(_log_effect(shocks, shocks.declared(b), form)).max() for b in ("value", "low", "high")
    )
    if value <= 0:
        return Belief()
    sd = float(abs(high - low) / (_CENTRAL_90 * value))
    apart = _UNITS_APART * sd if form == "deferral" else 0.0  # a rate is law, the same for all
    return Belief(1.0, sd, apart=apart, confounded=float(_BASE_MOVES / value))


def _log_effect(shocks: LineShocks, strength: Strength, form: str) -> Floats:
    """Series × months, log of what a form leaves of a month's receipts."""
    months_of = range(shocks.length)
    if form == "deferral":
        return np.log1p(-np.stack([shocks.withheld(strength, m)[:, 0] for m in months_of], axis=1))
    return np.log(np.stack([shocks.multiplier(strength, m)[:, 0] for m in months_of], axis=1))


def regressor(shocks: LineShocks, form: str, weights: Floats) -> Floats:
    """The declared log effect by month, averaged over series with `weights` (n, adding up to 1)."""
    effect: Floats = weights @ _log_effect(shocks, shocks.declared(), form)
    return effect


def strengths(
    shocks: LineShocks,
    beliefs: dict[str, Belief],
    noise: dict[str, Floats],
    apart: dict[str, Floats] | None = None,
) -> Strength:
    """Strengths for standard normal `noise` (draws) per form, each kept inside its declared range.

    With `apart` (series × draws, standard normal, by form) each unit has its own about the line's.
    """
    draws = max((len(one) for one in noise.values()), default=1)
    value, low, high = (shocks.declared(bound).values for bound in ("value", "low", "high"))
    table = np.repeat(value, draws, axis=1)
    for form, belief in beliefs.items():
        rows = shocks.of_form(form)
        power = belief.mean + belief.sd * noise[form][None, :]
        kept = 1 - value[rows] if form == "deferral" else value[rows]
        bent = kept ** np.maximum(power, 0)
        table[rows] = np.clip(1 - bent if form == "deferral" else bent, low[rows], high[rows])
    return _units_apart(shocks, Strength(table), beliefs, apart or {})


def _units_apart(
    shocks: LineShocks, line: Strength, beliefs: dict[str, Belief], apart: dict[str, Floats]
) -> Strength:
    moved = [form for form in apart if beliefs[form].apart and len(shocks.of_form(form))]
    if not moved:
        return line
    table = np.repeat(line.by_series, shocks.applies.shape[1], axis=1)
    for form in moved:
        rows = shocks.of_form(form)
        power = np.maximum(1 + beliefs[form].apart * apart[form], 0)[None]
        table[rows] = 1 - (1 - table[rows]) ** power if form == "deferral" else table[rows] ** power
    return Strength(table)
