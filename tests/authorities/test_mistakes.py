"""A mistake in an authority's folder is told with file, line or key, what is wrong, what would be right."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from authorities.loading import (
    AUTHORITIES_FOLDER,
    AuthorityError,
    NoSuchAuthorityError,
    find_authority,
    load_authority,
)


@dataclass(frozen=True)
class Mistake:
    """A file of the folder, what is replaced in it, and the words that the error must hold."""

    name: str
    file: str
    old: str
    new: str
    said: tuple[str, ...]


RULES = "warning_rules.yaml"
MISTAKES = [
    Mistake("figure that a rule does not have", RULES, "{adjusted_share}. Đề", "{ajusted_share}. Đề",
            ("warning_rules.yaml line 21", "vi: {ajusted_share} is no figure of kind 'share_below'",
             "did you mean {adjusted_share}?")),
    Mistake("line told apart that is none", "authority.yaml", "told_without_lines: [land_use_levy]",
            "told_without_lines: [land_levy]",
            ("authority.yaml", "names line 'land_levy'", "did you mean 'land_use_levy'?")),
    Mistake("figure that a case for many does not have", RULES, "{measures}, expected back by {back_by}",
            "{measures}, expected back by {share}",
            ("warning_rules.yaml line", "extension.message",
             "en: {share} is no figure of a case for many units")),
    Mistake("brace that is not closed", RULES, "đến {mid_year} thu", "đến {mid_year thu",
            ("warning_rules.yaml line 56", "vi: unexpected", "write {name}")),
    Mistake("key of a rule misspelt", RULES, "minimum_nights: 3\n    worse_by: 0.2",
            "minimum_night: 3\n    worse_by: 0.2",
            ("warning_rules.yaml line 47", "minimum_night' is not known", "did you mean 'minimum_nights'?")),
    Mistake("kind of rule that does not exist", RULES, "kind: line_collapsed", "kind: line_colapsed",
            ("warning_rules.yaml line", "kind", "line_colapsed")),
    Mistake("exit on the wrong side of a low bar", RULES, "threshold: 50\n    exit_threshold: 52",
            "threshold: 50\n    exit_threshold: 48",
            ("exit_threshold 48 lies below threshold 50", "give one at or above it")),
    Mistake("exit on the wrong side of a high bar", RULES, "exit_threshold: 0.65", "exit_threshold: 0.9",
            ("exit_threshold 0.9 lies above threshold 0.8", "give one at or below it")),
    Mistake("escalation to nobody", RULES, "    escalate_to: district_chair\n    renotify_days: 7\n",
            "    renotify_days: 7\n", ("escalate_after_days and escalate_to belong together",)),
    Mistake("owner whom nobody knows", RULES, "owner: data_sender", "owner: data_senders",
            ("names 'data_senders', which recipients lacks", "did you mean 'data_sender'?")),
    Mistake("rule that yields to none", RULES, "half, shortfall_likely]", "half, shortfall_likly]",
            ("names 'shortfall_likly', which warning_rules lacks", "did you mean 'shortfall_likely'?")),
    Mistake("shortfall that cannot be", "authority.yaml", "short_by_pct: 0", "short_by_pct: 100",
            ("authority.yaml line", "warning_scorecard.event.short_by_pct", "less than 100", "found 100")),
    Mistake("key of what is scored misspelt", "authority.yaml", "short_by_pct: 0", "short_by_pc: 0",
            ("authority.yaml line", "short_by_pc' is not known", "did you mean 'short_by_pct'?")),
    Mistake("version of an estimate that lacks", "authority.yaml", "version: initial", "version: latest",
            ("authority.yaml line", "estimate_version", "'initial', 'supplemented' or 'adjusted'")),
    Mistake("a miss that costs nothing", "authority.yaml", "miss_costs: 4", "miss_costs: 0",
            ("authority.yaml line", "warning_scorecard.miss_costs", "greater than 0")),
    Mistake("rule under a plain rule's name", RULES, "rule_code: books_differ", "rule_code: always_recurrent",
            ("warning rule 'always_recurrent': the name is kept for a plain rule", "choose another")),
    Mistake("transfers of an unknown line", "authority.yaml",
            "line_code: transfer\n", "line_code: transfers\n",
            ("transfers.line_code 'transfers' is not in revenue_lines.csv",)),
    Mistake("watched item that is in no catalogue", "authority.yaml", '["4263", "4267"]', '["4263", "42677"]',
            ("watched_items names '42677', which revenue_items.csv lacks", "did you mean '4267'?")),
    Mistake("misspelt key", "authority.yaml", "time_zone:", "time_zon:",
            ("authority.yaml line", "'time_zon' is not known", "did you mean 'time_zone'?")),
    Mistake("time zone that does not exist", "authority.yaml", "Asia/Ho_Chi_Minh", "Asia/Long_Bien",
            ("authority.yaml line", "time_zone", "Asia/Long_Bien", "use an IANA name")),
    Mistake("key given twice", "authority.yaml", "fiscal_year_start_month: 1",
            "fiscal_year_start_month: 1\nfiscal_year_start_month: 4",
            ("authority.yaml line", "'fiscal_year_start_month' stands already in line", "keep one")),
    Mistake("not YAML", "authority.yaml", "currency:", "currency: [",
            ("authority.yaml: not readable as YAML",)),
    Mistake("key missing", "authority.yaml", "first_night: 2013-01-01\n", "",
            ("authority.yaml line", "'first_night' is missing")),
    Mistake("unit ends before it begins", "units.csv",
            "Sài Đồng,2004-01-01,2024-12-31", "Sài Đồng,2004-01-01,2003-12-31",
            ("units.csv line 11", "valid_to 2003-12-31 lies before valid_from 2004-01-01")),
    Mistake("unit twice", "units.csv", "\n00118,Ngọc Thụy", "\n00115,Ngọc Thụy",
            ("units.csv line 2: unit_key '00115@2004' stands 2 times (also units.csv line 3)", "keep one")),
    Mistake("two wards of one code at once", "units.csv", "\n00118,Ngọc Thụy,2004-01-01",
            "\n00115,Ngọc Thụy,2010-01-01",
            ("units.csv line 3: code '00115' is Thượng Thanh from 2004-01-01 and Ngọc Thụy from 2010-01-01",
             "end one before the other begins")),
    Mistake("cell too many", "revenue_lines.csv", "vat,Thuế giá trị gia tăng", "vat,Thuế, giá trị gia tăng",
            ("revenue_lines.csv line 2", "a different number of cells than the header")),
    Mistake("item in an unknown line", "revenue_items.csv", "1001,pit,", "1001,pitt,",
            ("revenue_items.csv line 3: '1001'", "line 'pitt'", "did you mean 'pit'?")),
    Mistake("share above 100", "sharing_rules.csv",
            "vat,*,2017-01-01,2020-12-31,7,", "vat,*,2017-01-01,2020-12-31,107,",
            ("sharing_rules.csv line 21", "share_pct", "less than or equal to 100", "107")),
    Mistake("share of an unknown unit", "sharing_rules.csv", "vat,*,2017-01-01", "vat,00128,2017-01-01",
            ("sharing_rules.csv line 21: unit '00128' is not in units.csv", "did you mean '00")),
    Mistake("successor of nobody", "successions.csv", "00133@2004,", "00134@2004,",
            ("successions.csv line 15: unit '00134@2004' is not in units.csv", "did you mean")),
    Mistake("recurrent mark of an unknown line", "recurrent_lines.csv", "land_rent,", "land_rents,",
            ("recurrent_lines.csv line 10: 'land_rents'", "did you mean 'land_rent'?")),
    Mistake("transfer of an unknown unit", "transfers.csv", "00115,", "00116,",
            ("transfers.csv line 2: unit '00116' is not in units.csv", "did you mean '00")),
    Mistake("two transfers of a unit at once", "transfers.csv", "00118,", "00115,",
            ("transfers.csv line 3: unit '00115' has another transfer for the same", "transfers.csv line 2")),
    Mistake("transfer below zero", "transfers.csv", "00115,3", "00115,-3",
            ("transfers.csv line 2", "amount", "greater than or equal to 0")),
    Mistake("transfers without a rule to draw them", "authority.yaml", "transfers:\n  line_code: transfer\n"
            "  first_quarter_monthly_pct: 12\n  first_quarter_pct: 30\n"
            "  source: Thông tư 344/2016/TT-BTC, điều 12 khoản 4 điểm d\n", "",
            ("transfers.csv line 2: authority.yaml lacks the rule by which transfers are drawn",)),
    Mistake("form without money", "forms/treasury_receipts_daily.yaml", "field: amount", "field: ignored",
            ("forms/treasury_receipts_daily.yaml line", "no column has field 'amount'")),
    Mistake("form with a broken pattern", "forms/treasury_receipts_daily.yaml", "(?P<year>", "(?P<year",
            ("forms/treasury_receipts_daily.yaml line", "is not a regular expression")),
    Mistake("form that names no month", "forms/tax_arrears.yaml", "(?P<month>", "(?P<mon>",
            ("forms/tax_arrears.yaml line", "lacks the named group(s) (?P<month>")),
    Mistake("estimate of an unknown line", "forms/estimate_initial.yaml", "value: vat}", "value: vta}",
            ("forms/estimate_initial.yaml line 14: 'vta'", "did you mean 'vat'?")),
    Mistake("shock that moves nowhere", "shocks.yaml", 'deferred_to: "2020-09"', 'deferred_to: "2020-03"',
            ("shocks.yaml line", "deferred_to (2020-03) must be a later month than due_month (2020-04)")),
]  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped folder to spoil."""
    return Path(shutil.copytree(AUTHORITIES_FOLDER / "long_bien", tmp_path / "long_bien"))


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_a_mistake_is_named_with_its_place_and_remedy(folder: Path, mistake: Mistake) -> None:
    path = folder / mistake.file
    text = path.read_text(encoding="utf-8")
    assert mistake.old in text, "the test spoils nothing: the shipped file has changed"
    path.write_text(text.replace(mistake.old, mistake.new, 1), encoding="utf-8")

    with pytest.raises(AuthorityError) as raised:
        load_authority(folder)

    told = "\n".join(raised.value.mistakes)
    assert all(words in told for words in mistake.said), told


