"""The folder of the bulletins: each night's site is replaced whole, and latest leads to the newest night."""

import datetime as dt
from pathlib import Path

import pytest

from assets.bulletin import is_counted
from assets.bulletin_folder import write_site

NIGHT = dt.date(2020, 6, 30)
BEFORE = dt.date(2020, 3, 31)


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_night_made_again_replaces_all_of_its_files(tmp_path: Path) -> None:
    write_site(tmp_path, NIGHT, {"index.html": b"one", "unit-gone.html": b"old"}, is_newest=True)
    place = write_site(tmp_path, NIGHT, {"index.html": b"two"}, is_newest=True)
    assert files(place) == files(tmp_path / "latest") == {"index.html": b"two"}
    assert len(list((tmp_path / ".sites").iterdir())) == 1


def test_an_older_night_leaves_latest_alone(tmp_path: Path) -> None:
    write_site(tmp_path, NIGHT, {"index.html": b"new"}, is_newest=True)
    write_site(tmp_path, BEFORE, {"index.html": b"old"}, is_newest=False)
    assert files(tmp_path / "latest") == {"index.html": b"new"}
    assert files(tmp_path / "2020-03-31") == {"index.html": b"old"}


def test_a_site_that_cannot_be_written_leaves_the_one_before(tmp_path: Path) -> None:
    write_site(tmp_path, NIGHT, {"index.html": b"before"}, is_newest=True)
    with pytest.raises(OSError, match="nowhere"):
        write_site(tmp_path, NIGHT, {"index.html": b"x", "nowhere/index.html": b"x"}, is_newest=True)
    assert files(tmp_path / "latest") == {"index.html": b"before"}
    assert len(list((tmp_path / ".sites").iterdir())) == 1


def test_folders_of_an_older_version_make_way(tmp_path: Path) -> None:
    for name in ("2020-06-30", "latest"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "index.html").write_text("one page")
    write_site(tmp_path, NIGHT, {"index.html": b"site", "warnings.html": b"w"}, is_newest=True)
    assert set(files(tmp_path / "latest")) == {"index.html", "warnings.html"}


def test_a_reader_who_holds_the_folder_keeps_what_was_there_or_finds_what_is(tmp_path: Path) -> None:
    write_site(tmp_path, NIGHT, {"index.html": b"one"}, is_newest=True)
    with (tmp_path / "latest" / "index.html").open("rb") as held:
        write_site(tmp_path, NIGHT, {"index.html": b"two"}, is_newest=True)
        assert held.read() == b"one"
    assert (tmp_path / "latest" / "index.html").read_bytes() == b"two"


def test_rows_of_unknown_place_count_and_rows_that_cannot_be_relied_on_do_not() -> None:
    assert is_counted("receipt", "unit_is_known")
    assert not is_counted("receipt", "amount_is_a_number")
    assert not is_counted("receipt", "no such rule")
