"""From raw rows to staged rows: typed, canonical, with provenance; nothing judged, nothing dropped.

What cannot be read becomes null and is refused later by an expectation, which names the rule. Totals and
sections stay behind in the raw rows and are counted in the register of deliveries.
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

import polars as pl

from authorities.forms import Dataset, ExtractForm, FormColumn
from authorities.model import ALL, UNALLOCATED, Authority
from extracts.raw import RawDelivery
from extracts.row_kinds import DATA_KINDS
from extracts.text import SCALE_DIGITS, by_value, code_of, date_of, fold, folded, minor_amounts
from extracts.units import UnitResolver
from warehouse.projections import empty_frame, polars_schema
from warehouse.tables.staging import STAGED

SPENDING_KINDS = ("recurrent", "development", "contingency")
LONG_AGO = dt.date(1900, 1, 1)
_OF_AMOUNTS = {"sheet", "row_number", "row_kind", "scale", "amount"}
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
    rows = _in_file_order(_long(pl.concat([_with_delivery(raw) for raw in deliveries]), form))
    start_month = authority.settings.fiscal_year_start_month
    # Columns are read independently, and polars lets go of the interpreter meanwhile: two cores are used.
    with ThreadPoolExecutor(2) as beside:
        amounts = beside.submit(_amounts, rows, form, authority.settings.currency.minor_digits)
        texts = beside.submit(_texts, authority, form, rows)
        placed = resolver.resolve(_with_dates(rows, form, start_month), "_unit_day")
    if form.dataset == "office_estimate":
        placed = _with_whole(form, placed)
    typed = placed.with_columns(_scope_unit(form).alias("scope_unit"), amounts.result(), *texts.result())
    schema = polars_schema(STAGED[form.dataset])
    if "line_code" in schema:
        typed = _with_line(authority, form, typed)
    return typed.select(pl.col(name).cast(kind) for name, kind in schema.items())


def _in_file_order(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows by delivery, sheet, row and column; a listing of one sheet a file already lies so."""
    if rows["sheet"].n_unique() <= 1 and rows["source_column"].n_unique() <= 1:
        return rows
    return rows.sort("delivery_order", "sheet", "row_number", "source_column")


def amounts_of_rows(rows: pl.DataFrame, form: ExtractForm, minor_digits: int) -> pl.DataFrame:
    """Sheet, row and amount in minor units, a row for each filled amount of raw rows; null if unreadable."""
    needed = [name for name in rows.columns if name.split(":")[0] in _OF_AMOUNTS]
    long = _long(rows.select(needed), form)
    return long.select("sheet", "row_number", _amounts(long, form, minor_digits))


def _with_delivery(raw: RawDelivery) -> pl.DataFrame:
    delivery = raw.delivery
    return raw.rows.filter(pl.col("row_kind").is_in(DATA_KINDS)).with_columns(
        pl.lit(delivery.delivery_id).alias("delivery_id"),
        pl.lit(delivery.source_file).alias("source_file"),
        pl.lit(delivery.order, pl.Int32).alias("delivery_order"),
        pl.lit(delivery.received_on, pl.Date).alias("_received"),
        pl.lit(delivery.scope_from, pl.Date).alias("_scope_from"),
        pl.lit(delivery.scope_to, pl.Date).alias("_scope_to"),
    )


def _long(rows: pl.DataFrame, form: ExtractForm) -> pl.DataFrame:
    """One row an amount: a wide table's amount columns become rows, each named by its header."""
    wide = {f"amount:{column.value}": column for column in form.columns if column.value}
    if not wide:
        return rows.with_columns(pl.lit("").alias("source_column"), pl.lit(None, pl.String).alias("_value"))
    value_of = {name: column.value for name, column in wide.items()}
    title_of = {name: column.header[0] for name, column in wide.items()}
    kept = [name for name in rows.columns if name not in wide]
    present = [name for name in wide if name in rows.columns]
    return (
        rows.unpivot(present, index=kept, variable_name="_column", value_name="amount")
        .filter(pl.col("amount").is_not_null())
        .with_columns(
            pl.col("_column").replace_strict(title_of, return_dtype=pl.String).alias("source_column"),
            pl.col("_column").replace_strict(value_of, return_dtype=pl.String).alias("_value"),
        )
    )