def test_all_mistakes_are_told_at_once(folder: Path) -> None:
    for mistake in (MISTAKES[0], MISTAKES[5], MISTAKES[13]):
        path = folder / mistake.file
        path.write_text(
            path.read_text(encoding="utf-8").replace(mistake.old, mistake.new, 1), encoding="utf-8"
        )

    with pytest.raises(AuthorityError) as raised:
        load_authority(folder)

    told = str(raised.value)
    assert [
        name for name in (MISTAKES[0].file, MISTAKES[5].file, MISTAKES[13].file) if name not in told
    ] == []


def test_a_missing_file_and_a_wrong_encoding_are_told(folder: Path) -> None:
    (folder / "revenue_lines.csv").unlink()
    units = folder / "units.csv"
    units.write_bytes(units.read_text(encoding="utf-8").encode("utf-16"))

    with pytest.raises(AuthorityError) as raised:
        load_authority(folder)

    assert "revenue_lines.csv: the file is missing" in raised.value.mistakes
    assert any(said.startswith("units.csv: not UTF-8") for said in raised.value.mistakes)


def test_a_folder_that_is_not_there_names_those_that_ship() -> None:
    with pytest.raises(AuthorityError, match="long_bien"):
        find_authority("authorities/long_bein")


def test_the_digest_changes_with_any_configured_byte(folder: Path) -> None:
    before = load_authority(folder).config_sha256
    path = folder / "sharing_rules.csv"
    path.write_text(path.read_text(encoding="utf-8").replace(",7,true", ",8,true", 1), encoding="utf-8")

    assert load_authority(folder).config_sha256 != before


@pytest.mark.parametrize(("mark", "words"), [(";", "semicolons"), ("\t", "tabs")])
def test_a_table_that_a_spreadsheet_parted_otherwise_is_told_so_once(
    folder: Path, mark: str, words: str
) -> None:
    path = folder / "units.csv"
    path.write_text(path.read_text(encoding="utf-8").replace(",", mark), encoding="utf-8")

    with pytest.raises(AuthorityError) as raised:
        load_authority(folder)

    [said] = [mistake for mistake in raised.value.mistakes if "units.csv" in mistake]
    assert said.startswith(f"units.csv line 1: its cells are parted by {words}; save it with commas")


def test_a_misspelt_authority_is_told_which_was_meant() -> None:
    with pytest.raises(NoSuchAuthorityError, match="did you mean 'long_bien'"):
        find_authority("long_bein")
