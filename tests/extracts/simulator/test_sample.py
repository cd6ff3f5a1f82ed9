"""What the simulator writes: the same bytes each time, totals that add up, each planted fault in place."""

import filecmp
import hashlib
import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import polars as pl
import pytest

from authorities.loading import AuthorityError, load_authority
from authorities.model import Authority
from extracts.landing import LandingError
from extracts.simulator.simulate import simulate
from tests.extracts.simulator.conftest import Sample
from tests.extracts.simulator.reading import landed_receipts, receipts, sheet, table, text_of


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_another_process_writes_the_same_bytes(sample: Sample, tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; "
        "from authorities.loading import find_authority, load_authority; "
        "from extracts.simulator.simulate import simulate; "
        "simulate(load_authority(find_authority('long_bien')), Path(sys.argv[1]))"
    )
    subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], check=True, env={**os.environ, "PYTHONHASHSEED": "7"}
    )

    assert digests(tmp_path) == digests(sample.folder)


def test_another_seed_gives_other_receipts(long_bien: Authority, tmp_path: Path) -> None:
    for seed in (7, 8):
        simulate(long_bien, tmp_path / str(seed), wards=3, years=2, seed=seed)

    one, other = digests(tmp_path / "7"), digests(tmp_path / "8")
    listing = "landing/kho_bac/lich_su/bang_ke_thu_2019.csv"
    assert one.keys() == other.keys()
    assert one[listing] != other[listing]


def test_a_new_simulation_takes_the_place_of_the_old_but_not_of_real_files(
    long_bien: Authority, tmp_path: Path
) -> None:
    simulate(long_bien, tmp_path, wards=5, years=3, seed=1)
    simulate(long_bien, tmp_path, wards=4, years=2, seed=1)
    assert sorted(path.name for path in tmp_path.rglob("*.xlsx")) == [
        "Du toan 4 phuong nam 2019.xlsx",
        "Du toan 4 phuong nam 2020.xlsx",
    ]

    real = tmp_path / "landing/kho_bac/real.csv"
    real.write_text("kept")
    with pytest.raises(LandingError, match=r"real\.csv"):
        simulate(long_bien, tmp_path, wards=4, years=2, seed=1)
    assert real.read_text() == "kept"


def test_history_starts_in_2012_and_nothing_after_the_as_of_day_lands(sample: Sample) -> None:
    found = landed_receipts(sample.landing)

    assert min(row.day for row in found).isoformat()[:7] == "2012-01"
    assert max(row.day for row in found).isoformat() == "2020-06-30"
    assert 60_000 <= len(found) <= 90_000
    dated = [path.name for path in sample.landing.glob("*/????-??-??")]
    assert max(dated) == "2020-06-30"


def test_receipts_of_every_listing_add_up_to_its_totals_row(sample: Sample) -> None:
    unreadable = {
        fault["path"]: fault["amount"]
        for fault in sample.manifest["row_faults"]
        if fault["fault"] == "unreadable_amount"
    }
    checked = 0
    for file in sample.manifest["files"]:
        if file["dataset"] != "receipt":
            continue
        rows, total = receipts(sample.folder / file["path"], file["path"])
        assert (
            sum(row.amount or 0 for row in rows) + unreadable.get(file["path"], 0) == total == file["total"]
        )
        assert len(rows) == file["rows"]
        checked += 1
    assert checked > 250


@pytest.mark.parametrize("word", ["Du toan 14", "Du toan bo sung 14"])
def test_estimate_sheets_add_up_in_both_directions(sample: Sample, word: str) -> None:
    path = next(sample.landing.glob(f"tai_chinh/*/{word} phuong nam 2020.xlsx"))
    for which in (0, 1):
        rows = sheet(path, which)
        wards = [row for row in rows if isinstance(row[0], int)]
        assert len(wards) == 14
        assert rows[-1][0] == "Tổng cộng"
        for row in (*wards, rows[-1]):
            assert round(row[2] * 1000) == sum(round(cell * 1000) for cell in row[3:])
        for place in range(2, len(rows[-1])):
            assert round(rows[-1][place] * 1000) == sum(round(row[place] * 1000) for row in wards)


