"""A whole country for load tests: thousands of invented units in a few large files, and their authority.

Same behaviour and formats as the sample, but no targets, no planted faults and no tax office. Made a block
of units at a time, so that memory does not grow with the country.
"""

import csv
import datetime as dt
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import yaml

from authorities.loading import load_authority
from authorities.model import Authority
from extracts.simulator.calibration import by_unit_and_line, rounded_estimates
from extracts.simulator.documents import numbered, split_into_documents
from extracts.simulator.estimates import natural_estimates, past_estimates
from extracts.simulator.faults import plan_deliveries
from extracts.simulator.files import TOTAL
from extracts.simulator.finance import FinanceOffice
from extracts.simulator.frame import Frame, Ints
from extracts.simulator.manifest import Manifest, WrittenFile
from extracts.simulator.monthly import simulate_months
from extracts.simulator.settings import load_settings
from extracts.simulator.spending import simulate_spending
from extracts.simulator.tables import RECEIPT_HEADER, grouped_text, printed
from extracts.simulator.taxpayers import payer_pool
from extracts.simulator.treasury import Treasury

_BLOCK = 500
_FIRST_CODE = 10_000
_CODE = "country"
_PLAIN = {
    "unit_sizes": {},
    "estimate_sections": [],
    "offices": {
        "treasury": "KHO BẠC NHÀ NƯỚC",
        "tax_office": "CỤC THUẾ",
        "finance_office": "SỞ TÀI CHÍNH",
    },
}
"""Settings of the base that speak of its own places, and what stands for them in a country."""


def simulate_country(base: Authority, folder: Path, *, wards: int, years: int, seed: int) -> Manifest:
    """Write ``wards`` units' extracts and their authority below ``folder``, in the manner of ``base``.

    Raises:
        ValueError: ``wards`` is below 1 or too many for codes of five digits.
    """
    if not 1 <= wards < 100_000 - _FIRST_CODE:
        raise ValueError(f"wards: give a number between 1 and {100_000 - _FIRST_CODE - 1}")
    authority = _write_authority(base, folder / "authority", wards, years)
    sample = authority.settings.sample
    assert sample is not None  # noqa: S101 - written just now
    frame = Frame(
        authority, load_settings(authority), authority.units_on(sample.as_of), sample.first_day.year,
        sample.last_day.year, sample.as_of, seed,
    )  # fmt: skip
    manifest = Manifest(authority.code, seed, str(sample.as_of), sample.notice.vi)
    _write_finance(FinanceOffice(frame, folder, manifest), _write_receipts(frame, folder, manifest))
    manifest.write(folder / "manifest.json")
    return manifest


