"""The planted faults are neither more nor less than what the pipeline's rules refuse on the sample."""

import datetime as dt
from pathlib import Path

from authorities.model import Authority
from expectations.validation import validate
from extracts.intake import stage_dataset, take_in
from tests.extracts.simulator.conftest import Sample


def test_only_the_planted_rows_are_refused_each_by_its_rule(
    long_bien: Authority, sample: Sample, tmp_path: Path
) -> None:
    register = take_in(long_bien, sample.landing, tmp_path, dt.date(2020, 6, 30))

    refused = {
        (f"landing/{row['source_file']}", row["row_number"], row["rule"], row["outcome"] == "unallocated")
        for dataset in (
            "receipt",
            "spending",
            "estimate",
            "spending_estimate",
            "tax_collection",
            "tax_arrears",
        )
        for row in validate(
            dataset, stage_dataset(long_bien, dataset, register, tmp_path)
        ).quarantine.iter_rows(named=True)
    }

    planted = {
        (fault["path"], fault["row"], fault["rule"], fault["counted"])
        for fault in sample.manifest["row_faults"]
    }
    assert refused == planted
    assert set(register["status"]) == {"read", "repeated"}
