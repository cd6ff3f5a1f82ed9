"""Cases over the nights: opened once, calm, back again, escalated, suspended; and what people's acts do."""

import datetime as dt
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from authorities.warning_rules import WarningRule
from early_warning.cases import CaseState, what_reopens
from early_warning.rules import UNWATCHED_DAYS, find_warnings
from tests.early_warning.nights import FIRST, NO_ACTS, a_night, acts, after, only, run, states

FIRST_NIGHT = dt.date(2020, 7, 1)
A, B, C = "00115@2004", "00124@2004", "00151@2004"
ID = f"below_half:{A}:2020"


def day(number: int) -> dt.date:
    return FIRST_NIGHT + dt.timedelta(days=number)


@pytest.fixture
def nights(authority, positions):
    """Nights on which ward A stands at the shares given, one a night; None: no estimate, so not measured."""

    def build(*shares, **rule):
        chosen = only(authority, "below_half", **rule)
        return [
            a_night(chosen, day(number), unit_position=positions({A: share, B: 80.0}, as_of=day(number)))
            for number, share in enumerate(shares)
        ]

    return build


def story(found):
    """The state of ward A's case night by night, None where there is none."""
    return [states(one).get(ID) for one in found]


def test_a_case_opens_once_and_stays_between_the_thresholds(nights):
    found = run(nights(48, 49, 51, 49.5, 51.9, exit_threshold=52.0))
    assert story(found) == ["open"] * 5
    assert {one.warnings["opened_on"].item() for one in found} == {day(0)}
    said = found[2].warnings["message_en"].item()
    assert said == found[1].warnings["message_en"].item(), "between the thresholds it keeps its words"
    assert found[2].warnings["value"].item() == 51


def test_without_an_exit_the_same_shares_would_flap(nights):
    assert story(run(nights(48, 51, 49.5))) == ["open", "closed", "reopened"]


def test_it_calms_down_by_itself_and_re_arms(nights):
    found = run(nights(48, 53, 53, 51, 49, exit_threshold=52.0))
    assert story(found) == ["open", "closed", "closed", "closed", "reopened"]
    last = found[-1].warnings.row(0, named=True)
    assert (last["opened_on"], last["times_opened"], last["state_by"]) == (day(4), 2, "rule")


def test_both_ways_must_last_the_nights_the_rule_asks(nights):
    found = run(nights(60, 48, 60, 48, 48, 48, 60, 48, 60, 60, 60, minimum_nights=3))
    assert story(found) == [None] * 5 + ["open"] * 5 + ["closed"]


def test_the_very_first_night_waits_for_nothing(nights):
    assert story(run(nights(48, minimum_nights=3))) == ["open"]


def test_a_published_night_apart_still_counts_the_days(authority, positions):
    chosen = only(authority, "below_half", minimum_nights=3)
    shares = {0: 60.0, 1: 48.0, 8: 48.0}
    found = run(
        a_night(chosen, day(n), unit_position=positions({A: share}, as_of=day(n)))
        for n, share in shares.items()
    )
    assert story(found) == [None, None, "open"]


def test_after_a_week_without_nights_there_is_nothing_to_wait_for(authority, positions):
    chosen = only(authority, "below_half", minimum_nights=3)

    def told(days: int) -> list[str | None]:
        shares = {0: 60.0, days: 48.0}
        return story(run(
            a_night(chosen, day(n), unit_position=positions({A: share}, as_of=day(n)))
            for n, share in shares.items()
        ))  # fmt: skip

    assert told(UNWATCHED_DAYS) == [None, None]
    assert told(UNWATCHED_DAYS + 1) == [None, "open"]


def test_an_explanation_that_ended_re_opens_a_case_that_stands(nights):
    told = acts({"act": "explain", "warning_id": ID, "known_on": day(1), "until": day(1)})
    found = run(nights(48, 48, 51, 51, exit_threshold=52.0), told)
    assert story(found) == ["open", "explained", "reopened", "reopened"]


def test_acts_change_the_state_and_are_unknown_to_nights_before(nights):
    told = acts(
        {"act": "acknowledge", "warning_id": ID, "known_on": day(1)},
        {"act": "explain", "warning_id": ID, "known_on": day(2), "until": day(3)},
    )
    found = run(nights(48, 48, 48, 48, 48), told)
    assert story(found) == ["open", "acknowledged", "explained", "explained", "reopened"]
    row = found[2].warnings.row(0, named=True)
    assert (row["state_by"], row["state_on"], row["explained_until"]) == ("Nguyễn Thị Hoa", day(2), day(3))