def test_tax_lists_add_up_and_differ_from_the_treasury_only_where_planted(sample: Sample) -> None:
    differing = defaultdict(int)
    for difference in sample.manifest["tax_differences"]:
        differing[difference["path"]] += difference["tax_amount"] - difference["treasury_amount"]
    own = {"2716", "2252", "2321", "2771", "2815", "3901", "3902", "4500", "3852"}
    listed = {
        row.document_no: row
        for path in (sample.landing / "kho_bac/lich_su/bang_ke_thu_2019.csv",)
        for row in receipts(path, "")[0]
        if row.item_code not in own
    }
    for month in range(1, 13):
        path = next(sample.landing.glob(f"thue/*/so_thu_nop_2019-{month:02d}.xlsx"))
        rows = [row for row in table(path) if isinstance(row[0], int)]
        treasury = sum(row.amount or 0 for row in listed.values() if row.day.month == month)
        shown = path.relative_to(sample.folder).as_posix()
        assert sum(row[9] for row in rows) == table(path)[-1][9] == treasury + differing[shown]


def test_row_faults_stand_where_the_manifest_says(sample: Sample) -> None:
    seen = set()
    for fault in sample.manifest["row_faults"]:
        rows = {row.row: row for row in receipts(sample.folder / fault["path"], fault["path"])[0]}
        row = rows[fault["row"]]
        seen.add(fault["fault"])
        assert row.document_no == fault["document_no"]
        assert {
            "unknown_item": row.item_code == "1797",
            "unknown_unit": row.unit_code == "00999",
            "unreadable_amount": row.amount is None,
            "future_date": row.day.year == 2021,
            "duplicate_line": rows[fault["row"] - 1].document_no == row.document_no,
        }[fault["fault"]]
        assert fault["counted"] == (fault["fault"] in {"unknown_item", "unknown_unit"})
    assert seen == {"unknown_item", "unknown_unit", "unreadable_amount", "future_date", "duplicate_line"}


def test_odd_deliveries_are_as_the_manifest_says(sample: Sample) -> None:
    faults = {fault["fault"]: fault for fault in sample.manifest["delivery_faults"]}

    missing = faults["missing_day"]
    assert not (sample.folder / missing["path"]).exists()
    assert receipts(sample.folder / missing["other_path"], "")[1] == missing["amount"]

    repeated = faults["repeated_delivery"]
    assert filecmp.cmp(
        sample.folder / repeated["path"], sample.folder / repeated["other_path"], shallow=False
    )

    corrected = faults["corrected_file"]
    before, after = (receipts(sample.folder / corrected[key], "") for key in ("path", "other_path"))
    assert after[1] - before[1] == corrected["amount"] != 0
    assert [row.document_no for row in before[0]] == [row.document_no for row in after[0]]
    assert sum(a.unit_code != b.unit_code for a, b in zip(before[0], after[0], strict=True)) == 1

    raw = {
        name: (sample.folder / fault["path"]).read_bytes()
        for name, fault in faults.items()
        if "encoding" in name
    }
    assert "ở".encode() not in raw["encoding_nfd"]
    assert "NGÂN SÁCH" in text_of(sample.folder / faults["encoding_nfd"]["path"])
    assert raw["encoding_utf-16"].startswith(b"\xff\xfe")
    assert "Phường" in text_of(sample.folder / faults["encoding_cp1258"]["path"])
    with pytest.raises(UnicodeDecodeError):
        raw["encoding_cp1258"].decode("utf-8")


def test_every_working_day_of_the_half_year_has_its_listing_but_the_missing_one(sample: Sample) -> None:
    missing = {
        fault["day"] for fault in sample.manifest["delivery_faults"] if fault["fault"] == "missing_day"
    }
    landed = {path.name[12:22] for path in sample.landing.glob("kho_bac/2020-*/bang_ke_thu_*")}
    workbooks = list(sample.landing.glob("kho_bac/2020-*/bang_ke_thu_*.xlsx"))

    assert not landed & missing
    assert {"2020-01-02", "2020-06-29", "2020-06-30"} <= landed
    assert not {
        day for day in landed if day in {"2020-01-01", "2020-01-27", "2020-04-30", "2020-05-01", "2020-06-28"}
    }
    assert len(landed | missing) == 121
    assert len(workbooks) > 10


