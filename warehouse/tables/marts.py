"""Marts: the public contract that people query. Money is DECIMAL(20,2), shares are percent.

One declaration a mart, in the order a reader would open them. What fills them is in ``warehouse.marts``,
``forecasts`` and ``early_warning``.
"""

from typing import Any

from sqlalchemy import Column, Table

from warehouse.tables.declare import REFERENCE, count, day, declare, flag, money, number, stamp, text

BASIS_VALUES = ("territory", "entitled", "recurrent")


def _as_of() -> Column[Any]:
    return day("as_of", "The night: figures as known then", grain=True)


def _unit() -> Column[Any]:
    return text("unit_key", "Unit; ALL the authority, UNALLOCATED money placed with none", grain=True,
                example="00151@2004", source="dim_unit")  # fmt: skip


def _line(*, grain: bool = True) -> Column[Any]:
    return text("line_code", "Revenue line; ALL their sum, UNALLOCATED items outside the catalogue",
                grain=grain, example="vat", source="dim_line")  # fmt: skip


def _basis() -> Column[Any]:
    return text(
        "basis",
        "Part of the money meant: territory (thu trên địa bàn), entitled (thu được hưởng), "
        "recurrent (thu để chi thường xuyên)",
        grain=True, values=BASIS_VALUES, source="Thông tư 344/2016/TT-BTC, điều 3 và 9",
    )  # fmt: skip


def _version(*, grain: bool) -> Column[Any]:
    return text("estimate_version", "Version of the annual estimate (dự toán) compared with", grain=grain,
                values=("initial", "supplemented", "adjusted"))  # fmt: skip


_REACH = "last_complete_day"
ROWS_OWN_DATASET = ("row",)
"""Reach of a mart whose rows name their dataset themselves."""
_REACHES = {
    ("receipt",): "the receipts of the row's unit have arrived",
    ("spending",): "the spending reports of the row's unit have arrived",
    ("estimate",): "the estimates of the row's unit hold, up to the night",
    ("receipt", "tax_collection"): "both offices' books have arrived, null while one has none",
    ROWS_OWN_DATASET: "extracts of the row's dataset have arrived",
}


def _mart(name: str, comment: str, *columns: Column[Any], reach: tuple[str, ...] = ("receipt",)) -> Table:
    """A mart of the night. ``reach`` are the datasets whose last complete day its rows carry."""
    publication_id = text("publication_id", "Publication the row belongs to", example="2020-06-30.1")
    if _REACH not in {column.name for column in columns}:
        said = f"Last day for which {_REACHES[reach]}; of ALL the least of the units', as of what has no unit"
        columns = (*columns, day(_REACH, said, nullable=True, source="mart_extract_arrival"))
    table = declare(name, comment, *columns, publication_id, layer="mart")
    table.info["reach"] = reach
    return table


def _position() -> list[Column[Any]]:
    return [
        text("unit_name", "Name of the unit", example="Phúc Đồng"),
        money("estimate_amount", "Annual estimate; null where none was received", nullable=True),
        money("collected_amount", "Collected from the fiscal year's start to the night"),
        number("share_of_estimate_pct", "Collected ÷ annual estimate", unit="%", nullable=True),
        money("same_period_amount", "Collected to the same day of last year; null without last year",
              nullable=True),
        number("same_period_pct", "Collected ÷ collected to the same day of last year", unit="%",
               nullable=True),
        money("remaining_amount", "Estimate − collected; negative once exceeded", nullable=True),
        number("pace_pct", "Share of the year's total normally reached by this day: mean of up to three "
               "past years", unit="%", nullable=True),
        number("pace_gap_pp", "Share of estimate − pace", unit="percentage points", nullable=True),
        day("last_complete_day", "Last day for which the extract behind the row has arrived; earlier gaps "
            "are in mart_extract_arrival", nullable=True),
        count("rank", "Rank by share of estimate among the units (1 is highest); null for ALL, "
              "UNALLOCATED and without estimate", nullable=True),
        flag("is_below_half", "Share of estimate does not exceed the authority's half-year threshold",
             nullable=True),
        text("comparability", "Whether past years are other units' money carried over with their land, by "
             "weights that have a source (carried) or are assumed (carried_assumed); null where the past is "
             "the unit's own", nullable=True, values=("carried", "carried_assumed"),
             source="dim_succession"),
    ]  # fmt: skip


