"""Readers see whole publications only, and what a client does to one file never reaches the next."""

import json
import signal
import subprocess
import sys
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from tests.warehouse.publication_scenario import EARLIER, NIGHT, PUBLISHED_AT, dimensions, facts, marts
from warehouse.engines import open_warehouse, warehouse_url
from warehouse.tables.marts import MARTS

ROOT = Path(__file__).parents[2]
AMOUNT = "SELECT collected_amount FROM latest.mart_district_brief"

# Opens the link afresh each time, as a dashboard does, until told to end; says what it saw.
READER = """
import sys, threading, json, duckdb
link, seen, torn, reads = sys.argv[1], set(), [], 0
ended = threading.Event()
threading.Thread(target=lambda: (sys.stdin.readline(), ended.set()), daemon=True).start()
while not ended.is_set():
    with duckdb.connect(link, read_only=True) as connection:
        ids = connection.execute('''
            SELECT as_of, list(DISTINCT publication_id), list(DISTINCT collected_amount::VARCHAR), count(*)
            FROM (
                SELECT as_of, publication_id, collected_amount FROM mart_district_brief
                UNION ALL SELECT as_of, publication_id, collected_amount FROM mart_unit_position
            ) GROUP BY as_of ORDER BY as_of''').fetchall()
        latest = connection.execute('SELECT DISTINCT publication_id FROM latest.mart_warning').fetchall()
        known = {one for (one,) in connection.execute('SELECT publication_id FROM publication').fetchall()}
    torn += [row for row in ids if (len(row[1]), len(row[2]), row[3]) != (1, 1, 5) or row[1][0] not in known]
    torn += [] if latest == [(ids[-1][1][0],)] else [latest]
    seen.add(ids[-1][1][0])
    reads += 1
    ended.wait(0.05)
    if reads == 1:
        print('reading', flush=True)
print(json.dumps({'reads': reads, 'seen': sorted(seen), 'torn': repr(torn)}))
"""


@pytest.fixture
def link(tmp_path: Path) -> Path:
    return tmp_path / "wardcast.duckdb"


def test_a_reader_in_another_process_never_sees_part_of_a_publication(link: Path) -> None:
    warehouse = open_warehouse(warehouse_url(link))
    warehouse.publish(EARLIER, marts(EARLIER, "0.01"), dimensions(), facts())
    warehouse.publish(NIGHT, marts(NIGHT, "0.02"), dimensions(), facts())
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", READER, str(link)]
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "reading\n"
        for turn in range(50):
            night = (NIGHT, EARLIER)[turn % 2]
            warehouse.publish(night, marts(night, f"{turn + 1}.00"), dimensions(), facts())
        said, _ = reader.communicate("end\n", timeout=60)
    report = json.loads(said)
    assert report["torn"] == "[]"
    assert len(report["seen"]) > 1
    assert report["reads"] > 1


def test_a_connection_keeps_what_it_opened_and_a_fresh_one_sees_the_new(link: Path) -> None:
    warehouse = open_warehouse(warehouse_url(link))
    warehouse.publish(NIGHT, marts(NIGHT, "1.00"), dimensions(), facts())
    with duckdb.connect(str(link), read_only=True) as held:
        assert held.execute(AMOUNT).fetchall() == [(Decimal("1.00"),)]
        warehouse.publish(NIGHT, marts(NIGHT, "2.00"), dimensions(), facts())
        assert held.execute(AMOUNT).fetchall() == [(Decimal("1.00"),)]
        assert warehouse.query(AMOUNT).item() == Decimal("2.00")
        with duckdb.connect(str(link), read_only=True) as fresh:
            assert fresh.execute(AMOUNT).fetchall() == [(Decimal("2.00"),)]


def test_a_connection_outlives_the_pruning_of_what_it_reads(link: Path) -> None:
    warehouse = open_warehouse(warehouse_url(link), kept_days=1)
    warehouse.publish(NIGHT, marts(NIGHT, "1.00"), dimensions(), facts())
    with duckdb.connect(str(link), read_only=True) as held:
        for day in (1, 2):
            later = facts(PUBLISHED_AT + timedelta(days=day))
            warehouse.publish(NIGHT, marts(NIGHT, f"{day + 1}.00"), dimensions(), later)
        assert not (link.parent / "wardcast.publications" / "2020-06-30.1.duckdb").exists()
        assert held.execute(AMOUNT).fetchall() == [(Decimal("1.00"),)]


