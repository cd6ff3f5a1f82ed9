"""What an office says of the year's end, as known on a night; weights, shifts and draws by hand."""

from datetime import date

import numpy as np
import polars as pl
import pytest

from authorities.model import ALL
from forecasts import months, office, opinions
from forecasts.office import KEYS, PAIR_SCHEMA, past_pairs, spoken
from forecasts.seam import OFFICE_SCHEMA, YEAR_END_SCHEMA, ForecastProblem
from tests.forecasts.problems import problem, rows
from tests.forecasts.statements import office as said_by
from tests.forecasts.statements import statement

JUNE = date(2020, 6, 30)
YEAR = (date(2020, 1, 1), date(2020, 12, 31))


def flat(unit: str, line: str, amounts: dict[int, float]) -> pl.DataFrame:
    """The same receipts every month of a year, to June 2020."""
    days = [months.last_day(m) for m in range(2016 * 12, 2020 * 12 + 6)]
    return rows(unit, line, {day: amounts[day.year] for day in days})


TWO = pl.concat([
    flat("a@2004", "vat", {2016: 10, 2017: 10, 2018: 10, 2019: 10, 2020: 12}),
    flat("b@2004", "vat", {2016: 20, 2017: 20, 2018: 20, 2019: 20, 2020: 20}),
])  # fmt: skip


def asked(*statements: tuple[object, ...], as_of: date = JUNE) -> pl.DataFrame:
    return spoken(problem(TWO, as_of, office=said_by(*statements))).filter(pl.col("basis") == "territory")


def amounts(frame: pl.DataFrame, *, derived: bool = False) -> dict[tuple[str, str], int]:
    own = frame if derived else frame.filter(~pl.col("derived"))
    return {(unit, line): amount for unit, line, amount in own.select(*KEYS[:2], "office_amount").iter_rows()}


def test_a_year_is_taken_as_said_and_the_last_word_holds() -> None:
    first = statement("a@2004", "vat", 150, *YEAR, date(2020, 3, 20), until=date(2020, 6, 19))
    later = statement("a@2004", "vat", 140, *YEAR, date(2020, 6, 19))

    assert amounts(asked(first, later)) == {("a@2004", "vat"): 140}
    assert amounts(asked(first, later, as_of=date(2020, 5, 31))) == {("a@2004", "vat"): 150}
    assert set(asked(first, later)["stated_on"]) == {date(2020, 6, 19)}
    assert amounts(asked(first, later, as_of=date(2020, 2, 29))) == {}


def test_what_is_learnt_later_or_withdrawn_is_not_known() -> None:
    late = ("a@2004", "vat", "territory", *YEAR, date(2020, 6, 19), date(2020, 7, 2), None, 140)
    withdrawn = statement("b@2004", "vat", 240, *YEAR, date(2020, 3, 20), until=JUNE)

    assert amounts(asked(late, withdrawn)) == {}


def test_a_quarter_leads_to_the_year_by_the_share_usually_reached() -> None:
    """Six months of 12 are in, the third quarter is to bring 45; by then three quarters are usual."""
    quarter = statement("a@2004", "vat", 45, date(2020, 7, 1), date(2020, 9, 30), date(2020, 6, 28))
    month = statement("b@2004", "vat", 30, date(2020, 6, 1), date(2020, 6, 30), date(2020, 6, 21))
    to_date = statement("b@2004", "vat", 90, date(2020, 1, 1), date(2020, 9, 30), date(2020, 6, 28))

    assert amounts(asked(quarter)) == {("a@2004", "vat"): round((6 * 12 + 45) / 0.75)}
    assert amounts(asked(month)) == {}, "June is over: nothing is said of what is still to come"
    assert amounts(asked(month, as_of=date(2020, 6, 24))) == {("b@2004", "vat"): round((100 + 30) / 0.5)}
    assert amounts(asked(to_date)) == {("b@2004", "vat"): 120}


def test_a_statement_of_a_whole_is_a_total_and_parts_add_up_to_one() -> None:
    whole = statement(ALL, ALL, 400, *YEAR, date(2020, 6, 19))
    parts = [
        statement(unit, "vat", amount, *YEAR, date(2020, 6, 19))
        for unit, amount in (("a@2004", 140), ("b@2004", 250))
    ]

    assert amounts(asked(whole)) == {(ALL, ALL): 400}
    assert not asked(whole)["derived"].any()
    both = asked(*parts)
    sums = amounts(both, derived=True)
    assert sums[ALL, ALL] == sums[ALL, "vat"] == 390
    assert sums["b@2004", ALL] == 250
    assert both.filter(pl.col("unit_key") == ALL)["derived"].all()
    assert (ALL, "vat") not in amounts(asked(parts[0]), derived=True), "of one ward nothing was said"


