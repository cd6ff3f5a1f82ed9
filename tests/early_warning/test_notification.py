"""Notification against a real mail server and a real web server: what is told, to whom, how often."""

import datetime as dt
import os
import stat
from pathlib import Path

import pytest

from authorities.loading import DEFAULT_AUTHORITY, load_authority
from authorities.warning_rules import QuietHours
from early_warning.channels import channels_of
from early_warning.notification import Waiting, untold
from early_warning.notification_journal import JOURNAL_FILE, read_journal, troubled
from tests.early_warning.notified import (
    NIGHT,
    NOW,
    SECRET,
    case,
    hook_to,
    mail_server,
    mail_to,
    told,
    warnings,
    web_server,
)

CHAIR, FINANCE = "WARDCAST_NOTIFY_WARD_CHAIR", "WARDCAST_NOTIFY_DISTRICT_FINANCE"
NEXT = NIGHT + dt.timedelta(days=1)
A, B, C = "below_half:A:2020", "below_half:B:2020", "shortfall_likely:C:2020"


@pytest.fixture(scope="module")
def authority():
    return load_authority(DEFAULT_AUTHORITY)


def parts_of(letter) -> tuple[str, str]:
    text, html = (letter.get_body((kind,)).get_content() for kind in ("plain", "html"))
    return text, html


def test_one_digest_a_role_in_vietnamese_and_english(tmp_path: Path) -> None:
    with mail_server() as box, web_server() as hook:
        channels = {CHAIR: mail_to(box), FINANCE: hook_to(hook)}
        notified = told(tmp_path, channels, case(A), case(B), case("below_half:D:2020", "district_finance"))
    assert len(box.letters) == len(hook.posts) == 1
    letter = box.letters[0]
    assert letter["Subject"] == ("[MÔ PHỎNG] Quận Long Biên, thành phố Hà Nội, 30/06/2020: 2 cảnh báo mới")
    assert letter["Auto-Submitted"] == "auto-generated"
    text, html = parts_of(letter)
    for words in (text, html):
        assert words.index("Phường A: thu ngân sách mới đạt 41,2%") < words.index("A ward: collections")
        assert "Phường B" in words
        assert "Phường D" not in words
        assert "Chủ tịch UBND phường" in words
        assert "Dữ liệu mô phỏng" in words
    assert "Phường D" in hook.posts[0]["message"]
    assert "D ward" in hook.posts[0]["message"]
    assert hook.posts[0]["title"].endswith("1 cảnh báo mới")
    assert notified.sent == ("district_finance by json 1: digest sent", "ward_chair by mailto 1: digest sent")
    assert notified.failed == notified.unreached == ()


def test_a_name_with_markup_stays_text(tmp_path: Path) -> None:
    with mail_server() as box:
        told(tmp_path, {CHAIR: mail_to(box)}, case(A, message_vi="Phường <b>X</b> & <script>"))
    text, html = parts_of(box.letters[0])
    assert "Phường <b>X</b> & <script>" in text
    assert "Phường &lt;b&gt;X&lt;/b&gt; &amp; &lt;script&gt;" in html


def test_severe_is_told_at_once_and_apart_once(tmp_path: Path) -> None:
    with mail_server() as box:
        severe = case(C, severity="severe")
        told(tmp_path, {CHAIR: mail_to(box)}, severe, case(A))
        told(tmp_path, {CHAIR: mail_to(box)}, severe, case(A))
    subjects = [str(letter["Subject"]) for letter in box.letters]
    assert len(subjects) == 2
    assert "KHẨN: " in subjects[0]
    assert "1 cảnh báo nghiêm trọng mới" in subjects[0]
    assert "Phường A" not in parts_of(box.letters[0])[0]
    assert subjects[1].endswith("1 cảnh báo mới, 1 đang mở")
    digest = parts_of(box.letters[1])[0]
    assert "VẪN ĐANG MỞ" not in digest
    assert "Phường C" not in digest
    assert "1 cảnh báo khác vẫn mở, đã báo trong tin trước của đêm này." in digest
    assert "1 more still open, told by another message of this night." in digest


def test_what_was_told_at_once_is_told_when_it_ends(tmp_path: Path) -> None:
    with mail_server() as box:
        channels = {CHAIR: mail_to(box)}
        told(tmp_path, channels, case(C, severity="severe"), case(A))
        told(tmp_path, channels, case(C, severity="severe", state="closed"), case(A), night=NEXT)
    assert str(box.letters[-1]["Subject"]).endswith("1 cảnh báo đã chấm dứt, 1 đang mở")
    assert C in parts_of(box.letters[-1])[0]
    assert "Phường A" in parts_of(box.letters[-1])[0], "told the night before, so that it is named"


def test_a_digest_lists_what_the_urgent_message_did_not_bring(tmp_path: Path) -> None:
    with mail_server() as box:
        box.answer = lambda count: "554 no" if count == 1 else "250 OK"
        told(tmp_path, {CHAIR: mail_to(box)}, case(C, severity="severe"), case(A))
    assert len(box.letters) == 1
    assert "Phường C" in parts_of(box.letters[0])[0]
    assert {one[0] for one in read_journal(tmp_path)[-1].told} == {A, C}


