"""The data dictionary as one page of HTML that can be searched: no network, no server.

From the same declarations as the Markdown of ``warehouse.dictionary``.
"""

from collections.abc import Iterable
from itertools import groupby

from jinja2 import Environment, select_autoescape
from markupsafe import Markup
from sqlalchemy import Table

from warehouse.dictionary import DICTIONARY_TABLES, LAYERS, meaning, shown_type
from warehouse.projections import dictionary_entries

_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Data dictionary</title>
<style>
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 20%, transparent); }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 76rem; padding: 1rem; }
header { position: sticky; top: 0; background: Canvas; padding: .5rem 0; }
input { font: inherit; width: 100%; padding: .5rem; box-sizing: border-box; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem .3rem 0; }
tr { border-bottom: 1px solid var(--line); }
h2, code { overflow-wrap: anywhere; }
code { font-size: .9em; }
.wide { overflow-x: auto; }
.grain td:first-child code { font-weight: 700; }
[hidden] { display: none; }
@media (max-width: 40rem) { .spare { display: none; } }
</style>
</head>
<body>
{{ above }}
<header>
<h1>Data dictionary</h1>
<label for="words">Search tables, columns and meanings</label>
<input id="words" type="search" placeholder="estimate, ward, shortfall …" autocomplete="off">
<p role="status" id="found">{{ tables | length }} tables</p>
</header>
<main>
{% for table in tables %}
<section id="{{ table.name }}">
<h2><a href="#{{ table.name }}">{{ table.name }}</a></h2>
<p>{{ table.comment }}. <em>{{ table.layer }}.</em> One row for each
{% for name in table.grain %}<code>{{ name }}</code>{{ ", " if not loop.last }}{% endfor %}.</p>
<div class="wide" tabindex="0" role="region" aria-label="Columns of {{ table.name }}"><table>
<thead><tr><th scope="col">Column</th><th scope="col">Type</th><th scope="col">Unit</th>
<th scope="col">Meaning</th><th scope="col" class="spare">Source</th>
<th scope="col" class="spare">Example</th></tr></thead>
<tbody>
{% for entry in table.entries %}
<tr{% if entry.grain %} class="grain"{% endif %}><td><code>{{ entry.column }}</code></td>
<td>{{ shown_type(entry) }}</td><td>{{ entry.unit }}</td><td>{{ meaning(entry) | replace("`", "") }}</td>
<td class="spare">{{ entry.source }}</td><td class="spare"><code>{{ entry.example }}</code></td></tr>
{% endfor %}
</tbody></table></div>
</section>
{% endfor %}
</main>
<script>
const plain = text =>
  text.normalize("NFD").replace(/[\\u0300-\\u036f]/g, "").replace(/đ/gi, "d").toLowerCase();
const sections = [...document.querySelectorAll("section")].map(section => ({
  section, head: plain(section.querySelector("h2").textContent + section.querySelector("p").textContent),
  rows: [...section.querySelectorAll("tbody tr")].map(row => ({ row, text: plain(row.textContent) })),
}));
document.getElementById("words").addEventListener("input", event => {
  const words = plain(event.target.value).split(/\\s+/).filter(Boolean);
  let tables = 0, columns = 0;
  for (const { section, head, rows } of sections) {
    const named = words.every(word => head.includes(word));
    let seen = 0;
    for (const { row, text } of rows) {
      row.hidden = !(named || words.every(word => head.includes(word) || text.includes(word)));
      seen += !row.hidden;
    }
    section.hidden = seen === 0;
    tables += seen > 0; columns += seen;
  }
  document.getElementById("found").textContent =
    words.length ? `${columns} columns in ${tables} tables` : `${sections.length} tables`;
});
</script>
</body>
</html>
"""


def dictionary_html(tables: Iterable[Table] = DICTIONARY_TABLES, *, above: Markup | None = None) -> str:
    """The dictionary of ``tables`` as one self-contained page, searched by its own script.

    ``above`` stands over it: the way back into a site that the page is part of.
    """
    grouped = [list(entries) for _, entries in groupby(dictionary_entries(tables), lambda one: one.table)]
    shown = [
        {
            "name": entries[0].table,
            "comment": entries[0].table_comment,
            "layer": LAYERS[entries[0].layer][0],
            "grain": [entry.column for entry in entries if entry.grain],
            "entries": entries,
        }
        for entries in grouped
    ]
    environment = Environment(autoescape=select_autoescape(default_for_string=True), trim_blocks=True)
    template = environment.from_string(_PAGE)
    return template.render(above=above or "", tables=shown, meaning=meaning, shown_type=shown_type) + "\n"
