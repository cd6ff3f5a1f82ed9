"""Policy shocks as configuration: dated, sourced measures that move receipts in time or take them away.

Here is only what a shock *is* and when it may be known. What it does to a series of receipts is arithmetic
and lives in `forecasts.shocks`; reading the file and naming the faulty key is the authority loader's work.
"""

from datetime import date
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Kind = Literal["timing", "loss"]
Form = Literal["transient", "deferral", "rate_change", "closure"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class BilingualTitle(_Frozen):
    """The name of a measure as it is printed, in Vietnamese and in English."""

    vi: str = Field(min_length=1)
    en: str = Field(min_length=1)


class Assumption(_Frozen):
    """A number with the range it is believed to lie in: `low` ≤ `value` ≤ `high`.

    The range is read as a central 90% interval, and nothing outside of it is ever drawn.
    """

    value: float = Field(ge=0)
    low: float = Field(ge=0)
    high: float = Field(ge=0)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.low <= self.value <= self.high:
            raise ValueError(f"give low ≤ value ≤ high; got {self.low}, {self.value}, {self.high}")
        return self


class DeferralLeg(_Frozen):
    """One month's dues and the month they may be paid in instead; both are kept as the first of the month."""

    due_month: date
    deferred_to: date

    @field_validator("due_month", "deferred_to", mode="before")
    @classmethod
    def _month(cls, given: object) -> object:
        return f"{given}-01" if isinstance(given, str) and len(given) == len("2020-04") else given

    @field_validator("due_month", "deferred_to")
    @classmethod
    def _first_of_month(cls, day: date) -> date:
        return day.replace(day=1)

    @model_validator(mode="after")
    def _later(self) -> Self:
        if self.deferred_to <= self.due_month:
            raise ValueError(
                f"deferred_to ({self.deferred_to:%Y-%m}) must be a later month than due_month "
                f"({self.due_month:%Y-%m})"
            )
        return self


class PolicyShock(_Frozen):
    """A dated, sourced measure that moves receipts (`timing`) or takes them away (`loss`).

    Four forms:
      `deferral`     `fraction` of a line's receipts of each leg's due month arrives in the leg's later month;
      `rate_change`  receipts between `effective_from` and `effective_to` are multiplied by `multiplier`;
      `transient`    receipts between the two dates are unlike any other and teach nothing (masked);
      `closure`      nothing is collected between the two dates (no end: for good).

    `fraction` and `multiplier` speak of the whole line, not of the taxpayers entitled. `unit_codes` empty
    means every unit. Nothing before `announced_on` may know the shock, a backtest included.
    """

    code: str = Field(pattern=r"^[a-z0-9_]+$")
    title: BilingualTitle
    kind: Kind
    form: Form
    line_codes: tuple[str, ...] = Field(min_length=1)
    unit_codes: tuple[str, ...] = ()
    announced_on: date
    legal_source: str = Field(min_length=1)
    legs: tuple[DeferralLeg, ...] = ()
    fraction: Assumption | None = None
    multiplier: Assumption | None = None
    effective_from: date | None = None
    effective_to: date | None = None
    assumed: bool = False

    @model_validator(mode="after")
    def _complete(self) -> Self:
        problem = self._deferral_problem() if self.form == "deferral" else self._dated_problem()
        if problem is not None:
            raise ValueError(f"shock '{self.code}': {problem}")
        return self

    def _deferral_problem(self) -> str | None:
        if self.kind != "timing":
            return "a deferral moves receipts and loses none: write kind: timing"
        if not self.legs or self.fraction is None:
            return "a deferral needs legs (due_month, deferred_to) and fraction (value, low, high)"
        if self.fraction.high >= 1:
            return "fraction.high must be below 1: some of the dues are always paid on time"
        if len({leg.due_month for leg in self.legs}) < len(self.legs):
            return "each due_month stands in one leg only; for a second part of it declare a second shock"
        if self.multiplier is not None or self.effective_from or self.effective_to:
            return "a deferral is dated by its legs: leave out multiplier, effective_from, effective_to"
        return None

    def _dated_problem(self) -> str | None:
        if self.legs or self.fraction is not None:
            return f"legs and fraction belong to a deferral; this is a {self.form}"
        if self.effective_from is None:
            return f"a {self.form} needs effective_from"
        if self.effective_to is not None and self.effective_to < self.effective_from:
            return "effective_to is before effective_from"
        if (self.multiplier is not None) != (self.form == "rate_change"):
            return "multiplier (value, low, high) belongs to a rate_change, which cannot do without it"
        if self.multiplier is not None and self.multiplier.low <= 0:
            return "multiplier.low must be above 0; for nothing at all use form: closure"
        if self.form != "transient" and self.kind != "loss":
            return f"what a {self.form} takes does not come back: write kind: loss"
        return None

    def concerns(self, unit_code: str, line_code: str) -> bool:
        """Whether the shock touches a unit (its bare code) and a revenue line."""
        return line_code in self.line_codes and (not self.unit_codes or unit_code in self.unit_codes)

    def known_on(self, day: date) -> bool:
        """Whether the measure had been announced by the end of `day`."""
        return self.announced_on <= day


class ShockRegister(_Frozen):
    """The content of an authority's `shocks.yaml`: every measure once, under its own code."""

    shocks: tuple[PolicyShock, ...] = ()

    @model_validator(mode="after")
    def _unique(self) -> Self:
        codes = [shock.code for shock in self.shocks]
        twice = sorted({code for code in codes if codes.count(code) > 1})
        if twice:
            raise ValueError(f"shock codes must be unique; given more than once: {', '.join(twice)}")
        return self
