"""A month under way as an observation: what its receipts so far say about it and about the months after.

Receipts so far ÷ the share usually in are a noisy reading of the month's total. Conditioning the joint
distribution of the months to come on that reading (Gaussian, in logs) moves later months as the filter itself
would if the month were over; as the share tends to one, so does the forecast to the month-end's.
"""

from dataclasses import replace

import numpy as np

from forecasts import shocks
from forecasts.arrays import Floats
from forecasts.beliefs import strengths
from forecasts.fits import FORMS, LineFit, lower_root
from forecasts.panel import Panel
from forecasts.shocks import LineShocks

_LEAST_ELAPSED = 0.02
_LEAST_DOUBT = 1e-9
_FURTHEST = 3.0
"""Readings further off than this many deviations move later months no further, as outlying months do not."""


def informed(panel: Panel, fit: LineFit, terms: LineShocks) -> LineFit:
    """The fit of one line, with its months to come conditioned on the part of the first one that is in."""
    if not panel.horizon or not panel.complete_days:
        return fit
    reading = _readings(panel, fit, terms)
    common, own = (root @ root.transpose(0, 2, 1) for root in (fit.common, fit.own))
    known = np.isfinite(reading) & (common[:, 0, 0] + own[:, 0, 0] > 0)
    if not known.any():
        return fit
    doubt = np.where(known, panel.doubt, np.inf)
    off = np.where(known, reading - fit.mean[:, 0], 0.0)
    limit = _FURTHEST * np.sqrt(common[:, 0, 0] + own[:, 0, 0] + np.where(known, doubt, 0.0))
    together, alone, after_common, after_own = _conditioned(common, own, off, doubt)
    calm, calm_alone, _, _ = _conditioned(common, own, np.clip(off, -limit, limit), doubt)
    together[:, 1:], alone[:, 1:] = calm[:, 1:], calm_alone[:, 1:]
    return replace(
        fit,
        mean=fit.mean + together + alone,
        common=lower_root(after_common),
        own=lower_root(after_own),
        parts=fit.parts.moved(level=alone, common=together),
    )


def _readings(panel: Panel, fit: LineFit, terms: LineShocks) -> Floats:
    """n, log of the month that receipts so far point to, shocks undone; NaN where they say nothing."""
    pointed = panel.so_far / np.maximum(panel.elapsed, _LEAST_ELAPSED)
    if terms.terms:
        still = {form: np.zeros(1) for form in FORMS}
        observed = np.concatenate([panel.receipts, pointed[:, None]], axis=1)
        pointed = shocks.cleaned(terms, observed, strengths(terms, fit.beliefs, still))[:, -1]
    usable = (np.nan_to_num(pointed) > 0) & (panel.elapsed >= _LEAST_ELAPSED) & np.isfinite(panel.doubt)
    return np.where(usable, np.log(np.where(usable, pointed, 1.0)), np.nan)


def _conditioned(
    common: Floats, own: Floats, off: Floats, doubt: Floats
) -> tuple[Floats, Floats, Floats, Floats]:
    """How means move together and each alone (n × H), and both covariances, given that the first months read
    `off` (n) from their means, with variance `doubt`.

    What the units say together moves what they share; what is left of each moves its own.
    """
    weight = 1 / (own[:, 0, 0] + np.maximum(doubt, _LEAST_DOUBT))
    together, shared_doubt = float((weight * off).sum() / weight.sum()), float(1 / weight.sum())
    gain = common[:, :, 0] / (common[:, :1, 0] + shared_doubt)
    left = np.where(np.isfinite(doubt), off - gain[:, 0] * together, 0.0)
    own_gain = own[:, :, 0] / (own[:, :1, 0] + np.maximum(doubt, _LEAST_DOUBT)[:, None])
    return (
        gain * together,
        own_gain * left[:, None],
        common - gain[:, :, None] * common[:, None, :, 0],
        own - own_gain[:, :, None] * own[:, None, :, 0],
    )
