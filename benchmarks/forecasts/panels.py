"""Real monthly collections for measuring forecasts: series × months, read from the shared data folder.

Each panel is what was published, with as little done to it as can be: no series is chosen by its future.
"""

import gzip
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from forecasts.seam import ESTIMATES_SCHEMA, ForecastProblem

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
_MONTHS_PT = (
    "Janeiro Fevereiro Março Abril Maio Junho Julho Agosto Setembro Outubro Novembro Dezembro".split()  # noqa: SIM905
)


@dataclass(frozen=True)
class Collections:
    """receipts: series × months from January of `first_year`; plans: (unit, line, year) → January plan."""

    name: str
    units: list[str]
    lines: list[str]
    first_year: int
    receipts: np.ndarray
    plans: dict[tuple[str, str, int], float]


def brazil_federal() -> Collections | None:
    """27 states × federal taxes by month from 2003, reais; None where the data are absent.

    The commas of 2001 and 2002 separate thousands, those of later years decimals: the series begin after
    them.
    """
    path = SHARED / "brazil_federal" / "arrecadacao-estado.csv"
    if not path.exists():
        return None
    text = path.read_bytes().decode("iso-8859-1").replace("\r\n", "\n")
    frame = pl.read_csv(text.encode(), separator=";", infer_schema=False, truncate_ragged_lines=True)
    year, month, state, *taxes = frame.columns
    frame = frame.filter(pl.col(month).is_in(_MONTHS_PT)).filter(pl.col(year).cast(pl.Int64) >= 2003)
    long = frame.unpivot(taxes, index=[year, month, state], variable_name="line", value_name="amount")
    long = long.with_columns(
        place=(pl.col(year).cast(pl.Int64) - 2003) * 12
        + pl.col(month).replace_strict(_MONTHS_PT, list(range(12)), return_dtype=pl.Int64),
        amount=pl.col("amount").str.replace_all(".", "", literal=True).str.replace(",", ".").cast(pl.Float64),
    )
    return _table("brazil_federal", long.rename({state: "unit"}), 2003, {})


def ukraine_cities() -> Collections | None:
    """25 cities × groups of income codes by month from 2021, hryvnia; None where the data are absent."""
    path = SHARED / "ukraine_cities" / "incomes_total_fund_2021-01_2026-06.csv.gz"
    if not path.exists():
        return None
    with gzip.open(path) as stream:
        frame = pl.read_csv(stream.read(), schema_overrides={"income_code": pl.String}, try_parse_dates=True)
    frame = frame.with_columns(
        line=pl.col("income_code").str.slice(0, 4), year=pl.col("period_end").dt.year()
    )
    keys = ["city", "line", "year", "period_end"]
    sums = (
        frame.group_by(keys).agg(pl.col("ytd_actual_uah").sum(), pl.col("annual_plan_uah").sum()).sort(keys)
    )
    place = (pl.col("year").cast(pl.Int64) - 2021) * 12 + pl.col("period_end").dt.month() - 1
    sums = sums.with_columns(place=place, unit=pl.col("city"))
    grid = sums.select("unit", "line").unique().join(sums.select("place", "year").unique(), how="cross")
    whole = grid.join(sums, on=["unit", "line", "place", "year"], how="left").sort("unit", "line", "place")
    ytd = pl.col("ytd_actual_uah").forward_fill().over("unit", "line", "year").fill_null(0)
    whole = whole.with_columns(ytd=ytd)
    amount = pl.col("ytd") - pl.col("ytd").shift(1).over("unit", "line", "year").fill_null(0)
    whole = whole.with_columns(amount=amount)
    january = sums.filter(pl.col("period_end").dt.month() == 1)
    keyed = january.select("unit", "line", "year", "annual_plan_uah").iter_rows()
    plans = {(unit, line, int(year)): float(plan) for unit, line, year, plan in keyed if plan and plan > 0}
    return _table("ukraine_cities", whole, 2021, plans)


def _table(
    name: str, long: pl.DataFrame, first_year: int, plans: dict[tuple[str, str, int], float]
) -> Collections:
    keys = long.select("unit", "line").unique().sort("line", "unit").with_row_index("row")
    joined = long.join(keys, on=["unit", "line"]).drop_nulls("amount")
    receipts = np.zeros((keys.height, joined["place"].max() + 1))
    np.add.at(receipts, (joined["row"].to_numpy(), joined["place"].to_numpy()), joined["amount"].to_numpy())
    kept = (receipts != 0).any(axis=1)
    units = [unit for unit, keep in zip(keys["unit"], kept, strict=True) if keep]
    lines = [line for line, keep in zip(keys["line"], kept, strict=True) if keep]
    return Collections(name, units, lines, first_year, receipts[kept], plans)


def history_of(panel: Collections) -> pl.DataFrame:
    """The panel as the seam's history: month-end stamps, hundredths of the currency unit, months without
    money left out.
    """
    row, month = np.nonzero(panel.receipts)
    days = [date(panel.first_year + m // 12, m % 12 + 1, 28) for m in range(panel.receipts.shape[1])]
    return pl.DataFrame(
        {
            "unit_key": np.array(panel.units, dtype=object)[row].tolist(),
            "line_code": np.array(panel.lines, dtype=object)[row].tolist(),
            "day": [days[m] for m in month.tolist()],
            "amount": np.rint(100 * panel.receipts[row, month]).astype(np.int64),
        },
        schema_overrides={"day": pl.Date},
    ).with_columns(pl.col("day").dt.month_end())


def problem_of(panel: Collections, draws: int = 300) -> ForecastProblem:
    """The whole panel as one problem, territory only."""
    history = history_of(panel)
    leaves = history.select("unit_key", "line_code").unique()
    last = history["day"].max()
    return ForecastProblem(
        history=history,
        as_of=last,
        last_complete_day=last,
        fiscal_year_start_month=1,
        shares=leaves.with_columns(basis=pl.lit("territory"), share=pl.lit(1.0)),
        estimates=pl.DataFrame(schema=ESTIMATES_SCHEMA),
        shocks=(),
        seed=1,
        draws=draws,
    )


def january_plans(panel: Collections, year: int) -> pl.DataFrame:
    """The year's January plans as estimates, leaves and units' totals."""
    rows = [
        (u, c, "territory", "initial", round(100 * p)) for (u, c, y), p in panel.plans.items() if y == year
    ]
    leaves = pl.DataFrame(rows, schema=ESTIMATES_SCHEMA, orient="row")
    keys = ["unit_key", "basis", "estimate_version"]
    totals = leaves.group_by(keys).agg(pl.col("estimate_amount").sum()).with_columns(line_code=pl.lit("ALL"))
    return pl.concat([leaves, totals.select(ESTIMATES_SCHEMA.names())])
