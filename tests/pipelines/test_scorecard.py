"""Warnings scored on past years: nights watched again are as they were, and the score is by hand."""

import datetime as dt
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from assets.frames import frames_of, lake_at, read_frame
from assets.past_nights import Books, past_night
from assets.scorecard import REPLAY, scorecard_digest
from authorities.loading import DEFAULT_AUTHORITY
from early_warning.replay import NEEDED_MARTS
from pipelines.definitions import NIGHTLY, SCORECARD_JOB, build_definitions
from pipelines.landed import landed_books
from pipelines.settings import Places, Settings
from tests.pipelines.conftest import NIGHT as SAMPLE_NIGHT
from tests.pipelines.conftest import Wardcast, read
from tests.pipelines.small_district import estimates, history, monthly, small_authority
from warehouse.marts import STAMPED

NIGHT, LAST = dt.date(2018, 8, 20), dt.date(2019, 1, 20)
FRAMES_OF_BOOKS = {
    "receipts": "core_receipt", "estimates": "core_estimate", "office_estimates": "core_office_estimate",
    "quarantine": "core_quarantine", "statements": "extract_statement",
}  # fmt: skip
SCORECARD = "mart_warning_scorecard"
ESTIMATE = {"00115": 22, "00118": 37, "00121": 53}
"""Million đồng of each of two lines. A usual year brings 22.14, 34.14 and 46.14."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Usual years; in 2018 the second ward's receipts break off after March."""
    made = tmp_path_factory.mktemp("scorecard")
    small_authority(made / "small")
    for form in (made / "small" / "forms").glob("spending_estimate_*.yaml"):
        form.unlink()  # the workbooks here have no sheet of spending
    for year in range(2013, 2018):
        history(made / "landing", year, monthly(year, range(1, 13)))
    usual = monthly(2018, range(1, 13))
    history(
        made / "landing", 2018, [one for one in usual if one[1] != "00118" or one[0].month <= 3],
    )  # fmt: skip
    history(made / "landing", 2019, monthly(2019, [1]))
    for year in (2017, 2018, 2019):
        estimates(made / "landing", year, ESTIMATE)
    return made


def asked(folder: Path) -> tuple[str | Path, ...]:
    return ("--authority", folder / "small", "--landing", folder / "landing", "--home", folder / "home")


def places(folder: Path, home: str) -> Places:
    made = Places(Settings(authority=folder / "small", landing=folder / "landing", home=folder / home))
    made.home.mkdir(exist_ok=True)
    return made


@pytest.fixture(scope="module")
def books(folder: Path) -> Books:
    return landed_books(places(folder, "elsewhere"), LAST)


def test_a_night_watched_again_is_the_night_as_it_was_published(
    folder: Path, books: Books, wardcast: Wardcast
) -> None:
    told = wardcast("nightly", *asked(folder), "--as-of", NIGHT)
    assert told.exit_code == 0, told.output
    again = past_night(places(folder, "elsewhere").authority, books, NIGHT)
    for name in NEEDED_MARTS:
        published = read(folder / "home", name).filter(as_of=NIGHT)
        stamped = [one for one in STAMPED if again.marts[name][one].null_count() == published.height]
        remade = again.marts[name].drop("publication_id", *stamped)
        published = published.drop("publication_id", *stamped)
        assert published.height == remade.height > 0 or name == "mart_shock_effect"
        keys = [column for column in remade.columns if remade.schema[column] in (pl.String, pl.Date)]
        assert_frame_equal(remade.sort(keys), published.sort(keys), check_row_order=False)


def test_what_came_later_is_not_known(folder: Path, books: Books) -> None:
    """The same night from books in which everything recorded after it is another figure, or is gone."""
    authority = places(folder, "elsewhere").authority
    amount = pl.when(pl.col("recorded_at") > NIGHT).then(pl.col("amount") * 7).otherwise("amount")
    others = replace(
        books,
        receipts=books.receipts.with_columns(amount.alias("amount")),
        estimates=books.estimates.with_columns(amount.alias("amount")),
        statements=books.statements.filter(pl.col("received_on") <= NIGHT),
    )
    assert not others.receipts.equals(books.receipts)
    assert not others.estimates.equals(books.estimates)
    assert others.statements.height < books.statements.height
    one, other = (past_night(authority, known, NIGHT) for known in (books, others))
    assert_frame_equal(one.receipts, other.receipts, check_row_order=False)
    for name in NEEDED_MARTS:
        assert_frame_equal(one.marts[name], other.marts[name], check_row_order=False)


@pytest.fixture(scope="module")
def scores(folder: Path, wardcast: Wardcast) -> pl.DataFrame:
    written = folder / "scores.csv"
    told = wardcast(
        "warnings", "scorecard", *asked(folder), "--as-of", LAST, "--years", "2016:2018",
        "--forecast-every", "61", "--output", written,
    )  # fmt: skip
    assert told.exit_code == 0, told.output
    assert "shortfall_likely" in told.output
    return pl.read_csv(written)


