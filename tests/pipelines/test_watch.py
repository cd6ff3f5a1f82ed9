"""The dead-man check: a night, run, daemon or message that did not come is seen, and only then."""

import datetime as dt
import json
import os
import shutil
import time
from pathlib import Path

import dagster as dg
import polars as pl
import pytest
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.remote_origin import (
    InProcessCodeLocationOrigin,
    RemoteInstigatorOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.scheduler.instigation import InstigatorState, InstigatorStatus, ScheduleInstigatorData
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._daemon.types import DaemonHeartbeat

from authorities.loading import DEFAULT_AUTHORITY
from pipelines.dagster_home import open_instance
from pipelines.doctor import Finding
from pipelines.notify import notified_line, notify_now
from pipelines.settings import Places, Settings
from pipelines.watch import keep_watch, watch
from tests.early_warning.notified import SECRET, case, free_port, hook_to, mail_server, mail_to, web_server
from tests.pipelines.conftest import Wardcast
from tests.warehouse.publication_scenario import dimensions, facts, marts
from warehouse.engines import open_warehouse

NOW = dt.datetime(2020, 7, 1, 2, 0, tzinfo=dt.UTC)
"""Nine in the morning in Hà Nội."""
NIGHT = dt.date(2020, 6, 30)
PUBLISHED = dt.datetime(2020, 6, 30, 18, 30, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def places(home: Path) -> Places:
    """An office with files of its own, so that its night is yesterday's."""
    return placed(home)


def placed(home: Path, authority: Path = DEFAULT_AUTHORITY) -> Places:
    return Places(Settings(authority=authority, home=home, landing=home / "in"))


def publish(
    places: Places,
    night: dt.date = NIGHT,
    at: dt.datetime = PUBLISHED,
    frames: dict[str, pl.DataFrame] | None = None,
) -> None:
    places.home.mkdir(exist_ok=True)
    open_warehouse(places.warehouse_url).publish(night, frames or marts(night), dimensions(), facts(at))


def ill(findings: list[Finding]) -> list[str]:
    return [f"{finding.subject}: {finding.text}" for finding in findings if not finding.is_well]


def test_a_night_of_the_last_hours_is_well_and_dagster_is_not_asked(places: Places) -> None:
    publish(places)
    assert ill(watch(places, NOW, 26)) == []
    assert not places.dagster_home.exists()


def test_no_night_a_late_one_and_a_past_one_are_seen(places: Places) -> None:
    assert ill(watch(places, NOW, 26)) == [
        "night: no night of 2020-06-29 or later was published in the last 26 hours; nothing was ever "
        "published. Run: wardcast nightly"
    ]
    publish(places, at=NOW - 27 * HOUR)
    assert "the last was 2020-06-30.1, 27 hours ago" in ill(watch(places, NOW, 26))[0]
    publish(places, dt.date(2020, 3, 31), at=NOW - HOUR)
    assert ill(watch(places, NOW, 26)), "a past night run again is not the night"
    publish(places, at=NOW - HOUR)
    assert ill(watch(places, NOW, 26)) == []


@dg.job(name="nightly")
def failing_or_not() -> None:
    pass


def test_a_last_run_that_failed_or_hangs_is_seen(places: Places) -> None:
    publish(places)
    now = dt.datetime.now(dt.UTC)
    found = []
    statuses = (dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.SUCCESS)
    with open_instance(places.dagster_home) as instance:
        for status in statuses:
            instance.create_run_for_job(
                failing_or_not, status=status, tags={"dagster/partition": NIGHT.isoformat()}
            )
            later = now + 30 * HOUR
            found.append([line for line in ill(watch(places, later, 26)) if line.startswith("last run")])
    assert "of the night of 2020-06-30: failure; the home's notices.jsonl says why" in found[0][0]
    assert "started for 30 hours" in found[1][0]
    assert found[2] == []


def switch_on_schedule(instance: dg.DagsterInstance) -> None:
    location = InProcessCodeLocationOrigin(LoadableTargetOrigin(module_name="pipelines.definitions"))
    origin = RemoteInstigatorOrigin(
        RemoteRepositoryOrigin(location, "__repository__"), "nightly_at_half_past_one"
    )
    instance.add_instigator_state(
        InstigatorState(
            origin, InstigatorType.SCHEDULE, InstigatorStatus.RUNNING, ScheduleInstigatorData("30 1 * * *")
        )
    )


def test_a_silent_daemon_is_seen_where_a_schedule_relies_on_it(places: Places) -> None:
    publish(places)
    with open_instance(places.dagster_home) as instance:
        instance.add_daemon_heartbeat(
            DaemonHeartbeat((NOW - 2 * HOUR).timestamp(), "SCHEDULER", "one", errors=[])
        )
        assert ill(watch(places, NOW, 26)) == [], "tried once and left, while cron runs the nights"
        switch_on_schedule(instance)
        assert ill(watch(places, NOW, 26)) == [
            "daemon: Dagster's daemon gave its last sign of life 120 minutes ago; on it rely "
            "nightly_at_half_past_one. Start it, or switch them off where nights are run by other means"
        ]
        instance.add_daemon_heartbeat(
            DaemonHeartbeat((NOW - HOUR / 60).timestamp(), "SCHEDULER", "one", errors=[])
        )
        assert ill(watch(places, NOW, 26)) == []


def test_a_schedule_that_never_saw_a_daemon_is_seen(places: Places) -> None:
    publish(places)
    with open_instance(places.dagster_home) as instance:
        switch_on_schedule(instance)
        assert "never gave a sign of life" in ill(watch(places, NOW, 26))[0]


def test_a_sender_that_failed_or_never_ran_is_seen(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The scenario's warning belongs to the role 'finance', which the rules of the district do not have."""
    with mail_server() as box:
        monkeypatch.setenv("WARDCAST_NOTIFY_FINANCE", mail_to(box))
        places = placed(home)
        publish(places)
        assert any("no rule has the role 'finance'" in line for line in ill(watch(places, NOW, 26)))
        roles = places.authority.settings.recipients | {"finance": ("Tài chính",)}
        settings = places.authority.settings.model_copy(update={"recipients": roles})
        places.authority = places.authority.model_copy(update={"settings": settings})
        assert ill(watch(places, NOW, 26)) == [], "quiet hours may still hold it"
        assert ill(watch(places, NOW + 6 * HOUR, 26)) == [
            "sender: finance by mailto 1: the newest night's warnings were not sent. "
            "Mend it and run: wardcast notify"
        ]
        box.answer = lambda count: "554 no"
        assert notify_now(places, NOW).failed == (
            "finance by mailto 1: digest failed, the letter refused (554)",
        )
        assert "digest failed, the letter refused (554)" in ill(watch(places, NOW, 26))[0]
        box.answer = lambda count: "250 OK"
        assert notify_now(places, NOW).sent == ("finance by mailto 1: digest sent",)
        assert ill(watch(places, NOW + 6 * HOUR, 26)) == []
        assert len(box.letters) == 1


def test_the_sign_of_life_is_given_only_when_all_is_well(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    beat = tmp_path / "watched" / "heartbeat"
    with web_server() as hook:
        monkeypatch.setenv("WARDCAST_HEARTBEAT_URL", f"http://127.0.0.1:{hook.port}/{SECRET}")
        monkeypatch.setenv("WARDCAST_HEARTBEAT_FILE", str(beat))
        places = placed(home)
        assert ill(keep_watch(places, NOW, 26))
        assert not beat.exists()
        assert hook.paths == []
        publish(places)
        assert ill(keep_watch(places, NOW, 26)) == []
        assert hook.paths == [f"/{SECRET}"]
        os.utime(beat, (0, 0))
        keep_watch(places, NOW, 26)
        assert beat.stat().st_mtime > time.time() - 3600
        hook.status = lambda count: 503
        assert ill(keep_watch(places, NOW, 26)) == ["heartbeat URL: answered 503"]


@pytest.mark.parametrize("url", ["http://127.0.0.1:{port}/" + SECRET, f"ftp://{SECRET}", SECRET])
def test_a_monitor_that_is_not_reached_is_said_without_its_url(
    home: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("WARDCAST_HEARTBEAT_URL", url.replace("{port}", str(free_port())))
    places = placed(home)
    publish(places)
    said = ill(keep_watch(places, NOW, 26))
    assert len(said) == 1
    assert SECRET not in said[0] + repr(Settings())


def test_the_command_tells_and_watches(
    home: Path, wardcast: Wardcast, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit codes as cron and systemd see them; secrets in no output and no file."""
    options = ("--home", home, "--landing", home / "in")
    assert wardcast("doctor", "--since", "26", *options).exit_code == 1
    now = dt.datetime.now(dt.UTC)
    places = placed(home)
    publish(places, places.default_night(now), now)
    assert wardcast("doctor", "--since", "26", *options).exit_code == 0
    with web_server() as hook:
        monkeypatch.setenv("WARDCAST_NOTIFY_DISTRICT_FINANCE", hook_to(hook))
        monkeypatch.setenv("WARDCAST_NOTIFY_NOBODY", f"slack://{SECRET}")
        told = wardcast("notify", "--home", home)
        assert told.exit_code == 0
        assert "finance: no channel; set WARDCAST_NOTIFY_FINANCE" in told.output
        watched = wardcast("doctor", "--since", "26", *options)
        seen = wardcast("doctor", *options)
    assert watched.exit_code == seen.exit_code == 1
    assert "MEND  sender: WARDCAST_NOTIFY_NOBODY: no rule has the role 'nobody'" in watched.output
    assert "ok    channels: district_finance by json 1\n" in seen.output
    assert seen.output.count("MEND  channels: WARDCAST_NOTIFY_NOBODY: no rule has the role") == 1
    assert seen.output.count("MEND  channels: nobody by slack 1: not a URL that Apprise reads") == 1
    assert SECRET not in told.output + watched.output + seen.output
    kept = [path for path in home.rglob("*") if path.is_file()]
    assert kept
    assert not [path for path in kept if SECRET.encode() in path.read_bytes()]


def test_each_channel_is_said_once_with_the_mark_of_its_last_message(
    home: Path, wardcast: Wardcast, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The scenario's warning belongs to the role 'finance', which this authority's rules have."""
    authority = home.parent / "authority"
    shutil.copytree(DEFAULT_AUTHORITY, authority)
    settings = authority / "authority.yaml"
    told = settings.read_text("utf-8").replace("recipients:", "recipients:\n  finance: [Tài chính]", 1)
    settings.write_text(told, "utf-8")
    publish(placed(home, authority))
    options = ("--home", home, "--landing", home / "in", "--authority", authority)
    with web_server() as hook, mail_server() as box:
        hook.status = lambda count: 500
        monkeypatch.setenv("WARDCAST_NOTIFY_FINANCE", f"{hook_to(hook)} {mail_to(box)} {SECRET}")
        for _ in range(2):
            notify_now(placed(home, authority), NOW)
        seen = wardcast("doctor", *options)
        assert seen.exit_code == 1
        said = [line for line in seen.output.splitlines() if "finance by" in line]
        assert [line.partition(": ")[0] for line in said] == [
            "ok    channels", "MEND  channels", "MEND  notified", "ok    notified",
        ], said  # fmt: skip
        assert "unreadable" not in said[0]
        assert "digest failed, answered 500" in said[2]
        hook.status = lambda count: 200
        notify_now(placed(home, authority), NOW)
        seen = wardcast("doctor", *options)
    assert "ok    notified: 2020-06-30 finance by json 1: digest sent" in seen.output
    assert "digest failed" not in seen.output


def test_a_digest_held_by_quiet_hours_is_said_so_beside_what_went_out(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_two = dt.datetime(2020, 6, 30, 19, 0, tzinfo=dt.UTC)
    severe = case("shortfall_likely:B:2020", severity="severe")
    with mail_server() as box:
        monkeypatch.setenv("WARDCAST_NOTIFY_WARD_CHAIR", mail_to(box))
        places = placed(home)
        frames = marts(NIGHT)
        like = frames["mart_warning"]
        rows = [like.row(0, named=True) | row for row in (case("below_half:A:2020"), severe)]
        publish(places, frames=frames | {"mart_warning": pl.DataFrame(rows, schema=like.schema)})
        notify_now(places, at_two)
        warned = open_warehouse(places.warehouse_url).read_mart("mart_warning", NIGHT)
        line = notified_line(places, NIGHT, warned, at_two)
        assert line == (
            "ward_chair by mailto 1 (instant sent, digest held by quiet hours); "
            "after quiet hours run  wardcast notify"
        )
        notify_now(places, NOW)
        assert notified_line(places, NIGHT, warned, NOW) == "ward_chair by mailto 1 (instant and digest sent)"


def test_the_record_of_what_was_sent_is_plain_to_read(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with mail_server() as box:
        monkeypatch.setenv("WARDCAST_NOTIFY_FINANCE", mail_to(box))
        places = placed(home)
        publish(places)
        notify_now(places, NOW)
    lines = [json.loads(line) for line in (home / "acts" / "notifications.jsonl").read_text().splitlines()]
    assert [line["event"] for line in lines] == ["intent", "result"]
    assert (lines[0]["role"], lines[0]["channel"], lines[0]["night"]) == ("finance", "mailto 1", "2020-06-30")
    assert lines[1]["result"] == "sent"
