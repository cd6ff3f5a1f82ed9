"""When an authority warns, in data: the model of ``warning_rules.yaml`` and of the draw-down of transfers.

Holds the shape of a rule, and which {placeholders} its messages may use, so that a mistake is told when the
folder is loaded and not at night. What a rule finds is in ``early_warning``.
"""

import datetime as dt
import difflib
from decimal import Decimal
from string import Formatter
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from authorities.base import Model, Words

WarningKind = Literal[
    "share_below", "half_year_probability_above", "behind_pace", "shortfall_probability_above",
    "recurrent_gap_probability_above", "line_collapsed", "data_late", "reconciliation_residual_above",
    "forecast_failed", "validation_failed", "channel_failed",
]  # fmt: skip
LOW_IS_BAD: tuple[WarningKind, ...] = ("share_below", "line_collapsed")
"""Kinds that warn of a value at or under their threshold; the others warn of one above it."""
EXTENSION_KINDS: tuple[WarningKind, ...] = ("share_below", "behind_pace")
"""Kinds of which a declared extension alone can be the cause."""

_COMMON = {"unit_name", "unit_kind", "as_of", "fiscal_year", "threshold", "exit_threshold"}
_POSITION = {
    "share", "pace", "pace_gap", "same_period", "estimate", "collected", "remaining", "last_complete_day",
    "timing", "back_by", "adjusted_share", "adjusted_gap",
}  # fmt: skip
_FORECAST = {
    "probability", "shortfall", "estimate", "collected", "median", "median_share", "p10", "p90",
}  # fmt: skip
FIGURES_OF: dict[WarningKind, frozenset[str]] = {
    "share_below": frozenset(_COMMON | _POSITION),
    "behind_pace": frozenset(_COMMON | _POSITION | {"points_behind"}),
    "shortfall_probability_above": frozenset(_COMMON | _FORECAST),
    "half_year_probability_above": frozenset(_COMMON | _FORECAST | {"half", "mid_year"}),
    "recurrent_gap_probability_above": frozenset(
        _COMMON | {"probability", "spending", "median", "p10", "p90", "cover", "transfer", "balance_status"}
    ),
    "line_collapsed": frozenset(_COMMON | {
        "line_name", "same_period", "same_period_amount", "collected", "drop", "timing", "back_by",
        "last_complete_day",
    }),
    "data_late": frozenset(
        _COMMON | {"form", "expected_on", "days_late", "missing_periods", "last_complete_day"}
    ),
    "reconciliation_residual_above": frozenset(
        _COMMON
        | {"residual", "residual_share", "treasury", "tax_office", "largest_kind"}
        | {"compared_from", "compared_to"}
    ),
    "forecast_failed": frozenset(_COMMON | {"estimate", "reason", "lines"}),
    "validation_failed": frozenset(
        _COMMON | {"dataset", "rules", "rows", "files", "amount", "amount_share"}
    ),
    "channel_failed": frozenset(_COMMON | {"recipients", "channel", "nights", "since"}),
}  # fmt: skip
"""Figures that each kind's messages may name."""
GROUP_FIGURES = frozenset({
    "units_count", "unit_names", "units_total", "unit_kind", "as_of", "fiscal_year", "threshold",
    "exit_threshold", "gap", "timing", "back_by", "measures",
})  # fmt: skip
"""Figures of a case that stands for many units."""


class QuietHours(Model):
    """Hours of the authority's day in which nothing but a severe warning is sent; may pass midnight."""

    begin: dt.time
    end: dt.time

    def hold_at(self, moment: dt.time) -> bool:
        """Whether ``moment`` (local time) is quiet; ``end`` itself no longer is."""
        if self.begin <= self.end:
            return self.begin <= moment < self.end
        return moment >= self.begin or moment < self.end


class ExtensionGroup(Model):
    """One case for all units that a declared extension alone brings under the bar."""

    from_units: Annotated[int, Field(ge=2)] = 2
    message: Words

    @field_validator("message")
    @classmethod
    def _placeholders(cls, message: Words) -> Words:
        return checked_message(message, GROUP_FIGURES, "a case for many units")


class CommonGroup(ExtensionGroup):
    """One case where so many of the units measured breach the rule that it is no single unit's matter."""

    from_pct: Annotated[float, Field(gt=0, le=100)]
    """Percent of the units measured from which the case opens; it stays until they are 15 points fewer."""


