"""What is remembered of files saves looking again, and never hides that a file or its rows are others now."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from extracts.erasure import erase_taxpayers
from extracts.intake import counts_of
from extracts.pseudonyms import PseudonymKey
from extracts.remembered import remembered
from tests.extracts.conftest import AS_OF, Office, row

KEY = PseudonymKey(b"k" * 32)
JUNE = "2020-06-15/thu_2020-06-15.csv"
LONG_AGO = 1_500_000_000 * 10**9


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "landing.csv"
    path.write_bytes(b"one")
    return path


def digest(store: Path, file: Path) -> str:
    memory = remembered(store, "")
    found = memory.sha256(file.name, file, file.stat())
    memory.keep(store)
    return found


def test_a_file_long_unchanged_is_not_hashed_again(tmp_path: Path, file: Path) -> None:
    memory = remembered(tmp_path, "")
    memory.began_ns += 60 * 10**9
    memory.sha256(file.name, file, file.stat())
    memory.keep(tmp_path)
    told = json.loads((tmp_path / "known.json").read_text(encoding="utf-8"))
    told["digests"][file.name][1] = "as remembered"
    (tmp_path / "known.json").write_text(json.dumps(told), encoding="utf-8")

    assert remembered(tmp_path, "").sha256(file.name, file, file.stat()) == "as remembered"
    assert remembered(tmp_path, "").sha256("another name", file, file.stat()) != "as remembered"


def test_a_file_of_the_same_size_and_time_with_other_bytes_is_noticed(tmp_path: Path, file: Path) -> None:
    os.utime(file, ns=(LONG_AGO, LONG_AGO))
    first = digest(tmp_path, file)
    file.write_bytes(b"two")
    os.utime(file, ns=(LONG_AGO, LONG_AGO))

    assert digest(tmp_path, file) != first


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": "1", "digests": {"a": 1}, "counts": {}}'])
def test_a_damaged_memory_is_no_memory(tmp_path: Path, file: Path, text: str) -> None:
    first = digest(tmp_path, file)
    (tmp_path / "known.json").write_text(text, encoding="utf-8")

    assert digest(tmp_path, file) == first


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files whose rows are counted, from here on."""
    names: list[str] = []

    def noted(*words: Any) -> object:
        names.append(str(words[-1]))
        return counts_of(*words)

    monkeypatch.setattr("extracts.intake.counts_of", noted)
    return names


def test_rows_of_which_only_names_went_are_not_counted_again(office: Office, counted: list[str]) -> None:
    office.listing(row(1, "5"), name=JUNE)
    first = office.register()
    assert erase_taxpayers(office.store, first, AS_OF, 10, KEY) == 1

    assert office.register().equals(first)
    assert len(counted) == 1


def test_rows_that_had_changed_before_their_names_went_are_counted_again(
    office: Office, counted: list[str]
) -> None:
    office.listing(row(1, "5"), name=JUNE)
    first = office.register()
    for raw in office.store.glob("*/*.parquet"):
        os.utime(raw, ns=(LONG_AGO, LONG_AGO))
    assert erase_taxpayers(office.store, first, AS_OF, 10, KEY) == 1

    assert office.register().equals(first)
    assert len(counted) == 2


def test_names_go_whatever_became_of_what_was_remembered(office: Office) -> None:
    office.listing(row(1, "5"), name=JUNE)
    first = office.register()
    (office.store / "known.json").write_text("{", encoding="utf-8")

    assert erase_taxpayers(office.store, first, AS_OF, 10, KEY) == 1
    assert office.register().equals(first)


def test_counts_are_taken_once_and_anew_where_the_code_or_the_currency_changed(
    office: Office, counted: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    office.listing(row(1, "5"), row(2, "6,4"))
    first = office.register()
    assert office.register().equals(first)
    assert len(counted) == 1

    monkeypatch.setattr("extracts.remembered.code_digest", lambda: "other")
    assert office.register().equals(first)
    assert len(counted) == 2
