"""The office's own estimate (ước thực hiện) as a forecaster: what it says of the year's end, and how far off
it was.

A statement of the year is taken as said; one of a month or quarter is what came before it, what is said, and
what the year usually still brings afterwards. How office and model go together is `forecasts.opinions`' to
say; reading statements and showing them belong to the floors above.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date

import polars as pl

from authorities.model import ALL, BASES, UNALLOCATED
from forecasts import months
from forecasts.seam import OFFICE_SCHEMA, ForecastProblem

KEYS = ["unit_key", "line_code", "basis"]
SPOKEN_SCHEMA = pl.Schema(
    {**dict.fromkeys(KEYS, pl.String), "office_amount": pl.Int64, "stated_on": pl.Date, "derived": pl.Boolean}
)
PAIR_SCHEMA = pl.Schema(
    {
        **dict.fromkeys(KEYS, pl.String),
        "fiscal_year": pl.Int64,
        "office_amount": pl.Int64,
        "model_amount": pl.Int64,
        "actual_amount": pl.Int64,
    }
)
ModelMeans = Callable[[ForecastProblem], pl.DataFrame]
"""What the model alone would have said: unit_key, line_code, basis, mean_amount."""
_PACE_YEARS = 3
_SMALLEST_SHARE, _LARGEST_SHARE = 0.02, 1.5
_MOST_YEARS = 10
_LEAST_HISTORY = 24
"""Months of history a model needs before what it would have said counts."""


def spoken(problem: ForecastProblem) -> pl.DataFrame:
    """Where the office says each place and line it speaks of will end the year, as known on the night.

    Returns:
        `SPOKEN_SCHEMA`, sorted by key: statements, and (`derived`) totals all of whose parts are spoken of.
        Of several statements that stand the one received last holds; of these the year's before a part's.
    """
    if problem.office is None:
        return pl.DataFrame(schema=SPOKEN_SCHEMA)
    said = _standing(problem, problem.office)
    if said.is_empty():
        return pl.DataFrame(schema=SPOKEN_SCHEMA)
    money = Money.of(problem)
    own = money.year_ends(said)
    return pl.concat([own, _totals(own, money)]).sort(KEYS)


def _standing(problem: ForecastProblem, office: pl.DataFrame) -> pl.DataFrame:
    """Statements that stood on the night and speak of days still to come this fiscal year."""
    missing = [column for column in OFFICE_SCHEMA if column not in office.columns]
    if missing:
        raise ValueError(f"office: column {missing[0]!r} is missing; it needs {', '.join(OFFICE_SCHEMA)}")
    frame = office.select(pl.col(column).cast(kind) for column, kind in OFFICE_SCHEMA.items())
    start = months.fiscal_start(problem.as_of, problem.fiscal_year_start_month)
    known_to = min(problem.last_complete_day, problem.as_of)
    return frame.filter(
        pl.col("recorded_at") <= problem.as_of,
        pl.col("superseded_at").is_null() | (pl.col("superseded_at") > problem.as_of),
        pl.col("period_start") >= months.first_day(start),
        pl.col("period_end") <= months.last_day(start + 11),
        pl.col("period_end") > known_to,
        pl.col("period_start") <= known_to.fromordinal(known_to.toordinal() + 1),
    ).drop_nulls(["unit_key", "line_code", "basis", "amount"])


class Money:
    """Receipts by key (leaves and totals, every basis), month and day, as far as they are known on the night.

    A year's statements need what came before their period, and the shares of earlier years.
    """

    def __init__(self, problem: ForecastProblem, daily: pl.DataFrame) -> None:
        self.start = months.fiscal_start(problem.as_of, problem.fiscal_year_start_month)
        self._daily = daily
        self._year_ends = daily.filter(pl.col("year") < 0).group_by(*KEYS, "year").agg(pl.col("amount").sum())

    @classmethod
    def of(cls, problem: ForecastProblem) -> "Money":
        """Receipts up to the night; `year` counts fiscal years from the night's own (0, −1, …)."""
        start = months.fiscal_start(problem.as_of, problem.fiscal_year_start_month)
        month = pl.col("day").dt.year().cast(pl.Int64) * 12 + pl.col("day").dt.month() - 1 - start
        leaves = problem.history.filter(pl.col("day") <= problem.as_of).with_columns(
            year=month.floordiv(12), month=month.mod(12)
        )
        given = problem.shares.select("unit_key", "line_code", "basis", "share")
        full = (
            leaves.select("unit_key", "line_code")
            .unique()
            .with_columns(basis=pl.lit(BASES[0]), share=pl.lit(1.0))
        )
        shares = pl.concat([given.filter(pl.col("basis") != BASES[0]), full.select(given.columns)])
        based = leaves.join(shares, on=["unit_key", "line_code"]).with_columns(
            amount=pl.col("amount") * pl.col("share")
        )
        return cls(problem, based.select(*KEYS, "year", "month", "day", "amount"))

    def year_ends(self, said: pl.DataFrame) -> pl.DataFrame:
        """`SPOKEN_SCHEMA` of the statements: the one that holds for each key, and where it leads."""
        ended = said.with_columns(
            months_in=_months_since("period_end", self.start) + 1,
            is_year=(pl.col("period_start") == months.first_day(self.start))
            & (pl.col("period_end") == months.last_day(self.start + 11)),
        )
        whole = ended.filter("is_year").with_columns(office_amount=pl.col("amount").cast(pl.Float64))
        part = self._from_parts(ended.filter(~pl.col("is_year")))
        every = pl.concat([whole, part.select(whole.columns)]).drop_nulls("office_amount")
        order = ["recorded_at", "is_year", "stated_on", "months_in", "amount"]
        held = every.sort(order).group_by(KEYS, maintain_order=True).last()
        return held.select(
            *KEYS,
            pl.col("office_amount").round().cast(pl.Int64),
            "stated_on",
            derived=pl.lit(value=False),
        )

    def _from_parts(self, said: pl.DataFrame) -> pl.DataFrame:
        """Part-year statements as year-ends: reached by the period's end ÷ the share usual by then."""
        keyed = said.with_row_index("place")
        before = self._sums(keyed, (pl.col("year") == 0) & (pl.col("day") < pl.col("period_start")))
        reached = keyed["amount"] + before
        places = [keyed.with_columns(reached=reached)]
        for back in range(1, _PACE_YEARS + 1):
            then = self._sums(keyed, (pl.col("year") == -back) & (pl.col("month") < pl.col("months_in")))
            total = self._sums(keyed, pl.col("year") == -back)
            places.append(pl.DataFrame({f"then{back}": then, f"total{back}": total}))
        wide = pl.concat(places, how="horizontal")
        shares = [_share(f"then{back}", f"total{back}") for back in range(1, _PACE_YEARS + 1)]
        rest = pl.when(pl.col("total1") != 0).then(pl.col("reached") + pl.col("total1") - pl.col("then1"))
        return wide.with_columns(pace=pl.mean_horizontal(shares)).with_columns(
            office_amount=pl.when(pl.col("pace").is_not_null())
            .then(pl.col("reached") / pl.col("pace"))
            .otherwise(rest)
        )

    def _sums(self, keyed: pl.DataFrame, among: pl.Expr) -> pl.Series:
        """For each statement the receipts of its key for which `among` holds."""
        wanted = keyed.select("place", *KEYS, "period_start", "months_in")
        found = _members(wanted, self._daily).filter(among).group_by("place").agg(pl.col("amount").sum())
        return wanted.join(found, on="place", how="left", maintain_order="left")["amount"].fill_null(0.0)

    def to_date(self) -> pl.DataFrame:
        """Collected this fiscal year, by leaf and basis."""
        return self._daily.group_by(KEYS).agg(pl.col("amount").filter(pl.col("year") == 0).sum())

    def lately(self) -> pl.DataFrame:
        """Leaves that brought anything this year or last, money placed nowhere apart."""
        recent = self._daily.filter(pl.col("year") >= -1, pl.col("amount") != 0)
        return recent.select(KEYS).unique().filter(_is_placed())

    def came(self, keys: pl.DataFrame, year: int) -> pl.DataFrame:
        """`keys` with `actual_amount`, what they brought in the fiscal year `year` places back."""
        wanted = keys.with_row_index("place").with_columns(
            period_start=pl.lit(None, pl.Date), months_in=pl.lit(12, pl.Int64)
        )
        amounts = self._sums(wanted, pl.col("year") == -year)
        return keys.with_columns(amounts.round().cast(pl.Int64).alias("actual_amount"))


