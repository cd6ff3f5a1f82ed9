"""The authorities that ship are whole and say what they should."""

import csv
import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest

from authorities.loading import AUTHORITIES_FOLDER, load_authority

SHIPPED = sorted(path.parent for path in AUTHORITIES_FOLDER.glob("*/authority.yaml"))


@pytest.mark.parametrize("folder", SHIPPED, ids=lambda folder: folder.name)
def test_every_shipped_authority_validates(folder: Path) -> None:
    authority = load_authority(folder)

    assert authority.code == folder.name
    assert authority.units
    assert "receipt" in {form.dataset for form in authority.forms}


def test_long_bien_has_14_wards_then_13_then_four_new_ones() -> None:
    authority = load_authority(AUTHORITIES_FOLDER / "long_bien")

    counts = [
        len(authority.units_on(day))
        for day in (dt.date(2020, 6, 30), dt.date(2025, 1, 1), dt.date(2025, 7, 1))
    ]

    assert counts == [14, 13, 4]


def test_a_reused_code_and_name_is_another_unit() -> None:
    authority = load_authority(AUTHORITIES_FOLDER / "long_bien")

    keys = [unit.unit_key for unit in authority.units if unit.code == "00127"]

    assert keys == ["00127@2004", "00127@2025"]


def test_territory_of_each_ended_ward_goes_on_whole() -> None:
    authority = load_authority(AUTHORITIES_FOLDER / "long_bien")
    ended = {unit.unit_key for unit in authority.units if unit.valid_to}

    weights = {key: Decimal(0) for key in ended}
    for part in authority.successions:
        weights[part.old_unit_key] += part.weight or Decimal(0)

    assert weights == dict.fromkeys(ended, Decimal(1))


@pytest.mark.parametrize(
    ("item", "line"),
    [("4931", "vat"), ("4918", "cit"), ("4917", "pit"), ("4934", "excise"), ("1802", "licence_fee"),
     ("2863", "licence_fee"), ("1705", "lottery"), ("0950", "balance_carry")],
)  # fmt: skip
def test_late_payment_and_licence_items_lie_with_their_tax(item: str, line: str) -> None:
    authority = load_authority(AUTHORITIES_FOLDER / "long_bien")

    assert {entry.item_code: entry.line_code for entry in authority.items}[item] == line


def test_every_line_has_one_assumed_share_on_every_day() -> None:
    authority = load_authority(AUTHORITIES_FOLDER / "long_bien")

    for day in (
        dt.date(2012, 1, 1),
        dt.date(2016, 12, 31),
        dt.date(2017, 1, 1),
        dt.date(2020, 6, 30),
        dt.date(2024, 5, 1),
    ):
        in_force = [rule for rule in authority.sharing_rules if rule.holds_on(day)]
        assert sorted(rule.line_code for rule in in_force) == sorted(
            line.line_code for line in authority.lines
        )
    assert all(rule.assumed and rule.source for rule in authority.sharing_rules)


def test_land_use_levy_and_what_others_decide_do_not_feed_recurrent_spending() -> None:
    authority = load_authority(AUTHORITIES_FOLDER / "long_bien")

    excluded = {mark.line_code for mark in authority.recurrent_lines if not mark.counts}

    assert excluded == {"land_use_levy", "contributions", "transfer", "balance_carry", "state_housing"}


def test_every_ward_of_the_sample_is_assigned_a_balancing_transfer_and_it_is_marked_as_assumed() -> None:
    authority = load_authority(AUTHORITIES_FOLDER / "long_bien")
    night = dt.date(2020, 6, 30)

    held = [one for one in authority.balancing_transfers if one.holds_on(night)]

    assert {one.unit_code for one in held} == {unit.code for unit in authority.units_on(night)}
    assert all(one.assumed and one.source for one in held)


def test_csv_files_have_no_stray_spaces_or_second_forms_of_letters() -> None:
    import unicodedata

    for path in sorted((AUTHORITIES_FOLDER / "long_bien").glob("*.csv")):
        for row in csv.reader(path.read_text(encoding="utf-8").splitlines()):
            assert row == [unicodedata.normalize("NFC", cell).strip() for cell in row], f"{path.name}: {row}"
