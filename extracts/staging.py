"""From raw rows to staged rows: typed, canonical, with provenance; nothing judged, nothing dropped.

What cannot be read becomes null and is refused later by an expectation, which names the rule. Totals and
sections stay behind in the raw rows and are counted in the register of deliveries.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import groupby
from typing import TypeVar

import polars as pl

from authorities.forms import Dataset, ExtractForm, FormColumn
from authorities.model import ALL, UNALLOCATED, Authority
from extracts.coded import by_value
from extracts.landing import Delivery
from extracts.named_periods import part_of
from extracts.raw import RawDelivery
from extracts.row_kinds import DATA_KINDS, data_rows
from extracts.scopes import dates_of, with_dates
from extracts.text import SCALE_DIGITS, code_of, fold, folded, minor_amounts
from extracts.told import TIMES, Rows
from extracts.units import ERA, UnitResolver
from warehouse.projections import empty_frame, polars_schema
from warehouse.tables.staging import BROKEN_RULE, PSEUDONYM, STAGED

SPENDING_KINDS = ("recurrent", "development", "contingency")
_HAS_A_DIGIT, _SHORT = "^$|[0-9]", "^.{0,6}$"
"""What a document's number has and names of persons do not; what is too short for a taxpayer's number."""
_OF_AMOUNTS = {"sheet", "row_number", "row_kind", "scale", "decimal", "amount"}
_MANNERS = ("sheet", "source_column", "row_kind", "scale", "decimal", "date_order")
"""Columns that say the same in all rows of most files."""
_Frame = TypeVar("_Frame", pl.DataFrame, pl.LazyFrame)
_DATE_FIELD = {
    "receipt": "posting_date", "spending": "posting_date", "tax_collection": "posting_date",
    "tax_arrears": "period_end", "estimate": "", "spending_estimate": "", "office_estimate": "",
}  # fmt: skip


def stage(authority: Authority, dataset: Dataset, deliveries: Iterable[RawDelivery]) -> pl.DataFrame:
    """Staged rows of one dataset from the raw rows of its deliveries, form by form.

    Returns:
        The dataset's staged table (``warehouse.tables.staging``).
    """
    resolver = UnitResolver(authority)
    groups: dict[str, list[RawDelivery]] = {}
    for raw in deliveries:
        if raw.delivery.form and raw.delivery.form.dataset == dataset and not raw.problem:
            groups.setdefault(raw.delivery.form.form_code, []).append(raw)
    forms = {form.form_code: form for form in authority.forms}
    frames = [_stage_form(authority, resolver, forms[code], group) for code, group in sorted(groups.items())]
    staged = pl.concat(frames) if frames else empty_frame(STAGED[dataset])
    return staged.sort("delivery_order", maintain_order=True) if len(frames) > 1 else staged


def _stage_form(
    authority: Authority, resolver: UnitResolver, form: ExtractForm, group: Sequence[RawDelivery]
) -> pl.DataFrame:
    deliveries = sorted(group, key=lambda raw: raw.delivery.order)
    return pl.concat([_staged(authority, resolver, form, rows) for rows in _batches(deliveries, form)])


def _staged(authority: Authority, resolver: UnitResolver, form: ExtractForm, rows: Rows) -> pl.DataFrame:
    rows = _with_unit(resolver, form, with_dates(resolver, form, authority.settings, rows))
    schema = polars_schema(STAGED[form.dataset])
    amount = _amounts(rows, authority.settings.currency.minor_digits)
    typed = rows.having(_scope_unit(form).alias("scope_unit"), amount, *_texts(authority, form, rows))
    staged = rows.collect(typed.plan.select(pl.col(name).cast(kind) for name, kind in schema.items()))
    return _in_file_order(rows, staged)


def _in_file_order(rows: Rows, staged: pl.DataFrame) -> pl.DataFrame:
    """Rows by delivery, sheet, row and column; a listing of one sheet a file already lies so."""
    if {"sheet", "source_column"} <= rows.constants.keys():
        return staged
    return staged.sort("delivery_order", "sheet", "row_number", "source_column")


def amounts_of_rows(rows: pl.DataFrame, form: ExtractForm, minor_digits: int) -> pl.DataFrame:
    """Sheet, row and amount in minor units, a row for each filled amount of raw rows; null if unreadable."""
    long = Rows.held(_long(amounts_only(rows), form), _MANNERS)
    return long.collect(long.plan.select("sheet", "row_number", _amounts(long, minor_digits)))


def amounts_only(rows: pl.DataFrame) -> pl.DataFrame:
    """Raw rows with no other columns than reading their amounts needs."""
    return rows.select(name for name in rows.columns if name.split(":")[0] in _OF_AMOUNTS)


def _batches(deliveries: Iterable[RawDelivery], form: ExtractForm) -> Iterator[Rows]:
    """Rows to be staged together: deliveries that are held, one behind the other, or one that is not."""
    for is_scanned, some in groupby(deliveries, key=lambda raw: raw.scan is not None):
        if is_scanned:
            yield from (_lying(raw.delivery, raw.scan, form) for raw in some if raw.scan is not None)
        else:
            held = pl.concat([data_rows(raw.rows).with_columns(_of_delivery(raw.delivery)) for raw in some])
            yield Rows.held(_long(held, form), (*_MANNERS, "delivery_order"))


def _lying(delivery: Delivery, scan: pl.LazyFrame, form: ExtractForm) -> Rows:
    scan, height = _data_of(scan)
    own = _of_delivery(delivery)
    return Rows.lying(_long(scan.with_columns(own), form), height, _MANNERS).knowing(pl.select(own))


def _data_of(scan: pl.LazyFrame) -> tuple[pl.LazyFrame, int]:
    """``data_rows`` of rows that lie in a file, and how many they are."""
    is_data = pl.col("row_kind").is_in(DATA_KINDS)
    chosen = scan.select(is_data).collect(engine="streaming").to_series()
    first, count = chosen.arg_max() or 0, int(chosen.sum())
    together = chosen.slice(first, count).all()
    return scan.slice(first, count) if together else scan.filter(is_data), count


def _of_delivery(delivery: Delivery) -> list[pl.Expr]:
    return [
        pl.lit(delivery.delivery_id).alias("delivery_id"),
        pl.lit(delivery.source_file).alias("source_file"),
        pl.lit(delivery.order, pl.Int32).alias("delivery_order"),
        pl.lit(delivery.received_on, pl.Date).alias("_received"),
        pl.lit(delivery.scope_from, pl.Date).alias("_scope_from"),
        pl.lit(delivery.scope_to, pl.Date).alias("_scope_to"),
        pl.lit(_part(delivery), pl.String).alias("scope_part"),
        pl.lit(None, pl.String).alias("scope_doubt"),
    ]


def _part(delivery: Delivery) -> str | None:
    return part_of(delivery.form, delivery.source_file) if delivery.form else None


def _long(rows: _Frame, form: ExtractForm) -> _Frame:
    """One row an amount: a wide table's amount columns become rows, each named by its header."""
    wide = {f"amount:{column.value}": column for column in form.columns if column.value}
    if not wide:
        return rows.with_columns(pl.lit("").alias("source_column"), pl.lit(None, pl.String).alias("_value"))
    value_of = {name: column.value for name, column in wide.items()}
    title_of = {name: column.header[0] for name, column in wide.items()}
    names = rows.collect_schema().names()
    kept: list[str] = [name for name in names if name not in wide]
    present = [name for name in wide if name in names]
    # A row without any amount keeps one empty one, which is refused: nothing vanishes between raw and staged.
    blank = pl.all_horizontal(pl.col(present).is_null())
    marked = rows.with_columns(blank.alias("_blank"))
    return (
        marked.unpivot(present, index=[*kept, "_blank"], variable_name="_column", value_name="amount")
        .filter(pl.col("amount").is_not_null() | (pl.col("_blank") & (pl.col("_column") == present[0])))
        .drop("_blank")
        .with_columns(
            pl.col("_column").replace_strict(title_of, return_dtype=pl.String).alias("source_column"),
            pl.col("_column").replace_strict(value_of, return_dtype=pl.String).alias("_value"),
        )
    )


