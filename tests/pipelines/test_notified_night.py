"""A whole night that tells its roles: one channel well, one gone, and nothing said that must not be."""

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


def test_a_night_tells_its_roles_and_a_channel_that_fails_fails_no_night(
    sample: Path, tmp_path: Path, wardcast: Wardcast, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    shutil.copytree(sample, home / "sample")  # the short one, stamped as this home's own
    stamp = _stamp(load_authority(DEFAULT_AUTHORITY))
    (home / "sample" / STAMP_FILE).write_text(json.dumps(stamp))
    with mail_server(needs_login=True) as box, web_server() as hook:
        hook.status = lambda count: 500
        monkeypatch.setenv("WARDCAST_NOTIFY_WARD_CHAIR", mail_to(box, login=f"wardcast:{SECRET}@"))
        monkeypatch.setenv("WARDCAST_NOTIFY_DISTRICT_FINANCE", hook_to(hook))
        night = wardcast("nightly", "--home", home)
        assert night.exit_code == 0, night.output
        assert "check failed: notification, channels_reached: district_finance by json 1: " in night.output
        assert "ward_chair by mailto 1 (digest sent)" in night.output
        hook.status = lambda count: 200
        refused = len(hook.posts)
        again = wardcast("notify", "--home", home)
        assert again.exit_code == 0, again.output
        assert len(hook.posts) > refused
        assert len(box.letters) == 1
        watched = wardcast("doctor", "--since", "26", "--home", home)
        assert watched.exit_code == 0, night.output + watched.output

    notices = [json.loads(line) for line in (home / "notices.jsonl").read_text().splitlines()]
    assert any("channels_reached" in line for notice in notices for line in notice["lines"])
    letter = box.letters[0].get_body(("plain",)).get_content()
    of_chairs = read(home, "mart_warning").filter(
        pl.col("owner") == "ward_chair", pl.col("state") != "closed"
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
