"""What goes wrong in real life: each case gives a clear message and exit code, and loses nothing.

File, row and remedy must be in the message; the last good publication must stand as it was.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

from tests.pipelines.conftest import NIGHT, Wardcast, read

LISTING = Path("kho_bac") / NIGHT / f"bang_ke_thu_{NIGHT}.csv"
ROOT = Path(__file__).parents[2]
WITH_RIGHTS_ALONE = [] if os.geteuid() else ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"]
"""A superuser without the power to pass over rights, for whom no folder is read-only otherwise."""
SOMEBODY = {"WARDCAST_NOTIFY_WARD_CHAIR": "json://127.0.0.1:9/"}
WARD_REPORT = Path("don_vi") / NIGHT / "chi_ngan_sach_00151_2020-06.xlsx"


@pytest.fixture
def home(published_home: Path, tmp_path: Path) -> Path:
    """A home with one good publication of the night."""
    copied = tmp_path / "home"
    shutil.copytree(published_home, copied, symlinks=True)
    return copied


def stands_alone(home: Path) -> None:
    """The only publication is still the one that was there before, whole."""
    assert read(home, "publication")["publication_id"].to_list() == [f"{NIGHT}.1"]
    assert read(home, "mart_district_brief").height == 1
    assert (home / "wardcast.duckdb").resolve().name == f"{NIGHT}.1.duckdb"


def run(wardcast: Wardcast, landing: Path, home: Path) -> tuple[int, str]:
    result = wardcast("nightly", "--landing", landing, "--home", home, "--as-of", NIGHT)
    return result.exit_code, result.output


def test_no_landing_folder(wardcast: Wardcast, home: Path, tmp_path: Path) -> None:
    code, said = run(wardcast, tmp_path / "nowhere", home)
    assert code == 1
    assert "does not exist" in said
    assert "--landing" in said
    assert "raw_delivery" not in said, "nothing heavy was begun"
    stands_alone(home)


def test_an_empty_landing_folder(wardcast: Wardcast, home: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    code, said = run(wardcast, tmp_path / "empty", home)
    assert code == 1
    assert "holds no files" in said
    stands_alone(home)


def test_files_of_which_none_is_an_extract(wardcast: Wardcast, home: Path, tmp_path: Path) -> None:
    """Zeros would be published over good figures: a share that is not mounted may hold a read-me alone."""
    stray = tmp_path / "stray"
    stray.mkdir()
    (stray / "doc_truoc.txt").write_text("not mounted")
    code, said = run(wardcast, stray, home)
    assert code == 1
    assert "none of the 1 files" in said
    assert "doc_truoc.txt: no form claims this file" in said
    stands_alone(home)


def test_files_that_were_archived_still_count_and_an_overwritten_one_is_told_of(
    wardcast: Wardcast, home: Path, landing: Path
) -> None:
    before = read(home, "mart_district_brief")["collected_amount"].to_list()
    for archived in (landing / LISTING, landing / "kho_bac" / "lich_su" / "bang_ke_thu_2019.csv"):
        archived.unlink()
    code, said = run(wardcast, landing, home)
    assert code == 0, said
    assert read(home, "mart_district_brief")["collected_amount"].to_list()[-1:] == before[-1:]
    assert "no_file_has_gone" not in said

    listing = next(path for path in sorted((landing / "kho_bac").glob("2020-06-*/*.csv")))
    listing.write_bytes(listing.read_bytes() + b"\r\n")
    code, said = run(wardcast, landing, home)
    assert code == 0, said
    assert "no_file_has_gone: 1 files" in said
    assert listing.name in said


def test_real_files_do_not_share_a_home_with_the_sample(
    wardcast: Wardcast, home: Path, landing: Path
) -> None:
    (home / "sample").mkdir()
    code, said = run(wardcast, landing, home)
    assert code == 1
    assert "simulated" in said
    assert "--home" in said
    stands_alone(home)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "the file is empty"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00", "binary file"),
        ("Số liệu sẽ gửi sau".encode(), "no header row"),
    ],
    ids=["empty", "binary", "no-table"],
)
def test_a_damaged_listing_of_the_district_refuses_the_night(
    wardcast: Wardcast, home: Path, landing: Path, content: bytes, problem: str
) -> None:
    (landing / LISTING).write_bytes(content)
    code, said = run(wardcast, landing, home)
    assert code == 1
    last = said.rpartition(f"the last publication stands ({NIGHT}.1):\n  ")[2]
    assert last.startswith(f"raw_delivery: held back by whole_extracts_readable: {LISTING}: ")
    assert problem in last
    assert "check failed: raw_delivery, whole_extracts_readable" not in said
    stands_alone(home)
    seen = wardcast("doctor", "--landing", landing, "--home", home)
    assert seen.exit_code == 1
    assert "MEND  last run: run " in seen.output
    assert f"of the night of {NIGHT}: failure" in seen.output


def test_a_first_night_that_is_refused_has_no_publication_to_stand(
    wardcast: Wardcast, landing: Path, tmp_path: Path
) -> None:
    (landing / LISTING).write_bytes(b"")
    code, said = run(wardcast, landing, tmp_path / "home")
    assert code == 1
    assert "the night was not published, and none was before it:" in said
    assert "stands" not in said


def test_a_damaged_listing_that_was_sent_again_does_not_hold_the_night(
    wardcast: Wardcast, home: Path, landing: Path
) -> None:
    good = (landing / LISTING).read_bytes()
    (landing / LISTING).write_bytes(good[:40])
    (landing / LISTING).with_name(f"bang_ke_thu_{NIGHT}_gui_lai.csv").write_bytes(good)
    code, said = run(wardcast, landing, home)
    assert code == 0, said
    briefs = read(home, "mart_district_brief")
    assert briefs["share_of_estimate_pct"].round(1).to_list() == [51.0]


def test_a_truncated_report_of_one_ward_holds_back_that_ward_alone(
    wardcast: Wardcast, home: Path, landing: Path
) -> None:
    workbook = landing / WARD_REPORT
    workbook.write_bytes(workbook.read_bytes()[:900])
    code, said = run(wardcast, landing, home)
    assert code == 0, said
    assert str(WARD_REPORT) in said
    assert "damaged or cut short" in said
    spending = read(home, "mart_spending_position").filter(pl.col("spending_kind") == "ALL")
    assert spending.filter(pl.col("unit_key") != "ALL").height == 14
    assert read(home, "mart_unit_position")["unit_key"].n_unique() >= 15


def test_an_unknown_form_is_listed_and_left_alone(wardcast: Wardcast, home: Path, landing: Path) -> None:
    (landing / "ghi_chu.docx").write_bytes(b"PK\x03\x04 not an extract")
    code, said = run(wardcast, landing, home)
    assert code == 0, said
    assert "ghi_chu.docx: no form claims this file" in said


def test_a_ward_that_nobody_knows_is_counted_as_unallocated(
    wardcast: Wardcast, home: Path, landing: Path
) -> None:
    before = read(home, "mart_district_brief")["collected_amount"].item()
    listing = landing / LISTING
    text = listing.read_text("utf-8-sig")
    row = next(line for line in text.splitlines() if line[:1].isdigit())
    cells = row.split(";")
    cells[3], cells[4] = "99999", "Phường Không Có"
    listing.write_text(text.replace(row, ";".join(cells), 1), "utf-8-sig")
    code, said = run(wardcast, landing, home)
    assert code == 0, said
    assert "unit_is_known" in said
    assert str(LISTING) in said
    assert read(home, "mart_district_brief")["collected_amount"].item() == before
    place = read(home, "mart_quarantine").filter(
        pl.col("rule") == "unit_is_known", pl.col("source_file") == str(LISTING)
    )
    assert place["rows"].to_list() == [1]
    assert place["amount"].item() == int(cells[9].replace(".", ""))


def test_an_estimate_missing_for_a_ward_leaves_its_share_empty_and_says_so(
    wardcast: Wardcast, landing: Path, tmp_path: Path
) -> None:
    home = tmp_path / "a home that never saw it"  # what a home has read once still counts
    for workbook in landing.rglob("Du toan*2020.xlsx"):
        workbook.unlink()
    code, said = run(wardcast, landing, home)
    assert code == 0, said
    assert "No initial estimate of 2020" in said
    assert "Phúc Đồng" in said
    positions = read(home, "mart_unit_position")
    assert positions["share_of_estimate_pct"].is_null().all()
    assert read(home, "mart_district_brief")["share_of_estimate_pct"].to_list() == [None]


def test_a_receipt_dated_in_the_future_is_held_and_not_counted(
    wardcast: Wardcast, home: Path, landing: Path
) -> None:
    before = read(home, "mart_district_brief")["collected_amount"].item()
    listing = landing / LISTING
    text = listing.read_text("utf-8-sig")
    row = next(line for line in text.splitlines() if line[:1].isdigit())
    listing.write_text(text.replace(row, row.replace("30/06/2020", "30/06/2030"), 1), "utf-8-sig")
    code, said = run(wardcast, landing, home)
    assert code == 0, said
    assert "posting_date_not_in_the_future" in said
    lost = int(row.split(";")[9].replace(".", ""))
    assert before - read(home, "mart_district_brief")["collected_amount"].item() == lost


def test_a_warehouse_path_that_cannot_be_written(wardcast: Wardcast, landing: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    url = f"duckdb:///{tmp_path / 'file' / 'wardcast.duckdb'}"
    result = wardcast(
        "nightly", "--landing", landing, "--home", tmp_path / "home", "--warehouse", url, "--as-of", NIGHT
    )
    assert result.exit_code == 1
    assert str(tmp_path / "file") in result.output
    assert "Traceback" not in result.output


def test_a_home_that_cannot_be_written(wardcast: Wardcast, landing: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    code, said = run(wardcast, landing, tmp_path / "file" / "home")
    assert code == 1
    assert "--home" in said


def read_only(home: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """The command by somebody who may read the home and no more."""
    paths = [path for path in (home, *home.rglob("*")) if not path.is_symlink()]
    for path in paths:
        path.chmod(path.stat().st_mode & ~0o222)
    said = subprocess.run(
        [*WITH_RIGHTS_ALONE, sys.executable, "-m", "pipelines.command", *words, "--home", str(home)],
        capture_output=True, text=True, check=False, cwd=ROOT, env=os.environ | SOMEBODY,
    )  # fmt: skip
    for path in paths:
        path.chmod(path.stat().st_mode | 0o200)
    return said


@pytest.mark.skipif(os.name != "posix", reason="rights of folders are POSIX ones")
@pytest.mark.parametrize(
    "words",
    [
        ("export", "--format", "csv"),
        ("warehouse", "backup", "FILE"),
        ("diagnose", "Ngọc Lâm", "vat"),
        ("nightly",),
        ("notify",),
    ],
    ids=lambda words: words[0],
)
def test_a_home_whose_rights_were_taken_is_told_by_every_command(
    home: Path, sample: Path, tmp_path: Path, words: tuple[str, ...]
) -> None:
    landing = ("--landing", str(sample / "landing")) if words[0] in ("diagnose", "nightly") else ()
    archive = str(tmp_path / "home.tar.gz")
    said = read_only(home, *(archive if word == "FILE" else word for word in words), *landing)
    assert said.returncode == 1, said.stderr
    assert "Traceback" not in said.stderr
    assert said.stderr.count("wardcast: ") == 1
    assert str(home) in said.stderr


@pytest.mark.skipif(os.name != "posix", reason="rights of folders are POSIX ones")
@pytest.mark.parametrize("since", [(), ("--since", "26")], ids=["all", "since"])
def test_the_doctor_says_that_a_home_cannot_be_written(
    home: Path, sample: Path, since: tuple[str, ...]
) -> None:
    said = read_only(home, "doctor", *since, "--landing", str(sample / "landing"))
    assert said.returncode == 1, said.stderr
    assert f"MEND  home folder: {home} cannot be written" in said.stdout
    assert "Traceback" not in said.stderr


def test_a_night_outside_the_authority_is_refused(wardcast: Wardcast, home: Path, landing: Path) -> None:
    result = wardcast("nightly", "--landing", landing, "--home", home, "--as-of", "1999-01-01")
    assert result.exit_code == 1
    assert "first_night" in result.output
    stands_alone(home)


def test_wrong_words_on_the_command_line(wardcast: Wardcast) -> None:
    for day in ("30.06.2020", "31/06/2020", "2020-6"):
        told = wardcast("nightly", "--as-of", day)
        assert told.exit_code == 2
        assert f"'{day}' is no day; write it as 2020-06-30 or 30/06/2020" in " ".join(
            told.output.replace("│", " ").split()
        )
    assert wardcast("nightli").exit_code == 2


@pytest.mark.parametrize(
    "command", [("nightly",), ("doctor",), ("warnings", "list"), ("warehouse", "upgrade")]
)
def test_an_authority_that_is_none_is_wrong_usage(wardcast: Wardcast, command: tuple[str, ...]) -> None:
    result = wardcast(*command, "--authority", "nope")

    assert result.exit_code == 2
    assert "no such folder" in result.output
    assert "brazil_federal, long_bien, ukraine_cities" in result.output


def test_a_mistake_in_the_authority_names_file_line_and_remedy(
    wardcast: Wardcast, landing: Path, tmp_path: Path
) -> None:
    from authorities.loading import DEFAULT_AUTHORITY

    folder = tmp_path / "my_district"
    shutil.copytree(DEFAULT_AUTHORITY, folder)
    settings = folder / "authority.yaml"
    settings.write_text(settings.read_text().replace("time_zone:", "timezone:"))
    result = wardcast("nightly", "--authority", folder, "--landing", landing, "--home", tmp_path / "home")
    assert result.exit_code == 1
    assert "authority.yaml line" in result.output
    assert "did you mean 'time_zone'?" in result.output


def test_a_second_night_at_the_same_time_is_refused(wardcast: Wardcast, home: Path, landing: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c",
         f"import fcntl,time; f=open({str(home / 'night.lock')!r},'a+'); fcntl.flock(f,fcntl.LOCK_EX); "
         "print('held',flush=True); time.sleep(60)"],
        stdout=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert holder.stdout is not None
        holder.stdout.readline()
        code, said = run(wardcast, landing, home)
    finally:
        holder.kill()
        holder.wait()
    assert code == 1
    assert "another night is running" in said
    stands_alone(home)


@pytest.mark.parametrize("until", ["stg_receipt", "year_end_forecast"])
def test_a_night_killed_half_way_leaves_the_last_publication_and_the_next_succeeds(
    wardcast: Wardcast, home: Path, landing: Path, until: str
) -> None:
    """A real SIGKILL to a real process, after the step ``until`` has been reported."""
    process = subprocess.Popen(
        [sys.executable, "-m", "pipelines.command", "nightly", "--landing", str(landing), "--home", str(home),
         "--as-of", NIGHT],
        stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert process.stderr is not None
    for line in process.stderr:
        if until in line:
            break
    else:
        pytest.fail(f"the night ended before {until}")
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stderr.close()
    time.sleep(0.1)
    stands_alone(home)
    code, said = run(wardcast, landing, home)
    assert code == 0, said
    assert read(home, "publication")["publication_id"].to_list() == [f"{NIGHT}.1", f"{NIGHT}.2"]
