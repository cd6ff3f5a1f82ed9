"""News: each change has its cause, and causes add up to the change."""

from dataclasses import replace
from datetime import date

import polars as pl

from authorities.model import ALL
from forecasts.news import CAUSES, NEWS_SCHEMA, forecast_news, left_over, steps_between
from forecasts.seam import ForecastProblem, YearEndForecast, forecast_year_end
from tests.forecasts.problems import district, loss, problem, rows

JUNE, JULY = date(2020, 6, 30), date(2020, 7, 31)


def told(
    previous: ForecastProblem,
    current: ForecastProblem,
    restated: ForecastProblem | None = None,
    *,
    same_configuration: bool = True,
    as_published: bool = True,
) -> tuple[dict[str, int], int]:
    """Causes of the district's change on the territory, and the change itself; every row must add up."""
    before, after = (means(forecast_year_end(one)) for one in (previous, current))
    steps, last = steps_between(
        previous, restated, current, same_configuration=same_configuration, as_published=as_published
    )
    news = forecast_news(before, after, steps, last)
    assert news.schema == NEWS_SCHEMA
    assert set(news["cause"]) <= set(CAUSES)
    assert left_over(news, before, after).is_empty()
    top = {"unit_key": ALL, "line_code": ALL, "basis": "territory"}
    causes = news.filter(**top)
    change = after.filter(**top)["amount"].item() - before.filter(**top)["amount"].item()
    return dict(zip(causes["cause"], causes["amount"], strict=True)), change


def means(answer: YearEndForecast) -> pl.DataFrame:
    base = answer.year_end.filter(scenario="base")
    return base.select("unit_key", "line_code", "basis", amount="mean_amount")


def test_the_same_night_twice_has_no_news() -> None:
    assert told(problem(district()), problem(district())) == ({}, 0)


def test_a_month_of_receipts_is_news_of_its_own() -> None:
    causes, change = told(problem(district()), problem(district(to=JULY), as_of=JULY))
    assert causes == {"new_receipts": change}


def test_a_usual_night_needs_no_forecast_of_its_own() -> None:
    usual = problem(district()), None, problem(district(to=JULY), as_of=JULY)
    assert steps_between(*usual, same_configuration=True, as_published=True) == ([], "new_receipts")


def test_a_day_on_which_nothing_came_is_no_news_of_receipts() -> None:
    before, after = problem(district()), replace(problem(district()), as_of=JULY)
    assert after.as_of > before.as_of
    quiet = steps_between(before, None, after, same_configuration=True, as_published=True)
    assert quiet == ([], "passing_days")
    further = replace(after, last_complete_day=JULY)
    assert (
        steps_between(before, None, further, same_configuration=True, as_published=True)[1] == "new_receipts"
    )


def test_a_corrected_receipt_is_a_restatement() -> None:
    more = pl.concat([district(), rows("u0@2004", "vat", {date(2020, 2, 3): 40_000_000})])
    causes, change = told(problem(district()), problem(more), problem(more))
    assert causes == {"restatement": change}
    assert change > 0


def test_a_shock_announced_since_is_configuration() -> None:
    later = problem(district(to=JULY), as_of=JULY, shocks=(loss("cut", announced=JULY),))
    causes, _ = told(replace(problem(district()), shocks=later.shocks), later)
    assert causes["configuration"] < 0
    assert set(causes) == {"configuration", "new_receipts"}


def test_other_shares_are_configuration() -> None:
    lower = pl.col("share") * pl.when(pl.col("basis") == "entitled").then(0.5).otherwise(1.0)
    current = replace(problem(district()), shares=problem(district()).shares.with_columns(lower))
    steps, _ = steps_between(problem(district()), None, current, same_configuration=True, as_published=True)
    assert [cause for cause, _ in steps] == ["configuration"]


def test_a_night_that_cannot_be_made_again_is_told_apart() -> None:
    """What was published came from other receipts than the ledger says were known: that is no news."""
    rebuilt, current = problem(district()), problem(district(to=JULY), as_of=JULY)
    published = means(forecast_year_end(rebuilt)).with_columns(pl.col("amount") + 7)
    after = means(forecast_year_end(current))
    steps, last = steps_between(rebuilt, None, current, same_configuration=True, as_published=False)
    news = forecast_news(published, after, steps, last)
    assert set(news.filter(cause="other")["amount"]) == {-7}
    assert left_over(news, published, after).is_empty()


def test_what_does_not_add_up_is_found() -> None:
    before, after = (means(forecast_year_end(problem(district(), seed=seed))) for seed in (1, 2))
    news = forecast_news(before, after, [], "new_receipts")
    lost = news.head(1)
    assert left_over(news.tail(-1), before, after)["amount"].to_list() == lost["amount"].to_list()


def test_years_are_not_compared() -> None:
    january = problem(district(to=date(2021, 1, 31)), as_of=date(2021, 1, 31))
    causes, change = told(problem(district()), january, same_configuration=False)
    assert causes == {"new_fiscal_year": change}


def test_everything_at_once_adds_up() -> None:
    history = pl.concat([district(to=JULY), rows("u1@2004", "fees", {date(2020, 1, 9): 1_234_567})])
    shocks = (loss("cut", announced=date(2020, 7, 9)),)
    exact = history.filter(pl.col("day").dt.year() == 2020).select(
        "unit_key",
        "line_code",
        basis=pl.lit("territory"),
        month=pl.col("day").dt.month_start(),
        amount="amount",
    )
    current = replace(problem(history, as_of=JULY, shocks=shocks), collected=exact, seed=5)
    restated = problem(history.filter(pl.col("day") <= JUNE))
    causes, _ = told(problem(district()), current, restated, same_configuration=False)
    assert {"restatement", "configuration", "new_receipts"} <= set(causes)
