"""Where the authority, its units and its revenue lines stand, as figures for the page.

The same for every language. Warnings, spending and the state of the data are in ``bulletins.findings``.
"""

import calendar
import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from authorities.model import ALL, BASES, UNALLOCATED
from bulletins.night import BASE, INITIAL, RECURRENT, TERRITORY, Night, Row
from bulletins.numbers import whole_parts

LINES_SHOWN = 8
_NO_ORDER = 1_000_000
_MONTHS = 12
_HALF_YEAR = 6


@dataclass(frozen=True)
class Outlook:
    """Where a unit's year will end: amounts in currency units, and the same in percent of the estimate."""

    low: Decimal | None
    median: Decimal | None
    high: Decimal | None
    estimate: Decimal | None
    shortfall_probability: float | None
    expected_shortfall: Decimal | None

    def share(self, amount: Decimal | None) -> float | None:
        """``amount`` in percent of the estimate."""
        return None if amount is None or not self.estimate else float(amount / self.estimate * 100)

    @property
    def shares(self) -> tuple[float | None, float | None, float | None]:
        """Low end, median and high end in percent of the estimate."""
        return self.share(self.low), self.share(self.median), self.share(self.high)


@dataclass(frozen=True)
class PlaceRow:
    """A unit or a line (or the sum of them) against its estimate; amounts also in whole display units."""

    key: str
    name: str
    estimate: Decimal | None = None
    collected: Decimal | None = None
    share: float | None = None
    pace: float | None = None
    same_period: float | None = None
    lags: bool = False
    """Not above the threshold once mid-year has come; before it, behind the pace of past years."""
    recurrent_share: float | None = None
    recurrent_pace: float | None = None
    recurrent_lags: bool = False
    outlook: Outlook | None = None
    rank: int | None = None
    shown_estimate: int | None = None
    shown_collected: int | None = None

    @property
    def remaining(self) -> Decimal | None:
        """What is still to come to reach the estimate; below nothing where it has been passed."""
        if self.estimate is None or self.collected is None:
            return None
        return self.estimate - self.collected

    @property
    def shown_remaining(self) -> int | None:
        """The same from the amounts as they are shown."""
        if self.shown_estimate is None or self.shown_collected is None:
            return None
        return self.shown_estimate - self.shown_collected


@dataclass(frozen=True)
class Table:
    """Rows in the order shown, money placed with none of them, and their sum."""

    rows: tuple[PlaceRow, ...]
    unallocated: PlaceRow | None
    total: PlaceRow | None

    @property
    def has_recurrent(self) -> bool:
        """Whether any row has a share of its revenue for recurrent spending."""
        return any(row.recurrent_share is not None for row in self.rows)

    @property
    def has_estimates(self) -> bool:
        """Whether any row has an estimate to be held against."""
        return any(row.estimate is not None for row in self.rows)

    @property
    def has_outlook(self) -> bool:
        """Whether any row has a forecast."""
        return any(row.outlook is not None for row in self.rows)

    @property
    def lacks_estimate(self) -> tuple[str, ...]:
        """Names of the rows without an estimate."""
        return tuple(row.name for row in self.rows if row.estimate is None)


@dataclass(frozen=True)
class Need:
    """What each month brought so far, and what each remaining month has to bring to reach the estimate."""

    monthly_so_far: Decimal
    monthly_needed: Decimal | None
    months_left: Decimal


@dataclass(frozen=True)
class WithoutLines:
    """Collections without certain lines, in currency units, and in percent of what remains beside them."""

    names: tuple[str, ...]
    collected: Decimal
    share: float | None
    same_period: float | None


