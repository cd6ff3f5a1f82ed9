"""The books that a night would have, read from the landing folder without Dagster and without publishing.

For commands that look at past years. All is staged anew and held in memory, with the same result as a night's
plans over what it keeps.
"""

import datetime as dt

from assets.past_nights import Books
from authorities.forms import Dataset
from expectations.validation import validate
from extracts.completeness import empty_statements
from extracts.intake import stage_dataset, take_in
from pipelines.settings import Places
from warehouse import arrivals
from warehouse.ledger import build_ledger, build_quarantine

_DATASETS: tuple[Dataset, ...] = ("receipt", "estimate", "office_estimate")


def landed_books(places: Places, as_of: dt.date) -> Books:
    """Ledgers, quarantine of receipts, and statements, of the files that had arrived by ``as_of``."""
    authority, raw = places.authority, places.home / "raw"
    register = take_in(authority, places.landing, raw, as_of)
    staged = {name: stage_dataset(authority, name, register, raw) for name in _DATASETS}
    empty = {name: empty_statements(authority, name, register) for name in _DATASETS}
    judged = {name: validate(name, frame) for name, frame in staged.items()}
    ledgers = {
        name: build_ledger(name, one.accepted, one.unallocated, staged[name], empty[name])
        for name, one in judged.items()
    }
    return Books(
        receipts=ledgers["receipt"],
        estimates=ledgers["estimate"],
        office_estimates=ledgers["office_estimate"],
        quarantine=build_quarantine(
            "receipt", judged["receipt"].refused, staged["receipt"], empty["receipt"]
        ),
        statements=arrivals.statements(register, list(staged.values())),
    )
