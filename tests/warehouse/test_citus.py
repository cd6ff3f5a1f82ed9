"""The same declaration on Citus: which tables are copied and which are spread, as statements.

No Citus is packaged for tests; a stand-in of its two functions records what it is told on a real PostgreSQL.
"""

import pytest
import sqlalchemy as sa

from tests.warehouse.postgres_server import Database
from tests.warehouse.publication_scenario import NIGHT, dimensions, facts, marts
from warehouse.engines import open_warehouse
from warehouse.postgres_citus import spread_frame_statements, spread_statements
from warehouse.postgres_tables import READABLE, base, create_statements, is_nightly
from warehouse.tables.dimensions import DIMENSIONS
from warehouse.tables.marts import MART_QUARANTINE, MART_UNIT_POSITION, PUBLICATION


def test_what_is_copied_and_what_is_spread() -> None:
    assert [*spread_statements(MART_UNIT_POSITION)] == [
        "SELECT create_distributed_table('store.mart_unit_position', 'unit_key')"
    ]
    assert [*spread_statements(MART_QUARANTINE)] == [
        "SELECT create_distributed_table('store.mart_quarantine', 'as_of')"
    ]
    for table in (*DIMENSIONS, PUBLICATION):
        assert [*spread_statements(table)] == [f"SELECT create_reference_table('{base(table)}')"]
    assert [*spread_frame_statements()] == [
        "SELECT create_reference_table('store.current_publication')",
        "SELECT create_reference_table('store.setting')",
    ]


@pytest.mark.parametrize("table", READABLE, ids=lambda table: table.name)
def test_a_spread_table_is_one_that_citus_takes(table: sa.Table) -> None:
    """A spread table has the column and no key without it; a copied one is not partitioned."""
    spread, statement = table.info["spread"], " ".join(create_statements(table))
    if spread == "reference":
        assert "PARTITION BY" not in statement
    else:
        assert is_nightly(table)
        assert spread in table.columns
        assert not table.columns[spread].nullable
        assert "PRIMARY KEY" not in statement
        assert spread == ("unit_key" if "unit_key" in table.columns else "as_of")


def test_the_databases_extension_is_the_whole_configuration(database: Database) -> None:
    """Citus's functions are told of every table once, in the transaction that makes it."""
    database.execute(
        "CREATE TABLE public.told (place serial, what text)",
        "CREATE FUNCTION create_reference_table(name text) RETURNS void LANGUAGE sql AS "
        "$$ INSERT INTO public.told (what) VALUES ('copied ' || name) $$",
        "CREATE FUNCTION create_distributed_table(name text, by text) RETURNS void LANGUAGE sql AS "
        "$$ INSERT INTO public.told (what) VALUES ('spread ' || name || ' ' || by) $$",
    )
    plain = open_warehouse(database.url())
    assert database.rows("SELECT count(*) FROM public.told") == [(0,)]
    database.execute(
        "INSERT INTO pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion) "
        "VALUES (99999, 'citus', 10, 2200, false, '13.0')"
    )
    plain.upgrade("0.1.0")
    plain.publish(NIGHT, marts(), dimensions(), facts())
    told = [what for (what,) in database.rows("SELECT what FROM public.told ORDER BY place")]
    assert len(told) == len(set(told)) == len(READABLE) + 2
    assert "spread store.mart_unit_position unit_key" in told
    assert "copied public.dim_unit" in told
    assert plain.read_mart("mart_district_brief").height == 1
