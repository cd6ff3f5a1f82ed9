"""One case where one cause hits many units, and rules that are silent where another speaks."""

import datetime as dt
import json
from decimal import Decimal

import polars as pl
import pytest

from authorities.base import Words
from authorities.shocks import PolicyShock
from authorities.warning_rules import CommonGroup, ExtensionGroup
from tests.early_warning.conftest import rows_of
from tests.early_warning.nights import a_night, only, run, states
from warehouse.tables.marts import MART_SHOCK_EFFECT

NIGHT = dt.date(2020, 6, 30)
A, B, C = "00115@2004", "00124@2004", "00151@2004"
WORDS = Words(
    vi="{units_count}: {unit_names} ({measures}) {timing} {back_by}", en="{units_count} of {units_total}"
)
EXTENSION = ExtensionGroup(from_units=2, message=WORDS)
DECREE = PolicyShock.model_validate({
    "code": "nd41", "title": {"vi": "Gia hạn", "en": "Extension"}, "kind": "timing", "form": "deferral",
    "line_codes": ["vat"], "announced_on": "2020-04-08",
    "legal_source": "Nghị định số 41/2020/NĐ-CP ngày 08/4/2020",
    "legs": [{"due_month": "2020-04", "deferred_to": "2020-09"},
             {"due_month": "2020-07", "deferred_to": "2020-12"}],
    "fraction": {"value": 0.3, "low": 0.1, "high": 0.5}, "assumed": True,
})  # fmt: skip


@pytest.fixture
def decreed(authority):
    """The authority with a decree that puts off April's dues to September and July's to December."""
    return authority.model_copy(update={"shocks": (DECREE,)})


def effects(moved: dict[str, int]) -> pl.DataFrame:
    """What the decree moves of each unit's year, in đồng; half of it by the night (no past: months alike)."""
    return rows_of(
        MART_SHOCK_EFFECT,
        [{"unit_key": unit, "timing_amount": Decimal(2 * amount)} for unit, amount in moved.items()],
        as_of=NIGHT, line_code="vat", shock_code="nd41", loss_amount=Decimal(0), low_amount=Decimal(0),
        high_amount=Decimal(0), expected_back_by=dt.date(2020, 12, 31), publication_id="p",
    )  # fmt: skip


def one_night(authority, positions, shares, moved, as_of=NIGHT):
    return a_night(
        authority, as_of, unit_position=positions(shares, as_of=as_of), shock_effect=effects(moved)
    )


FIVE_PCT = 4_000_000_000
"""Five percent of the wards' estimate of 80 billion."""


def test_a_decree_that_alone_keeps_wards_below_is_one_case(decreed, positions):
    chosen = only(decreed, "below_half", extension=EXTENSION)
    shares, moved = {A: 47.0, B: 48.0, C: 40.0}, dict.fromkeys((A, B, C), FIVE_PCT)
    (found,) = run([one_night(chosen, positions, shares, moved)])
    assert states(found) == {f"below_half:{C}:2020": "open", "below_half:ALL:extension:2020": "open"}
    group = found.warnings.filter(pl.col("unit_key") == "ALL").row(0, named=True)
    assert group["severity"] == "info"
    assert group["message_vi"] == (
        "2: Thượng Thanh, Đức Giang (Nghị định số 41/2020/NĐ-CP) 8.000 triệu đồng 31/12/2020"
    )
    assert [unit["unit_key"] for unit in json.loads(group["evidence"])["units"]] == [A, B]
    watch = dict(found.watch.select("warning_id", "case_id").iter_rows())
    assert watch[f"below_half:{A}:2020"] == "below_half:ALL:extension:2020"
    assert watch[f"below_half:{C}:2020"] is None


def test_the_case_follows_its_units_and_ends_with_them(decreed, positions):
    chosen = only(decreed, "below_half", extension=EXTENSION)
    nights = [
        one_night(chosen, positions, shares, dict.fromkeys((A, B, C), FIVE_PCT), NIGHT + dt.timedelta(days=n))
        for n, shares in enumerate((
            {A: 47.0, B: 48.0, C: 60.0}, {A: 47.0, B: 60.0, C: 60.0}, {A: 47.0, B: 48.0, C: 48.0},
            {A: 60.0, B: 60.0, C: 60.0},
        ))
    ]  # fmt: skip
    found = run(nights)
    group = "below_half:ALL:extension:2020"
    assert [states(one) for one in found] == [{group: "open"}] * 3 + [{group: "closed"}]
    members = [len(json.loads(one.warnings["evidence"].item())["units"]) for one in found[:3]]
    assert members == [2, 1, 3]
    assert {one.warnings["opened_on"].item() for one in found} == {NIGHT}


