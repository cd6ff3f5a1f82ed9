"""How much each model of a bank counts for each series: likelihoods shrunk to what the revenue line prefers.

Short, noisy series cannot choose between a hundred models; a line's series together can (empirical Bayes).
"""

import numpy as np

from forecasts.arrays import Floats

_TEMPER = 0.5
_ROUNDS = 8
_SMALLEST = 1e-3
_PRIOR_MONTHS = 6.0


def model_weights(log_likelihood: Floats, temper: float = _TEMPER) -> Floats:
    """n × G weights, rows adding up to 1, from n × G log-likelihoods of one line's series.

    Likelihoods are tempered (half a series' worth: months are less independent than the model thinks) and
    multiplied by a prior over the grid, which is the mean of the line's own weights, repeated until settled.
    Points that matter to no series are dropped and the rest made whole.
    """
    evidence = temper * (log_likelihood - log_likelihood.max(axis=1, keepdims=True))
    prior = np.full(evidence.shape[1], 1 / evidence.shape[1])
    weights = np.zeros_like(evidence)
    for _ in range(_ROUNDS):
        raw = np.exp(evidence) * prior[None, :]
        weights = raw / raw.sum(axis=1, keepdims=True)
        prior = np.maximum(weights.mean(axis=0), 1e-12)
    kept = np.where(weights.max(axis=0) >= _SMALLEST, weights, 0.0)
    whole: Floats = kept / kept.sum(axis=1, keepdims=True)
    return whole


def scales(squares: Floats, counted: int) -> Floats:
    """n × G innovation variances, each series' own shrunk a little (six months' worth) to its line's
    median."""
    typical = np.median(squares, axis=0, keepdims=True) / max(counted, 1)
    shrunk: Floats = (squares + _PRIOR_MONTHS * typical) / (counted + _PRIOR_MONTHS)
    return shrunk
