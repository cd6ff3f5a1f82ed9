"""The frames between steps on S3: a real S3 API on loopback, whole nights over it, and what it may refuse."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import boto3
import polars as pl
import pytest
import s3fs
from moto.server import ThreadedMotoServer
from upath import UPath

from pipelines.upkeep import RUNS_KEPT_DAYS, prune_lake
from tests.pipelines.conftest import Wardcast, read
from tests.pipelines.small_district import daily, history, monthly, small_authority

NIGHTS = ("2020-06-29", "2020-06-30")
BUCKET = "lake-of-a-district"


@pytest.fixture
def storage(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server that speaks S3, a bucket in it, and the environment that leads there."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    given = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}", "AWS_ACCESS_KEY_ID": "clerk",
        "AWS_SECRET_ACCESS_KEY": "s3cret-of-the-lake", "AWS_DEFAULT_REGION": "us-east-1",
    }  # fmt: skip
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    s3fs.S3FileSystem.clear_instance_cache()
    urlopen(Request(f"{given['AWS_ENDPOINT_URL']}/moto-api/reset", method="POST")).close()
    boto3.client("s3").create_bucket(Bucket=BUCKET)
    yield f"s3://{BUCKET}/nights"
    s3fs.S3FileSystem.clear_instance_cache()
    server.stop()


@pytest.fixture
def place(tmp_path: Path) -> tuple[str | Path, ...]:
    """Authority, landing folder and home of a small district, as options."""
    landing = tmp_path / "landing"
    history(landing, 2018, monthly(2018, range(1, 13)))
    history(landing, 2019, monthly(2019, range(1, 13), 1.1))
    daily(landing, "2020-06-26", monthly(2020, range(1, 6), 1.2))
    authority = small_authority(tmp_path / "authority")
    return "--authority", authority, "--landing", landing, "--home", tmp_path / "home"


def test_nights_over_s3_are_those_over_a_folder(
    storage: str, place: tuple[str | Path, ...], wardcast: Wardcast, monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:  # fmt: skip
    local = tmp_path / "local"
    result = wardcast("nightly", *place[:-1], local, "--as-of", NIGHTS[0])
    assert result.exit_code == 0, result.output
    monkeypatch.setenv("WARDCAST_LAKE", storage)
    for night in NIGHTS:
        result = wardcast("nightly", *place, "--as-of", night)
        assert result.exit_code == 0, result.output
    home = Path(place[-1])
    assert not (home / "lake").exists()
    frames = sorted(path.name for path in UPath(storage).glob("core_receipt/*.parquet"))
    assert frames == [f"{night}.parquet" for night in NIGHTS]
    mart = "mart_unit_position"
    own = read(home, mart).filter(pl.col("as_of").cast(pl.String) == NIGHTS[0])
    assert own.equals(read(local, mart))
    traced = wardcast("trace", mart, "00115@2004", *place[:2], *place[4:], "--as-of", NIGHTS[0])
    assert traced.exit_code == 0, traced.output
    assert "bang_ke_thu_2020-06-26.csv" in traced.output
    secret = "s3cret-of-the-lake"
    kept = [path for path in home.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]
    assert kept == []
    assert secret not in result.output


def test_old_frames_go_from_s3_too(storage: str) -> None:
    frame = UPath(storage) / "core_receipt" / "2020-06-30.parquet"
    frame.parent.mkdir(parents=True, exist_ok=True)
    with frame.open("wb") as file:
        pl.DataFrame({"a": [1]}).write_parquet(file)
    now = dt.datetime.now(dt.UTC)
    assert prune_lake(UPath(storage), now) == 0
    assert prune_lake(UPath(storage), now + dt.timedelta(days=RUNS_KEPT_DAYS + 1)) == 1
    assert not frame.exists()


@pytest.mark.parametrize("lake", ["s3://no-such-bucket/nights", "nowhere://bucket/nights"])
def test_a_lake_that_cannot_be_written_refuses_the_night_before_it_begins(
    lake: str,
    storage: str,
    place: tuple[str | Path, ...],
    wardcast: Wardcast,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("WARDCAST_LAKE", lake)
    result = wardcast("nightly", *place, "--as-of", NIGHTS[1])
    assert result.exit_code == 1
    assert f"lake {lake} cannot be" in result.output
    assert "WARDCAST_LAKE" in result.output or "extra 's3'" in result.output
    assert not (Path(place[-1]) / "wardcast.duckdb").exists()
