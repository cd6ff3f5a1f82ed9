"""``wardcast diagnose`` on the sample: pages, pictures, and the nearest name for one that is not known."""

import datetime as dt
from pathlib import Path

import pytest

from authorities.loading import DEFAULT_AUTHORITY, load_authority
from pipelines.diagnose import find_line, find_unit
from pipelines.options import UnknownNameError
from tests.pipelines.conftest import NIGHT, Wardcast

DAY = dt.date(2020, 6, 30)


@pytest.mark.parametrize("text", ["00118", "118", "00118@2004", "Ngọc Thụy", "ngoc thuy", "Phường Ngọc Thuỵ"])
def test_a_unit_by_code_key_or_name_on_any_keyboard(text: str) -> None:
    assert find_unit(load_authority(DEFAULT_AUTHORITY), text, DAY).unit_key == "00118@2004"


@pytest.mark.parametrize("text", ["vat", "VAT", "Value added tax", "thue gia tri gia tang"])
def test_a_line_by_code_or_name(text: str) -> None:
    assert find_line(load_authority(DEFAULT_AUTHORITY), text).line_code == "vat"


def test_names_are_those_of_the_units_in_force_on_the_night() -> None:
    authority = load_authority(DEFAULT_AUTHORITY)
    assert find_unit(authority, "phúc lợi", DAY).valid_from < DAY
    later = find_unit(authority, "phúc lợi", dt.date(2025, 12, 31))
    assert later.holds_on(dt.date(2025, 12, 31))


def test_what_is_not_known_names_the_nearest_or_all() -> None:
    authority = load_authority(DEFAULT_AUTHORITY)
    with pytest.raises(UnknownNameError, match=r"'Ngoc Thui'.*did you mean Ngọc Thụy \(00118\)"):
        find_unit(authority, "Ngoc Thui", DAY)
    with pytest.raises(UnknownNameError, match=r"there are: .*Thượng Thanh \(00115\)"):
        find_unit(authority, "xyz", DAY)
    with pytest.raises(UnknownNameError, match="did you mean land_rent"):
        find_line(authority, "land_rend")


def test_a_page_and_a_picture_of_one_line(wardcast: Wardcast, sample: Path, tmp_path: Path) -> None:
    ask = ("diagnose", "ngoc thuy", "vat", "--landing", sample / "landing", "--as-of", NIGHT)
    told = wardcast(*ask, "--home", tmp_path / "home")
    assert told.exit_code == 0, told.output
    page = tmp_path / "home" / "diagnostics" / "00118-vat.html"
    assert told.stdout.strip() == str(page)
    text = page.read_text(encoding="utf-8")
    for part in ("Ngọc Thụy · Value added tax", "Simulated data", "Ljung–Box", "diffuse", "No year"):
        assert part in text
    assert not list(tmp_path.rglob("*.duckdb"))

    drawn = wardcast(*ask, "--home", tmp_path / "home", "--output", tmp_path / "out", "--format", "png")
    assert drawn.exit_code == 0, drawn.output
    assert (tmp_path / "out" / "00118-vat.png").read_bytes().startswith(b"\x89PNG")


def test_a_line_the_unit_has_no_receipts_of_is_refused(
    wardcast: Wardcast, sample: Path, tmp_path: Path
) -> None:
    places = ("--landing", sample / "landing", "--home", tmp_path, "--as-of", NIGHT)
    told = wardcast("diagnose", "00118", "lottery", *places)
    assert told.exit_code == 1
    assert "lottery" in told.output
    assert "vat" in told.output
