"""What an authority is: the pydantic models that validate a folder of configuration.

Holds the shape of ``authority.yaml`` and the CSV files beside it. Reading and pointing at the line of a
mistake lives in ``authorities.loading``; the forms of extracts in ``authorities.forms``; policy shocks in
``authorities.shocks``. Nothing here knows any one authority.
"""

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, model_validator

from authorities.base import Model, Words
from authorities.forms import ExtractForm, ReadingLimits
from authorities.scenarios import Scenario
from authorities.shocks import PolicyShock
from authorities.warning_rules import TransferDrawdown, WarningRule
from authorities.warning_scorecard import WarningScorecard

__all__ = ["Model", "WarningRule", "Words"]
"""Names made elsewhere that are also asked for here."""

ALL = "ALL"
"""Key of the row that stands for the whole authority (``unit_key``) or for all lines (``line_code``)."""
UNALLOCATED = "UNALLOCATED"
"""Key of money that arrived but could not be placed with a unit or a revenue item."""

Basis = Literal["territory", "entitled", "recurrent"]
BASES: tuple[Basis, ...] = ("territory", "entitled", "recurrent")
EstimateVersion = Literal["initial", "supplemented", "adjusted"]
ESTIMATE_VERSIONS: tuple[EstimateVersion, ...] = ("initial", "supplemented", "adjusted")


def _known_time_zone(name: str) -> str:
    """Refuse a time zone that the IANA database does not have."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"unknown time zone '{name}'; use an IANA name such as Asia/Ho_Chi_Minh") from error
    return name


class Currency(Model):
    """Currency, its minor unit, and the scale in which people read it."""

    code: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    minor_digits: Annotated[int, Field(ge=0, le=2)]
    """Decimal digits of the minor unit: 0 for đồng, 2 for kopiyky."""
    display_scale: Annotated[int, Field(gt=0)] = 1_000_000
    """Currency units in one displayed unit (1 000 000 for triệu đồng)."""
    display_unit: Words

    @property
    def minor_per_unit(self) -> int:
        """Minor units in one currency unit (1 for đồng, 100 for hryvnia)."""
        return int(10**self.minor_digits)


class Dated(Model):
    """A value in force from one day to another, both included; an open end is None."""

    valid_from: dt.date
    valid_to: dt.date | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.valid_to is not None and self.valid_to < self.valid_from:
            raise ValueError(f"valid_to {self.valid_to} lies before valid_from {self.valid_from}")
        return self

    def holds_on(self, day: dt.date) -> bool:
        """Whether the value is in force on ``day``."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


class Unit(Dated):
    """The smallest place with an estimate of its own (a ward), as one row of ``units.csv``."""

    code: Annotated[str, Field(min_length=1)]
    name: Annotated[str, Field(min_length=1)]
    name_variants: tuple[str, ...] = ()
    code_variants: tuple[str, ...] = ()
    """Other codes the same place carries in extracts (a tax office code, an older or longer code)."""
    source: str = ""

    @property
    def unit_key(self) -> str:
        """Code and first year of validity: codes and names are reused for other territory."""
        return f"{self.code}@{self.valid_from.year}"


WeightBasis = Literal["whole", "area", "population", "revenue", "assumed"]
Weight = Annotated[Decimal, Field(ge=0, le=1, decimal_places=4)]


class Succession(Model):
    """Which unit carries on another's territory, and with what weight: a row of ``successions.csv``.

    The weights of one unit's parts on one day add up to 1. A successor may lie outside the authority
    (``outside_units.csv``), or be a unit that stood before and grows.
    """

    old_unit_key: str
    new_unit_key: str
    effective_on: dt.date
    weight: Weight
    weight_low: Weight
    weight_high: Weight
    """The range in which the weight is believed to lie; equal to it where it is known."""
    weight_basis: WeightBasis
    assumed: bool
    source: str

    @model_validator(mode="after")
    def _in_range(self) -> Self:
        if not self.weight_low <= self.weight <= self.weight_high:
            raise ValueError(
                f"weight {self.weight} lies outside its own range {self.weight_low} to {self.weight_high}"
            )
        return self


class OutsideUnit(Model):
    """A place of another authority that took over part of a unit's territory: ``outside_units.csv``."""

    unit_key: Annotated[str, Field(pattern=r"^.+@\d{4}$")]
    name: Annotated[str, Field(min_length=1)]
    source: str = ""