def test_a_message_names_ids_the_command_and_the_bulletin(tmp_path: Path) -> None:
    with mail_server() as box:
        page = "https://intranet.example/bulletin/2020-06-30/index.html"
        told(tmp_path, {CHAIR: mail_to(box)}, case(A), bulletin=page)
        told(tmp_path, {CHAIR: mail_to(box)}, case(A, state="closed"), night=NEXT)
    text, html = parts_of(box.letters[0])
    for words in (text, html):
        assert f"mã {A}" in words
        assert f"id {A}" in words
        assert words.count("wardcast warnings acknowledge") == 2
        assert page in words
    assert f'<a href="{page}">' in html
    ended, page = parts_of(box.letters[1])
    assert f"mã {A}" in ended
    assert "wardcast warnings acknowledge" not in ended
    assert "Bản tin: /srv/bulletin/index.html" in ended
    assert "<a href" not in page


def test_days_are_read_alike_by_everybody_and_data_that_lags_is_said(tmp_path: Path) -> None:
    with mail_server() as box:
        told(tmp_path, {CHAIR: mail_to(box)}, case(A), case(B), night=NEXT)
        text = parts_of(box.letters[0])[0]
        assert "Đêm 01/07/2020, số liệu mới đến ngày 30/06/2020." in text
        assert "Night of 1 July 2020; figures reach 30 June 2020 only." in text
        assert "since 30 June 2020" in text
        assert "từ ngày 30/06/2020" in text
        assert "01/07/2020" not in text[text.index("Night of") :]
        later = NEXT + dt.timedelta(days=1)
        told(tmp_path, {CHAIR: mail_to(box)}, case(C, last_complete_day=later), night=later)
    text = parts_of(box.letters[1])[0]
    assert "Số liệu đến ngày 02/07/2020." in text
    assert "Figures as of 2 July 2020." in text


def test_a_rerun_tells_only_what_has_come_since(tmp_path: Path) -> None:
    with mail_server() as box:
        channels = {CHAIR: mail_to(box)}
        told(tmp_path, channels, case(A))
        moved = case(A, message_vi="Phường A: thu ngân sách mới đạt 41,3% dự toán.")
        again = told(tmp_path, channels, moved)
        assert len(box.letters) == 1
        assert again.sent == ()
        told(tmp_path, channels, moved, case(B))
        told(tmp_path, channels, moved, case(B, severity="severe"))
    assert [str(letter["Subject"]).rpartition(": ")[2] for letter in box.letters] == [
        "1 cảnh báo mới", "1 cảnh báo mới, 1 đang mở", "1 cảnh báo nghiêm trọng mới",
    ]  # fmt: skip
    assert len({letter["Message-ID"] for letter in box.letters}) == 3


def test_nights_without_news_are_silent_until_the_rule_reminds(tmp_path: Path, authority) -> None:
    days = next(
        rule for rule in authority.settings.warning_rules if rule.rule_code == "below_half"
    ).renotify_days
    with mail_server() as box:
        channels = {CHAIR: mail_to(box)}
        told(tmp_path, channels, case(A), case(B, state="acknowledged"))
        for day in range(1, days):
            told(tmp_path, channels, case(A), case(B), night=NIGHT + dt.timedelta(days=day))
        assert len(box.letters) == 1
        told(
            tmp_path, channels, case(A), case(B, state="acknowledged"),
            case("below_half:S:2020", opened_on=NIGHT, suppressed_since=NIGHT, owner="data_sender"),
            night=NIGHT + dt.timedelta(days=days),
        )  # fmt: skip
    assert str(box.letters[1]["Subject"]).endswith("1 cảnh báo nhắc lại, 1 đang mở")
    assert "đã tiếp nhận" in parts_of(box.letters[1])[0]


def test_what_ended_is_told_and_opens_anew(tmp_path: Path) -> None:
    with mail_server() as box:
        channels = {CHAIR: mail_to(box)}
        told(tmp_path, channels, case(A), case(B))
        told(tmp_path, channels, case(A, state="closed"), night=NEXT)
        assert str(box.letters[-1]["Subject"]).endswith("2 cảnh báo đã chấm dứt")
        last = NEXT + dt.timedelta(days=1)
        told(tmp_path, channels, case(A, state="reopened", opened_on=last), night=last)
    assert len(box.letters) == 3
    assert str(box.letters[-1]["Subject"]).endswith("1 cảnh báo mới")


def test_a_case_that_went_to_another_role_has_not_ended(tmp_path: Path) -> None:
    with mail_server() as box, web_server() as hook:
        channels = {CHAIR: mail_to(box), FINANCE: hook_to(hook)}
        told(tmp_path, channels, case(A))
        told(tmp_path, channels, case(A, "district_finance"), night=NEXT)
    assert (len(box.letters), len(hook.posts)) == (1, 1)


