"""Year-end errors on real collections, the bank beside what offices do and what others' software does.

Run as `python -m benchmarks.forecasts.accuracy`. Reads the shared data folder; a panel that is absent is
named and skipped. Peers of statsforecast and statsmodels are slow: they and the bank are compared on a fixed
sample of the series.
"""

import argparse
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from authorities.shocks import PolicyShock
from benchmarks.forecasts.panels import Collections, brazil_federal, january_plans, problem_of, ukraine_cities
from benchmarks.forecasts.pictures import Measured, draw
from benchmarks.forecasts.promises import reliability, totals
from forecasts.backtest import forecasts_made, outcome_of
from forecasts.scores import brier, coverage_pct, crps_pct, mape_pct, wape_pct
from forecasts.seam import Method

METHODS: tuple[Method, ...] = ("bank", "structural", "pace", "naive", "growth")
SAMPLE = 40
"""Series of a year that peers are compared on: AutoARIMA takes half a second to two for each."""
Peer = Callable[[list[np.ndarray], int], list[np.ndarray]]


def statsforecast_peer(name: str, logs: bool) -> Peer:
    """A statsforecast model over series, point forecasts of the months to come."""

    def forecast(series: list[np.ndarray], horizon: int) -> list[np.ndarray]:
        from statsforecast import models

        made = []
        for values in series:
            known = np.log(np.maximum(values, 1.0)) if logs else values
            answer = getattr(models, name)(season_length=12).forecast(y=known.astype(np.float64), h=horizon)[
                "mean"
            ]
            made.append(np.exp(answer) if logs else answer)
        return made

    return forecast


def unobserved_components(series: list[np.ndarray], horizon: int) -> list[np.ndarray]:
    """statsmodels' level + seasonal on logs, fitted series by series."""
    from statsmodels.tsa.statespace.structural import UnobservedComponents

    made = []
    for values in series:
        model = UnobservedComponents(np.log(np.maximum(values, 1.0)), level="llevel", seasonal=12)
        made.append(np.exp(model.fit(disp=0, maxiter=100).forecast(horizon)))
    return made


PEERS: dict[str, Peer] = {
    "AutoETS": statsforecast_peer("AutoETS", logs=False),
    "AutoETS on logs": statsforecast_peer("AutoETS", logs=True),
    "DynamicOptimizedTheta": statsforecast_peer("DynamicOptimizedTheta", logs=False),
    "AutoTheta": statsforecast_peer("AutoTheta", logs=False),
    "AutoARIMA": statsforecast_peer("AutoARIMA", logs=False),
    "UnobservedComponents": unobserved_components,
}


def positive_since(panel: Collections, origin: int, least: int) -> np.ndarray:
    """Rows whose last `least` months before the origin are all above zero; nothing later is looked at."""
    window = panel.receipts[:, max(origin - least, 0) : origin]
    return np.flatnonzero((window > 0).all(axis=1) & (origin >= least))


def compare(panel: Collections, years: list[int], months: list[int], least: int) -> list[Measured]:
    """Print errors of the year-end by month elapsed: regular series, the rest, units' totals; and what ranges
    of totals and probabilities to fall short came to. Returns what was printed of the errors."""
    problem, made = problem_of(panel), []
    for year in years:
        plans = {year: january_plans(panel, year)} if panel.plans else None
        for month in months:
            rows = forecasts_made(problem, (year,), (month,), METHODS, plans)
            chosen = positive_since(panel, (year - panel.first_year) * 12 + month, least)
            kept = pl.DataFrame(
                {
                    "unit_key": [panel.units[i] for i in chosen],
                    "line_code": [panel.lines[i] for i in chosen],
                    "regular": [True] * len(chosen),
                }
            )
            made.append(rows.join(kept, on=["unit_key", "line_code"], how="left"))
    table, measured = pl.concat(made), []
    total, regular = pl.col("line_code") == "ALL", pl.col("regular").fill_null(value=False)
    for name, part in {
        f"positive for {least} months": table.filter(~total & regular),
        "zero, negative or young": table.filter(~total & ~regular),
        "units' totals": table.filter(total),
    }.items():
        measured += show(f"{panel.name}, {years[0]}–{years[-1]}, {name}", part, months)
    bank = table.filter(method="bank")
    totals(panel, years, months, bank.filter(total))
    for month in months if panel.plans else ():
        title = f"{panel.name}, month {month}, positive for {least} months"
        reliability(title, bank.filter(~total & regular, months_elapsed=month))
    return measured


def show(title: str, table: pl.DataFrame, months: list[int]) -> list[Measured]:
    """One block: a line per month and method."""
    measured = []
    print(f"\n{title}")
    print("  m  method        n   MAPE  ÷pace   WAPE  ÷pace   CRPS  80%  95%   Brier")
    for month in months:
        pace = outcome_of(table.filter(months_elapsed=month, method="pace"))
        for method in METHODS:
            one = outcome_of(table.filter(months_elapsed=month, method=method))
            mape, wape = mape_pct(one), wape_pct(one)
            covered = coverage_pct(one, 0.1, 0.9), coverage_pct(one, 0.025, 0.975)
            measured.append(Measured(title, month, method, wape / wape_pct(pace), *covered))
            print(
                f"  {month}  {method:<10} {len(one.actual):5} {mape:6.2f}  {mape / mape_pct(pace):5.2f} "
                f"{wape:6.2f}  {wape / wape_pct(pace):5.2f} {crps_pct(one):6.2f} "
                f"{covered[0]:4.0f} {covered[1]:4.0f} {brier(one):7.3f}"
            )
    return measured


