"""Past years watched again: what the cases told, from when to when, beside the two plain rules."""

import datetime as dt
from collections.abc import Callable

import polars as pl
import pytest

from authorities.loading import DEFAULT_AUTHORITY, load_authority
from authorities.model import Authority
from early_warning.night import Night
from early_warning.replay import Replay, only_scored, references, replayed, scored_rules
from tests.early_warning.nights import a_night, only

WARDS = ("00115@2004", "00124@2004", "00151@2004")
Build = Callable[..., pl.DataFrame]


def told(replay: Replay, rule: str) -> dict[str, list[tuple[int, int]]]:
    """Unit → day of the month from which and until which the rule spoke of it."""
    found: dict[str, list[tuple[int, int]]] = {}
    for unit, first, until in (
        replay.spells.filter(rule_code=rule).select("unit_key", "opened_on", "told_until").rows()
    ):
        found.setdefault(unit, []).append((first.day, until.day))
    return found


def july(
    authority: Authority,
    positions: Build,
    shares: dict[str, list[float]],
    complete: int = 0,
    year: int = 2019,
) -> list[Night]:
    """Nights from 1 July with each unit's shares; receipts are complete so many days before."""
    nights = []
    for place in range(len(next(iter(shares.values())))):
        as_of = dt.date(year, 7, 1 + place)
        day = as_of - dt.timedelta(days=complete)
        rows = positions({unit: own[place] for unit, own in shares.items()}, as_of=as_of).with_columns(
            is_below_half=pl.col("share_of_estimate_pct") <= 50, last_complete_day=pl.lit(day)
        )
        nights.append(a_night(authority, as_of, unit_position=rows))
    return nights


@pytest.fixture
def bars(authority: Authority) -> Authority:
    return only(authority, "below_half", exit_threshold=52.0, minimum_nights=2)


def test_cases_open_and_calm_down_as_on_real_nights(bars: Authority, positions: Build) -> None:
    shares = {
        WARDS[0]: [45.0, 46, 47, 51, 53, 53, 54, 49, 49, 49],  # calm after two nights above 52, and back
        WARDS[1]: [45.0, 55, 45, 55, 45, 55, 45, 55, 45, 55],  # never two nights alike
        WARDS[2]: [60.0] * 10,
    }
    replay = replayed(july(bars, positions, shares))
    assert told(replay, "below_half") == {WARDS[0]: [(2, 5), (9, 10)]}
    assert told(replay, "always") == {unit: [(1, 10)] for unit in WARDS}


def test_the_first_night_of_a_year_waits_like_any_other(bars: Authority, positions: Build) -> None:
    nights = july(bars, positions, {WARDS[0]: [45.0]})
    assert told(replayed(nights), "below_half") == {}


def test_half_is_judged_once_when_receipts_reach_mid_year(bars: Authority, positions: Build) -> None:
    shares = {WARDS[0]: [40.0, 45, 51, 60, 60], WARDS[1]: [55.0, 55, 55, 45, 45]}
    on_time = replayed(july(bars, positions, shares))
    assert told(on_time, "flat_half") == {WARDS[0]: [(1, 5)]}, "later shares change nothing"
    late = replayed(july(bars, positions, shares, complete=3))
    assert told(late, "flat_half") == {}, "on the third, when June was known, both were above"
    assert late.judged["judged_on"].unique().to_list() == [dt.date(2019, 7, 3)]
    never = replayed(july(bars, positions, shares, complete=30))
    assert never.judged.is_empty()
    assert told(never, "flat_half") == {}


def test_a_case_for_many_speaks_of_each_of_them(authority: Authority, positions: Build) -> None:
    common = {"from_units": 2, "from_pct": 60.0, "message": {"vi": "{unit_names}", "en": "{unit_names}"}}
    rule = authority.settings.warning_rules[0]
    grouped = type(rule).model_validate(rule.model_dump() | {"common": common})
    settings = authority.settings.model_copy(update={"warning_rules": (grouped,)})
    many = authority.model_copy(update={"settings": settings})
    shares = {WARDS[0]: [45.0, 45, 45], WARDS[1]: [60.0, 45, 45], WARDS[2]: [60.0, 60, 45]}
    found = told(replayed(july(many, positions, shares)), "below_half")
    assert found == {WARDS[0]: [(1, 3)], WARDS[1]: [(2, 3)], WARDS[2]: [(3, 3)]}, (
        "from its own case into one for all"
    )


def test_years_are_told_apart(bars: Authority, positions: Build) -> None:
    years = [july(bars, positions, {WARDS[0]: [45.0, 45, 45]}, year=year) for year in (2019, 2020)]
    spells = replayed([night for year in years for night in year]).spells.filter(rule_code="below_half")
    assert spells["fiscal_year"].to_list() == [2019, 2020]
    assert spells["opened_on"].to_list() == [dt.date(2019, 7, 2), dt.date(2020, 7, 2)]


def test_the_shipped_rules_on_revenue_are_scored_beside_plain_rules_on_their_bases() -> None:
    authority = load_authority(DEFAULT_AUTHORITY)
    codes = {rule.rule_code for rule in scored_rules(authority)}
    assert codes == {
        "below_half", "half_year_at_risk", "behind_pace", "shortfall_likely", "recurrent_below_half",
        "recurrent_behind_pace", "line_collapsed",
    }  # fmt: skip
    assert {rule.rule_code for rule in only_scored(authority).settings.warning_rules} == codes
    assert references(authority) == {
        "flat_half": ("flat_half", "territory"), "always": ("always", "territory"),
        "flat_half_recurrent": ("flat_half", "recurrent"), "always_recurrent": ("always", "recurrent"),
    }  # fmt: skip