MART_DISTRICT_BRIEF = _mart(
    "mart_district_brief", "The night in one row: what the leaders' meeting is told",
    _as_of(),
    money("collected_amount", "Collected on the territory from the fiscal year's start"),
    money("estimate_amount", "Initial annual estimate of collections", nullable=True),
    number("share_of_estimate_pct", "Collected ÷ initial annual estimate", unit="%", nullable=True),
    money("same_period_amount", "Collected to the same day of last year", nullable=True),
    number("same_period_pct", "Collected ÷ same period of last year", unit="%", nullable=True),
    money("spent_amount", "Local spending from the fiscal year's start; null where none is reported",
          nullable=True),
    money("spending_estimate_amount", "Start-of-year spending estimate", nullable=True),
    number("spending_share_pct", "Spent ÷ start-of-year estimate", unit="%", nullable=True),
    number("spending_same_period_pct", "Spent ÷ same period of last year", unit="%", nullable=True),
    count("units_total", "Units of the authority on this night"),
    count("units_above_half_territory", "Units whose collections exceed the threshold share of estimate"),
    count("units_above_half_recurrent", "Units whose revenue for recurrent spending exceeds it",
          nullable=True),
    text("leaders_recurrent", "Names of those units, highest share first", nullable=True,
         example="Phúc Đồng, Thượng Thanh"),
)  # fmt: skip

MART_UNIT_POSITION = _mart(
    "mart_unit_position", "Each unit against its annual estimate, by basis and estimate version",
    _as_of(), _unit(), _basis(), _version(grain=True), *_position(),
)  # fmt: skip

MART_LINE_POSITION = _mart(
    "mart_line_position", "Each unit's revenue lines against the annual estimate",
    _as_of(), _unit(), _line(), _basis(), _version(grain=True), *_position(),
)  # fmt: skip

MART_ITEM_POSITION = _mart(
    "mart_item_position", "Single revenue items that the authority watches (watched_items), such as fines "
    "for urban order (4267), unit by unit on the territory; no rows where it watches none",
    _as_of(), _unit(),
    text("item_code", "Revenue item (tiểu mục)", grain=True, example="4267", source="dim_item"),
    _line(grain=False),
    text("unit_name", "Name of the unit", example="Phúc Đồng"),
    money("collected_amount", "Collected from the fiscal year's start to the night"),
    money("same_period_amount", "Collected to the same day of last year; null without last year",
          nullable=True),
    number("same_period_pct", "Collected ÷ collected to the same day of last year", unit="%", nullable=True),
    day("last_complete_day", "Last day for which the extract behind the row has arrived", nullable=True),
)  # fmt: skip

MART_UNIT_HISTORY = _mart(
    "mart_unit_history", "Monthly collections across changes of units, in three views of one total; no rows "
    "while no land has passed from one unit to another",
    _as_of(),
    text("view", "recorded: by the unit that stood when the money came; current: on the units of the night, "
         "parts that left the authority among them; former: on the units before the last change",
         grain=True, values=("recorded", "current", "former")),
    _unit(), _line(), _basis(),
    day("month", "First day of the month", grain=True),
    money("amount", "Collected in the month"),
    money("low_amount", "What the lowest believed weights give"),
    money("high_amount", "What the highest believed weights give"),
    flag("is_assumed", "Whether any weight behind the amount is assumed rather than sourced"),
)  # fmt: skip


def _quantiles() -> list[Column[Any]]:
    return [
        money(f"p{level:02d}_amount", f"{level}% quantile of the year-end collection")
        for level in (5, 10, 25, 50, 75, 90, 95)
    ]


def _scenario() -> Column[Any]:
    return text("scenario", "Set of policy shocks assumed: base (those declared and announced by the "
                "night); without_shocks, as who was told of none and takes dues put off for lost; "
                "or a named one. What a measure did is in mart_shock_effect", grain=True,
                example="base")  # fmt: skip