def test_a_closed_case_stays_closed_until_it_has_calmed_down_or_worsens(nights):
    told = acts({"act": "close", "warning_id": ID, "known_on": day(1)})
    found = run(nights(48, 48, 47, 48, 44, worse_by=5.0), told)
    assert story(found) == ["open", "closed", "closed", "closed", "closed"]
    assert story(run(nights(48, 48, 47, 43, worse_by=5.0), told))[-1] == "reopened"
    assert story(run(nights(48, 48, 53, 48), told)) == ["open", "closed", "closed", "reopened"]


def test_closing_says_what_would_re_open_it(authority):
    rule = authority.settings.warning_rules[0].model_copy(update={"exit_threshold": 52.0, "worse_by": 5.0})
    case = CaseState("closed", day(0), day(1), state_value=48.0)
    said = what_reopens(rule, case)
    assert "risen above 52 and again falls to 50" in said["en"]
    assert "worsens to 43 (at closing: 48)" in said["en"]
    assert "xấu đi đến 43" in said["vi"]


def test_nobody_who_acknowledges_brings_it_to_the_next_role(nights):
    rule = {"escalate_after_days": 2, "escalate_to": "district_chair"}
    found = run(nights(48, 48, 48, 48, **rule))
    assert [one.warnings["owner"].item() for one in found] == ["ward_chair"] * 2 + ["district_chair"] * 2
    assert found[3].warnings["escalated_on"].item() == day(2)
    told = acts({"act": "acknowledge", "warning_id": ID, "known_on": day(2)})
    assert run(nights(48, 48, 48, 48, **rule), told)[3].warnings["owner"].item() == "ward_chair"


def test_stale_data_suspends_and_says_so(authority, positions):
    chosen = only(authority, "below_half", stale_after_days=5, escalate_after_days=2, escalate_to="chair")
    known = {0: day(0), 1: day(1), 2: day(-9), 3: day(3)}
    nights = [
        a_night(chosen, day(n), unit_position=positions({A: share}, as_of=day(n)).with_columns(
            last_complete_day=pl.lit(known[n])))
        for n, share in ((0, 48.0), (1, 48.0), (2, 60.0), (3, 48.0))
    ]  # fmt: skip
    found = run(nights)
    assert story(found) == ["open"] * 4, "a share from stale data closes nothing"
    row = found[2].warnings.row(0, named=True)
    assert (row["suppressed_since"], row["suppressed_because"], row["escalated_on"]) == (
        day(2), "stale", None,
    )  # fmt: skip
    assert row["message_vi"].endswith("⏸ Tạm ngừng xét: số liệu mới đến ngày 22/6/2020.")
    assert row["message_en"].endswith("Suspended: the data ends on 22 June 2020.")
    after_it = found[3].warnings.row(0, named=True)
    assert "⏸" not in after_it["message_vi"]
    assert (after_it["suppressed_since"], after_it["escalated_on"]) == (None, day(3))
    assert states(run([nights[2]])[0]) == {}, "and opens nothing"


def test_what_cannot_be_measured_tonight_is_not_well(nights):
    found = run(nights(48, None, 48))
    assert story(found) == ["open"] * 3
    assert found[1].warnings["suppressed_because"].item() == "not_measured"
    assert "could not be measured" in found[1].warnings["message_en"].item()


def test_data_that_came_closes_its_case(authority, arrivals):
    chosen = only(authority, "late")
    missing = arrivals(("spending", A, day(-9), "missing"))
    found = run(
        a_night(chosen, day(n), extract_arrival=frame)
        for n, frame in enumerate((missing, arrivals(("spending", A, day(-9), "late"))))
    )
    assert [states(one) for one in found] == [
        {f"late:{A}:2020": "open"}, {f"late:{A}:2020": "closed"},
    ]  # fmt: skip


def test_a_new_fiscal_year_ends_the_cases_of_the_old_one(authority, positions):
    chosen = only(authority, "below_half")
    old = a_night(
        chosen, dt.date(2020, 12, 31), unit_position=positions({A: 48.0}, as_of=dt.date(2020, 12, 31))
    )
    new = [a_night(chosen, dt.date(2021, 1, day)) for day in (1, 2)]
    found = run([old, *new])
    assert [states(one) for one in found] == [{ID: "open"}, {ID: "closed"}, {}]
    assert found[1].warnings["state_why"].item() == "the fiscal year is over"