def test_other_bases_are_spoken_of_in_their_own_money() -> None:
    own = statement("a@2004", "vat", 42, *YEAR, date(2020, 6, 19), basis="entitled")
    part = statement("a@2004", "vat", 13.5, date(2020, 7, 1), date(2020, 9, 30), JUNE, basis="entitled")
    made = spoken(problem(TWO, office=said_by(own)))

    assert made.filter(~pl.col("derived")).select("basis", "office_amount").rows() == [("entitled", 42)]
    led = spoken(problem(TWO, office=said_by(part))).filter(~pl.col("derived"))["office_amount"].item()
    assert led == round((72 * 0.3 + round(13.5)) / 0.75)


def test_a_column_that_is_missing_is_named() -> None:
    with pytest.raises(ValueError, match="office: column 'stated_on' is missing"):
        spoken(problem(TWO, office=pl.DataFrame(schema=OFFICE_SCHEMA).drop("stated_on")))


def test_past_pairs_look_only_at_what_was_known_on_the_same_day_of_earlier_years() -> None:
    made = [
        statement("a@2004", "vat", 100 + year, date(year, 1, 1), date(year, 12, 31), date(year, 6, 21))
        for year in (2017, 2018, 2019)
    ] + [statement("a@2004", "vat", 7, date(2018, 1, 1), date(2018, 12, 31), date(2018, 7, 1))]
    seen: list[date] = []

    def model(then: ForecastProblem) -> pl.DataFrame:
        seen.append(then.as_of)
        assert then.history.filter(pl.col("day") > then.as_of).is_empty()
        return pl.DataFrame(
            [("a@2004", "vat", "territory", 111)], schema=[*KEYS, "mean_amount"], orient="row"
        )

    pairs = past_pairs(problem(TWO, office=said_by(*made)), model)

    assert seen == [date(2019, 6, 30), date(2018, 6, 30)], (
        "in June 2017 two years of history had not been seen"
    )
    own = pairs.filter(pl.col("line_code") == "vat").sort("fiscal_year")
    amounts_by_year = own.select("fiscal_year", "office_amount", "model_amount", "actual_amount").rows()
    assert amounts_by_year == [(2018, 2118, 111, 120), (2019, 2119, 111, 120)]


def pairs_of(
    office_off: float, model_off: float, years: int = 4, units: int = 3, line: str = "vat"
) -> pl.DataFrame:
    """Every unit and year brought 1,000; errors by turns above and below."""
    made = []
    for year in range(2020 - years, 2020):
        for unit in range(units):
            sign = 1 if (year + unit) % 2 else -1
            made.append((
                f"u{unit}", line, "territory", year, round(1e6 * np.exp(sign * office_off)),
                round(1e6 * np.exp(-sign * model_off)), 1_000_000,
            ))  # fmt: skip
    return pl.DataFrame(made, schema=PAIR_SCHEMA, orient="row")


def test_weights_by_hand() -> None:
    """Twelve pairs, office off by 0.1, model by 0.2: the ratio 4 to the power 12 ÷ 16, 2.828 to 1."""
    made = opinions.learnt(pairs_of(0.1, 0.2))

    assert made.select("level", "basis", "line_code", "pairs", "years").rows() == [
        ("leaf", "territory", "vat", 12.0, 4)
    ]
    assert made["office_mse"].item() == pytest.approx(0.01, rel=1e-4)
    assert made["weight"].item() == pytest.approx(2.8284 / 3.8284, rel=1e-4)


def test_an_office_that_is_always_right_gets_nearly_all_and_a_useless_one_nearly_nothing() -> None:
    assert opinions.learnt(pairs_of(0.0, 0.1, units=14))["weight"].item() > 0.95
    assert opinions.learnt(pairs_of(1.0, 0.05, units=14))["weight"].item() < 0.01
    assert opinions.learnt(pairs_of(0.1, 0.1))["weight"].item() == pytest.approx(0.5)


def test_too_few_past_statements_weigh_nothing() -> None:
    assert opinions.learnt(pairs_of(0.0, 0.1, years=2, units=9))["weight"].to_list() == [0.0]
    assert opinions.learnt(pairs_of(0.0, 0.1, years=3, units=2))["weight"].to_list() == [0.0]
    assert opinions.learnt(pairs_of(0.0, 0.1, years=4, units=2))["weight"].item() > 0.5
    assert opinions.learnt(pl.DataFrame(schema=PAIR_SCHEMA)).is_empty()


def test_a_line_of_few_pairs_is_judged_with_its_level() -> None:
    """A line with one pair in which the office happened to be right borrows what the others taught."""
    many = pairs_of(0.3, 0.1, units=14)
    lucky = pairs_of(0.0, 0.1, years=1, units=1, line="fees")
    made = opinions.learnt(pl.concat([many, lucky])).select("line_code", "weight")
    weights = dict(made.iter_rows())

    assert weights["vat"] < weights["fees"] < 0.5


