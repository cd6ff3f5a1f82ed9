"""Homes that go into one file and come back, whole or not at all."""

import shutil
import stat
from pathlib import Path

import pytest

from pipelines.backup import BackupError, back_up, restore
from pipelines.home import NightRefusedError, home_lock
from tests.pipelines.conftest import NIGHT, Wardcast, read
from warehouse.exports import EXPORTED


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A small home: files, a read-only one, a link."""
    home = tmp_path / "home"
    (home / "raw").mkdir(parents=True)
    (home / "raw" / "kho bạc.parquet").write_bytes(b"rows" * 1000)
    sealed = home / "sealed.duckdb"
    sealed.write_bytes(b"marts")
    sealed.chmod(0o444)
    (home / "latest").symlink_to("sealed.duckdb")
    (home / "half.duckdb.building").write_bytes(b"half")
    return home


def contents(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {
        path.relative_to(folder).as_posix(): (path.read_bytes(), stat.S_IMODE(path.lstat().st_mode))
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.endswith((".lock", ".building"))
    }


def test_a_home_comes_back_byte_by_byte_with_rights_and_links(home: Path, tmp_path: Path) -> None:
    assert back_up(home, tmp_path / "a.tar.gz") == 2
    restore(tmp_path / "a.tar.gz", tmp_path / "again")

    assert contents(tmp_path / "again") == contents(home)
    assert (tmp_path / "again" / "latest").readlink() == Path("sealed.duckdb")
    assert stat.S_IMODE((tmp_path / "a.tar.gz").stat().st_mode) == 0o600
    assert not (tmp_path / "again" / "half.duckdb.building").exists()


@pytest.mark.parametrize("kept", [0.3, 0.6, 0.9])
def test_half_an_archive_restores_nothing(home: Path, tmp_path: Path, kept: float) -> None:
    archive = tmp_path / "a.tar.gz"
    back_up(home, archive)
    whole = archive.read_bytes()
    archive.write_bytes(whole[: int(len(whole) * kept)])

    with pytest.raises(BackupError, match="use another backup"):
        restore(archive, tmp_path / "again")

    assert {path.name for path in tmp_path.iterdir()} == {"home", "a.tar.gz"}


def test_a_foreign_archive_is_refused(home: Path, tmp_path: Path) -> None:
    shutil.make_archive(str(tmp_path / "foreign"), "gztar", home)

    with pytest.raises(BackupError, match="no manifest"):
        restore(tmp_path / "foreign.tar.gz", tmp_path / "again")
    assert not (tmp_path / "again").exists()


def test_nothing_is_overwritten(home: Path, tmp_path: Path) -> None:
    back_up(home, tmp_path / "a.tar.gz")

    with pytest.raises(BackupError, match="exists already"):
        back_up(home, tmp_path / "a.tar.gz")
    with pytest.raises(BackupError, match="holds things already"):
        restore(tmp_path / "a.tar.gz", home)
    with pytest.raises(BackupError, match="outside"):
        back_up(home, home / "a.tar.gz")


def test_no_backup_while_a_night_runs(home: Path, tmp_path: Path) -> None:
    with home_lock(home), pytest.raises(NightRefusedError, match="another night is running"):
        back_up(home, tmp_path / "a.tar.gz")
    assert not (tmp_path / "a.tar.gz").exists()


def test_restored_marts_are_equal_and_the_next_night_runs(
    published_home: Path, sample: Path, tmp_path: Path, wardcast: Wardcast
) -> None:
    archive, again = tmp_path / "a.tar.gz", tmp_path / "again"
    told = wardcast("warehouse", "backup", archive, "--home", published_home)
    assert told.exit_code == 0, told.output
    told = wardcast("warehouse", "restore", archive, "--home", again)
    assert told.exit_code == 0, told.output

    assert all(read(again, name).equals(read(published_home, name)) for name in EXPORTED)
    files = lambda home: {p.name: p.read_bytes() for p in (home / "wardcast.publications").rglob("*.parquet")}  # noqa: E731
    assert files(again) == files(published_home)
    told = wardcast("nightly", "--landing", sample / "landing", "--home", again, "--as-of", NIGHT)
    assert told.exit_code == 0, told.output
    assert read(again, "publication").height == 2