MART_YEAR_END_FORECAST = _mart(
    "mart_year_end_forecast", "Distribution of each unit's and line's collection at the fiscal year's end",
    _as_of(), _unit(), _line(), _basis(), _scenario(),
    _version(grain=False),
    money("estimate_amount", "Annual estimate; null where none was received", nullable=True),
    money("collected_amount", "Collected from the fiscal year's start to the night"),
    money("mean_amount", "Mean of the distribution"),
    *_quantiles(),
    money("pace_forecast_amount", "Collected ÷ share of the year normally reached; null without past years",
          nullable=True),
    number("shortfall_probability", "P(year-end collection < estimate)", unit="probability 0–1",
           nullable=True),
    money("expected_shortfall_amount", "Mean of max(estimate − year-end collection, 0)", nullable=True),
    number("half_year_below_probability", "P(not above half of the estimate at mid-year); 0 or 1 once "
           "mid-year has passed", unit="probability 0–1", nullable=True),
    text("method", "Forecasting method", example="structural"),
    text("fit_status", "Rung of the fallback ladder that gave the row, with the reason", example="full"),
)  # fmt: skip

MART_FORECAST_PATH = _mart(
    "mart_forecast_path", "Cumulative collection by month of the fiscal year: what came and what may come",
    _as_of(), _unit(), _line(), _basis(), _scenario(),
    day("month", "First day of the month", grain=True),
    money("actual_amount", "Cumulative collection to the month's end, or to the night; null for later months",
          nullable=True),
    money("p10_amount", "10% quantile of the cumulative collection at the month's end"),
    money("p50_amount", "Median of it"),
    money("p90_amount", "90% quantile of it"),
)  # fmt: skip

MART_FORECAST_COMPONENT = _mart(
    "mart_forecast_component", "What the mean of each year-end forecast consists of (base scenario)",
    _as_of(), _unit(), _line(), _basis(),
    text("component",
         "collected: in so far. level: the months to come at the unit's own level. season: what their season "
         "adds to it. common_factor: what the movement of the whole line adds, against its last twelve "
         "months. past_years: instead of these, where past years are repeated. spread: what uncertainty adds "
         "to a mean. shocks: what declared measures change. office: what the office's own estimate changes",
         grain=True, values=("collected", "level", "season", "common_factor", "past_years", "spread",
                             "shocks", "office")),
    money("amount", "Part of the mean; the components of a row's key add up to its mean_amount"),
)  # fmt: skip

MART_FORECAST_NEWS = _mart(
    "mart_forecast_news",
    "Why the year-end expected tonight is not that of the last published night before (base scenario)",
    _as_of(),
    day("previous_as_of", "The last published night before, which tonight's is compared with", grain=True),
    _unit(), _line(), _basis(),
    text("cause", "new_receipts: what came, and what was expected and did not come; restatement: receipts "
         "stated anew; passing_days: the calendar alone, as nothing came; configuration: shares, or policy "
         "shocks declared or announced since; estimate: moves the shortfall, so no row here; "
         "office_estimate: what an office has said since; new_fiscal_year: another year's end is forecast; "
         "other: another version of the code, or files put in later under an earlier received day",
         grain=True,
         values=("new_receipts", "restatement", "passing_days", "estimate", "office_estimate",
                 "configuration", "new_fiscal_year", "other")),
    money("amount", "What the cause moved; the causes of a row's key add up to the change of its mean_amount "
          "in mart_year_end_forecast, and a key without rows did not change"),
)  # fmt: skip

MART_OFFICE_ESTIMATE = _mart(
    "mart_office_estimate", "What the office itself says the year will come to (ước thực hiện), beside the "
    "model's year-end, and what the two together give; no rows where the office says nothing",
    _as_of(), _unit(), _line(), _basis(),
    money("office_amount", "The office's figure: the year as said, or led to from a month or quarter by the "
          "share of the year usual by then; of a total given only by its parts, their sum"),
    day("stated_on", "Day on which it was said; of several parts the last"),
    count("past_statements", "Past statements at this time of the year by which rows of this kind are "
          "weighed; 0 where there are none"),
    money("model_mean_amount", "Mean of the model's year-end without the office"),
    number("weight_pct", "Weight of the office in the mean, by past errors; 0 while past statements are "
           "fewer than 8 or of fewer than 3 years; null for a total that follows what is said of its parts",
           unit="%", nullable=True),
    money("combined_mean_amount", "Mean of both together: the base scenario's in mart_year_end_forecast"),
)  # fmt: skip