def _text(rows: pl.DataFrame, field: str) -> pl.Expr:
    return pl.col(field) if field in rows.columns else pl.lit(None, pl.String)


def _dates(texts: pl.Series, form: ExtractForm) -> pl.Series:
    return by_value(texts, lambda text: date_of(text, order=form.date_order))


def _with_dates(rows: pl.DataFrame, form: ExtractForm, start_month: int) -> pl.DataFrame:
    """Adds the row's date, the scope it states, and when it was recorded.

    A row without a readable date in a bulk listing takes the listing's last day as its recorded day (where no
    date can be read at all, one long ago), so that it is shown in quarantine from then on. A listing of what
    was stated earlier is known from the days on which that was said; a figure to date speaks of the year so
    far.
    """
    field = next((name for name in ("posting_date", "period_end") if name in rows.columns), None)
    own = _dates(rows[field], form) if field else pl.col("_scope_to")
    dated = rows.with_columns(
        own.alias("_date"),
        (_dates(rows["stated_on"], form) if "stated_on" in rows.columns else pl.lit(None, pl.Date)).alias(
            "_stated"
        ),
        _text(rows, "unit_code").alias("unit_code"),
        _text(rows, "unit_name").alias("unit_name"),
    )
    if form.period.rule == "row":
        day = pl.col("_date")
        if dated["_date"].null_count():
            day = day.fill_null(day.max().over("delivery_id").fill_null(LONG_AGO))
        first, end = _period(day, form.period.length, start_month)
        dated = dated.with_columns(first.alias("_scope_from"), end.alias("_scope_to"))
        said = pl.coalesce("_stated", "_scope_to")
        recorded = said + pl.duration(days=form.received.lag_days)
    else:
        recorded = pl.col("_received")
    if form.dataset == "office_estimate" and form.cumulative:
        dated = dated.with_columns(
            _period(pl.col("_scope_from"), "year", start_month)[0].alias("_scope_from")
        )
    return dated.with_columns(
        pl.col("_scope_from").alias("scope_from"),
        pl.col("_scope_to").alias("scope_to"),
        recorded.alias("recorded_at"),
        pl.lit(form.received.assumed or form.received.rule != "folder").alias("recorded_at_assumed"),
        pl.coalesce("_date", "_scope_from").alias("_unit_day"),
    )


def _period(day: pl.Expr, length: str, start_month: int) -> tuple[pl.Expr, pl.Expr]:
    if length == "day":
        return day, day
    if length == "month":
        return day.dt.month_start(), day.dt.month_end()
    later, whole = f"{start_month - 1}mo", {"quarter": "1q", "year": "1y"}[length]
    first = day.dt.month_start().dt.offset_by(f"-{later}").dt.truncate(whole).dt.offset_by(later)
    return first, first.dt.offset_by(whole).dt.offset_by("-1d")


def _scope_unit(form: ExtractForm) -> pl.Expr:
    if form.period.of == "authority":
        return pl.lit(ALL)
    return pl.col("unit_key").fill_null(UNALLOCATED)


def _amounts(rows: pl.DataFrame, form: ExtractForm, minor_digits: int) -> pl.Series:
    """Amounts by the scale of the sheet each row stood in; null in rows whose cells are out of place."""
    decimal = form.numbers.decimal
    values = pl.repeat(None, rows.height, dtype=pl.Int64, eager=True)
    for scale in rows["scale"].unique():
        own = rows["scale"] == scale
        digits = SCALE_DIGITS[scale] + minor_digits
        exact = minor_amounts(rows["amount"], decimal=decimal, scale_digits=digits)
        values = exact if own.all() else exact.zip_with(own, values)
    trusted = rows["row_kind"] != "ragged"
    return (values if trusted.all() else values.set(~trusted, None)).alias("amount")


