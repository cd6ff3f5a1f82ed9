"""The gallery's page: ten questions of the office, each with its SQL and what the sample answers.

``python -m tests.pipelines.gallery`` writes ``docs/gallery.md`` anew; a test holds it against that.
"""

import re
import tempfile
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
from typer.testing import CliRunner

from pipelines.command import app
from warehouse.engines import Warehouse, open_warehouse, warehouse_url

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "gallery.md"
MEETING, NIGHT = "2020-03-31", "2020-06-30"
SHOWN_ROWS = 15
_HEAD = """# Ten questions the office asks

Each is one SQL file in `docs/gallery/`, which runs alike on DuckDB and PostgreSQL. From the command line:

```
wardcast query -- "$(cat docs/gallery/08-fines-for-urban-order.sql)"
```

Answers are of a simulated sample's night of 30 June 2020 with only five years of history, so that figures
differ from those of the longer one that `make nightly` writes; of the night of 31 March before it; and of a
backtest from mid-year. Money is in millions of đồng.
"""


@dataclass(frozen=True)
class Question:
    """One file of the gallery."""

    name: str
    vi: str
    en: str
    sql: str


def questions() -> list[Question]:
    """The gallery, in order."""
    found = []
    for path in sorted((DOCS / "gallery").glob("*.sql")):
        text = path.read_text(encoding="utf-8")
        said = dict(re.findall(r"^-- (vi|en): (.+)$", text, re.MULTILINE))
        found.append(Question(path.name, said["vi"], said["en"], text.strip()))
    return found


def make_home(folder: Path) -> Path:
    """The home whose answers the page shows."""
    sample, home = folder / "sample", folder / "home"
    _wardcast("simulate", "--years", "5", sample)
    place = ("--landing", sample / "landing", "--home", home)
    _wardcast("nightly", *place, "--as-of", MEETING)
    _wardcast("backtest", *place, "--as-of", NIGHT, "--years", "2018:2019", "--months", "6")
    _wardcast("nightly", *place, "--as-of", NIGHT)
    return home


def _wardcast(*words: str | Path) -> None:
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == 0, result.output


def warehouse_of(home: Path) -> Warehouse:
    """The home's own warehouse."""
    return open_warehouse(warehouse_url(home / "wardcast.duckdb"))


def page(answers: dict[str, pl.DataFrame]) -> str:
    """The page, from each file's answer."""
    parts = [_HEAD]
    for question in questions():
        body = "\n".join(line for line in question.sql.splitlines() if not re.match("-- (vi|en): ", line))
        parts.append(
            f"## {question.en}\n\n*{question.vi}* ([{question.name}](gallery/{question.name}))\n\n"
            f"```sql\n{body}\n```\n\n{_table(answers[question.name])}\n"
        )
    return "\n".join(parts)


def _table(answer: pl.DataFrame) -> str:
    if answer.is_empty():
        return "No rows."
    aligned = ["--:" if kind.is_numeric() else "---" for kind in answer.dtypes]
    rows = [
        answer.columns,
        aligned,
        *([_cell(cell) for cell in row] for row in answer.head(SHOWN_ROWS).rows()),
    ]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    more = answer.height - SHOWN_ROWS
    return f"{table}\n\n… and {more} more rows." if more > 0 else table


def _cell(cell: Any) -> str:
    if cell is None:
        return ""
    return f"{cell:,}" if isinstance(cell, Decimal) else str(cell)


def answers_of(warehouse: Warehouse) -> dict[str, pl.DataFrame]:
    """Each question's answer."""
    return {question.name: warehouse.query(question.sql) for question in questions()}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        PAGE.write_text(page(answers_of(warehouse_of(make_home(Path(scratch))))), encoding="utf-8")