MART_SHOCK_EFFECT = _mart(
    "mart_shock_effect", "What each policy shock moves or takes away this fiscal year, on the territory",
    _as_of(), _unit(), _line(),
    text("shock_code", "Declared policy shock of the authority", grain=True),
    money("timing_amount", "Moved by the shock and expected back"),
    money("loss_amount", "Lost for the year"),
    money("low_amount", "Lower end of the effect's range"),
    money("high_amount", "Upper end of the effect's range"),
    day("expected_back_by", "Day by which what was moved is expected; null for a loss", nullable=True),
)  # fmt: skip

MART_SCENARIO_EFFECT = _mart(
    "mart_scenario_effect", "What each policy shock moves or takes away in the base and in each named "
    "scenario of the night, on the territory; no rows where the night has no named scenario",
    _as_of(), _unit(), _line(), _scenario(),
    text("shock_code", "Policy shock, declared or supposed by the scenario", grain=True),
    money("timing_amount", "Of the fiscal year's dues, moved by the shock and expected back"),
    money("next_year_amount", "Moved by it and expected only after the fiscal year's end: not lost"),
    money("loss_amount", "Lost for the year"),
    money("low_amount", "Lower end of the effect's range"),
    money("high_amount", "Upper end of the effect's range"),
    day("expected_back_by", "Day by which what was moved is expected; null for a loss", nullable=True),
)  # fmt: skip

MART_SPENDING_POSITION = _mart(
    "mart_spending_position", "Each unit's spending against its start-of-year estimate, by kind",
    _as_of(), _unit(),
    text("spending_kind", "recurrent, development, contingency; ALL their sum", grain=True),
    money("estimate_amount", "Start-of-year spending estimate; null where none was received", nullable=True),
    money("spent_amount", "Spent from the fiscal year's start"),
    number("share_pct", "Spent ÷ estimate", unit="%", nullable=True),
    number("same_period_pct", "Spent ÷ spent in the same period of last year", unit="%", nullable=True),
    reach=("spending",),
)  # fmt: skip

MART_RECURRENT_BALANCE = _mart(
    "mart_recurrent_balance", "Each unit's revenue for recurrent spending at the year's end against the "
    "recurrent spending estimated; no rows where the authority has no recurrent basis",
    _as_of(), _unit(),
    money("recurrent_p10_amount", "10% quantile of the year-end revenue for recurrent spending",
          nullable=True),
    money("recurrent_p50_amount", "Median of it", nullable=True),
    money("recurrent_p90_amount", "90% quantile of it", nullable=True),
    money("recurrent_spending_estimate_amount", "Start-of-year estimate of recurrent spending; null where "
          "none was received", nullable=True),
    number("cover_ratio", "(Median + transfers estimated) ÷ recurrent spending estimate", unit="ratio",
           nullable=True),
    number("gap_probability", "P(revenue + transfers estimated < recurrent spending estimate)",
           unit="probability 0–1", nullable=True),
    money("transfer_estimate_amount", "Year's transfer from the upper budget by the initial estimate, else "
          "the balancing transfer that the authority's transfers.csv assigns; null where neither names one, "
          "and then not counted", nullable=True),
    money("transfer_drawable_amount", "What may have been drawn of it by the month of the night",
          nullable=True, source="Thông tư 344/2016/TT-BTC, điều 12 khoản 4 điểm d"),
    money("recurrent_headroom_amount", "Revenue for recurrent spending that has come + transfer drawable by "
          "the night − recurrent spending so far; below zero, more was spent than the monthly draw-down "
          "allows, and the upper budget has advanced it. Null without transfer or spending", nullable=True,
          source="Thông tư 344/2016/TT-BTC, điều 12 khoản 4 điểm d"),
    text("balance_status", "What the row stands on: complete, transfers_assumed (complete, but the transfer "
         "is marked as assumed), or what is not available",
         values=("complete", "transfers_assumed", "transfers_unknown", "no_spending_estimate",
                 "no_forecast")),
)  # fmt: skip

