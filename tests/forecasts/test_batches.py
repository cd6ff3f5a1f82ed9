"""The batch map: the same answer, bit by bit, here, in processes, on a real cluster and in any batches."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import date

import polars as pl
import pytest

from authorities.model import ALL
from forecasts import months
from forecasts.batches import BatchError, BatchMap, InProcess, Processes, batch_map
from forecasts.cluster import OnCluster
from forecasts.seam import ForecastProblem, YearEndForecast, forecast_year_end
from forecasts.yearend import draws_for
from tests.forecasts.problems import deferral, district, estimate, loss, problem, rows, seasonal

METHODS = ("bank", "structural", "pace")


def asked() -> ForecastProblem:
    """Eleven units, some with fewer lines than others; shocks, a lumpy line, estimates, money of no place."""
    whole = district(units=11, lines=("vat", "fees")).filter(pl.col("day") >= date(2016, 1, 1))
    young = seasonal("u9@2019", "vat", date(2019, 7, 1), date(2020, 6, 30), level=2e8)
    october = {date(year, 10, 20): 5e8 + 1e7 * year for year in range(2012, 2020)}
    lumpy = pl.concat([rows(f"u{unit}@2004", "land", october) for unit in (1, 4, 7)])
    nowhere = rows("UNALLOCATED", "UNALLOCATED", {date(2020, 3, 2): 123})
    given = [
        estimate("u3@2004", "vat", 4 * 10**9),
        estimate(ALL, ALL, 10**11),
        estimate("u4@2004", ALL, 10**9, "recurrent"),
    ]
    return problem(
        pl.concat([whole, young, lumpy, nowhere]),
        as_of=date(2020, 7, 15),
        last_complete_day=date(2020, 7, 10),
        estimates=pl.concat(given),
        shocks=(deferral(), loss("cut", units=("u2",))),
        draws=101,
    )


def same(one: YearEndForecast, other: YearEndForecast) -> bool:
    return all(getattr(one, part.name).equals(getattr(other, part.name)) for part in fields(one))


@pytest.fixture(scope="module")
def processes() -> Iterator[Processes]:
    with Processes(2) as opened:
        yield opened


@pytest.fixture(scope="module")
def cluster() -> Iterator[OnCluster]:
    """Two worker processes of a Dask cluster of this machine."""
    from distributed import LocalCluster

    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as running,
        OnCluster(running.scheduler_address) as opened,
    ):
        yield opened


@pytest.mark.parametrize("method", METHODS)
def test_processes_and_batches_of_any_size_give_the_same_frames(method: str, processes: Processes) -> None:
    here = forecast_year_end(asked(), method)
    processes.batch_bytes = 1
    for elsewhere in (InProcess(batch_bytes=1), InProcess(batch_bytes=200_000), processes):
        assert same(here, forecast_year_end(asked(), method, elsewhere))


def test_a_cluster_of_two_workers_gives_the_same_frames(cluster: OnCluster) -> None:
    assert cluster.workers == 2
    cluster.batch_bytes = 1
    assert same(forecast_year_end(asked()), forecast_year_end(asked(), batches=cluster))


def test_work_is_done_by_other_processes(processes: Processes, cluster: OnCluster) -> None:
    for spread in (processes, cluster):
        assert os.getpid() not in set(spread(process_of, range(8)))


def process_of(task: int) -> int:
    assert task >= 0
    return os.getpid()


def negative(task: int) -> int:
    return -task


@pytest.mark.parametrize("kind", ["here", "processes", "cluster"])
def test_answers_come_in_the_order_of_the_tasks(kind: str, request: pytest.FixtureRequest) -> None:
    spread: BatchMap = InProcess() if kind == "here" else request.getfixturevalue(kind)
    assert list(spread(negative, range(20))) == [-task for task in range(20)]
    assert list(spread(negative, [])) == []


def test_only_a_few_tasks_are_made_ahead_of_the_answers(processes: Processes) -> None:
    made: list[int] = []

    def tasks() -> Iterator[int]:
        for task in range(50):
            made.append(task)
            yield task

    next(processes(negative, tasks()))
    assert len(made) <= 2 * processes.workers


def blas_threads(task: int) -> list[int]:
    import numpy as np
    from threadpoolctl import threadpool_info

    assert np.isfinite(np.eye(task + 2) @ np.eye(task + 2)).all()
    return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]


def test_linear_algebra_keeps_to_one_thread_wherever_it_runs(
    processes: Processes, cluster: OnCluster
) -> None:
    for spread in (InProcess(), processes, cluster):
        for threads in spread(blas_threads, range(3)):
            assert threads
            assert set(threads) == {1}


def stops(task: int) -> None:
    if task == 1:
        os._exit(3)


def test_a_process_that_ends_is_told_and_the_next_forecast_has_new_ones() -> None:
    with Processes(2) as spread:
        with pytest.raises(BatchError, match="for want of memory"):
            list(spread(stops, range(3)))
        assert list(spread(negative, [7])) == [-7]


def refuses(task: int) -> None:
    raise ValueError(f"no to {task}")


@pytest.mark.parametrize("kind", ["processes", "cluster"])
def test_what_work_refuses_is_refused_here(kind: str, request: pytest.FixtureRequest) -> None:
    with pytest.raises(ValueError, match="no to 4"):
        list(request.getfixturevalue(kind)(refuses, [4]))


def test_a_setting_names_the_map(cluster: OnCluster) -> None:
    assert isinstance(batch_map("1"), InProcess)
    two = batch_map("2")
    assert (type(two), two.workers) == (Processes, 2)
    with batch_map(cluster.address) as opened:
        assert list(opened(negative, [3])) == [-3]


@pytest.mark.parametrize(
    ("where", "words"),
    [("many", "write a number of processes"), ("0", "at least 1 process"), ("ray//x", "such as tcp://")],
)
def test_a_wrong_setting_says_what_would_be_right(where: str, words: str) -> None:
    with pytest.raises(BatchError, match=words):
        batch_map(where)


def test_an_address_where_nobody_answers_is_told() -> None:
    with pytest.raises(BatchError, match="no Dask scheduler answers at tcp://"):
        OnCluster("tcp://127.0.0.1:9", patience="1s")


def test_the_seam_imports_neither_statsmodels_nor_dask_nor_multiprocessing() -> None:
    check = (
        "import sys, forecasts.seam, forecasts.yearend, forecasts.cluster; "
        "sys.exit(' '.join({'statsmodels', 'scipy', 'distributed', 'dask', 'multiprocessing.pool', "
        "'concurrent.futures.process'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", check], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_draws_are_fewer_for_a_country_unless_asked_for() -> None:
    assert draws_for(14 * 12) == 2000
    assert draws_for(127_176) == 1000
    told = forecast_year_end(problem(district(units=2), draws=None))
    assert same(told, forecast_year_end(problem(district(units=2), draws=2000)))


def test_more_units_beside_a_unit_change_nothing_of_its_naive_forecast() -> None:
    few, many = (
        forecast_year_end(problem(district(units=count), draws=50), "naive", InProcess(batch_bytes=1))
        for count in (2, 5)
    )
    mine = {"unit_key": "u1@2004", "line_code": "vat"}
    assert few.path.filter(**mine).equals(many.path.filter(**mine))


def test_each_scenario_carries_its_own_status() -> None:
    """Two months of a blow are masked where it is declared; where it is not, a shock is suspected."""
    start = months.first_day(months.ordinal(date(2020, 5, 1)))
    struck = district(units=9, lines=("vat",)).with_columns(
        amount=pl.when(pl.col("day") >= start).then(pl.col("amount") // 5).otherwise("amount")
    )
    shut = loss("shut", form="transient", since=start, until=date(2020, 6, 30), announced=date(2020, 5, 1))
    forecast = forecast_year_end(replace(problem(struck), shocks=(shut,)))
    status = {
        scenario: set(forecast.year_end.filter(scenario=scenario)["fit_status"])
        for scenario in ("base", "without_shocks")
    }
    assert status == {"base": {"full"}, "without_shocks": {"untrusted"}}