def test_truth_agrees_with_what_landed_and_tells_the_rest_of_the_year(sample: Sample) -> None:
    truth = pl.read_csv(sample.folder / "withheld/truth_monthly_collections.csv", try_parse_dates=True)
    landed = sum(row.amount or 0 for row in landed_receipts(sample.landing))
    not_counted = sum(
        fault["amount"]
        for fault in sample.manifest["row_faults"]
        if fault["fault"] in {"unreadable_amount", "future_date"}
    ) + sum(
        fault["amount"] for fault in sample.manifest["delivery_faults"] if fault["fault"] == "missing_day"
    )

    until = truth.filter(pl.col("month") < pl.date(2020, 7, 1))["amount"].sum()
    after = truth.filter(pl.col("month") >= pl.date(2020, 7, 1))

    assert until == landed + not_counted
    assert after["month"].n_unique() == 6
    assert after["unit_key"].n_unique() == 14


def test_deferrals_come_back_within_the_year_and_losses_do_not(sample: Sample) -> None:
    effects = pl.DataFrame(sample.manifest["effects"])
    timing = effects.filter(pl.col("kind") == "timing").group_by("code").agg(pl.col("amount").sum())
    decree = effects.filter(pl.col("code") == "nd41_2020_vat").sort("month")
    losses = effects.filter(pl.col("kind") == "loss")

    assert timing["amount"].to_list() == [0] * timing.height
    assert decree.filter(pl.col("amount") < 0)["month"].to_list() == [
        "2020-04",
        "2020-05",
        "2020-06",
        "2020-07",
    ]
    assert decree.filter(pl.col("amount") > 0)["month"].to_list() == [
        "2020-09",
        "2020-10",
        "2020-11",
        "2020-12",
    ]
    assert losses["amount"].max() < 0
    assert {"covid_2020", "nd70_2020_registration_fee", "nq116_2020_cit"} == set(losses["code"].unique())


def test_seasons_follow_the_due_dates(sample: Sample, long_bien: Authority) -> None:
    truth = pl.read_csv(sample.folder / "withheld/truth_monthly_collections.csv", try_parse_dates=True)
    shares = (
        truth.filter(pl.col("month") < pl.date(2020, 1, 1))
        .group_by("line_code", pl.col("month").dt.month().alias("number"))
        .agg(pl.col("amount").sum())
        .with_columns(pl.col("amount") / pl.col("amount").sum().over("line_code"))
    )
    best = {
        line: part.sort("amount")["number"][-1]
        for (line,), part in shares.partition_by("line_code", as_dict=True).items()
    }

    assert best["nonagri_land_tax"] == 10
    assert best["licence_fee"] == 1
    assert best["land_rent"] in {5, 10}
    assert best["cit"] in {1, 3, 4, 7, 10}


def test_payers_are_nobody(sample: Sample) -> None:
    rows = table(sample.landing / "kho_bac/lich_su/bang_ke_thu_2019.csv")[5:-1]

    assert {row[8][:2] for row in rows} == {"99"}
    assert all("MÔ PHỎNG" in text_of(path) for path in sample.landing.glob("kho_bac/lich_su/*.csv"))


def test_a_country_has_its_own_authority_and_large_files(long_bien: Authority, tmp_path: Path) -> None:
    manifest = simulate(long_bien, tmp_path, wards=40, years=2, seed=1)

    country = load_authority(tmp_path / "authority")
    rows, total = receipts(tmp_path / "landing/kho_bac/lich_su/bang_ke_thu_2020.csv", "")
    late, _ = receipts(tmp_path / "withheld/kho_bac/lich_su/bang_ke_thu_2020.csv", "")
    assert len(country.units) == 40
    assert {row.unit_code for row in rows} == {unit.code for unit in country.units}
    assert sum(row.amount or 0 for row in rows) == total
    assert max(row.day for row in rows).isoformat() == "2020-06-30" < min(row.day for row in late).isoformat()
    assert not {row.document_no for row in rows} & {row.document_no for row in late}
    assert manifest.receipts == sum(
        file.rows for file in manifest.files if file.dataset == "receipt" and not file.withheld
    )
    assert (tmp_path / "landing/tai_chinh/2019-12-25/Du toan 40 phuong nam 2020.xlsx").is_file()


def test_an_authority_without_settings_for_it_cannot_be_simulated(
    long_bien: Authority, tmp_path: Path
) -> None:
    real = long_bien.model_copy(update={"folder": tmp_path})

    with pytest.raises(AuthorityError, match=r"simulation\.yaml"):
        simulate(real, tmp_path / "out")
    with pytest.raises(ValueError, match="at least 2"):
        simulate(long_bien, tmp_path / "out", years=1)