MART_QUARANTINE = _mart(
    "mart_quarantine", "Rows refused on the way in: rule and money, never the row's content",
    _as_of(),
    text("dataset", "Dataset of the rows", grain=True),
    text("rule", "The rule they broke", grain=True),
    text("source_file", "Path of the file below the landing folder", grain=True),
    count("rows", "Rows refused"),
    money("amount", "Money they carry, as far as it could be read"),
    count("first_row_number", "First such row in the sheet, counted from 1"),
    text("explanation", "What the rule means, what became of the money, and what to do"),
    reach=ROWS_OWN_DATASET,
)  # fmt: skip

_BREAK_KINDS = (
    "timing", "wrong_ward", "wrong_code", "missing_in_treasury", "missing_in_tax", "amount", "adjustment",
)  # fmt: skip

MART_RECONCILIATION_BREAK = _mart(
    "mart_reconciliation_break", "Where the treasury's receipts and the tax office's list differ",
    _as_of(),
    text("break_id", "Number of the document, with a counter where one breaks twice; unit, item and day "
         "where there is none", grain=True, example="2000012345"),
    text("unit_key", "Unit by the treasury; by the tax office where the treasury lacks the payment",
         source="dim_unit"),
    text("item_code", "Revenue item, by the same; UNALLOCATED outside the catalogue", source="dim_item"),
    text("document_no", "Number of the document; empty where sums of a day are compared"),
    money("treasury_amount", "What the treasury has; null where it lacks the payment", nullable=True),
    money("tax_amount", "What the tax office has, added up; null where it lacks the payment", nullable=True),
    money("difference_amount", "Treasury − tax office"),
    text("break_kind", "timing: booked on two days; wrong_ward, wrong_code: under two units or items; "
         "missing_in_treasury, missing_in_tax; amount; adjustment: a reversal in one office's books",
         values=_BREAK_KINDS),
    count("age_days", "Days from the payment to the night"),
    text("tax_unit_key", "Unit by the tax office", nullable=True, source="dim_unit"),
    text("tax_item_code", "Revenue item by the tax office", nullable=True),
    day("treasury_day", "Day of posting by the treasury", nullable=True),
    day("tax_day", "Day of payment by the tax office", nullable=True),
    reach=("receipt", "tax_collection"),
)  # fmt: skip

MART_RECONCILIATION_SUMMARY = _mart(
    "mart_reconciliation_summary", "Treasury against tax office by kind of break: what agrees, what does "
    "not, and what is left over; the kinds add up to what each office has for the days both have stated",
    _as_of(), _unit(),
    text("break_kind", "Kind of break; matched: both agree; not_compared: the treasury's day or the item's "
         "line is not known yet", grain=True, values=("matched", *_BREAK_KINDS, "not_compared")),
    count("rows", "Payments of this kind, each counted with one unit"),
    money("amount", "Money they are about, whichever way it differs"),
    money("treasury_amount", "What the treasury has of them in this unit"),
    money("tax_amount", "What the tax office has of them in this unit"),
    money("residual_amount", "Treasury − tax office: what does not net out"),
    day("compared_from", "First day that the tax office has stated: payments from it on are compared",
        nullable=True),
    day("compared_to", "Last day that the tax office has stated", nullable=True),
    reach=("receipt", "tax_collection"),
)  # fmt: skip

MART_RESTATEMENT = _mart(
    "mart_restatement", "What the night knows otherwise than an earlier published night knew it, of days "
    "that were over by then: late, corrected and withdrawn receipts on the territory",
    _as_of(),
    day("previous_as_of", "The earlier night: the published one before, and the last published of each "
        "earlier month of the fiscal year", grain=True),
    _unit(), _line(),
    day("month", "First day of the month", grain=True),
    money("previous_amount", "Collected in the month, days after the earlier night apart, as known then"),
    money("current_amount", "The same days as known tonight"),
    money("difference_amount", "Current − previous; over all rows of a year, the change of what is collected "
          "less what came for new days"),
    text("source_file", "File that did it; several by name, the one with the most money first"),
    flag("is_after_lock", "Whether any of it was learned after the month's books were closed (khoá sổ); null "
         "where the authority names no closing day", nullable=True),
)  # fmt: skip