def _with_unit(resolver: UnitResolver, form: ExtractForm, rows: Rows) -> Rows:
    """Adds the unit that the row's code, name and date speak for."""
    evidence = [name for name in ("unit_name", "unit_code") if name in rows.names]
    seen = rows.distinct(ERA, *evidence).drop(TIMES)
    lacking = [
        pl.lit(None, pl.String).alias(name) for name in ("unit_name", "unit_code") if name not in evidence
    ]
    keys = resolver.keys_of(seen.with_columns(lacking))
    if form.dataset == "office_estimate":
        keys = _with_whole(form, seen.with_columns(*lacking, keys))
    return rows.telling("unit_key", seen, keys)


def _scope_unit(form: ExtractForm) -> pl.Expr:
    if form.period.of == "authority":
        return pl.lit(ALL)
    return pl.col("unit_key").fill_null(UNALLOCATED)


def _amounts(rows: Rows, minor_digits: int) -> pl.Expr:
    """Amounts by each row's own scale and decimal mark; null in rows whose cells are out of place."""
    values = pl.lit(None, pl.Int64)
    for scale, decimal in rows.distinct("scale", "decimal").select("scale", "decimal").iter_rows():
        exact = pl.col("amount").map_batches(
            partial(minor_amounts, decimal=decimal, scale_digits=SCALE_DIGITS[scale] + minor_digits),
            return_dtype=pl.Int64(), is_elementwise=True,
        )  # fmt: skip
        is_own = (pl.col("scale") == scale) & (pl.col("decimal") == decimal)
        is_alike = {"scale", "decimal"} <= rows.constants.keys()
        values = exact if is_alike else pl.when(is_own).then(exact).otherwise(values)
    if "row_kind" not in rows.constants or rows.constants["row_kind"][0] != "data":
        values = pl.when(pl.col("row_kind") != "ragged").then(values)
    return values.alias("amount")


