"""Scenarios as configuration: which shocks they suppose, those that ship, and how a mistake is told."""

import datetime as dt
import shutil
from pathlib import Path

import pytest
from pydantic import ValidationError

from authorities.loading import DEFAULT_AUTHORITY, AuthorityError, load_authority, read_scenario
from authorities.scenarios import Scenario
from authorities.shocks import PolicyShock

NIGHT = dt.date(2020, 6, 30)
TITLE = {"vi": "Kịch bản", "en": "Scenario"}


def closure(code: str, line: str = "fees", announced: str = "2020-04-01") -> PolicyShock:
    given = {
        "code": code, "title": TITLE, "kind": "loss", "form": "closure", "line_codes": [line],
        "announced_on": announced, "legal_source": "test", "effective_from": "2020-07-01",
    }  # fmt: skip
    return PolicyShock.model_validate(given)


DECLARED = (closure("one"), closure("two"), closure("late", announced="2020-08-01"))


def supposed(**given: object) -> list[str]:
    scenario = Scenario.model_validate({"code": "asked", "title": TITLE, **given})
    return [f"{shock.code}:{shock.line_codes[0]}" for shock in scenario.supposed(DECLARED, NIGHT)]


def test_what_is_kept_dropped_replaced_and_added() -> None:
    assert supposed(drop=["one"]) == ["two:fees"]
    assert supposed(keep=["one"]) == ["one:fees"]
    assert supposed(keep=[]) == []
    assert supposed(shocks=[closure("two", "vat"), closure("more")]) == ["one:fees", "two:vat", "more:fees"]
    assert supposed(keep=["late"]) == [], "a declared shock that nobody knows of yet is no choice"
    assert supposed(drop=["one", "two"], shocks=[closure("late", "vat")]) == ["late:vat"], "supposed is known"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"code": "base", "keep": []}, "every night has 'base' of itself"),
        ({"keep": ["one"], "drop": ["two"]}, "not both"),
        ({}, "it changes nothing"),
        ({"shocks": [closure("one"), closure("one")]}, "given more than once: one"),
    ],
)
def test_what_a_scenario_may_not_say(given: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Scenario.model_validate({"code": "asked", "title": TITLE, **given})


def test_the_scenarios_that_ship_suppose_the_declared_fractions() -> None:
    authority = load_authority(DEFAULT_AUTHORITY)
    assert {one.code for one in authority.scenarios} == {
        "extension_to_year_end",
        "extension_into_next_year",
        "land_rent_written_off",
        "registration_fee_not_cut",
    }
    declared = {shock.code: shock for shock in authority.shocks}
    for scenario in authority.scenarios:
        for shock in scenario.shocks:
            if shock.code in declared:
                original = declared[shock.code]
                assert shock.fraction == original.fraction
                assert [leg.due_month for leg in shock.legs] == [leg.due_month for leg in original.legs]
                assert all(
                    leg.deferred_to >= own.deferred_to
                    for leg, own in zip(shock.legs, original.legs, strict=True)
                )


ONE = """code: no_fees
title: {vi: "Không thu phí", en: "No fees"}
drop: [nd41_2020_vat]
"""


def test_a_scenario_is_read_from_a_folder_and_from_anywhere(tmp_path: Path) -> None:
    folder = tmp_path / "authority"
    shutil.copytree(DEFAULT_AUTHORITY, folder)
    (folder / "scenarios").mkdir()
    (folder / "scenarios" / "fees.yaml").write_text(ONE, encoding="utf-8")
    authority = load_authority(folder)
    assert authority.scenarios[-1].code == "no_fees"
    elsewhere = tmp_path / "mine.yaml"
    elsewhere.write_text("scenarios:\n  - " + ONE.replace("\n", "\n    ").rstrip() + "\n", encoding="utf-8")
    assert read_scenario(authority, elsewhere) == authority.scenarios[-1]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("drop:", "dropp:", ("mine.yaml line 3", "'dropp' is not known", "did you mean 'drop'?")),
        ("nd41_2020_vat", "nd41_2020_vta", ("names shock 'nd41_2020_vta'", "did you mean 'nd41_2020_vat'?")),
        ("code: no_fees", "code: No fees", ("mine.yaml line 1", "code")),
        ("drop: [nd41_2020_vat]\n", "", ("mine.yaml line 1", "it changes nothing")),
        ("code: no_fees\n", "code: no_fees\ncode: no_fees\n", ("line 2", "stands already in line 1")),
        (ONE, "scenarios: []\n", ("holds one scenario; this holds none",)),
        (ONE, "- a list\n", ("expected keys and values",)),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_place(tmp_path: Path, old: str, new: str, said: tuple[str, ...]) -> None:
    assert old in ONE
    file = tmp_path / "mine.yaml"
    file.write_text(ONE.replace(old, new), encoding="utf-8")
    with pytest.raises(AuthorityError) as told:
        read_scenario(load_authority(DEFAULT_AUTHORITY), file)
    for words in said:
        assert words in str(told.value)


def test_a_scenario_of_the_folder_is_checked_with_it(tmp_path: Path) -> None:
    folder = tmp_path / "authority"
    shutil.copytree(DEFAULT_AUTHORITY, folder)
    text = (folder / "scenarios.yaml").read_text(encoding="utf-8")
    spoilt = text.replace("line_codes: [land_rent]", "line_codes: [land_rents]").replace(
        "code: land_rent_written_off\n    title", "code: registration_fee_not_cut\n    title"
    )
    (folder / "scenarios.yaml").write_text(spoilt, encoding="utf-8")
    with pytest.raises(AuthorityError) as told:
        load_authority(folder)
    assert "names line 'land_rents', which revenue_lines.csv lacks; did you mean 'land_rent'?" in str(
        told.value
    )
    assert "code 'registration_fee_not_cut' stands 2 times" in str(told.value)