MART_ESTIMATE_VERSION = _mart(
    "mart_estimate_version", "Versions of the annual estimates with the decisions behind them",
    _as_of(),
    text("estimate_kind", "What is estimated", grain=True, values=("revenue", "spending")),
    _unit(),
    count("fiscal_year", "Fiscal year", grain=True),
    _version(grain=True),
    money("estimate_amount", "The version's annual estimate"),
    money("change_amount", "Less the version before it; null for the first", nullable=True),
    text("decision_no", "Number of the decision; null where the file names none, or for ALL where units "
         "differ", nullable=True),
    day("decided_on", "Day of the decision", nullable=True),
    text("approved_by", "Who approved it", nullable=True),
    day("effective_from", "Day from which the version holds", nullable=True),
    day("received_on", "Day on which the office had it", nullable=True),
    text("source_file", "File that states it", nullable=True),
    flag("is_latest", "Whether no later version of the year holds on the night"),
    reach=("estimate",),
)  # fmt: skip

MART_EXTRACT_ARRIVAL = _mart(
    "mart_extract_arrival", "Expected extracts: the oldest one missing, else the latest one due",
    _as_of(),
    text("form_code", "Extract form", grain=True),
    _unit(),
    day("expected_at", "Day by which the extract was due"),
    day("received_at", "Day on which it came; null while it has not", nullable=True),
    text("status", "on_time, late, missing or unchanged (the same bytes as the one before)",
         values=("on_time", "late", "missing", "unchanged")),
    day("last_complete_day", "Last day covered by what has arrived; null where nothing has", nullable=True),
    count("missing_periods", "Expected extracts of this form and unit that have not arrived"),
    flag("is_zero", "Whether what came says that there was nothing in its period; null while it has not come",
         nullable=True),
    reach=(),
)  # fmt: skip

BY_RULE = "rule"
"""Stands in ``state_by`` of ``mart_warning`` where no person changed a state."""
_WARNING_ID = "Stable id of the case: rule, unit, subject if any, and fiscal year"

MART_WARNING = _mart(
    "mart_warning", "Early warnings of the night: cases with a state, opened once and followed by night",
    _as_of(),
    text("warning_id", _WARNING_ID, grain=True, example="below_half:00145@2004:2020"),
    text("unit_key", "Unit the warning is about; ALL for a case that stands for many, with the units in its "
         "evidence", source="dim_unit"),
    text("rule_code", "Rule of the authority that fired"),
    text("severity", "info, warning or severe", values=("info", "warning", "severe")),
    text("state", "State of the case; reopened: open again after it was closed or explained",
         values=("open", "acknowledged", "explained", "closed", "reopened")),
    day("opened_on", "Night on which it was last opened"),
    text("evidence", "The figures behind it, as JSON"),
    text("owner", "Role that answers for it; after escalation the one it went to"),
    text("message_vi", "What is said, in Vietnamese"),
    text("message_en", "What is said, in English"),
    text("subject", "What of the unit it is about: a line, a dataset; extension or common where one cause "
         "hits many units", nullable=True),
    number("value", "What the rule measured tonight; of a case for many the number of units", nullable=True,
           unit="as the rule's threshold"),
    money("gap_amount", "What lacks against the rule's bar; mart_warning_cause adds up to it. Null where the "
          "rule is not about money", nullable=True),
    day("state_on", "Day since which the state holds", nullable=True),
    text("state_by", "Who brought it about: a person, or rule", nullable=True),
    text("state_why", "Why, in that person's words or the rule's", nullable=True),
    day("explained_until", "Last day for which the explanation holds", nullable=True),
    number("state_value", "What was measured when it was closed", unit="as the rule's threshold",
           nullable=True),
    day("rearmed_on", "Since closing, the night on which it had calmed down: a breach then re-opens it",
        nullable=True),
    count("times_opened", "How often it was opened", nullable=True),
    day("escalated_on", "Night on which nobody had acknowledged it within the rule's days", nullable=True),
    day("suppressed_since", "Night since which nothing is concluded, as the data is stale or lacks",
        nullable=True),
    text("suppressed_because", "Why", nullable=True, values=("stale", "not_measured")),
    count("acts_applied", "People's acts that the state knows", nullable=True),
)  # fmt: skip

