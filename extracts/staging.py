"""From raw rows to staged rows: typed, canonical, with provenance; nothing judged, nothing dropped.

What cannot be read becomes null and is refused later by an expectation, which names the rule. Totals and
sections stay behind in the raw rows and are counted in the register of deliveries.
"""

import datetime as dt
import re
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

import polars as pl

from authorities.forms import Dataset, ExtractForm, FormColumn
from authorities.model import ALL, UNALLOCATED, Authority, Completeness
from extracts.coded import by_value, only_value
from extracts.dates import read_dates, row_dates
from extracts.landing import Delivery
from extracts.named_periods import part_of
from extracts.raw import RawDelivery
from extracts.row_kinds import data_rows
from extracts.text import SCALE_DIGITS, code_of, fold, folded, minor_amounts
from extracts.units import UnitResolver
from warehouse.projections import empty_frame, polars_schema
from warehouse.tables.staging import BROKEN_RULE, PSEUDONYM, STAGED

SPENDING_KINDS = ("recurrent", "development", "contingency")
LONG_AGO = dt.date(1900, 1, 1)
_HAS_A_DIGIT, _SHORT = "^$|[0-9]", "^.{0,6}$"
"""What a document's number has and names of persons do not; what is too short for a taxpayer's number."""
_OF_AMOUNTS = {"sheet", "row_number", "row_kind", "scale", "decimal", "amount"}
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
        amounts = beside.submit(_amounts, rows, authority.settings.currency.minor_digits)
        texts = beside.submit(_texts, authority, form, rows)
        completeness = authority.settings.completeness
        placed = resolver.resolve(_with_dates(rows, form, start_month, completeness), "_unit_day")
    if form.dataset == "office_estimate":
        placed = _with_whole(form, placed)
    typed = placed.with_columns(_scope_unit(form).alias("scope_unit"), amounts.result(), *texts.result())
    schema = polars_schema(STAGED[form.dataset])
    if "line_code" in schema:
        typed = _with_line(authority, form, typed)
    return typed.select(pl.col(name).cast(kind) for name, kind in schema.items())


