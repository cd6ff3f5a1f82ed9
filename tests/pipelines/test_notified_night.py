"""A whole night that tells its roles: one channel well, one gone, and nothing said that must not be."""

import datetime as dt
import json
import shutil
from pathlib import Path

import polars as pl
import pytest

from authorities.loading import DEFAULT_AUTHORITY, load_authority
from pipelines.sample import STAMP_FILE, _stamp
from tests.early_warning.notified import SECRET, hook_to, mail_server, mail_to, web_server
from tests.pipelines.conftest import NIGHT, Wardcast, read


def taxpayers(listing: Path) -> set[str]:
    """Names and tax numbers of those who paid."""
    rows = [line.split(";") for line in listing.read_text("utf-8-sig").splitlines() if line[:1].isdigit()]
    return {cell for row in rows for cell in row[7:9] if len(cell) > 8}


def never_quiet(folder: Path) -> Path:
    """The authority without quiet hours: a digest goes out whenever the test runs."""
    shutil.copytree(DEFAULT_AUTHORITY, folder)
    rules = folder / "warning_rules.yaml"
    kept = [line for line in rules.read_text("utf-8").splitlines() if "quiet_hours:" not in line]
    rules.write_text("\n".join(kept), "utf-8")
    return folder


def test_a_night_tells_its_roles_and_a_channel_that_fails_fails_no_night(
    sample: Path, tmp_path: Path, wardcast: Wardcast, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    authority = never_quiet(tmp_path / "long_bien")
    shutil.copytree(sample, home / "sample")  # the short one, stamped as this home's own
    stamp = _stamp(load_authority(authority))
    (home / "sample" / STAMP_FILE).write_text(json.dumps(stamp))
    with mail_server(needs_login=True) as box, web_server() as hook:
        hook.status = lambda count: 500
        monkeypatch.setenv("WARDCAST_NOTIFY_WARD_CHAIR", mail_to(box, login=f"wardcast:{SECRET}@"))
        monkeypatch.setenv("WARDCAST_NOTIFY_DISTRICT_FINANCE", hook_to(hook))
        night = wardcast("nightly", "--home", home, "--authority", authority)
        assert night.exit_code == 0, night.output
        assert "check failed: notification, channels_reached: district_finance by json 1: " in night.output
        assert "ward_chair by mailto 1 (digest sent)" in night.output
        line = next(line for line in night.output.splitlines() if line.startswith("  notified "))
        assert line.count("district_finance by json 1") == 1
        assert "district_finance by json 1 (instant and digest failed)" in line
        assert "mend what failed and run  wardcast notify" in line
        next_day = (dt.date.fromisoformat(NIGHT) + dt.timedelta(days=1)).isoformat()
        later = wardcast("nightly", "--home", home, "--authority", authority, "--as-of", next_day)
        assert later.exit_code == 0, later.output
        hook.status = lambda count: 200
        refused, letters = len(hook.posts), len(box.letters)
        again = wardcast("notify", "--home", home, "--authority", authority)
        assert again.exit_code == 0, again.output
        assert len(hook.posts) > refused
        assert len(box.letters) == letters
        watched = wardcast("doctor", "--since", "26", "--home", home, "--authority", authority)
        assert watched.exit_code == 0, night.output + watched.output

    notices = [json.loads(line) for line in (home / "notices.jsonl").read_text().splitlines()]
    assert any("channels_reached" in line for notice in notices for line in notice["lines"])
    letter = box.letters[0].get_body(("plain",)).get_content()
    assert f"Bản tin: {home / 'bulletin' / NIGHT / 'index.html'}" in letter
    warned = read(home, "mart_warning").filter(pl.col("state") != "closed")
    of_channel = warned.filter(pl.col("rule_code") == "messages_fail")
    assert of_channel.select(pl.col("as_of").cast(pl.String), "subject", "state", "owner").rows() == [
        (next_day, "district_finance/json-1", "open", "district_finance")
    ]
    of_chairs = warned.filter(
        pl.col("owner") == "ward_chair", pl.col("as_of") == dt.date.fromisoformat(NIGHT)
    )
    assert of_chairs.height > 0
    for message in of_chairs["message_vi"]:
        assert message.strip() in letter
    sent = (
        letter + box.letters[0].get_body(("html",)).get_content() + json.dumps(hook.posts, ensure_ascii=False)
    )
    people = taxpayers(home / "sample" / "landing" / "kho_bac" / NIGHT / f"bang_ke_thu_{NIGHT}.csv")
    assert len(people) > 10
    assert not [name for name in people if name in sent]
    assert SECRET not in sent + night.output + again.output
    for path in home.rglob("*"):
        assert not path.is_file() or SECRET.encode() not in path.read_bytes(), path