class RevenueLine(Model):
    """A reporting group of revenue items: a row of ``revenue_lines.csv``, in reporting order."""

    line_code: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    name_vi: str
    name_en: str
    is_own_revenue: bool = True
    """False for transfers and balances, which another level decides."""


class RevenueItem(Model):
    """One code of the budget classification and the line it is reported in: ``revenue_items.csv``."""

    item_code: Annotated[str, Field(min_length=1)]
    line_code: str
    name_vi: str = ""
    name_en: str = ""
    name_local: str = ""
    """Name in the classification's own language, where that is neither of the two."""
    source: str = ""


class SharingRule(Dated):
    """Percentage of a line that a unit's own budget keeps: a row of ``sharing_rules.csv``.

    ``unit_code`` '*' holds for every unit; a rule with a unit's own code goes before it.
    """

    line_code: str
    unit_code: str = "*"
    share_pct: Annotated[Decimal, Field(ge=0, le=100, decimal_places=2)]
    assumed: bool
    source: str


class RecurrentLine(Dated):
    """Whether a line counts as revenue for recurrent spending: a row of ``recurrent_lines.csv``."""

    line_code: str
    counts: bool
    assumed: bool
    source: str


class BalancingTransfer(Dated):
    """What a unit is assigned each year to balance its budget (bổ sung cân đối): a row of ``transfers.csv``.

    Fixed in the first year of a stability period and held for all of it, with what is topped up as a row of
    its own dates (Thông tư 344/2016/TT-BTC, điều 9 khoản 3). Not revenue of the unit's: it is in no basis.
    """

    unit_code: str
    amount: Annotated[Decimal, Field(ge=0, decimal_places=2)]
    """Currency units a year."""
    assumed: bool
    source: str


class Completeness(Model):
    """When a delivery is believed to be all of the period it states."""

    total_tolerance: Annotated[Decimal, Field(ge=0)] = Decimal(0)
    """Currency units by which a file's rows may differ from its own total, in either direction."""
    resend_rows_min_pct: Annotated[float, Field(ge=0, le=100)] = 80.0
    """Percent of the rows of the delivery before that one which restates its period must have, unless its own
    totals row proves it whole; with fewer it is held, and what stood before stays."""
    bulk_gap_days: Annotated[int, Field(ge=1)] = 366
    """Days by which the dates of a bulk listing may leap; the few rows beyond a longer leap are mistyped."""
    bulk_stray_pct: Annotated[float, Field(ge=0, le=100)] = 5.0
    """Percent of a bulk listing's rows that may lie beyond such a leap and still be taken for mistyped."""


class Reconciliation(Model):
    """How the treasury's receipts are held against the tax office's list."""

    excluded_lines: tuple[str, ...] = ()
    """Lines that the tax office does not manage, such as fees the units collect themselves."""
    amount_tolerance: Annotated[Decimal, Field(ge=0)] = Decimal(0)
    """Currency units by which the two amounts of one document may differ, in either direction."""
    timing_tolerance_days: Annotated[int, Field(ge=0)] = 10
    """Days by which the two dates of one payment may differ, in either direction, and be mere timing."""


class Sample(Model):
    """How the embedded sample of a simulated authority is made and asked for."""

    as_of: dt.date
    first_day: dt.date
    last_day: dt.date
    """Last day the simulator knows; what lies after ``as_of`` is kept apart for scoring."""
    seed: int
    notice: Words
    """Said wherever a figure of the sample is shown."""
    targets: dict[str, float | list[str]] = Field(default_factory=dict)
    """Figures the simulated totals are calibrated to; the pipeline itself never reads them."""


class Locks(Model):
    """When books are closed: changes after it are told apart in ``mart_restatement``."""

    month_after_days: Annotated[int, Field(ge=0, le=62)]
    """Days after a month's end; a closed day moves it to the next working day."""
    year_after_days: Annotated[int, Field(ge=0, le=366)]
    """Days after the fiscal year's end until which settlement adjusts it."""
    assumed: bool
    source: str