def _in_file_order(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows by delivery, sheet, row and column; a listing of one sheet a file already lies so."""
    if all(only_value(rows[name]) for name in ("sheet", "source_column")):
        return rows
    return rows.sort("delivery_order", "sheet", "row_number", "source_column")


def amounts_of_rows(rows: pl.DataFrame, form: ExtractForm, minor_digits: int) -> pl.DataFrame:
    """Sheet, row and amount in minor units, a row for each filled amount of raw rows; null if unreadable."""
    long = _long(amounts_only(rows), form)
    return long.select("sheet", "row_number", _amounts(long, minor_digits))


def amounts_only(rows: pl.DataFrame) -> pl.DataFrame:
    """Raw rows with no other columns than reading their amounts needs."""
    return rows.select(name for name in rows.columns if name.split(":")[0] in _OF_AMOUNTS)


def _with_delivery(raw: RawDelivery) -> pl.DataFrame:
    delivery = raw.delivery
    return data_rows(raw.rows).with_columns(
        pl.lit(delivery.delivery_id).alias("delivery_id"),
        pl.lit(delivery.source_file).alias("source_file"),
        pl.lit(delivery.order, pl.Int32).alias("delivery_order"),
        pl.lit(delivery.received_on, pl.Date).alias("_received"),
        pl.lit(delivery.scope_from, pl.Date).alias("_scope_from"),
        pl.lit(delivery.scope_to, pl.Date).alias("_scope_to"),
        pl.lit(_part(delivery), pl.String).alias("scope_part"),
        pl.lit(None, pl.String).alias("scope_doubt"),
    )


def _part(delivery: Delivery) -> str | None:
    return part_of(delivery.form, delivery.source_file) if delivery.form else None


def _long(rows: pl.DataFrame, form: ExtractForm) -> pl.DataFrame:
    """One row an amount: a wide table's amount columns become rows, each named by its header."""
    wide = {f"amount:{column.value}": column for column in form.columns if column.value}
    if not wide:
        return rows.with_columns(pl.lit("").alias("source_column"), pl.lit(None, pl.String).alias("_value"))
    value_of = {name: column.value for name, column in wide.items()}
    title_of = {name: column.header[0] for name, column in wide.items()}
    kept = [name for name in rows.columns if name not in wide]
    present = [name for name in wide if name in rows.columns]
    # A row without any amount keeps one empty one, which is refused: nothing vanishes between raw and staged.
    blank = pl.all_horizontal(pl.col(present).is_null())
    rows = rows.with_columns(blank.alias("_blank"))
    return (
        rows.unpivot(present, index=[*kept, "_blank"], variable_name="_column", value_name="amount")
        .filter(pl.col("amount").is_not_null() | (pl.col("_blank") & (pl.col("_column") == present[0])))
        .drop("_blank")
        .with_columns(
            pl.col("_column").replace_strict(title_of, return_dtype=pl.String).alias("source_column"),
            pl.col("_column").replace_strict(value_of, return_dtype=pl.String).alias("_value"),
        )
    )


def _text(rows: pl.DataFrame, field: str) -> pl.Expr:
    return pl.col(field) if field in rows.columns else pl.lit(None, pl.String)


def _dates(rows: pl.DataFrame, field: str) -> pl.Series:
    if field not in rows.columns:
        return pl.repeat(None, rows.height, dtype=pl.Date, eager=True)
    return read_dates(rows[field], rows["date_order"])


def _with_dates(
    rows: pl.DataFrame, form: ExtractForm, start_month: int, completeness: Completeness
) -> pl.DataFrame:
    """Adds the row's date, the scope it states, and when it was recorded.

    A row without a readable date in a bulk listing takes the listing's last day as its recorded day (where no
    date can be read at all, one long ago), so that it is shown in quarantine from then on. A listing of what
    was stated earlier is known from the days on which that was said; a figure to date speaks of the year so
    far.
    """
    own = row_dates(rows, form)
    dated = rows.with_columns(
        (pl.col("_scope_to") if own is None else own).alias("_date"),
        _dates(rows, "stated_on").alias("_stated"),
        _text(rows, "unit_code").alias("unit_code"),
        _text(rows, "unit_name").alias("unit_name"),
    )
    if form.period.rule == "row":
        stray = _stray(dated, completeness)
        day: pl.Expr = pl.when(~stray).then(pl.col("_date")) if stray.any() else pl.col("_date")
        if stray.any() or dated["_date"].null_count():
            day = day.fill_null(day.max().over("delivery_id").fill_null(LONG_AGO))
        first, end = _period(day, form.period.length, start_month)
        dated = dated.with_columns(first.alias("_scope_from"), end.alias("_scope_to"))
        said = pl.coalesce("_stated", "_scope_to")
        lagged = said + pl.duration(days=form.received.lag_days)
        recorded = pl.col("_received") if form.received.rule == "folder" else lagged
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


def _stray(dated: pl.DataFrame, completeness: Completeness) -> pl.Series:
    """Rows of a bulk listing that lie beyond a leap of its dates: few, and far after all the others.

    Such a date is mistyped. Taken at its word, the row would never become known; it is known with the rest of
    its listing instead, and refused as dated in the future.
    """
    spans = dated.group_by("delivery_order").agg(
        (pl.col("_date").max() - pl.col("_date").min()).alias("span")
    )
    none = pl.repeat(value=False, n=dated.height, dtype=pl.Boolean, eager=True)
    if not (spans["span"] > dt.timedelta(days=completeness.bulk_gap_days)).any():
        return none  # most listings are of a year: no leap fits in
    days = dated.select("delivery_id", "_date").drop_nulls().group_by("delivery_id", "_date").len()
    ordered = days.sort("delivery_id", "_date").with_columns(
        (pl.col("_date").diff().over("delivery_id") > pl.duration(days=completeness.bulk_gap_days))
        .fill_null(value=False)
        .alias("leap"),
        pl.col("len").cum_sum(reverse=True).over("delivery_id").alias("beyond"),
        pl.col("len").sum().over("delivery_id").alias("all"),
    )
    few = pl.col("beyond") * 100 <= pl.col("all") * completeness.bulk_stray_pct
    leaps = ordered.filter(pl.col("leap") & few).group_by("delivery_id").agg(pl.col("_date").min())
    if leaps.is_empty():
        return none
    first = dated["delivery_id"].replace_strict(
        leaps["delivery_id"], leaps["_date"], default=None, return_dtype=pl.Date
    )
    return (dated["_date"] >= first).fill_null(value=False)


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


def _amounts(rows: pl.DataFrame, minor_digits: int) -> pl.Series:
    """Amounts by each row's own scale and decimal mark; null in rows whose cells are out of place."""
    alike = only_value(rows["scale"]) and only_value(rows["decimal"])
    manners = rows.select("scale", "decimal")
    values = pl.repeat(None, 0 if alike else rows.height, dtype=pl.Int64, eager=True)
    for scale, decimal in (manners.head(1) if alike else manners.unique()).iter_rows():
        digits = SCALE_DIGITS[scale] + minor_digits
        exact = minor_amounts(rows["amount"], decimal=decimal, scale_digits=digits)
        own = (rows["scale"] == scale) & (rows["decimal"] == decimal) if not alike else None
        values = exact if own is None else exact.zip_with(own, values)
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
        _only("document_no", rows, _HAS_A_DIGIT),
        _only("chapter", rows, _SHORT),
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
        texts.append(_dates(rows, "due_on").alias("due_on"))
    if PSEUDONYM not in rows.columns:
        texts.append(pl.lit(None, pl.Int64).alias(PSEUDONYM))
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


def _decision(rows: pl.DataFrame, form: ExtractForm) -> list[pl.Series]:
    """The decision behind an estimate: from its own columns, else from the line above the table."""
    groups = {"decision_no": "number", "approved_by": "approver", "decided_on": "day",
              "effective_from": "effective"}  # fmt: skip
    given = set(re.compile(form.decision_line or "").groupindex) if "decision_line" in rows.columns else set()
    told: list[pl.Series] = []
    for field, group in groups.items():
        text = pl.repeat(None, rows.height, dtype=pl.String, eager=True)
        if field in rows.columns:
            text = by_value(rows[field], _tidy)
        elif group in given:
            text = by_value(rows["decision_line"], _said(form.decision_line or "", group))
        is_day = field in {"decided_on", "effective_from"}
        told.append((read_dates(text, rows["date_order"]) if is_day else text).alias(field))
    return told


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


def _filled(field: str, rows: pl.DataFrame) -> pl.Expr | pl.Series:
    if field not in rows.columns:
        return pl.lit("").alias(field)
    texts = rows[field].fill_null("")
    if (texts.str.len_bytes() == texts.str.len_chars()).all():  # ASCII is composed as it stands
        return texts.str.strip_chars()
    return by_value(texts, lambda text: text.str.normalize("NFC").str.strip_chars())


def _only(field: str, rows: pl.DataFrame, likely: str) -> pl.Series | pl.Expr:
    """A number or code as it stands; empty where it cannot be one, as it may be a taxpayer gone astray."""
    told = _filled(field, rows)
    if isinstance(told, pl.Expr):
        return told
    fits = told.str.contains(likely)
    return told if fits.all() else told.set(~fits, "")


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