def _is_placed() -> pl.Expr:
    return (pl.col("unit_key") != UNALLOCATED) & (pl.col("line_code") != UNALLOCATED)


def _months_since(column: str, start: int) -> pl.Expr:
    return pl.col(column).dt.year().cast(pl.Int64) * 12 + pl.col(column).dt.month() - 1 - start


def _share(then: str, total: str) -> pl.Expr:
    share = pl.col(then) / pl.col(total)
    fit = (pl.col(total) > 0) & share.is_between(_SMALLEST_SHARE, _LARGEST_SHARE)
    return pl.when(fit).then(share)


def _members(wanted: pl.DataFrame, leaves: pl.DataFrame) -> pl.DataFrame:
    """`wanted` keys (a leaf, or a total under 'ALL') joined with the rows of their leaves."""
    all_units, all_lines = pl.col("unit_key") == ALL, pl.col("line_code") == ALL
    parts = []
    for condition, on in (
        (~all_units & ~all_lines, KEYS),
        (all_units & ~all_lines, ["line_code", "basis"]),
        (~all_units & all_lines, ["unit_key", "basis"]),
        (all_units & all_lines, ["basis"]),
    ):
        dropped = [key for key in KEYS if key not in on]
        part = wanted.filter(condition).drop(dropped)
        parts.append(part.join(leaves.drop(dropped), on=on).drop(on))
    return pl.concat(parts)


