"""The data dictionary: every published table and the ledger, as a page of Markdown.

Written from the declarations alone (``projections.dictionary_entries``), so that it cannot say what the
warehouse does not hold. ``docs/dictionary.md`` is this page; a test fails where the two differ.
"""

from collections.abc import Iterable, Iterator
from itertools import groupby

from sqlalchemy import Table

from warehouse.projections import DictionaryEntry, dictionary_entries
from warehouse.tables.dimensions import DIMENSIONS
from warehouse.tables.ledger import CORE_DELIVERY, LEDGER, QUARANTINE
from warehouse.tables.marts import MARTS, PUBLICATION

DICTIONARY_TABLES: tuple[Table, ...] = (
    *MARTS, PUBLICATION, *DIMENSIONS, *LEDGER.values(), CORE_DELIVERY, QUARANTINE,
)  # fmt: skip

_OPENING = """\
# Data dictionary

<!-- Written by `wardcast dictionary` from the declarations in warehouse/tables; change those, not this. -->

`wardcast query "SELECT …"`, or any client of the warehouse, reads the marts and dimensions. A plain table
name gives every night; `latest.<table>` gives the newest night alone. A rerun of a night replaces it:
`publication_id` says which publication a row belongs to.

Money is in the authority's currency unit with two decimals, shares are percent, instants are UTC. A column
may be null only where it says so.
"""

LAYERS = {
    "mart": ("Marts", "What people query: one set a night, published together."),
    "dimension": ("Dimensions", "What the keys of the marts mean, as of the newest night."),
    "ledger": (
        "Ledger",
        "The record behind the marts: every accepted row with its file, sheet and row, and the two clocks of "
        "when it happened and when the office learned it. Money is in minor units. It is the pipeline's own "
        "and is not published.",
    ),
    "staging": ("Staged rows", "What a file said, typed and canonical, before it is accepted or refused."),
}

# What a client of the warehouse sees, where SQLAlchemy's own word is another.
_TYPES = {"NUMERIC(20, 2)": "DECIMAL(20,2)", "DATETIME": "TIMESTAMP WITH TIME ZONE"}


def dictionary_markdown(tables: Iterable[Table] = DICTIONARY_TABLES) -> str:
    """The dictionary of ``tables`` as Markdown: a section a layer, with contents, and a table a table."""
    by_table = [
        list(entries) for _, entries in groupby(dictionary_entries(tables), lambda entry: entry.table)
    ]
    present = [layer for layer in LAYERS if any(entries[0].layer == layer for entries in by_table)]
    own = {layer: [entries for entries in by_table if entries[0].layer == layer] for layer in present}
    lines = [_OPENING, *(_contents(layer, own[layer]) for layer in present)]
    for layer in present:
        title, opening = LAYERS[layer]
        lines += ["", f"## {title}", "", opening]
        for entries in own[layer]:
            lines += _table(entries)
    return "\n".join(lines) + "\n"


def _contents(layer: str, own: list[list[DictionaryEntry]]) -> str:
    names = ", ".join(f"[`{entries[0].table}`](#{entries[0].table})" for entries in own)
    return f"- **{LAYERS[layer][0]}**: {names}"


def _table(entries: list[DictionaryEntry]) -> Iterator[str]:
    grain = ", ".join(f"`{entry.column}`" for entry in entries if entry.grain)
    yield from ("", f"### {entries[0].table}", "", f"{entries[0].table_comment}.", "")
    yield from (f"One row for each {grain}.", "")
    yield "| column | type | unit | meaning | source | example |"
    yield "|---|---|---|---|---|---|"
    for entry in entries:
        cells = (
            f"`{entry.column}`",
            shown_type(entry),
            entry.unit,
            meaning(entry),
            entry.source,
            _code(entry.example),
        )
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def shown_type(entry: DictionaryEntry) -> str:
    """The column's type as a client of the warehouse sees it."""
    return _TYPES.get(entry.type, entry.type)


def meaning(entry: DictionaryEntry) -> str:
    """Comment, allowed values, and whether it is part of the grain or may be null."""
    grain = ["Grain."] if entry.grain else []
    values = [f"One of {', '.join(_code(value) for value in entry.values)}."] if entry.values else []
    null = ["May be null."] if entry.nullable else []
    return " ".join([f"{entry.comment.rstrip('.')}.", *values, *grain, *null])


def _code(words: str) -> str:
    return f"`{words}`" if words else ""
