"""The pace forecast beside every row, each made at that row's own level, as an office would."""

import numpy as np

from forecasts import baselines
from forecasts.arrays import Integers
from forecasts.baselines import PastYears
from forecasts.keys import Keys
from forecasts.panel import Panel

_LARGEST = 2.0**62


def pace_forecasts(keys: Keys, panel: Panel, collected: Integers) -> Integers:
    """Rows × bases, whole minor units, from what is collected this year (rows × bases)."""
    past = baselines.past_years(panel)
    made = []
    for basis, share in enumerate(panel.shares):
        based = past.scaled(share)
        grouped = PastYears(keys.summed(based.reached), keys.summed(based.total), past.months_done)
        total = baselines.pace_total(grouped, collected[:, basis].astype(np.float64))
        made.append(np.rint(np.clip(total, -_LARGEST, _LARGEST)).astype(np.int64))
    return np.stack(made, axis=1)