class AuthorityFile(Model):
    """The keys of ``authority.yaml``."""

    code: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    title: Words
    languages: tuple[Literal["vi", "en"], ...] = ("vi", "en")
    unit_kind: Words
    """What a unit is called here: phường / ward, thành phố / city."""
    unit_prefixes: tuple[str, ...] = ()
    """Words that may stand before a unit's name in extracts (UBND, Phường, P.), with their accents."""
    currency: Currency
    fiscal_year_start_month: Annotated[int, Field(ge=1, le=12)] = 1
    time_zone: Annotated[str, AfterValidator(_known_time_zone)]
    holidays_country: str | None = None
    """ISO country code for public holidays, which postpone expected extracts."""
    locks: Locks | None = None
    """None where no closing day is known: nothing is told apart then."""
    first_night: dt.date
    """The earliest night that can be run or run again."""
    half_year_threshold_pct: float = 50.0
    warning_rules: tuple[WarningRule, ...] = ()
    """Here, or in ``warning_rules.yaml`` beside this file."""
    warning_scorecard: WarningScorecard = WarningScorecard()
    """Against what the warning rules are scored on past years."""
    transfers: TransferDrawdown | None = None
    """The line of transfers from the upper budget, and how they may be drawn; None where nothing is known."""
    recipients: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Role → who answers for it."""
    recipients_en: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """The same in English, where it is not in English anyway."""
    has_recurrent_basis: bool = True
    limits: ReadingLimits = ReadingLimits()
    """What no extract may exceed."""
    told_without_lines: tuple[str, ...] = ()
    """Revenue lines whose money comes in leaps: the bulletin also tells collections without them."""
    watched_items: tuple[str, ...] = ()
    """Codes of single revenue items that the office follows unit by unit, in ``mart_item_position``."""
    publications_kept_days: Annotated[int, Field(ge=1)] = 35
    """How long a superseded publication stays readable."""
    nights_kept_days: Annotated[int, Field(ge=31)] | None = None
    """How far back from the newest night nights stay in the warehouse; month-ends stay for ever, as all
    nights do where this is empty."""
    taxpayers_kept_days: Annotated[int, Field(ge=0)] = 400
    """Days after a file came for which its taxpayers' names and numbers stay in the kept raw rows; then
    pseudonyms stand in their place, and everything else stays."""
    completeness: Completeness = Completeness()
    reconciliation: Reconciliation = Reconciliation()
    sample: Sample | None = None


class Authority(Model):
    """A whole authority folder, validated and cross-checked."""

    folder: Path
    settings: AuthorityFile
    units: tuple[Unit, ...]
    successions: tuple[Succession, ...] = ()
    outside_units: tuple[OutsideUnit, ...] = ()
    lines: tuple[RevenueLine, ...]
    items: tuple[RevenueItem, ...]
    sharing_rules: tuple[SharingRule, ...] = ()
    recurrent_lines: tuple[RecurrentLine, ...] = ()
    balancing_transfers: tuple[BalancingTransfer, ...] = ()
    forms: tuple[ExtractForm, ...]
    shocks: tuple[PolicyShock, ...] = ()
    scenarios: tuple[Scenario, ...] = ()
    config_sha256: str

    @property
    def code(self) -> str:
        """Short name of the authority, also of its home folder."""
        return self.settings.code

    def units_on(self, day: dt.date) -> tuple[Unit, ...]:
        """Units in force on ``day``, in the order of ``units.csv``."""
        return tuple(unit for unit in self.units if unit.holds_on(day))

    def fiscal_year(self, day: dt.date) -> int:
        """Fiscal year that ``day`` belongs to, named by the calendar year in which it starts."""
        return day.year if day.month >= self.settings.fiscal_year_start_month else day.year - 1

    def fiscal_year_start(self, fiscal_year: int) -> dt.date:
        """First day of a fiscal year."""
        return dt.date(fiscal_year, self.settings.fiscal_year_start_month, 1)

    def fiscal_year_end(self, fiscal_year: int) -> dt.date:
        """Last day of a fiscal year."""
        return self.fiscal_year_start(fiscal_year + 1) - dt.timedelta(days=1)

    @property
    def has_assumed_values(self) -> bool:
        """Whether any sharing percentage, recurrent mark or transfer is assumed rather than sourced."""
        dated: tuple[SharingRule | RecurrentLine | BalancingTransfer, ...] = (
            *self.sharing_rules,
            *self.recurrent_lines,
            *self.balancing_transfers,
        )
        return any(one.assumed for one in dated)