def units_table(night: Night) -> Table:
    """Units by share of estimate, highest first; those without one last, in the officials' order."""
    order = {row["unit_key"]: row["sort_order"] for row in night.rows("dim_unit")}
    recurrent = _by_unit(night.rows("mart_unit_position", basis=RECURRENT, estimate_version=INITIAL))
    forecasts = _by_unit(night.rows("mart_year_end_forecast", line_code=ALL, basis=TERRITORY, scenario=BASE))
    places = {
        key: replace(
            _place(night, row, key, row["unit_name"]),
            **_recurrent(night, recurrent.get(key)),
            outlook=_outlook(forecasts.get(key)),
        )
        for key, row in _by_unit(
            night.rows("mart_unit_position", basis=TERRITORY, estimate_version=INITIAL)
        ).items()
    }
    total, unallocated = places.pop(ALL, None), places.pop(UNALLOCATED, None)
    ranked = sorted(
        places.values(),
        key=lambda place: (
            place.share is None,
            -(place.share or 0),
            order.get(place.key, _NO_ORDER),
            place.key,
        ),
    )
    loose = replace(unallocated, outlook=None) if unallocated else None
    return _adding_up(ranked, _if_any(loose), total, night.authority.settings.currency.display_scale)


def bases(night: Night, unit: PlaceRow) -> tuple[PlaceRow, ...]:
    """A unit's money on each basis, against the initial estimate; ``key`` is the basis.

    On the territory it is shown as in ``unit``, the unit's row among the others.
    """
    found = []
    scale = night.authority.settings.currency.display_scale
    for basis in BASES:
        where = {"unit_key": unit.key, "basis": basis}
        forecasts = night.rows("mart_year_end_forecast", **where, line_code=ALL, scenario=BASE)
        for row in night.rows("mart_unit_position", **where, estimate_version=INITIAL):
            place = _place(night, row, basis, row["unit_name"])
            alone = _adding_up([], None, place, scale).total or place
            shown = unit if basis == TERRITORY else alone
            outlook = _outlook(forecasts[0] if forecasts else None)
            found.append(replace(alone, outlook=outlook, shown_estimate=shown.shown_estimate,
                                 shown_collected=shown.shown_collected))  # fmt: skip
    return tuple(found)


def lines_table(night: Night, language: str, unit: PlaceRow | None = None, most: int = LINES_SHOWN) -> Table:
    """The largest revenue lines of the authority or a unit, the rest in one row, and their sum.

    A unit's sum is shown as in ``unit``, its row among the others.
    """
    unit_key = ALL if unit is None else unit.key
    places = {
        row["line_code"]: _place(night, row, row["line_code"], night.line_name(row["line_code"], language))
        for row in night.rows(
            "mart_line_position", unit_key=unit_key, basis=TERRITORY, estimate_version=INITIAL
        )
    }
    total, unallocated = places.pop(ALL, None), places.pop(UNALLOCATED, None)
    moved = [place for place in places.values() if place.estimate or place.collected]
    ranked = sorted(moved, key=lambda place: (-max(place.estimate or 0, place.collected or 0), place.key))
    if len(ranked) > most + 1:
        ranked = [*ranked[:most], _rest(ranked[most:])]
    scale = night.authority.settings.currency.display_scale
    return _adding_up(ranked, _if_any(unallocated), total, scale, shown_as=unit)


def without_lines(night: Night, language: str, unit_key: str = ALL) -> WithoutLines | None:
    """Collections without the lines that the authority tells apart; None where it names none that moved."""
    apart = night.authority.settings.told_without_lines
    rows = night.rows("mart_line_position", unit_key=unit_key, basis=TERRITORY, estimate_version=INITIAL)
    by_line = {row["line_code"]: row for row in rows}
    taken = [by_line[code] for code in apart if code in by_line and by_line[code]["collected_amount"]]
    if not taken or ALL not in by_line:
        return None
    collected, estimate, same_period = (
        _less(by_line[ALL][name], [row[name] for row in taken])
        for name in ("collected_amount", "estimate_amount", "same_period_amount")
    )
    return WithoutLines(
        tuple(night.line_name(row["line_code"], language) for row in taken),
        collected or Decimal(0), _percent(collected, estimate), _percent(collected, same_period),
    )  # fmt: skip


def _less(whole: Decimal | None, parts: Sequence[Decimal | None]) -> Decimal | None:
    return None if whole is None else whole - sum((part or Decimal(0) for part in parts), Decimal(0))


def _percent(part: Decimal | None, whole: Decimal | None) -> float | None:
    return float(part / whole * 100) if part is not None and whole and whole > 0 else None