def _texts(authority: Authority, form: ExtractForm, rows: pl.DataFrame) -> list[pl.Expr | pl.Series]:
    """The remaining staged columns; those that a form lacks are empty or the form's constant."""
    has = {column.field for column in form.columns}
    width = _common_width(item.item_code for item in authority.items)
    date_field = _DATE_FIELD[form.dataset]
    nothing = pl.lit(None, pl.String)
    texts: list[pl.Expr | pl.Series] = [
        by_value(rows["item_code"], lambda code: code_of(code, width=width))
        if "item_code" in has
        else nothing.alias("item_code"),
        _filled("document_no", rows),
        _filled("chapter", rows),
        pl.lit(form.cumulative).alias("is_cumulative"),
        _fiscal_year(pl.col("_scope_from"), authority).alias("fiscal_year"),
        _version(form, authority).alias("estimate_version"),
        _spending_kind(form).alias("spending_kind"),
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
    if form.dataset == "tax_arrears":
        due = _dates(rows["due_on"], form) if "due_on" in has else pl.lit(None, pl.Date)
        texts.append(due.alias("due_on"))
    return texts


def _with_whole(form: ExtractForm, rows: pl.DataFrame) -> pl.DataFrame:
    """Rows that speak of the authority as a whole, by their unit's name or for want of any unit column."""
    if not {column.field for column in form.columns} & {"unit_code", "unit_name"}:
        return rows.with_columns(pl.lit(ALL).alias("unit_key"))
    is_whole = folded(pl.coalesce("unit_name", "unit_code")).str.contains(form.whole)
    return rows.with_columns(
        pl.when(pl.col("unit_key").is_null() & is_whole.fill_null(value=False))
        .then(pl.lit(ALL))
        .otherwise("unit_key")
        .alias("unit_key")
    )


def _spending_kind(form: ExtractForm) -> pl.Expr:
    """Kind by the form's words for it, or by the wide column the amount stood in; null where unknown."""
    column = next((column for column in form.columns if column.field == "spending_kind"), None)
    if column is None:
        return pl.when(pl.col("_value").is_in(SPENDING_KINDS)).then(pl.col("_value"))
    meaning = _meaning(column)
    return folded(pl.col("spending_kind")).replace_strict(meaning, default=None, return_dtype=pl.String)


def _meaning(column: FormColumn) -> dict[str, str]:
    return {fold(text): meant for meant, texts in column.words.items() for text in texts}


def _filled(field: str, rows: pl.DataFrame) -> pl.Expr | pl.Series:
    if field not in rows.columns:
        return pl.lit("").alias(field)
    texts = rows[field].fill_null("")
    if (texts.str.len_bytes() == texts.str.len_chars()).all():  # ASCII is composed as it stands
        return texts.str.strip_chars()
    return by_value(texts, lambda text: text.str.normalize("NFC").str.strip_chars())


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


def _with_line(authority: Authority, form: ExtractForm, rows: pl.DataFrame) -> pl.DataFrame:
    """The line of a row: given by the wide column, by the catalogue for its item, or by its own column.

    An office's estimate in one column without lines is of all of them together.
    """
    if any(column.value for column in form.columns):
        return rows.with_columns(pl.col("_value").alias("line_code"))
    if "item_code" in {column.field for column in form.columns}:
        catalogue = {item.item_code: item.line_code for item in authority.items}
        lines = by_value(
            rows["item_code"],
            lambda code: code.replace_strict(catalogue, default=None, return_dtype=pl.String),
        )
        return rows.with_columns(lines.alias("line_code"))
    column = next((column for column in form.columns if column.field == "line_code"), None)
    if column is None and form.dataset == "office_estimate":
        return rows.with_columns(pl.lit(ALL).alias("line_code"))
    if column is not None and column.words:
        said = folded(pl.col("line_code"))
        return rows.with_columns(said.replace_strict(_meaning(column), default=None, return_dtype=pl.String))
    known = [line.line_code for line in authority.lines]
    return rows.with_columns(pl.when(pl.col("line_code").is_in(known)).then(pl.col("line_code")))
