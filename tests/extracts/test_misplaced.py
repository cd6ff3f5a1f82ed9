"""A file in a wrong folder is told where it belongs; what no form knows by any name is not."""

from pathlib import Path

import pytest

from authorities.loading import DEFAULT_AUTHORITY, load_authority
from extracts.intake import take_in
from extracts.misplaced import split_pattern
from tests.extracts.conftest import AS_OF, Office, row


@pytest.mark.parametrize(
    ("pattern", "parts"),
    [
        (r"(^|/)kho/\d{4}/thu_[^/]*\.(csv|xlsx)$", (r"(^|/)kho/\d{4}/", r"thu_[^/]*\.(csv|xlsx)$")),
        (r"^a\/b\.csv$", None),
        (r"(^|/)thu\.csv$", None),
        (r"^[/]x", None),
        (r"^a/[]/]x", (r"^a/", r"[]/]x")),
    ],
)
def test_a_pattern_is_parted_at_its_last_slash(pattern: str, parts: tuple[str, str] | None) -> None:
    assert split_pattern(pattern) == parts


def test_a_file_in_the_wrong_folder_is_told_where_it_belongs(tmp_path: Path) -> None:
    landing = tmp_path / "landing"
    for name in ("thue/2020-06-29/bang_ke_thu_2020-06-29.csv", "bang_ke_thu_2019.csv", "thu_chi.csv"):
        path = landing / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x", encoding="utf-8")

    register = take_in(load_authority(DEFAULT_AUTHORITY), landing, tmp_path / "raw", AS_OF)

    told = dict(register.select("source_file", "problem").iter_rows())
    assert set(register["status"]) == {"unclaimed"}
    assert told["thue/2020-06-29/bang_ke_thu_2020-06-29.csv"].endswith(
        ": named as form 'treasury_receipts_daily' expects, but it lies in another folder. "
        "Move it to kho_bac/YYYY-MM-DD/ in the landing folder"
    )
    assert "Move it to kho_bac/lich_su/" in told["bang_ke_thu_2019.csv"]
    assert "no form claims this file" in told["thu_chi.csv"]


def test_where_forms_ask_nothing_of_folders_none_is_named(office: Office) -> None:
    office.listing(row())
    office.put("abc.csv", "x")

    [problem] = office.register().filter(status="unclaimed")["problem"]
    assert "no form claims this file" in problem
