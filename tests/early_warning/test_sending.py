"""What is known after each way in which a real receiver can fail; and a process killed in between."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from early_warning.channels import channels_of, unusable
from early_warning.notification_journal import JOURNAL_FILE, read_journal, troubled
from tests.early_warning.notified import (
    NIGHT,
    NOW,
    SECRET,
    case,
    free_port,
    hook_to,
    mail_server,
    mail_to,
    told,
    web_server,
)

CHAIR = "WARDCAST_NOTIFY_WARD_CHAIR"
A = "below_half:A:2020"
ROOT = Path(__file__).parents[2]
CHILD = f"""
import os, pathlib, sys
sys.path.insert(0, {str(ROOT)!r})
from tests.early_warning.notified import case, told
told(pathlib.Path(sys.argv[1]), dict(os.environ), case({A!r}))
"""


def results(home: Path) -> list[tuple[str, str]]:
    return [(one.result, one.detail) for one in read_journal(home)]


def test_a_letter_that_is_put_off_is_brought_again_as_the_same(tmp_path: Path) -> None:
    with mail_server() as box:
        box.answer = lambda count: "451 try again later" if count == 1 else "250 OK"
        told(tmp_path, {CHAIR: mail_to(box)}, case(A))
    assert (box.attempts, len(box.letters)) == (2, 1)
    key = read_journal(tmp_path)[0].key
    assert box.letters[0]["Message-ID"] == f"<wardcast.{key}@quan.example>"


def test_a_letter_refused_for_good_is_not_brought_again(tmp_path: Path) -> None:
    with mail_server() as box:
        box.answer = lambda count: "554 no spam please, chu.tich@phuong.example"
        told(tmp_path, {CHAIR: mail_to(box)}, case(A))
    assert box.attempts == 1
    assert results(tmp_path) == [("failed", "the letter refused (554)")]


def test_an_address_refused_among_several_is_said(tmp_path: Path) -> None:
    with mail_server() as box:
        box.refused = ("da.chuyen@phuong.example",)
        told(tmp_path, {CHAIR: mail_to(box, "chu.tich@phuong.example,da.chuyen@phuong.example")}, case(A))
        told(tmp_path, {CHAIR: mail_to(box, "chu.tich@phuong.example,da.chuyen@phuong.example")}, case(A))
    assert len(box.letters) == 1
    assert results(tmp_path) == [("partial", "1 of 2 addresses refused (550)")]
    assert len(troubled(read_journal(tmp_path), NOW)) == 1


def test_a_mail_server_that_falls_silent_with_the_letter_leaves_it_unknown(tmp_path: Path) -> None:
    with mail_server() as box:
        box.on_letter = lambda: time.sleep(1.5)
        told(tmp_path, {CHAIR: mail_to(box)}, case(A))
        box.on_letter = lambda: None
        told(tmp_path, {CHAIR: mail_to(box)}, case(A))
    assert box.attempts == 1
    ((result, detail),) = results(tmp_path)
    assert result == "unknown"
    assert "while the letter was handed over" in detail


def test_a_webhook_that_fails_is_asked_again_with_the_same_key(tmp_path: Path) -> None:
    with web_server() as hook:
        hook.status = lambda count: 503 if count == 1 else 200
        told(tmp_path, {CHAIR: hook_to(hook)}, case(A))
    assert len(hook.posts) == 2
    assert set(hook.keys) == {read_journal(tmp_path)[0].key}
    assert results(tmp_path) == [("sent", "")]


def test_a_webhook_that_is_slow_is_unknown_and_not_asked_by_a_rerun(tmp_path: Path) -> None:
    with web_server() as hook:
        hook.wait = 1.6
        told(tmp_path, {CHAIR: hook_to(hook)}, case(A))
        told(tmp_path, {CHAIR: hook_to(hook)}, case(A))
        assert len(hook.posts) == 1
    assert results(tmp_path) == [("unknown", "no answer within 1 seconds")]


def test_a_chat_service_gets_what_is_too_long_for_it_in_parts(tmp_path: Path) -> None:
    """Mattermost takes 4,000 characters at a time; if a part fails, those that went are not sent again."""
    cases = [case(f"below_half:W{number}:2020", message_vi="x" * 300) for number in range(40)]
    with web_server() as hook:
        channels = {CHAIR: f"mmost://127.0.0.1:{hook.port}/not-a-real-token"}
        told(tmp_path, channels, *cases)
        parts = len(hook.posts)
        assert parts > 1
        hook.status = lambda count: 200 if count == parts + 1 else 500
        told(tmp_path, channels, *cases, case(A, message_vi="y" * 9000))
        sent = len(hook.posts)
        told(tmp_path, channels, *cases, case(A))
        assert len(hook.posts) == sent
    assert "".join(post["text"] for post in hook.posts[:parts]).count("x" * 100) == 40 * 3
    assert [result for result, _ in results(tmp_path)] == ["sent", "unknown"]


def test_nobody_there(tmp_path: Path) -> None:
    port = free_port()
    channels = {
        CHAIR: f"json://127.0.0.1:{port}/x mailto://127.0.0.1:{port}/?from=a@b.example&to=c@d.example&mode=insecure"
    }
    told(tmp_path, channels, case(A))
    assert [result for result, _ in results(tmp_path)] == ["failed", "failed"]


def test_channels_that_can_never_be_used_are_found_without_sending() -> None:
    channels = channels_of(
        {CHAIR: f"json://127.0.0.1:1/{SECRET} slack://{SECRET} {SECRET}", "WARDCAST_HOME": "x"}
    )
    assert [channel.name for channel in channels] == ["json 1", "slack 1", "unreadable 1"]
    found = unusable(channels)
    assert len(found) == 2
    assert all(CHAIR in line and SECRET not in line for line in found.values())


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL")
@pytest.mark.parametrize("kind", ["mail", "hook"])
def test_killed_between_sending_and_recording_nothing_is_sent_twice(tmp_path: Path, kind: str) -> None:
    """The receiver has the message, kills its sender, and only then answers."""
    with mail_server() as box, web_server() as hook:
        channels = {CHAIR: mail_to(box) if kind == "mail" else hook_to(hook)}
        child = subprocess.Popen([sys.executable, "-c", CHILD, tmp_path], env={**os.environ, **channels})
        box.on_letter = hook.on_post = lambda: os.kill(child.pid, signal.SIGKILL)
        assert child.wait(60) == -signal.SIGKILL
        box.on_letter = hook.on_post = lambda: None
        assert [one.result for one in read_journal(tmp_path)] == ["pending"]
        again = told(tmp_path, channels, case(A))
        assert len(box.letters) + len(hook.posts) == 1
        assert "the process ended between sending and recording" in again.failed[0]
        assert told(tmp_path, channels, case(A)).lines() == []
        told(tmp_path, channels, case(A), night=NIGHT.replace(month=7, day=1))
    received = [letter.get_body(("plain",)).get_content() for letter in box.letters]
    received += [post["message"] for post in hook.posts]
    assert len(received) == 2
    assert "không chắc đã tới nơi" in received[1]


def test_a_journal_cut_in_the_middle_of_a_line_is_read_and_carried_on(tmp_path: Path) -> None:
    """A cut intent was never acted on, a cut result leaves its message unknown."""
    with mail_server() as box:
        told(tmp_path, {CHAIR: mail_to(box)}, case(A))
        journal = tmp_path / JOURNAL_FILE
        whole = journal.read_bytes()
        journal.write_bytes(whole[:-20])
        told(tmp_path, {CHAIR: mail_to(box)}, case(A))
        assert len(box.letters) == 1
        assert [result for result, _ in results(tmp_path)] == ["unknown"]
        journal.write_bytes(whole[:40])
        told(tmp_path, {CHAIR: mail_to(box)}, case(A))
        assert len(box.letters) == 2
        assert [result for result, _ in results(tmp_path)] == ["sent"]