def beside_peers(panel: Collections, years: list[int], month: int, least: int, size: int) -> None:
    """Print the bank's error over each peer's, on a fixed sample of regular series, and rates."""
    problem = problem_of(panel)
    points: dict[str, list[np.ndarray]] = {name: [] for name in (*PEERS, "bank")}
    actual, spent, count = [], dict.fromkeys(PEERS, 0.0), 0
    for year in years:
        origin = (year - panel.first_year) * 12 + month
        rows = positive_since(panel, origin, least)
        rows = np.sort(np.random.default_rng(year).permutation(rows)[:size])
        begin = max(origin - 120, 0)
        series = [panel.receipts[i, begin:origin] for i in rows]
        so_far = panel.receipts[rows, origin - month : origin].sum(axis=1)
        actual.append(so_far + panel.receipts[rows, origin : origin + 12 - month].sum(axis=1))
        made = forecasts_made(problem, (year,), (month,), ("bank",))
        ours = {(r["unit_key"], r["line_code"]): r["p50_amount"] / 100 for r in made.iter_rows(named=True)}
        points["bank"].append(np.array([ours[panel.units[i], panel.lines[i]] for i in rows]))
        for name, peer in PEERS.items():
            begun = time.perf_counter()
            rest = [np.sum(one) for one in peer(series, 12 - month)]
            spent[name] += time.perf_counter() - begun
            points[name].append(so_far + np.array(rest))
        count += len(rows)
    truth = np.concatenate(actual)
    errors = {name: np.abs(np.concatenate(one) - truth) / truth for name, one in points.items()}
    print(f"\n{panel.name}, month {month}, {count} series-years of {years}: MAPE and the bank's over it")
    for name, error in errors.items():
        rate = f"{count / spent[name]:8.1f} series/s" if name in spent else ""
        print(f"  {name:<22} {100 * error.mean():6.2f}  {errors['bank'].mean() / error.mean():5.2f}  {rate}")


def deferral_of_2020(panel: Collections) -> None:
    """Print the error of COFINS and PIS in June 2020, with their deferral declared and without.

    Dues of April, May and June were moved to August, October and November (Portarias 139 and 245/2020). Half
    of a line's dues is assumed, between a fifth and four fifths, whatever came of it.
    """
    chosen = [
        i for i, line in enumerate(panel.lines) if line.startswith(("COFINS", "CONTRIBUIÇÃO PARA O PIS"))
    ]
    part = Collections(
        panel.name,
        [panel.units[i] for i in chosen],
        [panel.lines[i] for i in chosen],
        panel.first_year,
        panel.receipts[chosen],
        {},
    )
    legs = [("2020-04", "2020-08"), ("2020-05", "2020-10"), ("2020-06", "2020-11")]
    shock = PolicyShock.model_validate(
        {
            "code": "cofins_pis_2020",
            "title": {"vi": "Gia hạn COFINS, PIS", "en": "COFINS and PIS deferred"},
            "kind": "timing",
            "form": "deferral",
            "line_codes": sorted(set(part.lines)),
            "announced_on": "2020-04-03",
            "legal_source": "Portaria ME 139/2020, 245/2020",
            "legs": [{"due_month": due, "deferred_to": later} for due, later in legs],
            "fraction": {"value": 0.5, "low": 0.2, "high": 0.8},
            "assumed": True,
        }
    )
    print(f"\n{panel.name}, COFINS and PIS, June 2020: WAPE of the year's end, CRPS, coverage")
    told: tuple[tuple[str, Method, tuple[PolicyShock, ...]], ...] = (
        ("pace", "pace", ()),
        ("bank", "bank", ()),
        ("bank, declared", "bank", (shock,)),
    )
    for name, method, known in told:
        asked = replace(problem_of(part), shocks=known)
        rows = forecasts_made(asked, (2020,), (6,), (method,)).filter(pl.col("line_code") != "ALL")
        one = outcome_of(rows)
        inner, outer = coverage_pct(one, 0.1, 0.9), coverage_pct(one, 0.025, 0.975)
        print(f"  {name:<15} {wape_pct(one):6.2f} {crps_pct(one):6.2f}   80%: {inner:.0f}  95%: {outer:.0f}")


def main() -> None:
    """Measure what is there; say what is not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer years, month 6 only")
    parser.add_argument("--pictures", type=Path, metavar="FOLDER", help="draw what was measured there")
    asked = parser.parse_known_args()[0]
    quick, measured = asked.quick, list[Measured]()
    warnings.simplefilter("ignore")
    months = [6] if quick else [3, 6, 9]
    plans = (
        (
            brazil_federal,
            [[2015, 2019]] if quick else [[2013, 2015, 2017, 2019, 2022, 2024], [2020, 2021]],
            96,
        ),
        (ukraine_cities, [[2024]] if quick else [[2023, 2024, 2025]], 24),
    )
    for load, periods, least in plans:
        panel = load()
        if panel is None:
            print(f"{load.__name__}: data not found, skipped")
            continue
        for years in periods:
            measured += compare(panel, years, months, least)
        if panel.name == "brazil_federal":
            deferral_of_2020(panel)
        if asked.pictures is not None:
            draw(measured, asked.pictures)
        beside_peers(panel, periods[0][-2:], 6, least, SAMPLE)


if __name__ == "__main__":
    main()
