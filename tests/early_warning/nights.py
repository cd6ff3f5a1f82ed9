"""Nights for the tests of warnings: marts by name with what is not given empty, and runs over several."""

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl

from authorities.model import Authority
from early_warning.acts import ACT_SCHEMA
from early_warning.night import MARTS, Night
from early_warning.notification_journal import SENDING_SCHEMA
from early_warning.rules import Before, Found, find_warnings
from warehouse.projections import empty_frame
from warehouse.tables.marts import MART_WARNING, MART_WARNING_WATCH
from warehouse.tables.marts import MARTS as DECLARED

_TABLES = {table.name: table for table in DECLARED}
NO_ACTS = pl.DataFrame(schema=ACT_SCHEMA)
NO_SENDINGS = pl.DataFrame(schema=SENDING_SCHEMA)
NO_RECEIPTS = pl.DataFrame(
    schema={"unit_key": pl.String, "line_code": pl.String, "posting_date": pl.Date, "basis": pl.String,
            "amount": pl.Int64}
)  # fmt: skip
FIRST = Before(None, empty_frame(MART_WARNING), empty_frame(MART_WARNING_WATCH))


def a_night(
    authority: Authority,
    as_of: dt.date,
    receipts: pl.DataFrame = NO_RECEIPTS,
    sendings: pl.DataFrame = NO_SENDINGS,
    **marts: pl.DataFrame,
) -> Night:
    """A night whose marts are empty but for those given (without their ``mart_``)."""
    frames = {name: empty_frame(_TABLES[name]) for name in MARTS}
    given = {f"mart_{name}": frame for name, frame in marts.items()}
    return Night(authority, as_of, frames | given, receipts, sendings)


def after(night: Night, found: Found) -> Before:
    """What the next night finds published."""
    return Before(night.as_of, found.warnings, found.watch)


def run(nights: Iterable[Night], acts: pl.DataFrame = NO_ACTS) -> list[Found]:
    """One night after another, each after what the one before published."""
    before, told = FIRST, []
    for night in nights:
        found = find_warnings(night, before, acts)
        told.append(found)
        before = after(night, found)
    return told


def states(found: Found) -> dict[str, str]:
    """Warning id → state."""
    return dict(found.warnings.select("warning_id", "state").iter_rows())


def acts(*rows: Mapping[str, Any]) -> pl.DataFrame:
    """A frame of acts; who, why and the rest need not be said."""
    plain = {"who": "Nguyễn Thị Hoa", "why": "đã làm việc với phường", "until": None, "recorded_at": ""}
    return pl.DataFrame(
        [plain | {"seq": seq} | dict(row) for seq, row in enumerate(rows, 1)], schema=ACT_SCHEMA
    )


def with_rules(authority: Authority, **changes: Any) -> Authority:
    """The authority with every rule changed alike."""
    rules = tuple(rule.model_copy(update=changes) for rule in authority.settings.warning_rules)
    return authority.model_copy(
        update={"settings": authority.settings.model_copy(update={"warning_rules": rules})}
    )


def only(authority: Authority, *codes: str, **changes: Any) -> Authority:
    """The authority with the rules of ``codes`` alone, changed alike."""
    rules = tuple(
        rule.model_copy(update=changes)
        for rule in authority.settings.warning_rules
        if rule.rule_code in codes
    )
    return authority.model_copy(
        update={"settings": authority.settings.model_copy(update={"warning_rules": rules})}
    )