class WarningRule(Model):
    """When a unit is warned of: an entry of ``warning_rules``.

    ``threshold`` opens a case, ``exit_threshold`` (the same where it is left out) lets it go; between the two
    a case stays as it is. Both must hold for ``minimum_nights``, but on a warehouse's very first night.
    """

    rule_code: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    kind: WarningKind
    basis: Literal["territory", "entitled", "recurrent"] = "territory"
    estimate_version: Literal["initial", "supplemented", "adjusted"] = "initial"
    threshold: float = 0.0
    """Percent (share_below, line_collapsed, reconciliation, validation), points (behind_pace), probability
    0–1, days (data_late), or nights in a row (channel_failed)."""
    exit_threshold: float | None = None
    minimum_nights: Annotated[int, Field(ge=1)] = 1
    least_share_pct: Annotated[float, Field(ge=0)] = 1.0
    """For line_collapsed: the least loss worth a case, in percent of the unit's annual estimate."""
    worse_by: Annotated[float, Field(gt=0)] | None = None
    """By how much the value must worsen for a case that somebody closed to come back without a calm."""
    stale_after_days: Annotated[int, Field(ge=1)] | None = 10
    """Days behind the night from which the data is stale: nothing is opened, closed or escalated then."""
    severity: Literal["info", "warning", "severe"]
    owner: str
    escalate_after_days: Annotated[int, Field(ge=1)] | None = None
    escalate_to: str | None = None
    renotify_days: Annotated[int, Field(ge=1)] = 7
    """Days after which an open case is told again; not the rhythm in which it is looked at."""
    quiet_hours: QuietHours | None = None
    yields_to: tuple[str, ...] = ()
    """Rules that, where they speak of a unit, make this one silent about it."""
    extension: ExtensionGroup | None = None
    common: CommonGroup | None = None
    title: Words
    message: Words
    """Templates; ``FIGURES_OF`` lists their {placeholders}."""

    @field_validator("message")
    @classmethod
    def _placeholders(cls, message: Words, info: ValidationInfo) -> Words:
        kind = info.data.get("kind")  # absent where the kind itself is a mistake
        return message if kind is None else checked_message(message, FIGURES_OF[kind], f"kind '{kind}'")

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        leave = self.leaves_at
        if self.kind in LOW_IS_BAD and leave < self.threshold:
            raise ValueError(
                f"exit_threshold {leave:g} lies below threshold {self.threshold:g}; {self.kind} warns of low "
                "values, so give one at or above it"
            )
        if self.kind not in LOW_IS_BAD and leave > self.threshold:
            raise ValueError(
                f"exit_threshold {leave:g} lies above threshold {self.threshold:g}; {self.kind} warns of "
                "high values, so give one at or below it"
            )
        if (self.escalate_after_days is None) != (self.escalate_to is None):
            raise ValueError("escalate_after_days and escalate_to belong together; give both or neither")
        if self.rule_code in self.yields_to:
            raise ValueError("yields_to names the rule itself; name the rules that speak instead of it")
        if self.extension is not None and self.kind not in EXTENSION_KINDS:
            raise ValueError(f"extension is for {' and '.join(EXTENSION_KINDS)}; this is {self.kind}")
        return self

    @property
    def leaves_at(self) -> float:
        """The value at which a case may calm down."""
        return self.threshold if self.exit_threshold is None else self.exit_threshold


def checked_message(message: Words, known: frozenset[str], what: str) -> Words:
    """``message``, or a ``ValueError`` that names the language, the wrong placeholder and the nearest one."""
    for language in ("vi", "en"):
        try:
            names = {
                name for _, name, _, _ in Formatter().parse(getattr(message, language)) if name is not None
            }
        except ValueError as error:
            raise ValueError(f"{language}: {error}; write {{name}}, and {{{{ for a brace itself") from error
        for name in sorted(names - known):
            near = difflib.get_close_matches(name, sorted(known), n=1)
            hint = f"did you mean {{{near[0]}}}?" if near else "known are " + ", ".join(sorted(known))
            raise ValueError(f"{language}: {{{name}}} is no figure of {what}; {hint}")
    return message


class TransferDrawdown(Model):
    """How much of the year's balancing transfer (bổ sung cân đối) a unit may draw by when.

    Thông tư 344/2016/TT-BTC, điều 12 khoản 4 điểm d: at most a twelfth of the year's sum a month; in the
    first quarter at most 12% a month and 30% in all.
    """

    line_code: str
    """Revenue line in which transfers are reported."""
    monthly_pct: Annotated[Decimal, Field(gt=0, le=100)] = Decimal(100) / 12
    first_quarter_monthly_pct: Annotated[Decimal, Field(gt=0, le=100)] = Decimal(12)
    first_quarter_pct: Annotated[Decimal, Field(gt=0, le=100)] = Decimal(30)
    source: str = ""

    def drawable_pct(self, month_of_year: int) -> Decimal:
        """Percent of the year's transfer that may have been drawn by the end of a month (1–12)."""
        early = min(self.first_quarter_monthly_pct * min(month_of_year, 3), self.first_quarter_pct)
        return min(early + self.monthly_pct * max(month_of_year - 3, 0), Decimal(100))
