"""``wardcast warnings`` on real nights: what people decide is shown at once, and known to later nights."""

import datetime as dt
import json
from pathlib import Path

import polars as pl
import pytest

from tests.pipelines.conftest import Wardcast, read
from tests.pipelines.small_district import daily, history, monthly, small_authority

FIRST, SECOND = "2020-03-10", "2020-03-11"
CASE = "extract_late:ALL:2020"
BY = ("--who", "Nguyễn Thị Hoa", "--why", "Đã gọi Kho bạc")


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory, wardcast: Wardcast):
    """A home with one night, whose listings of single days are mostly missing."""
    folder = tmp_path_factory.mktemp("warnings")
    authority, landing, home = small_authority(folder / "small"), folder / "landing", folder / "home"
    for year in (2018, 2019):
        history(landing, year, monthly(year, range(1, 13)))
    daily(landing, "2020-01-15", monthly(2020, [1]))
    places = ("--authority", authority, "--home", home)

    def night(as_of: str) -> None:
        result = wardcast("nightly", *places, "--landing", landing, "--as-of", as_of)
        assert result.exit_code == 0, result.output

    night(FIRST)
    return places, home, night


def state_on(home: Path, night: str) -> str:
    rows = read(home, "mart_warning").filter(
        pl.col("as_of") == dt.date.fromisoformat(night), pl.col("warning_id") == CASE
    )
    return rows["state"].item()


def test_the_story_of_a_case(office, wardcast: Wardcast) -> None:
    places, home, night = office
    listed = wardcast("warnings", "list", *places)
    assert listed.exit_code == 0, listed.output
    assert CASE in listed.output
    assert "đang mở" in listed.output
    assert "Số liệu chưa về đúng hạn (data_late)" in listed.output
    in_english = wardcast("warnings", "list", "--language", "en", *places)
    assert "(data_late)" in in_english.output

    wrong = wardcast("warnings", "acknowledge", "extract_late:2020", *BY, *places)
    assert wrong.exit_code == 1
    assert "did you mean" in wrong.output
    assert CASE in wrong.output

    unlike = wardcast("warnings", "acknowledge", "channel_failed:ALL:2020", *BY, *places)
    assert unlike.exit_code == 1
    assert "did you mean" not in unlike.output
    assert "wardcast warnings list" in unlike.output

    early = wardcast("warnings", "acknowledge", CASE, *BY, "--known-on", "2020-03-01", *places)
    assert (early.exit_code, "before the newest night, 2020-03-10" in early.output) == (1, True)

    told = wardcast("warnings", "acknowledge", CASE, *BY, "--known-on", SECOND, *places)
    assert told.exit_code == 0, told.output
    assert "đã tiếp nhận / acknowledged, 2020-03-11, Nguyễn Thị Hoa: Đã gọi Kho bạc" in told.output
    again = wardcast("warnings", "acknowledge", CASE, *BY, *places)
    assert (again.exit_code, "acknowledged already" in again.output) == (1, True)

    night(FIRST)
    assert state_on(home, FIRST) == "open", "a night knows nothing of what was decided after it"
    night(SECOND)
    assert (state_on(home, FIRST), state_on(home, SECOND)) == ("open", "acknowledged")

    refused = wardcast("warnings", "explain", CASE, *BY, "--until", "30.07.2020", *places)
    assert (refused.exit_code, "2020-06-30 or 30/06/2020" in refused.output) == (2, True)
    explained = wardcast(
        "warnings", "explain", CASE, *BY, "--until", "30/07/2020", "--known-on", SECOND, *places
    )
    assert explained.exit_code == 0, explained.output
    assert "đến / until 2020-07-30" in explained.output

    closed = wardcast("warnings", "close", CASE, *BY, "--known-on", SECOND, *places)
    assert closed.exit_code == 0, closed.output
    assert "Re-opens once the measure has" in closed.output
    assert CASE not in wardcast("warnings", "list", *places).stdout
    assert CASE in wardcast("warnings", "list", "--all", "--language", "en", *places).stdout
    acts = (home / "acts" / "warnings.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["act"] for line in acts] == ["acknowledge", "explain", "close"]

    with (home / "acts" / "warnings.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"act": "exp')
    shown = wardcast("warnings", "show", CASE, *places)
    assert shown.exit_code == 0, shown.output
    assert "line 4 cannot be read" in shown.output
    assert "đã đóng / closed" in shown.output


def test_nothing_is_taken_down_without_who_and_why(office, wardcast: Wardcast) -> None:
    places, home, _ = office
    before = (home / "acts" / "warnings.jsonl").read_bytes() if (home / "acts").exists() else b""
    assert wardcast("warnings", "close", CASE, "--who", "Hoa", *places).exit_code == 2
    blank = wardcast("warnings", "explain", CASE, "--who", " ", "--why", "x", *places)
    assert (blank.exit_code, "must say something" in blank.output) == (1, True)
    assert ((home / "acts" / "warnings.jsonl").read_bytes() if (home / "acts").exists() else b"") == before


def test_before_the_first_night_there_is_nothing_to_list(tmp_path: Path, wardcast: Wardcast) -> None:
    result = wardcast("warnings", "list", "--home", tmp_path / "new")
    assert (result.exit_code, "nothing has been published yet" in result.output) == (1, True)
