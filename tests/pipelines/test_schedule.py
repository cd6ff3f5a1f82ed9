"""When the night runs by itself, and for which day."""

import datetime as dt
from pathlib import Path
from zoneinfo import ZoneInfo

import dagster as dg
import pytest

from pipelines.definitions import build_definitions
from pipelines.settings import Places, Settings

SCHEDULE = "nightly_at_half_past_one"


def definitions_of(tmp_path: Path, authority: str, landing: Path | None) -> dg.Definitions:
    return build_definitions(
        Places(Settings(authority=Path("authorities") / authority, home=tmp_path, landing=landing))
    )


def night_asked_for(definitions: dg.Definitions, tick: dt.datetime) -> str | None:
    context = dg.build_schedule_context(
        scheduled_execution_time=tick, repository_def=definitions.get_repository_def()
    )
    asked = definitions.resolve_schedule_def(SCHEDULE).evaluate_tick(context)
    assert asked.run_requests is not None
    return asked.run_requests[0].partition_key


@pytest.mark.parametrize(
    ("authority", "zone"), [("long_bien", "Asia/Ho_Chi_Minh"), ("ukraine_cities", "Europe/Kyiv")]
)
def test_half_past_one_in_the_authoritys_zone_for_the_day_that_has_ended(
    tmp_path: Path, authority: str, zone: str
) -> None:
    definitions = definitions_of(tmp_path, authority, tmp_path)
    schedule = definitions.resolve_schedule_def(SCHEDULE)
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("30 1 * * *", zone)
    tick = dt.datetime(2024, 7, 2, 1, 30, tzinfo=ZoneInfo(zone))
    assert tick.astimezone(dt.UTC).date() == dt.date(2024, 7, 1)  # the day before, where Dagster runs
    assert night_asked_for(definitions, tick) == "2024-07-01"
    assert night_asked_for(definitions, tick.astimezone(dt.UTC)) == "2024-07-01"


def test_on_the_sample_it_is_the_samples_own_night(tmp_path: Path) -> None:
    definitions = definitions_of(tmp_path, "long_bien", None)
    tick = dt.datetime(2024, 7, 2, 1, 30, tzinfo=ZoneInfo("Asia/Ho_Chi_Minh"))
    assert night_asked_for(definitions, tick) == "2020-06-30"


def test_it_is_off_until_someone_switches_it_on(tmp_path: Path) -> None:
    schedule = definitions_of(tmp_path, "long_bien", None).resolve_schedule_def(SCHEDULE)
    assert schedule.default_status is dg.DefaultScheduleStatus.STOPPED


def test_the_backtest_is_asked_for_once_a_month_after_the_night(tmp_path: Path) -> None:
    definitions = definitions_of(tmp_path, "ukraine_cities", tmp_path)
    schedule = definitions.resolve_schedule_def("monthly_backtest")
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("30 3 2 * *", "Europe/Kyiv")
    assert schedule.job_name == "backtest"
    assert schedule.default_status is dg.DefaultScheduleStatus.STOPPED
    tick = dt.datetime(2024, 2, 2, 3, 30, tzinfo=ZoneInfo("Europe/Kyiv"))
    context = dg.build_schedule_context(
        scheduled_execution_time=tick, repository_def=definitions.get_repository_def()
    )
    asked = schedule.evaluate_tick(context)
    assert asked.run_requests is not None
    assert [request.partition_key for request in asked.run_requests] == ["2024-02-01"]