def test_a_single_ward_has_its_own_case_in_the_words_for_extensions(decreed, positions):
    chosen = only(decreed, "below_half", extension=EXTENSION)
    (found,) = run([one_night(chosen, positions, {A: 47.0, B: 60.0}, {A: FIVE_PCT, B: FIVE_PCT})])
    row = found.warnings.row(0, named=True)
    assert (row["warning_id"], row["severity"]) == (f"below_half:{A}:2020", "info")
    assert row["message_vi"].startswith("1: Thượng Thanh (Nghị định")


def test_without_words_for_extensions_a_share_is_what_it_is(decreed, positions):
    (found,) = run([one_night(only(decreed, "below_half"), positions, {A: 47.0}, {A: FIVE_PCT})])
    assert found.warnings.select("warning_id", "severity").row(0) == (f"below_half:{A}:2020", "warning")


def test_what_comes_back_later_is_not_away_before_it_was_due(decreed, positions):
    """On 31 March nothing was put off yet; in September it has come back, and July's dues are away."""
    from early_warning.timing import effects_until

    days = {dt.date(2020, 3, 31): 0, dt.date(2020, 4, 15): 50, dt.date(2020, 6, 30): 100,
            dt.date(2020, 7, 31): 200, dt.date(2020, 9, 30): 100, dt.date(2020, 12, 31): 0}  # fmt: skip
    for day, away in days.items():
        night = one_night(decreed, positions, {A: 47.0}, {A: 100})
        told = effects_until(night, day).filter(pl.col("basis") == "territory")
        assert told["timing"].sum() == away, day


def test_most_wards_at_once_are_one_case_of_the_authority(authority, positions):
    common = CommonGroup(from_units=2, from_pct=60, message=WORDS)
    chosen = only(authority, "below_half", common=common)
    (found,) = run([a_night(chosen, NIGHT, unit_position=positions({A: 40.0, B: 41.0, C: 60.0}))])
    assert states(found) == {"below_half:ALL:common:2020": "open"}
    row = found.warnings.row(0, named=True)
    assert (row["message_en"], row["value"], row["severity"]) == ("2 of 3", 2.0, "warning")
    assert (
        row["gap_amount"] == found.causes["amount"].sum() if found.causes.height else row["gap_amount"] == 0
    )
    (few,) = run([a_night(chosen, NIGHT, unit_position=positions({A: 40.0, B: 60.0, C: 60.0}))])
    assert states(few) == {f"below_half:{A}:2020": "open"}


def test_a_rule_that_yields_is_silent_where_the_other_speaks(authority, positions, forecasts):
    silent, speaking = authority.settings.warning_rules[:2]
    rules = (silent.model_copy(update={"yields_to": (speaking.rule_code,)}), speaking)
    chosen = authority.model_copy(
        update={"settings": authority.settings.model_copy(update={"warning_rules": rules})}
    )
    marts = {
        "unit_position": positions({A: 40.0, B: 41.0}),
        "year_end_forecast": forecasts({A: 0.95, B: 0.5}),
    }
    (found,) = run([a_night(chosen, NIGHT, **marts)])
    assert states(found) == {f"likely_short:{A}:2020": "open", f"below_half:{B}:2020": "open"}
    levels = dict(found.watch.select("warning_id", "level").iter_rows())
    assert levels[f"below_half:{A}:2020"] == "covered"


def later(n: int) -> dt.date:
    return NIGHT + dt.timedelta(days=n)


def aged(rows: pl.DataFrame, day: dt.date) -> pl.DataFrame:
    """Positions whose data ends on ``day``."""
    return rows.with_columns(last_complete_day=pl.lit(day))


