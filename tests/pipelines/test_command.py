"""The command line: help that is quick and complete, doctor, query, dictionary, simulate."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pipelines.conftest import NIGHT, Wardcast

ROOT = Path(__file__).parents[2]
HEAVY = ("great_expectations", "statsmodels", "dagster", "polars", "pandas", "altair")


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from typer.testing import CliRunner; from pipelines.command import app; "
        "done = CliRunner().invoke(app, ['--help']); assert done.exit_code == 0, done.output; "
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert told.stdout.strip() == "[]"


@pytest.mark.parametrize("command", ["nightly", "query", "backtest", "simulate", "doctor", "dictionary"])
def test_every_command_explains_itself(wardcast: Wardcast, command: str) -> None:
    assert command in wardcast("--help").output
    shown = wardcast(command, "--help")
    assert shown.exit_code == 0
    assert len(shown.output.split("Options:")[0].split()) > 8


def test_commands_of_the_readme_exist(wardcast: Wardcast) -> None:
    blocks = (ROOT / "README.md").read_text().split("```")[1::2]
    named = {
        line.split()[1] for block in blocks for line in block.splitlines() if line.startswith("wardcast ")
    }
    assert named
    for command in named:
        assert wardcast(command, "--help").exit_code == 0


def test_doctor_finds_a_good_place_well(wardcast: Wardcast, published_home: Path, sample: Path) -> None:
    told = wardcast("doctor", "--home", published_home, "--landing", sample / "landing")
    assert told.exit_code == 0, told.output
    assert "MEND" not in told.output
    assert f"publication {NIGHT}.1" in told.output


def test_doctor_says_what_to_mend(wardcast: Wardcast, tmp_path: Path) -> None:
    landing = tmp_path / "landing"
    landing.mkdir()
    (landing / "notes.pdf").write_bytes(b"%PDF")
    told = wardcast("doctor", "--home", tmp_path / "home", "--landing", landing)
    assert told.exit_code == 1
    assert "MEND  landing folder" in told.output
    assert "notes.pdf" in told.output


def test_query_in_every_format(wardcast: Wardcast, published_home: Path) -> None:
    sql = "SELECT as_of, units_total, leaders_recurrent FROM mart_district_brief"
    table = wardcast("query", sql, "--home", published_home).output
    assert "Phúc Đồng" in table
    row = json.loads(wardcast("query", sql, "--home", published_home, "--format", "json").output)[0]
    assert (row["as_of"], row["units_total"]) == (NIGHT, 14)
    header, line = wardcast("query", sql, "--home", published_home, "--format", "csv").output.splitlines()
    assert header == "as_of,units_total,leaders_recurrent"
    assert line.startswith(f'{NIGHT},14,"Phúc Đồng')


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("DROP TABLE mart_warning", "SELECT"),
        ("SELECT * FROM mart_wanring", "mart_warning"),
        ("SELECT * FROM read_csv('/etc/passwd')", ""),
    ],
    ids=["writes", "misspelt", "reads-a-file"],
)
def test_query_refuses_clearly(wardcast: Wardcast, published_home: Path, sql: str, said: str) -> None:
    told = wardcast("query", sql, "--home", published_home)
    assert told.exit_code == 1
    assert said in told.output
    assert "root:" not in told.output


def test_query_before_the_first_night_says_what_to_do(wardcast: Wardcast, tmp_path: Path) -> None:
    told = wardcast("query", "SELECT 1", "--home", tmp_path)
    assert told.exit_code == 1
    assert "wardcast nightly" in told.output


def test_the_dictionary_is_the_one_in_the_docs(wardcast: Wardcast) -> None:
    assert wardcast("dictionary").output == (ROOT / "docs" / "dictionary.md").read_text()


def test_simulate_makes_a_country_that_runs(wardcast: Wardcast, tmp_path: Path) -> None:
    """Thirty invented wards, with an authority of their own, through the same job."""
    country = tmp_path / "country"
    assert wardcast("simulate", country, "--wards", "30", "--years", "2", "--seed", "7").exit_code == 0
    places = ("--authority", country / "authority", "--home", tmp_path / "home")
    told = wardcast("nightly", *places, "--landing", country / "landing", "--as-of", NIGHT)
    assert told.exit_code == 0, told.output
    counted = wardcast("query", "SELECT units_total FROM mart_district_brief", *places, "--format", "csv")
    assert counted.output.split() == ["units_total", "30"]
