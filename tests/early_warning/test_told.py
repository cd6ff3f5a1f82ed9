"""What people read of cases at a terminal: in their language, and which id they may have meant."""

import dataclasses
import datetime as dt

import pytest

from authorities.loading import DEFAULT_AUTHORITY, load_authority
from early_warning.cases import CaseState, what_reopens
from early_warning.told import list_lines, nearest_ids
from tests.early_warning.notified import NIGHT, case

IDS = (
    "below_half:00145@2004:2020", "below_half:00148@2004:2020", "extract_late:ALL:receipt_treasury:2020",
    "half_year_at_risk:ALL:common:2020", "messages_fail:ALL:ward_chair/json-1:2020",
)  # fmt: skip


@pytest.fixture(scope="module")
def rules():
    authority = load_authority(DEFAULT_AUTHORITY)
    return {rule.rule_code: rule for rule in authority.settings.warning_rules}


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("00145@2004", IDS[:1]),
        ("below_half:00146@2004:2020", IDS[:2]),
        ("below_haf:00145@2004:2020", IDS[:2]),
        ("message_fail:ALL:ward_chair/json1:2020", IDS[4:]),
        ("channel_failed:ALL:2020", ()),
        ("half:nowhere", ()),
    ],
)
def test_only_ids_that_are_close_are_suggested(typed: str, meant: tuple[str, ...]) -> None:
    assert set(nearest_ids(typed, IDS)) == set(meant)


def test_nothing_is_close_where_there_is_nothing() -> None:
    assert nearest_ids("below_half:00145@2004:2020", ()) == []


def test_a_list_names_severity_rule_and_kind_in_its_language(rules) -> None:
    row, state = case("below_half:A:2020", severity="severe"), CaseState("open", NIGHT, NIGHT)
    said = {language: list_lines([(row, state)], rules, language) for language in ("vi", "en")}
    assert said["vi"][0].split("  ")[0] == "nghiêm trọng đang mở"
    assert said["en"][0].startswith("severe ")
    for language in ("vi", "en"):
        title = getattr(rules["below_half"].title, language)
        assert said[language][1].strip() == f"{title} (share_below)"
        assert said[language][2].strip() == row[f"message_{language}"]


def test_what_reopens_a_case_is_written_as_each_language_writes_numbers(rules) -> None:
    rule = rules["below_half"]
    rule = rule.model_copy(update={"worse_by": 5.0})
    closed = dataclasses.replace(
        CaseState("closed", dt.date(2020, 6, 1), NIGHT), state_value=43.894, times_opened=1
    )
    told = what_reopens(rule, closed)
    assert "xấu đi đến 38,89 (lúc đóng: 43,89)" in told["vi"]
    assert "worsens to 38.89 (at closing: 43.89)" in told["en"]