@pytest.mark.parametrize("stale", [(A,), (B, C), (A, B, C)], ids=["one", "two", "all"])
def test_stale_data_neither_ends_a_case_for_many_nor_breaks_it_up(authority, positions, stale):
    common = CommonGroup(from_units=2, from_pct=60, message=WORDS)
    chosen = only(authority, "below_half", common=common, stale_after_days=5)

    def night(n: int, old: tuple[str, ...]):
        rows = positions({A: 40.0, B: 41.0, C: 42.0}, as_of=later(n))
        known = pl.when(pl.col("unit_key").is_in(old)).then(pl.lit(later(-9))).otherwise(pl.lit(later(n)))
        return a_night(chosen, later(n), unit_position=rows.with_columns(last_complete_day=known))

    found = run([night(0, ()), night(1, stale), night(2, ())])
    case = "below_half:ALL:common:2020"
    assert [states(one) for one in found] == [{case: "open"}] * 3
    rows = [one.warnings.row(0, named=True) for one in found]
    assert [row["opened_on"] for row in rows] == [NIGHT] * 3
    because = "stale" if len(stale) == 3 else None
    assert [row["suppressed_because"] for row in rows] == [None, because, None]
    if because:
        assert "Suspended: the data ends on 21 June 2020" in rows[1]["message_en"]


def test_stale_data_does_not_end_the_case_of_an_extension(decreed, positions):
    chosen = only(decreed, "below_half", extension=EXTENSION, stale_after_days=5)
    shares, moved = {A: 48.0, B: 49.0, C: 60.0}, {A: FIVE_PCT, B: FIVE_PCT, C: FIVE_PCT}
    nights = [
        a_night(
            chosen, later(n), shock_effect=effects(moved),
            unit_position=aged(positions(shares, as_of=later(n)), until),
        )
        for n, until in enumerate((NIGHT, later(-9), later(2)))
    ]  # fmt: skip
    found = run(nights)
    case = "below_half:ALL:extension:2020"
    assert [states(one) for one in found] == [{case: "open"}] * 3
    assert [one.warnings["suppressed_because"].item() for one in found] == [None, "stale", None]


def test_a_case_for_many_that_could_not_be_measured_has_not_ended(authority, positions):
    common = CommonGroup(from_units=2, from_pct=60, message=WORDS)
    chosen = only(authority, "below_half", common=common)
    known, lacking = {A: 40.0, B: 41.0, C: 60.0}, dict.fromkeys((A, B, C))
    nights = [
        a_night(chosen, later(n), unit_position=positions(shares, as_of=later(n)))
        for n, shares in enumerate((known, lacking))
    ]
    nights.append(a_night(chosen, later(2)))  # no positions at all
    nights.append(
        a_night(chosen, later(3), unit_position=positions({A: 60.0, B: 70.0, C: None}, as_of=later(3)))
    )
    found = run(nights)
    case = "below_half:ALL:common:2020"
    assert [states(one)[case] for one in found] == ["open", "open", "open", "closed"]
    told = [one.warnings.filter(warning_id=case)["suppressed_because"].item() for one in found]
    assert told == [None, "not_measured", "not_measured", None]


def test_a_case_for_many_opens_on_no_stale_data(authority, positions):
    common = CommonGroup(from_units=2, from_pct=60, message=WORDS)
    chosen = only(authority, "below_half", common=common, stale_after_days=5)
    old = aged(positions({A: 40.0, B: 41.0, C: 42.0}), later(-9))
    (found,) = run([a_night(chosen, NIGHT, unit_position=old)])
    assert states(found) == {}


def test_a_rule_yields_only_once_the_other_has_waited_its_nights(authority, positions, forecasts):
    """A probability that jumps for one night opens nothing, and so must not end what stands either."""
    yielding, speaking = authority.settings.warning_rules[:2]
    rules = (
        yielding.model_copy(update={"yields_to": (speaking.rule_code,)}),
        speaking.model_copy(update={"minimum_nights": 2}),
    )
    chosen = authority.model_copy(
        update={"settings": authority.settings.model_copy(update={"warning_rules": rules})}
    )
    nights = [
        a_night(chosen, later(n), unit_position=positions({A: 40.0}, as_of=later(n)),
                year_end_forecast=forecasts({A: chance}))
        for n, chance in enumerate((0.2, 0.95, 0.2, 0.95, 0.95, 0.95))
    ]  # fmt: skip
    below, likely = f"below_half:{A}:2020", f"likely_short:{A}:2020"
    told = [states(one) for one in run(nights)]
    assert [one.get(below) for one in told] == ["open"] * 4 + ["closed"] * 2
    assert [one.get(likely) for one in told] == [None] * 4 + ["open"] * 2