def _totals(own: pl.DataFrame, money: Money) -> pl.DataFrame:
    """Totals all of whose leaves are spoken of; money placed nowhere counts as far as it came."""
    leaves = own.filter(pl.col("unit_key") != ALL, pl.col("line_code") != ALL)
    silent = money.lately().join(leaves, on=KEYS, how="anti")
    adrift = (
        money.to_date()
        .filter(~_is_placed())
        .select(
            *KEYS,
            pl.col("amount").round().cast(pl.Int64).alias("office_amount"),
            stated_on=pl.lit(None, pl.Date),
        )
    )
    every = pl.concat([leaves.select(adrift.columns), adrift])
    made = []
    for names in (("unit_key",), ("line_code",), ("unit_key", "line_code")):
        whole = [pl.lit(ALL).alias(name) for name in names]
        sums = (
            every.with_columns(whole)
            .group_by(KEYS)
            .agg(pl.col("office_amount").sum(), pl.col("stated_on").max())
        )
        made.append(sums.join(silent.with_columns(whole), on=KEYS, how="anti"))
    derived = pl.concat(made).drop_nulls("stated_on").with_columns(derived=pl.lit(value=True))
    return derived.join(own, on=KEYS, how="anti").select(list(SPOKEN_SCHEMA))


def past_pairs(problem: ForecastProblem, model_means: ModelMeans) -> pl.DataFrame:
    """What office and model said on the same day of earlier years, and what came: `PAIR_SCHEMA`.

    Args:
        problem: one with statements; only what was known on each earlier day is looked at then.
        model_means: what the model alone would have said of a problem.
    """
    money = Money.of(problem)
    found = [pl.DataFrame(schema=PAIR_SCHEMA)]
    for back, then in _as_it_stood(problem):
        said = spoken(then)
        if said.is_empty():
            continue
        model = model_means(then).select(*KEYS, model_amount="mean_amount")
        pairs = money.came(said.select(*KEYS, "office_amount"), back).join(model, on=KEYS)
        year = pl.lit(money.start // 12 - back, pl.Int64)
        found.append(pairs.with_columns(fiscal_year=year).select(list(PAIR_SCHEMA)))
    return pl.concat(found)


def _as_it_stood(problem: ForecastProblem) -> Iterator[tuple[int, ForecastProblem]]:
    """The problem on the same day of earlier years that are over, the last one first."""
    start = months.fiscal_start(problem.as_of, problem.fiscal_year_start_month)
    first = problem.history["day"].min()
    for back in range(1, _MOST_YEARS + 1):
        as_of = _years_before(problem.as_of, back)
        enough = isinstance(first, date) and months.ordinal(as_of) - months.ordinal(first) >= _LEAST_HISTORY
        if not enough:
            return
        if months.last_day(start - 12 * back + 11) > problem.last_complete_day:
            continue
        yield (
            back,
            replace(
                problem,
                history=problem.history.filter(pl.col("day") <= as_of),
                as_of=as_of,
                last_complete_day=_years_before(problem.last_complete_day, back),
                collected=None,
                estimates=problem.estimates.clear(),
            ),
        )


def _years_before(day: date, years: int) -> date:
    """The same day of an earlier year; a month's last day stays one."""
    month = months.ordinal(day) - 12 * years
    last = months.last_day(month)
    return last if day == months.last_day(months.ordinal(day)) else last.replace(day=min(day.day, last.day))