def monthly_need(night: Night, total: PlaceRow | None) -> Need | None:
    """The authority's monthly rate so far and needed, by calendar; None before anything was collected."""
    if total is None or total.collected is None:
        return None
    elapsed = months_elapsed(night)
    left = Decimal(_MONTHS) - elapsed
    needed = None
    if total.estimate is not None and left > 0:
        needed = max(total.estimate - total.collected, Decimal(0)) / left
    return Need(total.collected / elapsed, needed, left)


def months_elapsed(night: Night) -> Decimal:
    """Months of the fiscal year up to and including the last known receipts, the running one by its days."""
    return _months_until(night, night.data_until)


def _months_until(night: Night, day: dt.date) -> Decimal:
    start = night.authority.fiscal_year_start(night.fiscal_year)
    whole = (day.year - start.year) * _MONTHS + day.month - start.month
    return whole + Decimal(day.day) / calendar.monthrange(day.year, day.month)[1]


def past_mid_year(night: Night) -> bool:
    """Whether half of the fiscal year has gone by, so that the half-year threshold can be asked for."""
    return _months_until(night, night.as_of) >= _HALF_YEAR


def _lags(night: Night, row: Row) -> bool:
    if past_mid_year(night):
        return bool(row["is_below_half"])
    gap: float | None = row["pace_gap_pp"]
    return gap is not None and gap < 0


def _by_unit(rows: Iterable[Row]) -> dict[str, Row]:
    return {row["unit_key"]: row for row in rows}


def _place(night: Night, row: Row, key: str, name: str) -> PlaceRow:
    return PlaceRow(
        key=key,
        name=name,
        estimate=row["estimate_amount"],
        collected=row["collected_amount"],
        share=row["share_of_estimate_pct"],
        pace=row["pace_pct"],
        same_period=row["same_period_pct"],
        lags=_lags(night, row),
        rank=row["rank"],
    )


def _recurrent(night: Night, row: Row | None) -> dict[str, Any]:
    """What a unit's position on the recurrent basis adds to its row."""
    if row is None:
        return {}
    return {
        "recurrent_share": row["share_of_estimate_pct"],
        "recurrent_pace": row["pace_pct"],
        "recurrent_lags": _lags(night, row),
    }


def _outlook(row: Row | None) -> Outlook | None:
    if row is None:
        return None
    return Outlook(
        low=row["p10_amount"],
        median=row["p50_amount"],
        high=row["p90_amount"],
        estimate=row["estimate_amount"],
        shortfall_probability=row["shortfall_probability"],
        expected_shortfall=row["expected_shortfall_amount"],
    )


def _rest(places: Sequence[PlaceRow]) -> PlaceRow:
    """Several lines as one: amounts added, share of what has an estimate."""
    estimates = [place.estimate for place in places if place.estimate is not None]
    estimate = sum(estimates, Decimal(0)) if estimates else None
    collected = sum((place.collected or Decimal(0) for place in places), Decimal(0))
    share = float(collected / estimate * 100) if estimate else None
    return PlaceRow("REST", str(len(places)), estimate=estimate, collected=collected, share=share)


def _if_any(place: PlaceRow | None) -> PlaceRow | None:
    return place if place is not None and (place.collected or place.estimate) else None


def _adding_up(
    places: Sequence[PlaceRow],
    unallocated: PlaceRow | None,
    total: PlaceRow | None,
    scale: int,
    shown_as: PlaceRow | None = None,
) -> Table:
    """The table with its amounts in whole display units, adding up to the shown total.

    ``shown_as``: the row in which the total is shown elsewhere.
    """
    parts = [*places, *([unallocated] if unallocated else [])]
    estimates, all_estimates = whole_parts(
        [p.estimate for p in parts], total.estimate if total else None, scale,
        shown_as.shown_estimate if shown_as else None,
    )  # fmt: skip
    collected, all_collected = whole_parts(
        [p.collected for p in parts], total.collected if total else None, scale,
        shown_as.shown_collected if shown_as else None,
    )  # fmt: skip
    shown = [
        replace(place, shown_estimate=one, shown_collected=other)
        for place, one, other in zip(parts, estimates, collected, strict=True)
    ]
    shown_total = total and replace(total, shown_estimate=all_estimates, shown_collected=all_collected)
    rest = shown.pop() if unallocated else None
    return Table(tuple(shown), rest, shown_total)