def _texts(authority: Authority, form: ExtractForm, rows: Rows) -> list[pl.Expr]:
    """The remaining staged columns; those that a form lacks are empty or the form's constant."""
    has = {column.field for column in form.columns}
    width = _common_width(item.item_code for item in authority.items)
    date_field = _DATE_FIELD[form.dataset]
    nothing = pl.lit(None, pl.String)
    texts = [
        _by_value(rows, "item_code", partial(code_of, width=width)).alias("item_code")
        if "item_code" in has
        else nothing.alias("item_code"),
        _line(authority, form, rows, width).alias("line_code"),
        _document_no(rows).alias("document_no"),
        _chapter(rows).alias("chapter"),
        pl.lit(form.cumulative).alias("is_cumulative"),
        _fiscal_year(pl.col("_scope_from"), authority).alias("fiscal_year"),
        _version(form, authority).alias("estimate_version"),
        _spending_kind(form).alias("spending_kind"),
        nothing.alias(BROKEN_RULE),
    ]
    if date_field:
        texts.append(pl.col("_date").alias(date_field))
    if form.dataset == "office_estimate":
        said = pl.coalesce("_stated", "_received" if form.period.rule == "file_name" else "_scope_to")
        texts += [
            pl.lit(form.basis).alias("basis"),
            pl.lit(form.sender).alias("office"),
            pl.col("_scope_from").alias("period_start"),
            pl.col("_scope_to").alias("period_end"),
            said.alias("stated_on"),
        ]
    if form.dataset in {"estimate", "spending_estimate"}:
        texts += _decision(rows, form)
    if form.dataset == "tax_arrears":
        texts.append(dates_of(rows, "due_on").alias("due_on"))
    if PSEUDONYM not in rows.names:
        texts.append(pl.lit(None, pl.Int64).alias(PSEUDONYM))
    return texts


def _by_value(rows: Rows, field: str, reading: Callable[[pl.Expr], pl.Expr]) -> pl.Expr:
    return rows.by_value(field, lambda texts: by_value(texts, reading), pl.String())


def _with_whole(form: ExtractForm, evidence: pl.DataFrame) -> pl.Series:
    """Keys, and ``ALL`` for the authority as a whole, by its unit's name or for want of any unit column."""
    if not {column.field for column in form.columns} & {"unit_code", "unit_name"}:
        return pl.repeat(ALL, evidence.height, eager=True)
    is_whole = folded(pl.coalesce("unit_name", "unit_code")).str.contains(form.whole)
    return evidence.select(
        pl.when(pl.col("unit_key").is_null() & is_whole.fill_null(value=False))
        .then(pl.lit(ALL))
        .otherwise("unit_key")
    ).to_series()


def _decision(rows: Rows, form: ExtractForm) -> list[pl.Expr]:
    """The decision behind an estimate: from its own columns, else from the line above the table."""
    groups = {"decision_no": "number", "approved_by": "approver", "decided_on": "day",
              "effective_from": "effective"}  # fmt: skip
    given = set(re.compile(form.decision_line or "").groupindex) if "decision_line" in rows.names else set()
    told_by: list[pl.Expr] = []
    for field, group in groups.items():
        is_given = field not in rows.names and group in given
        source = "decision_line" if is_given else field
        reading = _said(form.decision_line or "", group) if is_given else _tidy
        if field in {"decided_on", "effective_from"}:
            told_by.append(dates_of(rows, source, partial(by_value, reading=reading)).alias(field))
        elif source in rows.names:
            told_by.append(_by_value(rows, source, reading).alias(field))
        else:
            told_by.append(pl.lit(None, pl.String).alias(field))
    return told_by