def test_a_sum_is_spread_by_variance_and_nobody_goes_below_nothing() -> None:
    group, part = np.array([0, 0, 0, -1]), np.ones(4)
    variance, room = np.array([1.0, 4.0, 5.0, 9.0]), np.array([100.0, 2.0, 100.0, 0.0])

    up = opinions.spread_over(np.array([20.0]), group, part, variance, room)
    down = opinions.spread_over(np.array([-20.0]), group, part, variance, room)

    assert up.tolist() == [2.0, 8.0, 10.0, 0.0]
    assert down[1] == -2.0
    assert down.sum() == pytest.approx(-20.0)
    assert down[2] / down[0] == pytest.approx(5.0)


def test_moved_draws_have_the_wanted_mean_keep_their_signs_and_their_width_follows() -> None:
    rng = np.random.default_rng(7)
    ahead = np.cumsum(np.exp(0.3 * rng.standard_normal((3, 4, 500))), axis=1)
    ahead[2] -= 5
    shift, spread = np.array([1.5, -2.0, 1.0]), np.array([1.0, 0.5, 0.5])

    made = opinions.moved(ahead, shift, spread)

    assert made[:, -1].mean(axis=1) == pytest.approx(ahead[:, -1].mean(axis=1) + shift)
    assert made[:2].min() >= 0
    assert made[1, -1].std() / made[1, -1].mean() < 0.6 * ahead[1, -1].std() / ahead[1, -1].mean()
    assert made[2, -1].std() == pytest.approx(0.5 * ahead[2, -1].std())
    assert (opinions.moved(ahead, np.zeros(3), np.ones(3)) == ahead).all()


def model_rows(means: dict[tuple[str, str], tuple[int, int]]) -> pl.DataFrame:
    """Year-ends of a model: mean and half the width of the central 80%, nothing collected yet."""
    blank = dict.fromkeys(YEAR_END_SCHEMA.names())
    made = [
        {**blank, "unit_key": u, "line_code": c, "basis": "territory", "scenario": "base",
         "collected_amount": 0, "mean_amount": mean, "p10_amount": mean - half, "p90_amount": mean + half}
        for (u, c), (mean, half) in means.items()
    ]  # fmt: skip
    return pl.DataFrame(made, schema=YEAR_END_SCHEMA)


def weighed(weight: float, level: str, line: str) -> pl.DataFrame:
    schema = ["level", "basis", "line_code", "weight", "spread", "pairs"]
    return pl.DataFrame([(level, "territory", line, weight, 0.8, 40.0)], schema=schema, orient="row")


def said(unit: str, line: str, amount: int) -> pl.DataFrame:
    row = (unit, line, "territory", amount, date(2020, 6, 19), False)
    return pl.DataFrame([row], schema=office.SPOKEN_SCHEMA, orient="row")


MODEL = model_rows(
    {("a", "vat"): (1000, 10), ("a", "fees"): (1000, 20), ("b", "vat"): (1000, 30), (ALL, ALL): (3000, 50)}
)
SHARES = problem(TWO).shares


def test_a_district_figure_moves_leaves_by_their_variance() -> None:
    """Weight 0.7 of a figure 200 above the model's: 140, shared out as 1 : 4 : 9."""
    made = opinions.moves(said(ALL, ALL, 3200), weighed(0.7, "all", ALL), MODEL, SHARES)
    shift, spread = made.of(("a", "a", "b", "c"), ("vat", "fees", "vat", "vat"))

    assert shift.tolist() == pytest.approx([10, 40, 90, 0])
    assert spread.tolist() == [0.8, 0.8, 0.8, 1.0]
    assert made.by.rows() == [(ALL, ALL, "territory")]


def test_the_finer_statement_goes_first_and_the_coarser_moves_the_rest() -> None:
    both = pl.concat([said("a", "vat", 1100), said(ALL, ALL, 3200)])
    taught = pl.concat([weighed(0.5, "leaf", "vat"), weighed(0.5, "all", ALL)])
    made = opinions.moves(both, taught, MODEL, SHARES)
    shift, _ = made.of(("a", "a", "b"), ("vat", "fees", "vat"))

    assert shift[0] == pytest.approx(50)
    assert shift[1:].sum() == pytest.approx(0.5 * (3200 - 3050))


def test_no_weight_no_move() -> None:
    made = opinions.moves(said(ALL, ALL, 3200), weighed(0.0, "all", ALL), MODEL, SHARES)

    assert not made.shift.any()
    assert made.by.is_empty()
