"""A channel that fails is a warning itself: from the record of what was sent to a case that calms down."""

import datetime as dt
from pathlib import Path

import polars as pl
import pytest

from authorities.loading import DEFAULT_AUTHORITY, load_authority
from authorities.warning_rules import FIGURES_OF
from early_warning.channels import channels_of
from early_warning.data_rules import UNUSED_AFTER_DAYS
from early_warning.notification import notify
from early_warning.notification_journal import SENDING_SCHEMA, sendings_frame
from early_warning.rules import find_warnings, findings_of
from tests.early_warning.nights import FIRST, NO_ACTS, a_night, after, only
from tests.early_warning.notified import (
    NIGHT,
    NOW,
    QUICK,
    SECRET,
    case,
    hook_to,
    mail_server,
    mail_to,
    told,
    web_server,
)

CASE = "messages_fail:ALL:ward_chair/json-1:2020"
CHAIR, FINANCE = "WARDCAST_NOTIFY_WARD_CHAIR", "WARDCAST_NOTIFY_DISTRICT_FINANCE"


@pytest.fixture(scope="module")
def authority():
    return only(load_authority(DEFAULT_AUTHORITY), "messages_fail")


def day(number: int) -> dt.date:
    return NIGHT + dt.timedelta(days=number)


def sendings(*rows: tuple[int, str], channel: str = "json 1") -> pl.DataFrame:
    """Digests to the ward's chair: (nights after the first, result)."""
    return pl.DataFrame(
        [(day(number), "ward_chair", channel, "digest", result) for number, result in rows],
        schema=SENDING_SCHEMA, orient="row",
    )  # fmt: skip


def nights_in_a_row(authority, as_of: dt.date, record: pl.DataFrame) -> float | None:
    found = findings_of(a_night(authority, as_of, sendings=record))
    return found[0].value if found else None


@pytest.mark.parametrize(
    ("rows", "nights"),
    [
        ([(0, "sent")], None),
        ([(0, "failed")], 1),
        ([(0, "partial")], 1),
        ([(0, "unknown")], 1),
        ([(0, "pending")], 1),
        ([(0, "failed"), (0, "sent")], None),
        ([(0, "sent"), (1, "failed"), (3, "unknown")], 2),
        ([(0, "failed"), (1, "sent"), (2, "failed")], 1),
        ([(0, "failed"), (4, "failed")], 1),  # the fourth night has not been yet
        ([(0, "sent"), (4, "failed")], None),
    ],
)
def test_nights_in_a_row_that_did_not_surely_arrive(authority, rows, nights) -> None:
    assert nights_in_a_row(authority, day(4), sendings(*rows)) == nights


def test_one_failed_channel_beside_another_that_is_well(authority) -> None:
    record = pl.concat([sendings((0, "failed")), sendings((0, "sent"), channel="mailto 1")])
    (found,) = findings_of(a_night(authority, day(1), sendings=record))
    assert found.warning_id(2020) == CASE
    assert set(found.figures) <= FIGURES_OF["channel_failed"]


def test_a_channel_out_of_use_troubles_nobody_for_long(authority) -> None:
    assert nights_in_a_row(authority, day(UNUSED_AFTER_DAYS), sendings((0, "failed"))) == 1
    assert nights_in_a_row(authority, day(UNUSED_AFTER_DAYS + 1), sendings((0, "failed"))) is None


def test_a_failing_channel_is_told_to_its_owner_and_calms_down(authority, tmp_path: Path) -> None:
    with web_server() as chair, mail_server() as finance:
        chair.status = lambda count: 500
        channels = {CHAIR: hook_to(chair), FINANCE: mail_to(finance)}
        told(tmp_path, channels, case("below_half:A:2020"))
        before, states = FIRST, []
        for number in (1, 2):
            night = a_night(authority, day(number), sendings=sendings_frame(tmp_path))
            found = find_warnings(night, before, NO_ACTS)
            before = after(night, found)
            states.append(found.warnings.select("warning_id", "state", "owner", "value").rows())
            now = NOW + dt.timedelta(days=number)
            notify(
                tmp_path,
                authority,
                day(number),
                found.warnings,
                channels_of(channels),
                now,
                day(number),
                "/srv/bulletin/index.html",
                QUICK,
            )
            chair.status = lambda count: 200
            told(tmp_path, channels, case("below_half:A:2020"), night=day(number), now=now)
    assert states == [[(CASE, "open", "district_finance", 1.0)], [(CASE, "closed", "district_finance", None)]]
    said = " ".join(finance.letters[0].get_body(("plain",)).get_content().split())
    assert "Tin gửi Chủ tịch UBND phường" in said
    assert "qua kênh json 1 không chắc đã tới nơi từ đêm 30/6/2020 (số đêm liền: 1)" in said
    assert "ended" in finance.letters[1].get_body(("plain",)).get_content().lower()
    assert SECRET not in said


def test_a_past_night_run_again_gives_what_it_gave(authority, tmp_path: Path) -> None:
    with web_server() as chair:
        chair.status = lambda count: 500
        told(tmp_path, {CHAIR: hook_to(chair)}, case("below_half:A:2020"))
        first = find_warnings(a_night(authority, day(1), sendings=sendings_frame(tmp_path)), FIRST, NO_ACTS)
        chair.status = lambda count: 200
        told(tmp_path, {CHAIR: hook_to(chair)}, case("below_half:A:2020"), night=day(1))
    again = find_warnings(a_night(authority, day(1), sendings=sendings_frame(tmp_path)), FIRST, NO_ACTS)
    assert first.warnings.height == 1
    assert again.warnings.equals(first.warnings)