def counts(scores: pl.DataFrame, rule: str, year: int) -> tuple[int, ...]:
    row = scores.row(by_predicate=(pl.col("rule_code") == rule) & (pl.col("fiscal_year") == year), named=True)
    return tuple(row[name] for name in ("hits", "misses", "false_alarms", "correct_rejections"))


def test_the_score_by_hand(scores: pl.DataFrame) -> None:
    assert set(scores["fiscal_year"]) == {0, 2017, 2018}, "2016 has no estimates"
    # 2017 (million, each of two lines): 22.14, 34.14 and 46.14 against 22, 37 and 53: two wards end short.
    assert counts(scores, "always", 2017) == (2, 0, 1, 0)
    assert counts(scores, "always", 0) == (4, 0, 2, 0)
    # By June: 8.73, 14.73 and 20.73; all are below half, as receipts grow within the year.
    assert counts(scores, "flat_half", 2017) == (2, 0, 1, 0)
    row = scores.row(
        by_predicate=(pl.col("rule_code") == "flat_half") & (pl.col("fiscal_year") == 0), named=True
    )
    # That June is over is known on 15 July, by the next receipts.
    assert (row["median_lead_days"], row["mid_year_hits"], row["mid_year_false_alarms"]) == (169, 4, 2)
    assert row["false_alarms_per_unit_year"] == pytest.approx(2 / 6)
    hits, misses, false, right = counts(scores, "shortfall_likely", 2018)
    assert (hits, misses) == (2, 0), "one ward's receipts broke off, another's never were enough"
    assert (false, right) == (0, 1)
    assert counts(scores, "always_recurrent", 2018)[0] >= 1


def test_the_scores_are_taken_up_by_the_nights_they_fit(
    folder: Path, scores: pl.DataFrame, wardcast: Wardcast
) -> None:
    for night in (LAST, LAST + dt.timedelta(days=1)):
        told = wardcast("nightly", *asked(folder), "--as-of", night)
        assert told.exit_code == 0, told.output
    published = read(folder / "home", SCORECARD)
    assert_frame_equal(
        published.select("rule_code", "fiscal_year", "hits", "recall").sort("rule_code", "fiscal_year"),
        scores.select("rule_code", "fiscal_year", "hits", "recall").sort("rule_code", "fiscal_year"),
        check_dtypes=False,
    )
    history(folder / "landing", 2017, monthly(2017, range(1, 13), 1.9))  # the past is stated anew
    told = wardcast("nightly", *asked(folder), "--as-of", LAST + dt.timedelta(days=1))
    assert told.exit_code == 0, told.output
    assert read(folder / "home", SCORECARD).is_empty()


def test_what_a_command_reads_of_a_messy_sample_is_what_the_night_holds(
    sample: Path, published_home: Path, tmp_path: Path
) -> None:
    """Resends, refused rows, corrections and all: else no night would take up what the command kept."""
    held = Places(Settings(authority=DEFAULT_AUTHORITY, landing=sample / "landing", home=tmp_path))
    lake = lake_at(str(published_home / "lake"))
    frames = {field: read_frame(frames_of(lake, name)[-1]) for field, name in FRAMES_OF_BOOKS.items()}
    assert frames["quarantine"].height > 0
    night = dt.date.fromisoformat(SAMPLE_NIGHT)
    digests = {
        scorecard_digest(held.authority, books, night, "code")
        for books in (Books(**frames), landed_books(held, night))
    }
    assert len(digests) == 1


def test_years_that_cannot_be_scored_are_refused_with_what_they_lack(
    folder: Path, wardcast: Wardcast
) -> None:
    told = wardcast("warnings", "scorecard", *asked(folder), "--as-of", LAST, "--years", "2014:2016")
    assert told.exit_code == 1
    assert "no year of 2014–2016 can be scored as known on 2019-01-20" in told.output
    assert "estimate (version 'initial')" in told.output


def test_the_replay_is_a_job_of_its_own_and_no_part_of_a_night(folder: Path) -> None:
    definitions = build_definitions(places(folder, "elsewhere"))
    made = {
        name: {
            key.to_user_string()
            for key in definitions.resolve_job_def(name).asset_layer.executable_asset_keys
        }
        for name in (NIGHTLY, SCORECARD_JOB)
    }
    assert SCORECARD in made[NIGHTLY]
    assert REPLAY not in made[NIGHTLY]
    assert REPLAY in made[SCORECARD_JOB]
    schedule = definitions.resolve_schedule_def("monthly_scorecard")
    assert schedule.cron_schedule == "30 4 2 * *"
