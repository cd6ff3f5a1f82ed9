"""Each folder of ``tests/cases`` is a landing folder of Long Biên and what must come of it.

``expected.yaml`` says for each file its status, what is said of it, what was decided by evidence, and its
counts; ``expected.csv``, where there is one, the staged receipts with the rule that refuses them. Where
either differs, the actual text is in the failure, ready to be looked at and put in its place.
"""

import datetime as dt
from pathlib import Path

import polars as pl
import pytest
import yaml

from authorities.loading import DEFAULT_AUTHORITY, load_authority
from expectations.validation import validate
from extracts.intake import stage_dataset, take_in

CASES = Path(__file__).parents[1] / "cases"
AS_OF = dt.date(2020, 6, 30)
_COUNTS = ["rows_received", "rows_data", "rows_not_data", "amount_received", "amount_total_row"]
_SHOWN = ["row_number", "unit_key", "item_code", "posting_date", "amount"]


def _told(register: pl.DataFrame) -> str:
    files = [
        {
            "file": row["source_file"],
            "form": row["form_code"],
            "status": row["status"],
            **{said: row[said] for said in ("problem", "notes") if row[said]},
            **({name: row[name] for name in _COUNTS} if row["status"] == "read" else {}),
        }
        for row in register.sort("source_file", "form_code").iter_rows(named=True)
    ]
    return yaml.safe_dump(files, allow_unicode=True, sort_keys=False, width=100)


def _staged(staged: pl.DataFrame) -> str:
    place = ["source_file", "row_number"]
    refused = validate("receipt", staged).quarantine.select(*place, "rule")
    judged = staged.join(refused, on=place, how="left", maintain_order="left")
    return judged.select(*_SHOWN, "rule").write_csv()


@pytest.mark.parametrize("case", sorted(path.name for path in CASES.iterdir()))
def test_case(case: str, tmp_path: Path) -> None:
    authority = load_authority(DEFAULT_AUTHORITY)
    register = take_in(authority, CASES / case / "landing", tmp_path, AS_OF)

    assert _told(register) == (CASES / case / "expected.yaml").read_text(encoding="utf-8")
    expected_rows = CASES / case / "expected.csv"
    staged = stage_dataset(authority, "receipt", register, tmp_path)
    assert expected_rows.exists() == bool(staged.height)
    if expected_rows.exists():
        assert _staged(staged) == expected_rows.read_text(encoding="utf-8")