def _write_authority(base: Authority, folder: Path, wards: int, years: int) -> Authority:
    """The country's own folder: the base's lines, shares and bulk forms, and invented units."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in (
        "revenue_lines.csv",
        "revenue_items.csv",
        "sharing_rules.csv",
        "recurrent_lines.csv",
        "shocks.yaml",
    ):
        if (base.folder / name).is_file():
            shutil.copyfile(base.folder / name, folder / name)
    settings = yaml.safe_load((base.folder / "authority.yaml").read_text(encoding="utf-8"))
    last_year = settings["sample"]["last_day"].year
    settings |= {
        "code": _CODE, "title": {"vi": "Cả nước (mô phỏng)", "en": "The whole country (simulated)"},
        "recipients": {},
    }  # fmt: skip
    settings["sample"] |= {"targets": {}, "first_day": dt.date(last_year - years + 1, 1, 1)}
    _write_yaml(folder / "authority.yaml", settings)
    simulation = yaml.safe_load((base.folder / "simulation.yaml").read_text(encoding="utf-8"))
    _write_yaml(folder / "simulation.yaml", simulation | _PLAIN)
    _write_units(folder / "units.csv", wards)
    _copy_bulk_forms(base, folder / "forms")
    return load_authority(folder)


def _write_yaml(path: Path, data: object) -> None:
    path.write_text(yaml.safe_dump(data, allow_unicode=True, sort_keys=False), encoding="utf-8")


def _write_units(path: Path, wards: int) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["code", "name", "valid_from", "name_variants", "source"])
        for code in range(_FIRST_CODE, _FIRST_CODE + wards):
            writer.writerow([code, f"Mẫu {code}", "2004-01-01", f"Phường Mẫu {code}", "simulated"])


def _copy_bulk_forms(base: Authority, folder: Path) -> None:
    """Forms that are expected at no fixed time: the bulk ones. The others would be late in every unit."""
    folder.mkdir(exist_ok=True)
    bulk = {form.form_code for form in base.forms if form.expected is None}
    for path in sorted((base.folder / "forms").glob("*.yaml")):
        if yaml.safe_load(path.read_text(encoding="utf-8"))["form_code"] in bulk:
            shutil.copyfile(path, folder / path.name)


@dataclass
class _Listing:
    """A listing written in pieces: totals and running numbers are kept until it is closed."""

    path: Path
    shown: str
    rows: int = 0
    total: int = 0

    def append(self, text: pl.DataFrame, amount: int) -> None:
        with self.path.open("ab") as file:
            text.write_csv(file, include_header=False, separator=";", line_terminator="\r\n")
        self.rows += len(text)
        self.total += amount


def _write_receipts(frame: Frame, folder: Path, manifest: Manifest) -> dict[int, Ints]:
    """One listing a year (the as-of year's rest withheld); gives each year's collections, units × lines."""
    payers = payer_pool(frame.stream("payers"))
    treasury = Treasury(frame, folder, manifest, payers, plan_deliveries(frame))
    listings = {
        (year, side): _open_listing(treasury, year, side)
        for year in frame.years
        for side in (("landing", "withheld") if year == frame.as_of.year else ("landing",))
    }
    numbers = dict.fromkeys(frame.years, 1)
    actual = {year: np.zeros((len(frame.units), len(frame.lines)), dtype=np.int64) for year in frame.years}
    for start in range(0, len(frame.units), _BLOCK):
        block = range(start, min(start + _BLOCK, len(frame.units)))
        amounts = simulate_months(frame, block).amounts
        for place, year in enumerate(frame.years):
            months = range(place * 12, place * 12 + 12)
            documents = numbered(split_into_documents(frame, block, amounts, months=months), numbers[year])
            numbers[year] += len(documents)
            actual[year] += by_unit_and_line(frame, documents)
            for side, part in _sides(frame, documents, year):
                _append(frame, listings[year, side], part, payers)
    for listing in listings.values():
        _close_listing(listing, manifest)
    return actual


def _sides(frame: Frame, documents: pl.DataFrame, year: int) -> list[tuple[str, pl.DataFrame]]:
    if year < frame.as_of.year:
        return [("landing", documents)]
    landed = pl.col("day") <= frame.as_of
    return [("landing", documents.filter(landed)), ("withheld", documents.filter(~landed))]


def _open_listing(treasury: Treasury, year: int, side: str) -> _Listing:
    shown = f"{side}/kho_bac/lich_su/bang_ke_thu_{year}.csv"
    path = treasury.folder / shown
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [*treasury.layout(f"Năm {year}").titles, ";".join(RECEIPT_HEADER), ""]
    path.write_bytes("\r\n".join(lines).encode("utf-8-sig"))
    return _Listing(path, shown)


def _append(frame: Frame, listing: _Listing, documents: pl.DataFrame, payers: pl.DataFrame) -> None:
    sound = documents.with_columns(fault=pl.lit(None, pl.String))
    key = f"{listing.shown} {listing.rows}"
    text = printed(frame, sound, payers, key, first_number=listing.rows + 1)
    listing.append(text.select(RECEIPT_HEADER), int(text["amount"].sum()))


def _close_listing(listing: _Listing, manifest: Manifest) -> None:
    last = TOTAL + ";" * (len(RECEIPT_HEADER) - 1) + grouped_text(listing.total) + "\r\n"
    with listing.path.open("ab") as file:
        file.write(last.encode())
    withheld = listing.shown.startswith("withheld/")
    manifest.files.append(WrittenFile(listing.shown, "receipt", listing.rows, listing.total, withheld))
    manifest.receipts += 0 if withheld else listing.rows


def _write_finance(office: FinanceOffice, actual: dict[int, Ints]) -> None:
    """Estimate workbooks and spending listings, one a year."""
    frame, as_of = office.frame, office.frame.as_of
    spending = simulate_spending(frame, {})
    for year in range(frame.first_year, as_of.year):
        office.estimates(year, past_estimates(frame, year, actual[year]), spending.estimates[year])
        office.spending_year(year, spending.months)
    natural = natural_estimates(frame, actual[as_of.year - 1], actual[as_of.year])
    office.estimates(as_of.year, rounded_estimates(natural), spending.estimates[as_of.year])
    office.spending_year(as_of.year, spending.months, as_of.month)
    office.spending_year(as_of.year, spending.months, side="withheld")