MART_WARNING_CAUSE = _mart(
    "mart_warning_cause", "What the gap of each case consists of, by line and kind; of a case for many units "
    "the sum of theirs. No rows for rules that are not about money",
    _as_of(),
    text("warning_id", _WARNING_ID, grain=True, source="mart_warning"),
    _line(),
    text("cause_kind", "timing: kept away by a declared extension; loss: taken by a measure; restatement: "
         "receipts stated anew; one_off_last_year: the comparison has a month far above its usual (three "
         "times its median, 2% of the year); season: comes later in its own year than the bar asks; plan: "
         "spending planned above revenue estimated; unexplained: the rest", grain=True,
         values=("timing", "loss", "restatement", "one_off_last_year", "season", "plan", "unexplained")),
    money("amount", "Part of the gap, negative where it narrows it; the causes of a case add up to its "
          "gap_amount"),
    day("expected_back_by", "Day by which what timing keeps away is expected; null for the other kinds",
        nullable=True),
    text("unit_key", "Unit of the case", source="dim_unit"),
)  # fmt: skip

MART_WARNING_WATCH = _mart(
    "mart_warning_watch", "How units stand to the rules tonight, where not well or with a case: how near a "
    "warning is, and since when",
    _as_of(),
    text("warning_id", "Id that the case has or would have", grain=True),
    text("rule_code", "Rule of the authority"),
    text("unit_key", "Unit measured; ALL for a case that stands for many", source="dim_unit"),
    text("level", "breached: at the threshold; between it and the exit; clear: out of it; unknown: not "
         "measured; covered: another rule speaks of the unit; grouped: a case for many does",
         values=("breached", "between", "clear", "unknown", "covered", "grouped")),
    day("level_since", "Night since which it is at this level without a break"),
    number("value", "What the rule measured tonight", unit="as the rule's threshold", nullable=True),
    number("enter_threshold", "Threshold that opens a case", unit="as the rule's threshold"),
    number("exit_threshold", "Threshold that lets it go", unit="as the rule's threshold"),
    text("case_id", "Case for many that speaks instead", nullable=True, source="mart_warning"),
)  # fmt: skip


def _error(name: str, comment: str, unit: str) -> list[Column[Any]]:
    return [
        number(name, comment, unit=unit, nullable=True),
        number(f"{name}_low", f"5% quantile of {name} over units drawn again", unit=unit, nullable=True),
        number(f"{name}_high", f"95% quantile of {name} over units drawn again", unit=unit, nullable=True),
    ]


MART_FORECAST_ACCURACY = declare(
    "mart_forecast_accuracy", "How good each method's year-ends were, by line, month of origin and past "
    "year, as the newest night knows them",
    text("method", "Forecasting method; pace, naive and growth are what a spreadsheet gives; office is what "
         "the office itself said, combined the office and the bank together", grain=True, example="bank"),
    text("source", "backtest: past years forecast again by today's method; published: what past nights "
         "really said", grain=True, values=("backtest", "published")),
    _basis(), _line(),
    count("months_elapsed", "Whole months of the fiscal year that had gone by, 1–11", grain=True),
    count("fiscal_year", "Fiscal year whose end was forecast, named by the year in which it starts",
          grain=True),
    count("n", "Units scored; line ALL scores their totals"),
    *_error("wape_pct", "Sum of absolute errors ÷ sum of what came", "%"),
    *_error("mape_pct", "Mean of absolute error ÷ what came, over year-ends above zero", "%"),
    *_error("mase", "Mean absolute error ÷ mean change from year to year before", "ratio"),
    *_error("crps", "Error of the whole distribution (CRPS) ÷ what came", "%"),
    *_error("pinball10_pct", "Pinball loss of the 10% quantile ÷ what came", "%"),
    *_error("pinball90_pct", "Pinball loss of the 90% quantile ÷ what came", "%"),
    *_error("brier", "Mean squared error of the shortfall probability; null without estimates",
            "squared probability"),
    number("coverage80_pct", "Year-ends within the central 80%; null for a method without a range",
           unit="%", nullable=True),
    number("coverage95_pct", "Year-ends within the central 95%; null for published forecasts, which show no "
           "such range", unit="%", nullable=True),
    layer="mart",
)  # fmt: skip

_SHARE = "share 0–1"


def _with_range(name: str, comment: str, unit: str) -> list[Column[Any]]:
    return [
        number(name, comment, unit=unit, nullable=True),
        number(f"{name}_low", "Lower end of its central 90%", unit=unit, nullable=True),
        number(f"{name}_high", "Upper end of its central 90%", unit=unit, nullable=True),
    ]