def _tidy(text: pl.Expr) -> pl.Expr:
    return text.str.normalize("NFC").str.strip_chars()


def _said(pattern: str, group: str) -> Callable[[pl.Expr], pl.Expr]:
    """What a pattern finds in a line for one of its groups."""
    return lambda line: _tidy(_tidy(line).str.extract_groups(pattern).struct.field(group))


def _spending_kind(form: ExtractForm) -> pl.Expr:
    """Kind by the form's words for it, or by the wide column the amount stood in; null where unknown."""
    column = next((column for column in form.columns if column.field == "spending_kind"), None)
    if column is None:
        return pl.when(pl.col("_value").is_in(SPENDING_KINDS)).then(pl.col("_value"))
    meaning = _meaning(column)
    return folded(pl.col("spending_kind")).replace_strict(meaning, default=None, return_dtype=pl.String)


def _meaning(column: FormColumn) -> dict[str, str]:
    return {fold(text): meant for meant, texts in column.words.items() for text in texts}


def _document_no(rows: Rows) -> pl.Expr:
    """A document's number as it stands; empty where it cannot be one, as it may be a taxpayer gone astray."""
    if "document_no" not in rows.names:
        return pl.lit("")
    # Hardly two rows have the same.
    return pl.col("document_no").map_batches(_numbers_of, return_dtype=pl.String(), is_elementwise=True)


def _numbers_of(texts: pl.Series) -> pl.Series:
    if texts.cast(pl.Int64, strict=False).null_count() == 0:  # nothing but digits, as most are
        return texts
    return _only(texts, _HAS_A_DIGIT)


def _chapter(rows: Rows) -> pl.Expr:
    if "chapter" not in rows.names:
        return pl.lit("")
    return rows.by_value("chapter", partial(_only, likely=_SHORT), pl.String())


def _only(texts: pl.Series, likely: str) -> pl.Series:
    """Texts, trimmed, as far as they are ``likely``; else empty."""
    filled = texts.fill_null("")
    if (filled.str.len_bytes() == filled.str.len_chars()).all():  # ASCII is composed as it stands
        bare = filled.str.strip_chars()
    else:
        bare = by_value(filled, _tidy)
    fits = bare.str.contains(likely)
    return bare if fits.all() else bare.set(~fits, "")


def _fiscal_year(day: pl.Expr, authority: Authority) -> pl.Expr:
    return day.dt.year() - (day.dt.month() < authority.settings.fiscal_year_start_month).cast(pl.Int32)


def _version(form: ExtractForm, authority: Authority) -> pl.Expr:
    """The form's version; by period, the plan of the fiscal year's first month is the initial one."""
    if form.estimate_version != "by_period":
        return pl.lit(form.estimate_version)
    first = pl.col("_scope_from").dt.month() == authority.settings.fiscal_year_start_month
    return pl.when(first).then(pl.lit("initial")).otherwise(pl.lit("adjusted"))


def _common_width(codes: Iterable[str]) -> int:
    """Width that all codes share, to which lost leading zeros are restored; 0 where they differ."""
    widths = {len(code) for code in codes}
    return widths.pop() if len(widths) == 1 else 0


def _line(authority: Authority, form: ExtractForm, rows: Rows, width: int) -> pl.Expr:
    """The line of a row: given by the wide column, by the catalogue for its item, or by its own column.

    An office's estimate in one column without lines is of all of them together.
    """
    fields = {column.field for column in form.columns}
    if any(column.value for column in form.columns):
        return pl.col("_value")
    if "item_code" in fields:
        catalogue = {item.item_code: item.line_code for item in authority.items}
        return _by_value(
            rows,
            "item_code",
            lambda code: code_of(code, width=width).replace_strict(
                catalogue, default=None, return_dtype=pl.String
            ),
        )
    column = next((column for column in form.columns if column.field == "line_code"), None)
    if column is None:
        return pl.lit(ALL if form.dataset == "office_estimate" else None, pl.String)
    if column.words:
        said = folded(pl.col("line_code"))
        return said.replace_strict(_meaning(column), default=None, return_dtype=pl.String)
    known = [line.line_code for line in authority.lines]
    return pl.when(pl.col("line_code").is_in(known)).then(pl.col("line_code"))
