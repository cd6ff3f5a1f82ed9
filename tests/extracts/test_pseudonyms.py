"""Taxpayers: pseudonyms in staged rows, the key behind them, and names that go from the raw rows in time."""

import datetime as dt
import stat
from pathlib import Path

import polars as pl
import pytest

from extracts.erasure import erase_taxpayers
from extracts.intake import scan_dataset, stage_dataset
from extracts.problems import ExtractError
from extracts.pseudonyms import PseudonymKey, pseudonym_key, with_pseudonyms
from tests.extracts.conftest import AS_OF, Office, row
from warehouse.tables.ledger import LEDGER
from warehouse.tables.staging import PSEUDONYM, STAGED

KEY, OTHER = PseudonymKey(b"k" * 32), PseudonymKey(b"o" * 32)
PEOPLE = pl.DataFrame(
    {
        "taxpayer_no": ["0100109106-001", "0100109106 001", "0100109106", None, "", None],
        "taxpayer_name": ["Công ty A", "CTY A", "Công ty A", "Trần Văn Kín", " Trần  văn KÍN ", None],
        "amount": ["1", "2", "3", "4", "5", "6"],
    }
)


def test_the_number_tells_who_and_the_name_where_there_is_none() -> None:
    first, again, parent, by_name, same_name, nobody = with_pseudonyms(PEOPLE, KEY)[PSEUDONYM]
    assert first == again
    assert by_name == same_name
    assert len({first, parent, by_name}) == 3
    assert nobody is None


def test_nothing_of_the_taxpayer_is_left_and_another_key_says_otherwise() -> None:
    hidden = with_pseudonyms(PEOPLE, KEY)
    assert hidden.columns == ["amount", PSEUDONYM]
    assert with_pseudonyms(hidden, OTHER).equals(hidden)
    assert set(hidden[PSEUDONYM].drop_nulls()).isdisjoint(with_pseudonyms(PEOPLE, OTHER)[PSEUDONYM])


def test_the_key_is_made_once_for_its_owner_alone_and_never_shown(tmp_path: Path) -> None:
    key = pseudonym_key(tmp_path / "raw")
    assert pseudonym_key(tmp_path / "raw") == key
    assert pseudonym_key(tmp_path / "other") != key
    assert stat.S_IMODE((tmp_path / "raw" / "pseudonym.key").stat().st_mode) == 0o600
    assert key.secret.hex() not in repr(key)
    assert repr(key.secret) not in repr(key)


def test_the_environment_goes_before_the_file_and_a_weak_key_is_refused(tmp_path: Path) -> None:
    assert pseudonym_key(tmp_path, "a" * 32) == pseudonym_key(tmp_path, "a" * 32) != pseudonym_key(tmp_path)
    with pytest.raises(ExtractError, match="9 characters") as refused:
        pseudonym_key(tmp_path, "short-key")
    assert "short-key" not in str(refused.value)
    (tmp_path / "pseudonym.key").chmod(0o600)
    (tmp_path / "pseudonym.key").write_bytes(b"half")
    with pytest.raises(ExtractError, match=r"Delete .*pseudonym\.key"):
        pseudonym_key(tmp_path)


def test_staged_rows_have_the_pseudonym_and_the_ledger_has_none(office: Office) -> None:
    office.listing(row(1), row(2, payer="Lê Thị Giấu"), row(3))
    register = office.register()
    staged = stage_dataset(office.authority, "receipt", register, office.store, key=KEY)
    first, second, third = staged[PSEUDONYM]
    assert first == third == KEY.pseudonym("tran van kin")
    assert second == KEY.pseudonym("le thi giau")
    assert "taxpayer_name" not in staged.columns
    assert office.staged()[PSEUDONYM].to_list() == [None] * 3
    assert all(PSEUDONYM not in table.columns for table in LEDGER.values())
    assert PSEUDONYM in STAGED["tax_arrears"].columns


def test_a_taxpayer_who_stands_as_document_or_chapter_is_not_staged(office: Office) -> None:
    office.listing(row(1, document="Trần Văn Kín"), row(2), row(3, document=""))
    assert office.staged()["document_no"].to_list() == ["", "A2", ""]


def test_another_key_stages_kept_rows_anew(office: Office, tmp_path: Path) -> None:
    office.listing(row(1))
    register = office.register()
    given = [
        scan_dataset(
            office.authority, "receipt", register, office.store, tmp_path / "staged", lambda rows: rows, key
        ).collect()[PSEUDONYM]
        for key in (KEY, OTHER, KEY)
    ]
    assert given[0].equals(given[2])
    assert given[0].item() != given[1].item()


def named(store: Path) -> list[str]:
    """Kept raw files in which a taxpayer still stands."""
    kept = sorted(store.glob("*/*.parquet"))
    return [path.name for path in kept if "taxpayer_name" in pl.read_parquet_schema(path)]


@pytest.mark.parametrize("held_bytes", [0, 2**30], ids=["read as a plan", "held"])
def test_names_go_after_their_days_and_no_figure_moves(
    office: Office, held_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("extracts.erasure.HELD_BYTES", held_bytes)
    office.listing(row(1), row(2, amount="5"), name="2020-05-31/thu_2020-05-31.csv")
    office.listing(row(3))
    register, before = office.register(), office.staged()
    known = stage_dataset(office.authority, "receipt", register, office.store, key=KEY)
    assert erase_taxpayers(office.store, register, AS_OF, 31, KEY) == 0
    assert len(named(office.store)) == 2
    assert erase_taxpayers(office.store, register, AS_OF, 10, KEY) == 1
    assert len(named(office.store)) == 1
    assert erase_taxpayers(office.store, register, AS_OF, 10, KEY) == 0
    assert office.register().equals(register)
    assert office.staged().equals(before)
    assert stage_dataset(office.authority, "receipt", register, office.store, key=KEY).equals(known)
    assert not any(b"K\xc3\xadn" in path.read_bytes() for path in office.store.glob("*/*.parquet")
                   if path.name not in named(office.store))  # fmt: skip
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o400 for path in office.store.glob("*/*.parquet"))


def test_rows_of_an_overwritten_file_lose_their_names_at_once(office: Office) -> None:
    office.listing(row(1))
    office.register()
    office.listing(row(1, amount="7"))
    register = office.register()
    assert len(named(office.store)) == 2
    assert erase_taxpayers(office.store, register, AS_OF, 400, KEY) == 1
    assert len(named(office.store)) == 1


def test_what_a_database_gave_goes_with_the_names_but_for_the_last_night(office: Office) -> None:
    office.listing(row(1))
    for night in ("2020-05-30", "2020-06-01", "2020-06-30"):
        path = office.store / "database" / night / "live.parquet"
        path.parent.mkdir(parents=True)
        pl.DataFrame({"payer": ["Trần Văn Kín"]}).write_parquet(path)
    register = pl.DataFrame(schema={"sha256": pl.String, "received_on": pl.Date})
    assert erase_taxpayers(office.store, register, dt.date(2020, 7, 30), 30, KEY) == 2
    assert [path.parent.name for path in office.store.glob("database/*/*.parquet")] == ["2020-06-30"]