MEDDLER = """
import duckdb, os, signal, stat, sys
link = sys.argv[1]
os.chmod(os.path.realpath(link), 0o644)
connection = duckdb.connect(link)
connection.execute("SET checkpoint_threshold = '1TB'")
connection.execute("UPDATE latest.mart_district_brief SET collected_amount = 666")
connection.execute("CREATE TABLE mine AS SELECT 1")
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_client_leaves_in_one_file_does_not_reach_the_next(link: Path) -> None:
    warehouse = open_warehouse(warehouse_url(link))
    warehouse.publish(NIGHT, marts(NIGHT, "1.00"), dimensions(), facts())
    meddler = subprocess.run([sys.executable, "-c", MEDDLER, str(link)], check=False)
    assert meddler.returncode == -signal.SIGKILL
    logs = [path.name for path in link.parent.rglob("*.wal")]
    assert logs == ["2020-06-30.1.duckdb.wal"]

    assert warehouse.query(AMOUNT).item() == Decimal("1.00")
    warehouse.publish(NIGHT, marts(NIGHT, "2.00"), dimensions(), facts())
    with duckdb.connect(str(link), read_only=True) as fresh:
        assert fresh.execute(AMOUNT).fetchall() == [(Decimal("2.00"),)]
        assert fresh.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'mine'").fetchall() == [
            (0,)
        ]

    long_after = facts(PUBLISHED_AT + timedelta(days=100))
    warehouse.publish(NIGHT, marts(NIGHT, "3.00"), dimensions(), facts(PUBLISHED_AT + timedelta(days=50)))
    warehouse.publish(NIGHT, marts(NIGHT, "4.00"), dimensions(), long_after)
    assert not list(link.parent.rglob("*.wal"))


def test_a_client_that_holds_the_file_for_writing_stops_neither_publisher_nor_our_readers(link: Path) -> None:
    warehouse = open_warehouse(warehouse_url(link))
    warehouse.publish(NIGHT, marts(NIGHT, "1.00"), dimensions(), facts())
    link.resolve().chmod(0o644)
    holder = (
        "import duckdb,sys; c=duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.readline()"
    )
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [sys.executable, "-c", holder, str(link)], stdin=pipe, stdout=pipe, text=True
    ) as client:
        assert client.stdout is not None
        assert client.stdout.readline() == "held\n"
        warehouse.publish(EARLIER, marts(EARLIER, "2.00"), dimensions(), facts())
        assert warehouse.query("SELECT sum(collected_amount) FROM mart_district_brief").item() == Decimal(
            "3.00"
        )
        client.communicate("end\n", timeout=60)


def test_a_client_without_special_rights_cannot_write_a_publication(link: Path) -> None:
    warehouse = open_warehouse(warehouse_url(link))
    warehouse.publish(NIGHT, marts(), dimensions(), facts())
    files = [link.resolve(), *(link.parent / "wardcast.publications" / "2020-06-30.1").iterdir()]
    assert len(files) > len(MARTS)
    assert {file.stat().st_mode & 0o777 for file in files} == {0o444}


def test_the_file_and_our_own_reader_say_the_same(link: Path) -> None:
    warehouse = open_warehouse(warehouse_url(link))
    warehouse.publish(NIGHT, marts(NIGHT, "1.00"), dimensions(), facts())
    warehouse.publish(EARLIER, marts(EARLIER, "2.00"), dimensions(), facts())
    with duckdb.connect(str(link), read_only=True) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for name in ("publication", "dim_unit", *(table.name for table in MARTS)):
            stored = connection.execute(f"SELECT * FROM {name} ORDER BY ALL").pl()
            assert warehouse.query(f"SELECT * FROM {name} ORDER BY ALL").equals(stored), name