def test_a_rule_taken_out_ends_its_cases(nights, authority):
    night = a_night(only(authority, "late"), day(1))
    found = run([*nights(48), night])
    assert (states(found[1]), found[1].warnings["state_why"].item()) == (
        {ID: "closed"},
        "the rule is no more",
    )


def test_a_night_of_an_older_version_is_taken_up(nights):
    """Rows published before cases had a memory lack most columns."""
    first, second = nights(48, 48)
    found = find_warnings(first, FIRST, NO_ACTS)
    kept = ("as_of", "warning_id", "unit_key", "rule_code", "severity", "state", "opened_on", "evidence",
            "owner", "message_vi", "message_en", "publication_id")  # fmt: skip
    old = found.warnings.with_columns(
        pl.lit(None, kind).alias(name) for name, kind in found.warnings.schema.items() if name not in kept
    )
    before = after(first, found)
    again = find_warnings(second, type(before)(first.as_of, old, FIRST.watch), NO_ACTS)
    assert again.warnings.select("state", "opened_on").row(0) == ("open", day(0))


SHARES = st.lists(st.sampled_from([None, 30.0, 44.0, 49.0, 50.0, 51.0, 53.0, 60.0]), min_size=1, max_size=12)
ACTS = st.lists(
    st.tuples(st.sampled_from(["acknowledge", "explain", "close"]), st.integers(0, 12)), max_size=5
)


@settings(max_examples=40, deadline=None)
@given(shares=SHARES, decided=ACTS, minimum=st.integers(1, 3))
def test_reruns_and_replays_give_the_same(shares, decided, minimum):
    """A rerun of any night changes nothing, and acts dated after a night are unknown to it."""
    rule = WarningRule.model_validate({
        "rule_code": "below_half", "kind": "share_below", "threshold": 50.0, "exit_threshold": 52.0,
        "minimum_nights": minimum, "worse_by": 5.0, "severity": "warning", "owner": "ward_chair",
        "escalate_after_days": 2, "escalate_to": "district_chair",
        "title": {"vi": "t", "en": "t"}, "message": {"vi": "{share}", "en": "{share}"},
    })  # fmt: skip
    authority = _small(rule)
    nights = [
        a_night(authority, day(n), unit_position=_position(share, day(n))) for n, share in enumerate(shares)
    ]
    ordered = sorted(decided, key=lambda one: one[1])
    told = acts(*({"act": act, "warning_id": ID, "known_on": day(n)} for act, n in ordered))
    told = told if decided else NO_ACTS
    found = run(nights, told)
    before = FIRST
    for night, one in zip(nights, found, strict=True):
        known = told.filter(pl.col("known_on") <= night.as_of)
        again = find_warnings(night, before, known)
        assert_frame_equal(again.warnings, one.warnings)
        assert_frame_equal(again.watch, one.watch)
        before = after(night, one)
    opened = [state for state in story(found) if state is not None]
    assert not opened or opened[0] in ("open", "acknowledged", "explained", "closed")


def _small(rule):
    from pathlib import Path

    from authorities.model import Authority, AuthorityFile, RevenueItem, RevenueLine, Unit

    words = {"vi": "v", "en": "e"}
    file = AuthorityFile.model_validate({
        "code": "one", "title": words, "unit_kind": words, "time_zone": "Asia/Ho_Chi_Minh",
        "currency": {"code": "VND", "minor_digits": 0, "display_unit": words}, "first_night": "2019-01-01",
        "warning_rules": [rule.model_dump()],
    })  # fmt: skip
    return Authority(
        folder=Path("one"), settings=file,
        units=(Unit(code="00115", name="A", valid_from=dt.date(2004, 1, 1)),),
        lines=(RevenueLine(line_code="vat", name_vi="v", name_en="e"),),
        items=(RevenueItem(item_code="1701", line_code="vat"),), forms=(), config_sha256="0" * 64,
    )  # fmt: skip


def _position(share, as_of):
    from tests.early_warning.conftest import rows_of
    from warehouse.tables.marts import MART_UNIT_POSITION

    row = {
        "unit_key": A, "unit_name": "A", "estimate_amount": None if share is None else Decimal(1000),
        "collected_amount": Decimal(0) if share is None else Decimal(str(share)) * 10,
        "share_of_estimate_pct": share,
    }  # fmt: skip
    return rows_of(
        MART_UNIT_POSITION,
        [row],
        as_of=as_of,
        basis="territory",
        estimate_version="initial",
        publication_id="p",
    )
