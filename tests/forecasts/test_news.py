"""News: each change has its cause, and causes add up to the change."""

from dataclasses import replace
from datetime import date

import polars as pl

from authorities.model import ALL
from forecasts.news import CAUSES, NEWS_SCHEMA, forecast_news
from forecasts.seam import ForecastProblem, forecast_year_end
from tests.forecasts.problems import district, loss, problem, rows

JUNE, JULY = date(2020, 6, 30), date(2020, 7, 31)


def told(previous: ForecastProblem, current: ForecastProblem) -> tuple[dict[str, int], int]:
    """Causes of the district's change on the territory, and the change itself; every row must add up."""
    before, after = forecast_year_end(previous), forecast_year_end(current)
    news = forecast_news(previous, current, before, after)
    assert news.schema == NEWS_SCHEMA
    assert set(news["cause"]) <= set(CAUSES)
    keys = ["unit_key", "line_code", "basis"]
    old, new = (one.year_end.filter(scenario="base").select(*keys, "mean_amount") for one in (before, after))
    change = old.join(new, on=keys, suffix="_new").with_columns(
        whole=pl.col("mean_amount_new") - pl.col("mean_amount")
    )
    sums = news.group_by(keys).agg(pl.col("amount").sum())
    joined = change.join(sums, on=keys, how="left").with_columns(pl.col("amount").fill_null(0))
    assert (joined["whole"] == joined["amount"]).all()
    top = {"unit_key": ALL, "line_code": ALL, "basis": "territory"}
    causes = news.filter(**top)
    return dict(zip(causes["cause"], causes["amount"], strict=True)), change.filter(**top)["whole"].item()


def test_the_same_night_twice_has_no_news() -> None:
    assert told(problem(district()), problem(district())) == ({}, 0)


def test_a_month_of_receipts_is_news_of_its_own() -> None:
    causes, change = told(problem(district()), problem(district(to=JULY), as_of=JULY))
    assert causes == {"new_receipts": change}


def test_a_corrected_receipt_is_a_restatement() -> None:
    more = pl.concat([district(), rows("u0@2004", "vat", {date(2020, 2, 3): 40_000_000})])
    causes, change = told(problem(district()), problem(more))
    assert causes == {"restatement": change}
    assert change > 0


def test_a_shock_declared_since_is_configuration() -> None:
    later = problem(district(), shocks=(loss("cut", announced=JUNE),))
    causes, change = told(problem(district()), later)
    assert causes == {"configuration": change}
    assert change < 0


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
    causes, _ = told(problem(district()), current)
    assert {"restatement", "configuration", "new_receipts"} <= set(causes)