def test_a_past_night_run_again_is_told_to_nobody(tmp_path: Path) -> None:
    with mail_server() as box:
        channels = {CHAIR: mail_to(box)}
        replayed = told(tmp_path, channels, case(A), due_night=NIGHT + dt.timedelta(days=8))
        assert "past night" in replayed.remark
        told(tmp_path, channels, case(A), night=NEXT)
        replayed = told(tmp_path, channels, case(B), due_night=NEXT)
        assert "past night" in replayed.remark
    assert len(box.letters) == 1


def test_quiet_hours_hold_the_digest_but_not_what_is_severe(tmp_path: Path, authority) -> None:
    quiet = QuietHours(begin=dt.time(21), end=dt.time(7))
    rules = tuple(rule.model_copy(update={"quiet_hours": quiet}) for rule in authority.settings.warning_rules)
    silent = authority.model_copy(
        update={"settings": authority.settings.model_copy(update={"warning_rules": rules})}
    )
    at_two = dt.datetime(2020, 6, 30, 19, 0, tzinfo=dt.UTC)  # two in the morning in Hà Nội
    cases = (case(A), case(C, severity="severe"))
    with mail_server() as box:
        channels = {CHAIR: mail_to(box)}
        first = told(tmp_path, channels, *cases, now=at_two, authority=silent)
        assert [line.partition(":")[0] for line in first.held] == ["ward_chair by mailto 1"]
        assert len(box.letters) == 1
        named = channels_of(channels)
        waiting = untold(tmp_path, silent, NIGHT, warnings(*cases), named, at_two)
        assert waiting == [Waiting(named[0], is_held=True)]
        told(tmp_path, channels, *cases, now=NOW, authority=silent)
        assert not untold(tmp_path, silent, NIGHT, warnings(*cases), named, NOW)
    assert len(box.letters) == 2
    assert "Phường A" in parts_of(box.letters[1])[0]


def test_no_channel_and_a_role_without_one_are_said(tmp_path: Path) -> None:
    nobody = told(tmp_path, {"WARDCAST_NOTIFY_WARD_CHAIR": " "}, case(A))
    assert nobody.lines() == ["nobody is told: no channel is configured (WARDCAST_NOTIFY_ROLE)"]
    assert not (tmp_path / JOURNAL_FILE).exists()
    with mail_server() as box:
        partly = told(tmp_path, {FINANCE: mail_to(box)}, case(A), case(B, "district_finance"))
    assert "ward_chair: no channel; set WARDCAST_NOTIFY_WARD_CHAIR" in partly.lines()


def test_each_channel_of_a_role_is_told_for_itself(tmp_path: Path) -> None:
    with mail_server() as box, web_server() as hook:
        told(tmp_path, {CHAIR: mail_to(box)}, case(A))
        told(tmp_path, {CHAIR: f"{mail_to(box)} {hook_to(hook)}"}, case(A))
    assert (len(box.letters), len(hook.posts)) == (1, 1)


def test_a_channel_that_failed_is_tried_again_and_the_next_night_says_so(tmp_path: Path) -> None:
    with mail_server() as box:
        channels = {CHAIR: mail_to(box)}
    failed = told(tmp_path, channels, case(A))
    assert failed.sent == ()
    assert "the mail server was not reached (Connection refused)" in failed.failed[0]
    assert [one.result for one in troubled(read_journal(tmp_path), NOW)] == ["failed"]
    with mail_server() as box:
        told(tmp_path, {CHAIR: mail_to(box)}, case(A), night=NEXT)
        assert "đêm 30/06/2020 qua kênh mailto 1 không chắc" in parts_of(box.letters[0])[0]
        assert "Phường A" in parts_of(box.letters[0])[0]
    assert troubled(read_journal(tmp_path), NOW) == []


def test_no_secret_is_kept_shown_or_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(0)
    with mail_server(needs_login=True) as box, web_server() as hook:
        hook.status = lambda count: 500
        wrong = mail_to(box, login="ke.toan:khong-dung@")
        right = mail_to(box, login=f"ke.toan:{SECRET}@")
        notified = told(tmp_path, {CHAIR: f"{right} {hook_to(hook)} slack://{SECRET} {wrong}"}, case(A))
        assert len(box.letters) == 1
        assert hook.paths[0] == f"/{SECRET}"
    logged = " ".join(record.getMessage() for record in caplog.records if record.name != "mail.log")
    said = " ".join(notified.lines()) + repr(notified) + logged + repr(channels_of({CHAIR: right}))
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    for secret in (SECRET, "khong-dung", "chu.tich@phuong.example", "ke.toan"):
        assert secret not in said
        assert secret.encode() not in kept
    assert notified.failed == (
        "ward_chair by json 1: digest failed, answered 500",
        "ward_chair by slack 1: digest failed, the channel's URL is not one that Apprise reads",
        "ward_chair by mailto 2: digest failed, login refused (535)",
    )
    if os.name == "posix":
        assert stat.S_IMODE((tmp_path / JOURNAL_FILE).stat().st_mode) == 0o600
