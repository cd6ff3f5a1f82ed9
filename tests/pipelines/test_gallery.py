"""The office's ten questions have an answer on both engines, the same one, and the page shows it."""

import datetime as dt
import importlib.util
import re
from decimal import Decimal
from itertools import zip_longest
from pathlib import Path

import polars as pl
import pytest

from pipelines.settings import Places, Settings
from tests.pipelines.gallery import MEETING, NIGHT, PAGE, answers_of, make_home, page, questions, warehouse_of
from tests.warehouse.conftest import database, postgres_server  # noqa: F401 - fixtures
from tests.warehouse.postgres_server import Database
from warehouse.engines import PublicationFacts, open_warehouse
from warehouse.marts import dimensions
from warehouse.tables.marts import MARTS

NUMBER = r"-?\d[\d,]*(?:\.\d+)?"
RELATIVE, ABSOLUTE = 0.05, 3.0
"""By how much a figure on the page may differ from another machine's."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_home(tmp_path_factory.mktemp("gallery"))


@pytest.fixture(scope="module")
def answers(home: Path) -> dict[str, pl.DataFrame]:
    return answers_of(warehouse_of(home))


def test_each_of_the_ten_questions_is_asked_in_both_languages() -> None:
    assert [question.name[:3] for question in questions()] == [f"{n:02}-" for n in range(1, 11)]
    assert all(question.vi.endswith("?") and question.en.endswith("?") for question in questions())


def test_every_question_has_an_answer(answers: dict[str, pl.DataFrame]) -> None:
    assert [name for name, answer in answers.items() if answer.is_empty()] == []
    wards = answers["08-fines-for-urban-order.sql"]
    whole, *parts = wards["collected_million"]
    assert abs(whole - sum(parts)) < 1
    district = answers["03-against-last-year.sql"].row(0, named=True)
    golden = [district["share_of_estimate_pct"], district["same_period_pct"]]
    assert golden == [Decimal("51.0"), Decimal("136.7")]
    assert set(answers["02-since-the-last-meeting.sql"]["meeting_on"]) == {dt.date.fromisoformat(MEETING)}


def test_postgresql_answers_the_same(
    home: Path,
    answers: dict[str, pl.DataFrame],
    database: Database,  # noqa: F811
) -> None:
    duck, postgres = warehouse_of(home), open_warehouse(database.url())
    authority = Places(Settings(home=home)).authority
    said = dt.datetime(2020, 6, 30, 18, 30, tzinfo=dt.UTC)
    for night in map(dt.date.fromisoformat, (MEETING, NIGHT)):
        marts = {
            table.name: duck.read_mart(table.name, night if "as_of" in table.columns else None).drop(
                "publication_id", strict=False
            )
            for table in MARTS
        }
        facts = PublicationFacts("run", "0.1.0", "c", said, 1, 0)
        postgres.publish(night, marts, dimensions(authority, night), facts)
    for name, answer in answers_of(postgres).items():
        assert answer.columns == answers[name].columns, name
        assert answer.rows() == answers[name].rows(), name


def test_the_page_shows_what_the_questions_answer(answers: dict[str, pl.DataFrame]) -> None:
    shown, made = PAGE.read_text(encoding="utf-8"), page(answers)
    anew = "docs/gallery.md is not what the gallery answers; run: python -m tests.pipelines.gallery"
    assert re.sub(NUMBER, "#", shown) == re.sub(NUMBER, "#", made), anew
    for old, new in zip_longest(re.findall(NUMBER, shown), re.findall(NUMBER, made)):
        one, other = (float(figure.replace(",", "")) for figure in (old, new))
        assert one == pytest.approx(other, rel=RELATIVE, abs=ABSOLUTE), anew


def test_the_notebook_answers_its_question_with_a_chart(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WARDCAST_WAREHOUSE_FILE", str(home / "wardcast.duckdb"))
    file = PAGE.parent / "notebooks" / "who_lags.py"
    spec = importlib.util.spec_from_file_location("who_lags", file)
    assert spec is not None
    assert spec.loader is not None
    notebook = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(notebook)
    _, found = notebook.app.run()
    late = found["wards"].filter(pl.col("pace_gap_pp") < 0)
    assert late.height
    assert found["answer"].startswith(f"{late.height} of 14 wards are behind their pace")
    drawn = found["chart"].to_dict()
    assert [layer["mark"]["type"] for layer in drawn["layer"]] == ["bar", "tick", "rule"]
    assert {row["unit_name"] for rows in drawn["datasets"].values() for row in rows} >= set(late["unit_name"])
    found["warehouse"].close()