MART_WARNING_SCORECARD = declare(
    "mart_warning_scorecard", "How good each warning rule was in past years, watched again night by night: "
    "did the unit's year end short of its estimate, and was it said in time",
    text("rule_code", "Rule of the authority; flat_half: at or below half of the initial estimate at "
         "mid-year; always: every unit from the first night; with the basis behind where it is not territory",
         grain=True, example="shortfall_likely"),
    count("fiscal_year", "Fiscal year, named by the year in which it starts; 0: all years together",
          grain=True),
    text("basis", "Which part of the units' money the year's end is held against", values=BASIS_VALUES),
    count("fiscal_years", "Years scored in the row"),
    count("unit_years", "Units scored, each year of a unit counted"),
    count("hits", "Unit-years that ended short and were warned of in time"),
    count("misses", "Unit-years that ended short and were not"),
    count("false_alarms", "Unit-years that did not end short and were warned of"),
    count("correct_rejections", "Unit-years that did not end short and were not warned of"),
    *_with_range("precision", "Hits ÷ unit-years warned of; null where none was. Range: Wilson, as if "
                 "unit-years were independent", _SHARE),
    *_with_range("recall", "Hits ÷ unit-years that ended short; null where none did. Range: Wilson, likewise",
                 _SHARE),
    *_with_range("median_lead_days", "Median over hits of the days from the last time the warning began to "
                 "the year's end; null without hits. Range: order statistics", "day"),
    number("false_alarms_per_unit_year", "How often a warning began in unit-years that did not end short ÷ "
           "all unit-years", unit="count"),
    *_with_range("usefulness", "Relative usefulness (Sarlin 2013) at miss_costs: 1 without error, 0 as the "
                 "better of always and never warning; null where either could not be wrong. Range: units "
                 "drawn again", "ratio"),
    count("mid_year_hits", "Hits that stood on the night which first knew the unit's receipts to mid-year"),
    count("mid_year_false_alarms", "False warnings that stood on that night"),
    text("estimate_version", "Estimate that the year's end is held against",
         values=("initial", "supplemented", "adjusted")),
    number("short_by_pct", "Percent of the estimate that must lack", unit="%"),
    count("least_lead_days", "Days before the year's end until which a warning counts"),
    number("miss_costs", "What a missed shortfall weighs, in false alarms", unit="ratio"),
    layer="mart",
)  # fmt: skip

PUBLICATION = declare(
    "publication", "One row a publication: an atomic set of marts",
    text("publication_id", "Night and place among its publications", grain=True, example="2020-06-30.1"),
    day("as_of", "The night"),
    stamp("published_at", "When it was published"),
    text("run_id", "Run that made it"),
    text("code_version", "Version of the code"),
    text("config_sha256", "Digest of the authority's configuration"),
    count("rows", "Rows of all its marts"),
    count("checks_passed", "Checks that held"),
    count("checks_failed", "Checks that failed without stopping the night"),
    layer="mart", spread=REFERENCE,
)  # fmt: skip

MARTS = (
    MART_DISTRICT_BRIEF,
    MART_UNIT_POSITION,
    MART_LINE_POSITION,
    MART_ITEM_POSITION,
    MART_UNIT_HISTORY,
    MART_YEAR_END_FORECAST,
    MART_FORECAST_PATH,
    MART_FORECAST_COMPONENT,
    MART_FORECAST_NEWS,
    MART_OFFICE_ESTIMATE,
    MART_SHOCK_EFFECT,
    MART_SCENARIO_EFFECT,
    MART_SPENDING_POSITION,
    MART_RECURRENT_BALANCE,
    MART_RECONCILIATION_BREAK,
    MART_RECONCILIATION_SUMMARY,
    MART_QUARANTINE,
    MART_RESTATEMENT,
    MART_ESTIMATE_VERSION,
    MART_EXTRACT_ARRIVAL,
    MART_WARNING,
    MART_WARNING_CAUSE,
    MART_WARNING_WATCH,
    MART_FORECAST_ACCURACY,
    MART_WARNING_SCORECARD,
)
"""The marts of one night, the register of publications apart."""
