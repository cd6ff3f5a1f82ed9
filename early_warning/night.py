"""What the rules look at on a night, and what one of them finds about a unit.

Shared by the rules' modules (``money_rules``, ``data_rules``), by grouping, cases and causes.
"""

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property, partial
from typing import Any, Literal

import polars as pl

from authorities.model import ALL, UNALLOCATED, Authority
from authorities.warning_rules import LOW_IS_BAD, WarningRule
from early_warning.figures import Figure
from early_warning.notification_journal import SENDING_SCHEMA

Level = Literal["breached", "between", "clear", "unknown", "covered", "grouped"]
"""How a unit stands to a rule: at the threshold, between it and the exit, out of it, or not measured; covered
where another rule speaks of the unit, grouped where a case for many does."""
BASE_SCENARIO = "base"
MONTHS_TO_MID_YEAR = 6
MARTS = (
    "mart_unit_position", "mart_line_position", "mart_year_end_forecast", "mart_forecast_path",
    "mart_shock_effect", "mart_extract_arrival", "mart_quarantine", "mart_reconciliation_summary",
    "mart_restatement", "mart_recurrent_balance",
)  # fmt: skip
"""The night's marts that warnings stand on."""


@dataclass(frozen=True)
class Night:
    """A night as the rules see it.

    Attributes:
        marts: the night's ``MARTS`` by name, money as DECIMAL in currency units.
        receipts: night_receipts (unit_key, line_code, basis, posting_date, amount in minor units).
        sendings: messages of any night (``SENDING_SCHEMA``); heeded are those of nights before.
    """

    authority: Authority
    as_of: dt.date
    marts: Mapping[str, pl.DataFrame]
    receipts: pl.DataFrame
    sendings: pl.DataFrame = field(default_factory=partial(pl.DataFrame, schema=SENDING_SCHEMA))
    effects: dict[dt.date, pl.DataFrame] = field(default_factory=dict, compare=False, repr=False)
    """What measures do until a day, once it was worked out (``timing.effects_until``)."""

    @property
    def fiscal_year(self) -> int:
        """Fiscal year of the night."""
        return self.authority.fiscal_year(self.as_of)

    @property
    def mid_year(self) -> dt.date:
        """Last day of the fiscal year's first half."""
        start = self.authority.fiscal_year_start(self.fiscal_year)
        later = start.month - 1 + MONTHS_TO_MID_YEAR
        return dt.date(start.year + later // 12, later % 12 + 1, 1) - dt.timedelta(days=1)

    @property
    def mid_year_has_come(self) -> bool:
        """Whether the night is mid-year's or a later one."""
        return self.as_of >= self.mid_year

    def units(self, name: str) -> pl.DataFrame:
        """A mart's rows of single units, in the order of their keys."""
        rows = self.marts[name].filter(~pl.col("unit_key").is_in([ALL, UNALLOCATED]))
        return rows.sort("unit_key")

    @cached_property
    def unit_names(self) -> dict[str, Figure]:
        """Unit key → name, as the marts say it, else as the authority does; the authority by its title."""
        names: dict[str, Figure] = {unit.unit_key: unit.name for unit in self.authority.units}
        said = self.marts["mart_unit_position"].select("unit_key", "unit_name").unique().sort("unit_key")
        return names | dict(said.iter_rows()) | {ALL: self.authority.settings.title}

    @cached_property
    def complete_days(self) -> dict[str, dt.date | None]:
        """Unit key → last day up to which its receipts are known."""
        rows = self.marts["mart_unit_position"].select("unit_key", "last_complete_day").unique("unit_key")
        return dict(rows.iter_rows())

    def currency(self, minor: int) -> Decimal:
        """Minor units as currency units."""
        return Decimal(minor) / self.authority.settings.currency.minor_per_unit


@dataclass(frozen=True)
class Finding:
    """How one unit (and subject: a line, a dataset) stands to one rule.

    Attributes:
        level: with what declared extensions moved put back where it belongs.
        raw_level: without; worse than ``level`` where an extension alone is the cause.
        value: what was measured, in the rule's own measure.
        is_stale: the data behind it is older than the rule allows.
        timing: minor units that extensions keep away so far; ``back_by`` says until when at the latest.
    """

    rule: WarningRule
    unit_key: str
    level: Level
    value: float | None
    figures: dict[str, Figure]
    evidence: dict[str, Any]
    subject: str = ""
    raw_level: Level | None = None
    is_stale: bool = False
    data_until: dt.date | None = None
    timing: int = 0
    back_by: dt.date | None = None
    members: tuple["Finding", ...] = field(default=())

    @property
    def by_extension(self) -> bool:
        """Whether the rule would not be breached, but for an extension."""
        return self.raw_level == "breached" and self.level != "breached"

    def warning_id(self, fiscal_year: int) -> str:
        """Stable id: rule, unit, subject if any, and fiscal year."""
        parts = [self.rule.rule_code, self.unit_key, self.subject, str(fiscal_year)]
        return ":".join(part for part in parts if part)


def level_of(rule: WarningRule, value: float | None) -> Level:
    """How a measured value stands to the rule's two thresholds."""
    if value is None:
        return "unknown"
    if rule.kind in LOW_IS_BAD:
        return "breached" if value <= rule.threshold else "between" if value <= rule.leaves_at else "clear"
    return "breached" if value > rule.threshold else "between" if value > rule.leaves_at else "clear"


def known(value: float | None) -> float | None:
    """The number, to a millionth; None for null and for what is no number."""
    return None if value is None or not math.isfinite(value) else round(value, 6)
