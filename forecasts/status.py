"""How far rows are to be trusted: the rung their forecast stands on, and suspicion of an undeclared shock.

Which rung a series can bear is `forecasts.ladder`'s to say, what looks like a shock `forecasts.monitor`'s.
"""

import numpy as np

from forecasts.arrays import Flags, Floats, Integers
from forecasts.keys import Keys
from forecasts.ladder import Rung

STATUSES = ("none", "full", "line_factor", "pace", "mixed", "untrusted")
_MIXED, _UNTRUSTED = STATUSES.index("mixed"), STATUSES.index("untrusted")
_MODELLED = (STATUSES.index("full"), STATUSES.index("line_factor"))
_TELLING_PART = 0.1
"""The part of a total that must be in doubt for the total to be."""


def statuses(keys: Keys, rungs: list[Rung], sizes: Floats, suspected: Flags) -> Integers:
    """Rows, places in `STATUSES`.

    A leaf's is its rung; a total's the one that all its leaves with a forecast share, or `mixed`; `untrusted`
    are leaves modelled with a suspected line, and totals that such leaves are a tenth of. rungs, sizes: by
    leaf; suspected: by line.
    """
    leaf = np.array([STATUSES.index(rung.name) for rung in rungs], dtype=np.int64)
    status = _shared(keys, leaf)
    in_doubt = suspected[keys.line_of] & np.isin(leaf, _MODELLED)
    doubtful, whole = keys.summed(sizes * in_doubt), keys.summed(sizes)
    untrusted = (doubtful > 0) & (doubtful >= _TELLING_PART * whole)
    untrusted[: keys.leaves] = in_doubt
    status[untrusted] = _UNTRUSTED
    return status


def _shared(keys: Keys, leaf: Integers) -> Integers:
    """Rows: of totals, the one status but `none` among their leaves, `mixed` if several."""
    has = keys.summed((leaf[:, None] == np.arange(1, len(STATUSES))[None]).astype(np.int64)) > 0
    several = has.sum(axis=1) > 1
    return np.where(several, _MIXED, np.where(has.any(axis=1), 1 + has.argmax(axis=1), 0))
