"""Staged rows kept from night to night: the same as staged anew, made again when anything they depend on is
not what it was, and never read when damaged."""

import datetime as dt
import io
import shutil
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from authorities.model import Authority
from extracts.intake import scan_dataset, stage_dataset
from extracts.raw import read_kept
from tests.extracts.conftest import AS_OF, Office, row


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    return tmp_path / "staged"


def staged(
    office: Office, kept: Path, as_of: dt.date = AS_OF, authority: Authority | None = None
) -> pl.DataFrame:
    """The night's receipts, and that they are what is staged without anything kept."""
    register = office.register(as_of)
    now = authority or office.authority
    rows = scan_dataset(now, "receipt", register, office.store, kept, unjudged).collect()
    assert_frame_equal(rows, stage_dataset(now, "receipt", register, office.store))
    return rows


def unjudged(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows of which nobody asks what rules they break."""
    return rows


def listing_of(office: Office, day: int, amount: int = 1000) -> None:
    rows = [row(day * 100 + number, str(amount + number), day=f"{day:02d}/06/2020") for number in range(3)]
    office.listing(*rows, name=f"2020-06-{day:02d}/thu_2020-06-{day:02d}.csv")


def read_raw(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the raw rows that are read for staging, from here on."""
    read: list[str] = []

    def noted(path: Path, *, without: tuple[str, ...] = ()) -> pl.DataFrame:
        read.append(path.name)
        return read_kept(path, without=without)

    monkeypatch.setattr("extracts.intake.read_kept", noted)
    return read


def night(office: Office, kept: Path) -> pl.DataFrame:
    return scan_dataset(
        office.authority, "receipt", office.register(), office.store, kept, unjudged
    ).collect()


def test_a_night_stages_what_is_new_and_nothing_else(
    office: Office, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for day in (1, 2, 3):
        listing_of(office, day)
    staged(office, kept)
    listing_of(office, 2, 7000)  # overwritten: other bytes, staged anew
    listing_of(office, 9)
    read = read_raw(monkeypatch)

    first = night(office, kept)
    assert len(read) == 2
    assert night(office, kept).equals(first)
    assert len(read) == 2
    assert first.filter(pl.col("amount") >= 7000).height == 3


def test_what_was_found_of_kept_rows_is_not_asked_again(office: Office, kept: Path) -> None:
    judged: list[int] = []

    def large(rows: pl.DataFrame) -> pl.DataFrame:
        judged.append(rows.height)
        rule = pl.when(pl.col("amount") >= 7000).then(pl.lit("too_large"))
        return rows.with_columns(rule.alias("broken_rule"))

    def night() -> pl.DataFrame:
        register = office.register()
        return scan_dataset(office.authority, "receipt", register, office.store, kept, large).collect()

    listing_of(office, 1)
    listing_of(office, 2, 7000)
    night()
    listing_of(office, 9, 7000)
    rows = night()

    assert judged == [6, 3]
    assert rows["broken_rule"].to_list() == [None] * 3 + ["too_large"] * 6
    assert night().equals(rows)


def test_large_deliveries_are_staged_a_few_at_a_time(
    office: Office, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("extracts.kept_staging._BATCH_ROWS", 6)
    for day in range(1, 6):
        listing_of(office, day)

    staged(office, kept)

    assert sorted(pl.read_parquet(path).height for path in kept.rglob("*.parquet")) == [3, 6, 6]
    assert staged(office, kept)["delivery_order"].unique().sort().to_list() == [1, 2, 3, 4, 5]


def test_a_file_between_two_others_takes_its_place(office: Office, kept: Path) -> None:
    listing_of(office, 1)
    listing_of(office, 9)
    staged(office, kept)
    listing_of(office, 5)

    rows = staged(office, kept)

    assert rows["delivery_order"].to_list() == [1] * 3 + [2] * 3 + [3] * 3
    assert rows["posting_date"].is_sorted()


def test_doubts_about_a_resend_are_told_over_kept_rows(office: Office, kept: Path) -> None:
    office.listing(*(row(number, "5") for number in range(9)), name="2020-06-15/thu_2020-06-15.csv")
    staged(office, kept)
    office.listing(row(1, "5"), name="2020-06-16/thu_2020-06-15.csv")

    assert staged(office, kept)["scope_doubt"].to_list() == [None] * 9 + ["smaller_than_before"]


def test_another_catalogue_stages_all_anew(office: Office, kept: Path) -> None:
    listing_of(office, 1)
    assert staged(office, kept)["unit_key"].null_count() == 0
    nobody = office.authority.model_copy(update={"units": office.authority.units[2:]})

    assert staged(office, kept, authority=nobody)["unit_key"].null_count() == 3


def test_what_staging_does_not_read_leaves_kept_rows_alone(
    office: Office, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listing_of(office, 1)
    staged(office, kept)
    read = read_raw(monkeypatch)
    later = office.authority.settings.model_copy(update={"first_night": dt.date(2018, 1, 1)})
    authority = office.authority.model_copy(update={"settings": later})
    scan_dataset(authority, "receipt", office.register(), office.store, kept, unjudged)

    assert read == []


def test_other_code_stages_all_anew(office: Office, kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listing_of(office, 1)
    staged(office, kept)
    read = read_raw(monkeypatch)
    monkeypatch.setattr("extracts.kept_staging.code_digest", lambda: "other")
    night(office, kept)

    assert len(read) == 1


@pytest.mark.parametrize("damage", [b"", b"PAR1", None])
def test_damaged_segments_are_made_again(office: Office, kept: Path, damage: bytes | None) -> None:
    listing_of(office, 1)
    before = staged(office, kept)
    [segment] = kept.rglob("*.parquet")
    whole = segment.read_bytes()
    at = len(whole) // 2
    segment.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :] if damage is None else damage)

    assert staged(office, kept).equals(before)
    assert [path.read_bytes() for path in kept.rglob("*.parquet")] == [whole]


def test_what_a_killed_night_left_is_not_read(office: Office, kept: Path) -> None:
    listing_of(office, 1)
    before = staged(office, kept)
    [segment] = kept.rglob("*.parquet")
    segment.rename(segment.with_name("segment.half"))

    assert staged(office, kept).equals(before)


def test_many_nights_leave_few_segments(office: Office, kept: Path) -> None:
    for day in range(1, 29):
        listing_of(office, day)
        night(office, kept)

    assert staged(office, kept).height == 28 * 3
    assert len(list(kept.rglob("*.parquet"))) <= 6


def written(frame: pl.DataFrame) -> bytes:
    """A frame as the lake has it."""
    file = io.BytesIO()
    frame.write_parquet(file, compression="lz4")
    return file.getvalue()


def test_a_replay_from_raw_rows_gives_the_same_bytes(office: Office, kept: Path) -> None:
    for day in (3, 9, 1, 5):
        listing_of(office, day)
        last = night(office, kept)
    segments = len(list(kept.rglob("*.parquet")))
    shutil.rmtree(kept)
    replayed = night(office, kept)

    assert segments == 4
    assert len(list(kept.rglob("*.parquet"))) == 1
    assert written(last) == written(replayed) == written(night(office, kept))


@given(nights=st.lists(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 4)), max_size=3), max_size=9))
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
def test_in_whatever_order_files_come_kept_rows_are_those_staged_anew(
    office: Office, kept: Path, nights: list[list[tuple[int, int]]]
) -> None:
    for folder in (office.landing, office.store, kept):
        shutil.rmtree(folder, ignore_errors=True)
    listing_of(office, 20)
    for files in nights:
        for day, amount in files:
            listing_of(office, day, amount * 1000)
        staged(office, kept)
