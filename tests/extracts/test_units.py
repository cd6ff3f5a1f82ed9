"""Which ward a code and a name mean, and when nobody can say."""

import datetime as dt
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from authorities.loading import DEFAULT_AUTHORITY, load_authority
from authorities.model import Authority
from extracts.told import told
from extracts.units import ERA, UnitResolver
from tests.extracts.conftest import Office, build_authority

OLD, NEW = dt.date(2020, 6, 30), dt.date(2025, 7, 1)
LONG_BIEN = load_authority(DEFAULT_AUTHORITY)
RESOLVER = UnitResolver(LONG_BIEN)


def resolved(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows with their unit, each different piece of evidence looked at once, as staging does."""
    dated = rows.with_columns(RESOLVER.era_of(rows["day"]).alias(ERA))
    seen = dated.select(ERA, "unit_name", "unit_code").unique()
    return dated.with_columns(told(seen, RESOLVER.keys_of(seen)).alias("unit_key")).drop(ERA)


@pytest.fixture
def resolver(office: Office) -> UnitResolver:
    return UnitResolver(office.authority)


@pytest.mark.parametrize(
    "name",
    ["Phường Long Biên", "P. Long Biên", "P.Long Biên", "UBND phường Long Biên", "PHUONG LONG BIEN",
     "Phươ\u0300ng Long Biên", "long  biên", "Long Bi\u200bên", "\u00a0Long Biên "],
)  # fmt: skip
def test_a_ward_is_known_by_any_spelling_of_its_name(resolver: UnitResolver, name: str) -> None:
    assert resolver.unit_key(None, name, OLD) == "00145@2004"


@pytest.mark.parametrize("code", ["00145", "145", "145.0", "0145", "'00145", '="00145"'])
def test_a_ward_is_known_by_its_code_however_a_spreadsheet_left_it(resolver: UnitResolver, code: str) -> None:
    assert resolver.unit_key(code, None, OLD) == "00145@2004"


def test_both_ways_to_write_the_tone_mean_the_same_ward(resolver: UnitResolver) -> None:
    assert (
        resolver.unit_key(None, "Ngọc Thuỵ", OLD) == resolver.unit_key(None, "Ngọc Thụy", OLD) == "00118@2004"
    )


@pytest.mark.parametrize("name", ["Phương Liệt", "Phường Phương Liệt", "PHUONG LIET", "Phuong Phuong Liet"])
def test_a_name_that_begins_like_the_word_for_ward_keeps_its_first_word(
    resolver: UnitResolver, name: str
) -> None:
    assert resolver.unit_key(None, name, OLD) == "00200@2004"


@pytest.mark.parametrize("name", ["Phường 5", "Phường 05", "P.5", "5"])
def test_a_numbered_ward_is_known_with_and_without_its_zero(resolver: UnitResolver, name: str) -> None:
    assert resolver.unit_key(None, name, OLD) == "00400@2004"


def test_only_the_date_tells_the_old_ward_from_the_new_one(resolver: UnitResolver) -> None:
    last, first = NEW - dt.timedelta(days=1), NEW
    assert resolver.unit_key("00145", "Long Biên", last) == "00145@2004"
    assert resolver.unit_key("00145", "Long Biên", first) == "00145@2025"


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("00145", "Ngọc Thụy"),
        ("99999", "Long Biên"),
        ("00145", "Quận Long Biên"),
        (None, None),
        ("", ""),
        (None, "Phường"),
    ],
)
def test_where_evidence_disagrees_or_lacks_no_ward_is_named(
    resolver: UnitResolver, code: str | None, name: str | None
) -> None:
    assert resolver.unit_key(code, name, OLD) is None


def test_one_name_for_two_wards_names_neither(tmp_path: Path) -> None:
    twin = build_authority(tmp_path, unit_rows="00500,Long Bien,2004-01-01,,,\n")

    assert UnitResolver(twin).unit_key(None, "Long Biên", OLD) is None
    assert UnitResolver(twin).unit_key("00500", "Long Biên", OLD) == "00500@2004"


EVIDENCE = st.one_of(
    st.none(),
    st.sampled_from([
        text
        for unit in LONG_BIEN.units
        for text in (unit.code, unit.name, *unit.name_variants, *unit.code_variants)
    ]),
    st.text("PhườngLo 0145.", max_size=8),
)  # fmt: skip
DAYS = st.dates(dt.date(2003, 1, 1), dt.date(2027, 1, 1))


@given(code=EVIDENCE, name=EVIDENCE, day=DAYS)
def test_a_named_ward_holds_on_the_day_and_bears_all_the_evidence(
    code: str | None, name: str | None, day: dt.date
) -> None:
    key = RESOLVER.unit_key(code, name, day)
    if key is None:
        return
    [unit] = [unit for unit in LONG_BIEN.units if unit.unit_key == key]
    assert unit.holds_on(day)
    assert not code or RESOLVER.unit_key(code, None, day) == key
    assert not name or RESOLVER.unit_key(None, name, day) == key


@given(st.lists(st.tuples(EVIDENCE, EVIDENCE, DAYS)))
def test_resolving_a_frame_is_resolving_each_row(rows: list[tuple[str | None, str | None, dt.date]]) -> None:
    schema = {"unit_code": pl.String, "unit_name": pl.String, "day": pl.Date}
    frame = pl.DataFrame(rows, schema=schema, orient="row")

    placed = resolved(frame)

    assert placed["unit_key"].to_list() == [RESOLVER.unit_key(*given) for given in rows]
    assert placed.drop("unit_key").equals(frame)


def test_a_row_without_a_date_is_taken_as_of_the_latest_wards() -> None:
    schema = {"unit_code": pl.String, "unit_name": pl.String, "day": pl.Date}
    frame = pl.DataFrame([("00145", "Long Biên", None)], schema=schema, orient="row")

    assert resolved(frame)["unit_key"].item() == "00145@2025"


def test_an_authority_whose_units_never_change_needs_no_date(office: Office) -> None:
    units = tuple(unit for unit in office.authority.units if unit.code == "00118")
    steady: Authority = office.authority.model_copy(update={"units": units})

    assert UnitResolver(steady).unit_key("118", "P. Ngọc Thuỵ", OLD) == "00118@2004"
