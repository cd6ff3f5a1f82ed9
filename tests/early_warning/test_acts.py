"""What people decide is kept: in order, on disk, by two writers at once, and after one was killed."""

import datetime as dt
import multiprocessing
import os
import signal
import stat
from pathlib import Path

import pytest

from early_warning.acts import ACT_SCHEMA, ACTS_FILE, Act, acts_by, append_act, read_acts

DAY = dt.date(2020, 7, 1)


def act(number: int = 1, **changed) -> Act:
    said = {"act": "close", "warning_id": f"below_half:{number}:2020", "known_on": DAY, "who": "Hoa",
            "why": "đã thu đủ", "recorded_at": "2020-07-01T02:00:00+00:00"}  # fmt: skip
    return Act(**(said | changed))


def test_acts_are_read_as_they_were_taken_down(tmp_path: Path):
    append_act(tmp_path, act(1))
    append_act(tmp_path, act(2, act="explain", until=dt.date(2020, 9, 30)))
    read = read_acts(tmp_path)
    assert dict(read.acts.schema) == ACT_SCHEMA
    assert read.acts.select("seq", "act", "who", "why", "until").rows() == [
        (1, "close", "Hoa", "đã thu đủ", None),
        (2, "explain", "Hoa", "đã thu đủ", dt.date(2020, 9, 30)),
    ]
    assert read.broken == ()
    assert stat.S_IMODE((tmp_path / ACTS_FILE).stat().st_mode) == 0o600


def test_a_home_without_acts_has_none(tmp_path: Path):
    assert read_acts(tmp_path).acts.is_empty()


def test_a_night_knows_only_the_acts_of_its_time(tmp_path: Path):
    for number, day in ((1, 3), (2, 1), (1, 2)):
        append_act(tmp_path, act(number, known_on=dt.date(2020, 7, day), why=str(day)))
    acts = read_acts(tmp_path).acts
    assert {
        key: [one["why"] for one in told] for key, told in acts_by(acts, dt.date(2020, 7, 2)).items()
    } == {
        "below_half:1:2020": ["2"],
        "below_half:2:2020": ["1"],
    }
    assert [one["why"] for one in acts_by(acts)["below_half:1:2020"]] == ["2", "3"]


def _write_many(home: Path, who: str) -> None:
    for number in range(60):
        append_act(home, act(number, who=who, why="x" * 200))


def test_two_writers_at_once_lose_nothing(tmp_path: Path):
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write_many, args=(tmp_path, who)) for who in ("Hoa", "An")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    read = read_acts(tmp_path)
    assert read.broken == ()
    assert sorted(read.acts["who"].value_counts().rows()) == [("An", 60), ("Hoa", 60)]


@pytest.mark.parametrize("half", [b'{"act": "close", "warn', b"\xff\xfe", b"[]", b'{"act": "burn"}'])
def test_half_a_line_is_told_kept_and_not_run_into(tmp_path: Path, half: bytes):
    append_act(tmp_path, act(1))
    path = tmp_path / ACTS_FILE
    with path.open("ab") as file:
        file.write(half)
    assert len(read_acts(tmp_path).broken) == 1
    append_act(tmp_path, act(2))
    read = read_acts(tmp_path)
    assert read.acts["warning_id"].to_list() == ["below_half:1:2020", "below_half:2:2020"]
    assert len(read.broken) == 1
    assert "line 2" in read.broken[0]
    assert half in path.read_bytes()


def _write_for_ever(home: Path) -> None:
    number = 0
    while True:
        append_act(home, act(number))
        number += 1


def test_a_writer_that_is_killed_leaves_no_act_half_known(tmp_path: Path):
    context = multiprocessing.get_context("spawn")
    writer = context.Process(target=_write_for_ever, args=(tmp_path,))
    writer.start()
    while not (tmp_path / ACTS_FILE).exists() or (tmp_path / ACTS_FILE).stat().st_size < 20_000:
        assert writer.is_alive()
    assert writer.pid is not None
    os.kill(writer.pid, signal.SIGKILL)
    writer.join(30)
    before = read_acts(tmp_path)
    append_act(tmp_path, act(10**6))
    after = read_acts(tmp_path)
    assert after.acts.height == before.acts.height + 1
    assert before.acts["warning_id"].to_list() == [f"below_half:{n}:2020" for n in range(before.acts.height)]
