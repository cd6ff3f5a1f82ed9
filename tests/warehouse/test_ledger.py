"""Two clocks: what a night knew, whatever came later; and money by day from cumulative figures."""

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authorities.model import ALL, UNALLOCATED
from tests.warehouse.district import LINE_OF, A, B, day, delivery, estimates
from warehouse.ledger import (
    as_known,
    build_ledger,
    build_quarantine,
    by_day,
    fiscal_year,
    flows,
    in_effect,
    standing_estimates,
    statement_columns,
    unknown_cells,
)
from warehouse.projections import polars_schema
from warehouse.tables.ledger import QUARANTINE

DAY = "06-15"
LISTING = delivery(1, "06-15", (A, "1701", DAY, 100), (B, "1701", DAY, 40), scope=DAY)
MONTH = ("06-01", "06-30")


def ledger(*deliveries: pl.DataFrame) -> pl.DataFrame:
    """The ledger of deliveries of which every row is accepted, those without unit or line as unallocated."""
    stated = pl.concat(deliveries)
    filled = stated.with_columns(
        pl.col("unit_key").fill_null(UNALLOCATED),
        pl.col("line_code").fill_null(UNALLOCATED),
        pl.when(pl.col("line_code").is_null())
        .then(pl.lit(UNALLOCATED))
        .otherwise("item_code")
        .alias("item_code"),
    )
    lacking = pl.any_horizontal(stated["unit_key"].is_null(), stated["line_code"].is_null())
    return build_ledger("receipt", filled.filter(~lacking), filled.filter(lacking), stated)


def known(rows: pl.DataFrame, night: str) -> dict[str, int]:
    """Money by unit that stood on a night."""
    standing = as_known(rows, day(night)).group_by("unit_key").agg(pl.col("amount").sum())
    return dict(standing.iter_rows())


def money(rows: pl.DataFrame, start_month: int = 1) -> dict[str, int]:
    """Money by day, from the ledger's rows that stand at the end."""
    moved = flows(as_known(rows, dt.date(2030, 1, 1)), ["unit_key", "item_code"], start_month)
    by_day = moved.group_by("posting_date").agg(pl.col("amount").sum()).sort("posting_date")
    return {str(when): amount for when, amount in by_day.iter_rows()}


def test_a_correction_of_the_same_day_leaves_no_night_on_which_the_first_was_known() -> None:
    rows = ledger(LISTING, delivery(2, "06-15", (A, "1701", DAY, 90), (B, "1701", DAY, 40), scope=DAY))

    assert known(rows, "06-15") == {A: 90, B: 40}


def test_a_correction_with_fewer_rows_takes_the_others_away() -> None:
    rows = ledger(LISTING, delivery(2, "06-17", (A, "1701", DAY, 100), scope=DAY))

    assert known(rows, "06-16") == {A: 100, B: 40}
    assert known(rows, "06-17") == {A: 100}


def test_of_three_deliveries_each_night_knows_the_latest() -> None:
    rows = ledger(
        delivery(1, "06-15", (A, "1701", DAY, 1), scope=DAY),
        delivery(2, "06-17", (A, "1701", DAY, 20), scope=DAY),
        delivery(3, "06-19", (A, "1701", DAY, 300), scope=DAY),
    )

    assert [known(rows, night)[A] for night in ("06-16", "06-17", "06-18", "06-19")] == [1, 20, 20, 300]


def test_nothing_is_known_before_it_came() -> None:
    assert known(ledger(LISTING), "06-14") == {}


def test_other_days_stand_when_one_is_restated() -> None:
    bulk = delivery(1, "06-20", (A, "1701", "06-15", 5), (A, "1701", "06-16", 7))

    rows = ledger(bulk, delivery(2, "06-21", (A, "1701", "06-15", 6), scope="06-15"))

    assert known(rows, "06-21") == {A: 13}


def test_a_units_own_report_supersedes_its_rows_of_a_listing_and_no_others() -> None:
    listing = delivery(1, "06-30", (A, "1701", "06-30", 100), (B, "1701", "06-30", 40), scope=MONTH)
    own = delivery(2, "07-05", (A, "1701", "06-30", 120), scope=MONTH, of_unit=True)

    assert known(ledger(listing, own), "07-05") == {A: 120, B: 40}


def test_a_listing_of_all_supersedes_the_units_own_reports() -> None:
    own = [
        delivery(order, "07-02", (unit, "1701", "06-30", 10), scope=MONTH, of_unit=True)
        for order, unit in ((1, A), (2, B))
    ]
    listing = delivery(3, "07-10", (A, "1701", "06-30", 11), scope=MONTH)

    assert known(ledger(*own, listing), "07-10") == {A: 11}


def test_rows_never_count_twice_where_a_later_delivery_was_known_earlier() -> None:
    first = delivery(1, "06-15", (A, "1701", DAY, 1), scope=DAY)
    slow = delivery(2, "07-15", (A, "1701", DAY, 20), scope=DAY)
    prompt = delivery(3, "06-16", (A, "1701", DAY, 300), scope=DAY)

    rows = ledger(first, slow, prompt)

    assert [known(rows, night) for night in ("06-15", "06-20", "07-20")] == [{A: 1}, {A: 300}, {A: 300}]


def test_misspelt_reports_of_two_wards_do_not_replace_one_another() -> None:
    reports = [
        delivery(order, "07-05", (None, "1701", "06-30", amount), scope=MONTH, of_unit=True)
        for order, amount in ((1, 10), (2, 4))
    ]

    assert known(ledger(*reports), "07-05") == {UNALLOCATED: 14}


def test_a_misspelt_report_gives_way_to_the_file_of_its_name_with_the_ward_spelt_right() -> None:
    misspelt = delivery(
        1, "07-05", (None, "1701", "06-30", 10), scope=MONTH, of_unit=True, name="chi_001.csv"
    )
    right = delivery(2, "07-08", (A, "1701", "06-30", 10), scope=MONTH, of_unit=True, name="chi_001.csv")

    rows = ledger(misspelt, right)

    assert known(rows, "07-07") == {UNALLOCATED: 10}
    assert known(rows, "07-08") == {A: 10}


def test_a_supplement_supersedes_no_initial_estimate_but_a_corrected_initial_does() -> None:
    stated = pl.concat(
        [
            estimates(1, "01-02", "initial", (A, "vat", 100)),
            estimates(2, "05-20", "supplemented", (A, "vat", 130)),
            estimates(3, "06-01", "initial", (A, "vat", 101)),
        ]
    )
    rows = as_known(build_ledger("estimate", stated, stated.clear(), stated), day("06-01"))

    assert dict(rows.select("estimate_version", "amount").iter_rows()) == {
        "initial": 101,
        "supplemented": 130,
    }


def test_the_file_that_superseded_a_row_is_named_the_first_that_was_known() -> None:
    rows = ledger(
        delivery(1, "06-15", (A, "1701", DAY, 1), scope=DAY, name="first.csv"),
        delivery(2, "07-15", (A, "1701", DAY, 20), scope=DAY, name="slow.csv"),
        delivery(3, "06-16", (A, "1701", DAY, 300), scope=DAY, name="prompt.csv"),
    )

    told = rows.sort("delivery_order").select("superseded_at", "superseded_by").rows()
    assert told == [
        (day("06-16"), "06-16/prompt.csv"), (day("06-16"), "06-16/prompt.csv"), (None, None)
    ]  # fmt: skip


def test_a_doubted_delivery_supersedes_nothing() -> None:
    doubted = delivery(2, "06-17", (A, "1701", DAY, 90), scope=DAY).with_columns(
        scope_doubt=pl.lit("smaller_than_before")
    )

    rows = build_ledger("receipt", LISTING, LISTING.clear(), pl.concat([LISTING, doubted]))

    assert known(rows, "06-17") == {A: 100, B: 40}


def test_a_delivery_without_rows_withdraws_the_period_it_states() -> None:
    nothing = pl.DataFrame(
        {"scope_from": [day(DAY)], "scope_to": [day(DAY)], "scope_unit": [ALL], "scope_part": [None],
         "delivery_order": [2], "recorded_at": [day("06-17")], "source_file": ["06-17/empty.csv"]},
        schema_overrides={"scope_part": pl.String, "delivery_order": pl.Int32},
    )  # fmt: skip

    rows = build_ledger("receipt", LISTING, LISTING.clear(), LISTING, nothing)

    assert known(rows, "06-16") == {A: 100, B: 40}
    assert known(rows, "06-17") == {}
    assert set(rows["superseded_by"]) == {"06-17/empty.csv"}


def _refused_columns(dataset: str) -> list[str]:
    """Those of the quarantine but for what superseded, and those by which a delivery states a period."""
    own = [name for name in polars_schema(QUARANTINE) if not name.startswith("superseded")]
    return list(dict.fromkeys([*own, *statement_columns(dataset)]))


def quarantined(stated: pl.DataFrame) -> pl.DataFrame:
    """Every row of a delivery as the expectations would refuse it."""
    said = stated.with_columns(
        pl.lit("receipt").alias("dataset"),
        pl.lit("amount_is_a_number").alias("rule"),
        pl.lit("held").alias("outcome"),
        pl.lit(None, pl.String).alias("spending_kind"),
    )
    return said.select(_refused_columns("receipt"))


def test_refused_rows_leave_the_quarantine_when_their_delivery_is_superseded() -> None:
    mended = delivery(2, "06-17", (A, "1701", DAY, 100), (B, "1701", DAY, 40), scope=DAY)

    rows = build_quarantine("receipt", quarantined(LISTING), pl.concat([LISTING, mended]))

    assert as_known(rows, day("06-16")).height == 2
    assert as_known(rows, day("06-17")).is_empty()


def test_equal_bytes_that_state_two_periods_are_quarantined_once_each() -> None:
    may, june = (delivery(1, came, (A, "1701", came, 5), scope=came) for came in ("05-31", "06-30"))
    both = pl.concat([may, june])

    rows = build_quarantine("receipt", quarantined(both), both)

    assert rows.height == 2


def test_a_delivery_of_which_every_row_is_refused_still_states_its_period() -> None:
    broken = delivery(2, "06-17", (A, "1701", DAY, 90), scope=DAY)

    rows = build_ledger("receipt", LISTING, LISTING.clear(), pl.concat([LISTING, broken]))

    assert as_known(rows, day("06-17")).is_empty()


def test_refused_estimates_are_superseded_by_version() -> None:
    initial, other = (
        estimates(1, "01-02", "initial", (A, "vat", -1)),
        estimates(2, "05-20", "supplemented", (A, "vat", 5)),
    )
    refused = initial.with_columns(
        pl.lit("estimate").alias("dataset"),
        pl.lit("amount_not_negative").alias("rule"),
        pl.lit("held").alias("outcome"),
        pl.lit(None, pl.Date).alias("posting_date"),
        pl.lit(None, pl.String).alias("spending_kind"),
    ).select(_refused_columns("estimate"))

    rows = build_quarantine("estimate", refused, pl.concat([initial, other]))

    assert as_known(rows, day("12-31")).height == 1


# --- money by day ------------------------------------------------------------------------------------


def test_documents_of_a_day_added_up_tell_the_same_of_every_night() -> None:
    first = delivery(
        1, "06-15", (A, "1701", DAY, 100), (A, "1701", DAY, 60), (A, "1701", DAY, -30), (B, "1701", DAY, 40),
        scope=DAY,
    )  # fmt: skip
    mended = delivery(2, "06-17", (A, "1701", DAY, 90), (A, "1701", DAY, 5), scope=DAY)
    rows = ledger(first, mended)

    added = by_day(rows.lazy())

    assert sorted(added["amount"]) == [-30, 40, 95, 160]
    for night in ("06-14", "06-15", "06-16", "06-17"):
        assert known(added, night) == known(rows, night)
    gone = added.filter(pl.col("superseded_by").is_not_null())
    assert set(gone["source_file"]) == set(first["source_file"])
    assert by_day(added).equals(added)


def report(order: int, posted: str, *figures: tuple[str, int], unit: str = A) -> pl.DataFrame:
    """A unit's cumulative report of the month that ends on ``posted``: item and figure."""
    entries = [(unit, item, posted, amount) for item, amount in figures]
    return delivery(order, posted, *entries, scope=posted, of_unit=True, cumulative=True)


def test_listed_documents_are_taken_as_they_are() -> None:
    assert money(ledger(LISTING)) == {"2020-06-15": 140}


def test_a_cumulative_figure_counts_for_what_it_adds_to_the_one_before() -> None:
    rows = ledger(report(1, "01-31", ("1701", 10)), report(2, "02-29", ("1701", 25)))

    assert money(rows) == {"2020-01-31": 10, "2020-02-29": 15}


def test_a_month_without_report_is_contained_in_the_next() -> None:
    rows = ledger(report(1, "01-31", ("1701", 10)), report(2, "04-30", ("1701", 70)))

    assert money(rows) == {"2020-01-31": 10, "2020-04-30": 60}


def test_a_fall_of_a_cumulative_figure_stays_as_a_negative_amount() -> None:
    rows = ledger(report(1, "01-31", ("1701", 10)), report(2, "02-29", ("1701", 7)))

    assert money(rows) == {"2020-01-31": 10, "2020-02-29": -3}


def test_a_code_that_the_next_report_splits_becomes_zero() -> None:
    rows = ledger(report(1, "01-31", ("1701", 10)), report(2, "02-29", ("1704", 4), ("1705", 9)))

    moved = flows(as_known(rows, day("02-29")), ["unit_key", "line_code"], 1)

    assert money(rows) == {"2020-01-31": 10, "2020-02-29": 3}
    assert moved["amount"].sum() == 13


def test_a_silent_unit_keeps_its_figure_while_others_report() -> None:
    rows = ledger(report(1, "01-31", ("1701", 10), unit=B), report(2, "02-29", ("1701", 5)))

    assert sum(money(rows).values()) == 15


def test_a_restated_month_moves_what_it_and_the_next_added() -> None:
    rows = ledger(
        report(1, "01-31", ("1701", 10)), report(2, "02-29", ("1701", 25)), report(3, "01-31", ("1701", 12))
    )

    assert money(rows) == {"2020-01-31": 12, "2020-02-29": 13}


def test_rows_of_several_chapters_make_one_figure() -> None:
    months = [("01-31", 10, 100), ("02-29", 15, 130)]
    both = [
        pl.concat(
            [
                delivery(
                    order, posted, (A, "1701", posted, first), scope=posted, cumulative=True, chapter="557"
                ),
                delivery(
                    order, posted, (A, "1701", posted, second), scope=posted, cumulative=True, chapter="754"
                ),
            ]
        )
        for order, (posted, first, second) in enumerate(months, start=1)
    ]

    assert money(ledger(*both)) == {"2020-01-31": 110, "2020-02-29": 35}


def test_unknown_items_of_one_report_are_added_up() -> None:
    rows = ledger(
        report(1, "01-31", ("9998", 10), ("9999", 5)), report(2, "02-29", ("9998", 11), ("9999", 8))
    )

    assert money(rows) == {"2020-01-31": 15, "2020-02-29": 4}


def test_cumulative_figures_start_again_with_the_fiscal_year() -> None:
    rows = ledger(
        report(1, "02-29", ("1701", 90)), report(2, "03-31", ("1701", 100)), report(3, "04-30", ("1701", 8))
    )

    assert money(rows, start_month=4) == {"2020-02-29": 90, "2020-03-31": 10, "2020-04-30": 8}


def test_the_first_cumulative_report_contains_what_was_listed_that_year() -> None:
    listed = delivery(
        1, "02-01", (A, "1701", "2019-12-31", 7), (A, "1701", "01-31", 10), (A, "1701", "02-01", 2)
    )

    rows = ledger(listed, report(2, "02-29", ("1701", 25)))

    assert money(rows) == {"2019-12-31": 7, "2020-01-31": 10, "2020-02-01": 2, "2020-02-29": 13}


@pytest.mark.parametrize(
    ("when", "start_month", "year"),
    [("2020-03-31", 4, 2019), ("2020-04-01", 4, 2020), ("2020-01-01", 1, 2020), ("2020-12-31", 1, 2020)],
)
def test_a_fiscal_year_is_named_by_the_year_it_starts_in(when: str, start_month: int, year: int) -> None:
    days = pl.DataFrame({"day": [dt.date.fromisoformat(when)]})

    assert days.select(fiscal_year(pl.col("day"), start_month)).item() == year


def unreadable(
    posted: str, item: str | None, rule: str = "amount_is_a_number", unit: str = A
) -> pl.DataFrame:
    """A held row of a report, as the quarantine has it."""
    row = {
        "dataset": "receipt", "rule": rule, "outcome": "held", "unit_key": unit, "item_code": item,
        "line_code": LINE_OF.get(item or ""), "posting_date": day(posted), "recorded_at": day(posted),
    }  # fmt: skip
    return pl.DataFrame([row], schema=polars_schema(QUARANTINE))


def money_with(rows: pl.DataFrame, held: pl.DataFrame) -> dict[str, int]:
    known = as_known(rows, dt.date(2030, 1, 1))
    moved = flows(known, ["unit_key", "item_code", "line_code"], 1, unknown_cells(held, "receipt"))
    by_day = moved.group_by("posting_date").agg(pl.col("amount").sum()).sort("posting_date")
    return {str(when): amount for when, amount in by_day.iter_rows()}


THREE_MONTHS = (
    report(1, "01-31", ("1701", 10), ("2101", 3)),
    report(2, "02-29", ("2101", 4)),
    report(3, "03-31", ("1701", 30), ("2101", 5)),
)


def test_a_figure_nobody_could_read_is_unknown_and_not_zero() -> None:
    rows = ledger(*THREE_MONTHS)

    assert money_with(rows, unreadable("02-29", "1701")) == {
        "2020-01-31": 13, "2020-02-29": 1, "2020-03-31": 21
    }  # fmt: skip
    assert money(rows) == {"2020-01-31": 13, "2020-02-29": -9, "2020-03-31": 31}


def test_a_held_row_of_an_unknown_item_may_be_any_that_the_report_lacks() -> None:
    assert money_with(ledger(*THREE_MONTHS), unreadable("02-29", None))["2020-02-29"] == 1


@pytest.mark.parametrize("rule", ["figure_not_repeated", "delivery_is_whole"])
def test_a_row_held_beside_one_that_counts_makes_nothing_unknown(rule: str) -> None:
    assert money_with(ledger(*THREE_MONTHS), unreadable("02-29", "1701", rule))["2020-02-29"] == -9


def test_a_row_held_in_another_units_report_changes_nothing() -> None:
    assert money_with(ledger(*THREE_MONTHS), unreadable("02-29", "1701", unit=B))["2020-02-29"] == -9


# --- estimates ---------------------------------------------------------------------------------------


def standing(*deliveries: pl.DataFrame) -> dict[tuple[str, str, str], int]:
    stated = pl.concat(deliveries)
    rows = as_known(build_ledger("estimate", stated, stated.clear(), stated), day("12-31"))
    kept = standing_estimates(rows, ["unit_key", "line_code"])
    return {
        (unit, line, version): amount
        for unit, line, _, version, amount in kept.select(
            "unit_key", "line_code", "fiscal_year", "estimate_version", "amount"
        ).iter_rows()
    }


def test_of_a_years_revised_plans_the_latest_of_each_unit_stands_whole() -> None:
    april, may = ("04-01", "04-30"), ("05-01", "05-31")
    plans = (
        estimates(
            1, "04-30", "adjusted", (A, "vat", 10), (A, "fees", 5), (B, "vat", 7), scope=april, of_unit=True
        ),
        estimates(2, "05-31", "adjusted", (A, "vat", 16), scope=may, of_unit=True),
    )

    assert standing(*plans) == {(A, "vat", "adjusted"): 16, (B, "vat", "adjusted"): 7}


def test_versions_stand_beside_one_another() -> None:
    plans = (
        estimates(1, "01-02", "initial", (A, "vat", 10)),
        estimates(2, "05-20", "supplemented", (A, "vat", 13)),
    )

    assert standing(*plans) == {(A, "vat", "initial"): 10, (A, "vat", "supplemented"): 13}


def test_an_adjusted_estimate_holds_from_the_day_its_decision_says() -> None:
    july = estimates(2, "06-20", "adjusted", (A, "vat", 60)).with_columns(effective_from=pl.lit(day("07-01")))
    stated = pl.concat([estimates(1, "01-02", "initial", (A, "vat", 100)), july])
    rows = build_ledger("estimate", stated, stated.clear(), stated)

    versions = [
        set(in_effect(as_known(rows, day(night)), day(night))["estimate_version"])
        for night in ("06-19", "06-30", "07-01")
    ]

    assert versions == [{"initial"}, {"initial"}, {"initial", "adjusted"}]


# --- properties --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sent:
    """A delivery in a word: days after 1 June on which it came, the day it states, whose, and its rows."""

    came: int
    states: int
    whose: str
    rows: tuple[tuple[str, int], ...]


AMOUNTS = st.integers(-1000, 1000)
SENT = st.builds(
    Sent,
    st.integers(0, 6),
    st.integers(0, 2),
    st.sampled_from([ALL, A, B]),
    st.lists(st.tuples(st.sampled_from([A, B]), AMOUNTS), min_size=1, max_size=3).map(tuple),
)
HISTORY = st.lists(SENT, min_size=1, max_size=7).map(lambda sent: sorted(sent, key=lambda one: one.came))
JUNE = dt.date(2020, 6, 1)


def staged(sent: list[Sent]) -> pl.DataFrame:
    frames = []
    for order, one in enumerate(sent, start=1):
        states = str(JUNE + dt.timedelta(days=one.states))
        entries = [
            (unit if one.whose == ALL else one.whose, "1701", states, amount) for unit, amount in one.rows
        ]
        came = str(JUNE + dt.timedelta(days=one.came))
        frames.append(delivery(order, came, *entries, scope=states, of_unit=one.whose != ALL))
    return pl.concat(frames)


def known_by_replay(sent: list[Sent], night: int) -> dict[tuple[int, str], int]:
    """What a clerk would have on file who puts each delivery in place of what it restates, in turn."""
    file: dict[tuple[int, str], list[int]] = defaultdict(list)
    for one in sent:
        if one.came > night:
            continue
        for unit in (A, B) if one.whose == ALL else (one.whose,):
            file.pop((one.states, unit), None)
        for unit, amount in one.rows:
            file[one.states, unit if one.whose == ALL else one.whose].append(amount)
    return {place: sum(amounts) for place, amounts in file.items()}


def known_by_ledger(stated: pl.DataFrame, night: int) -> dict[tuple[int, str], int]:
    rows = build_ledger("receipt", stated, stated.clear(), stated)
    standing = as_known(rows, JUNE + dt.timedelta(days=night))
    sums = standing.group_by("posting_date", "unit_key").agg(pl.col("amount").sum())
    return {((when - JUNE).days, unit): amount for when, unit, amount in sums.iter_rows()}


@given(HISTORY, st.integers(0, 6))
@settings(max_examples=60, deadline=None)
def test_a_night_knows_what_a_clerk_would_have_on_file(sent: list[Sent], night: int) -> None:
    assert known_by_ledger(staged(sent), night) == known_by_replay(sent, night)


@given(HISTORY, st.integers(0, 6))
@settings(max_examples=40, deadline=None)
def test_later_deliveries_change_no_night_before_them(sent: list[Sent], night: int) -> None:
    by_then = [one for one in sent if one.came <= night]
    before = known_by_ledger(staged(by_then), night) if by_then else {}

    assert known_by_ledger(staged(sent), night) == before


@given(HISTORY, st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_the_order_in_which_rows_are_read_does_not_matter(sent: list[Sent], random: object) -> None:
    stated = staged(sent)
    shuffled = stated.sample(fraction=1, shuffle=True, seed=random.randint(0, 999))  # type: ignore[attr-defined]

    first = build_ledger("receipt", stated, stated.clear(), stated)
    again = build_ledger("receipt", shuffled, shuffled.clear(), shuffled)

    assert first.equals(again)


@given(HISTORY, st.integers(0, 6), st.data())
@settings(max_examples=40, deadline=None)
def test_a_delivery_sent_twice_changes_nothing(sent: list[Sent], night: int, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(sent) - 1))
    twice = [*sent[: place + 1], sent[place], *sent[place + 1 :]]

    assert known_by_ledger(staged(twice), night) == known_by_ledger(staged(sent), night)


@given(
    st.lists(
        st.lists(st.tuples(st.sampled_from(["1701", "2101", "1401"]), AMOUNTS), max_size=3),
        min_size=1,
        max_size=8,
    )
)
@settings(max_examples=60, deadline=None)
def test_the_money_of_a_year_is_the_last_report(months: list[list[tuple[str, int]]]) -> None:
    reports = [
        report(month, str(dt.date(2020, month, 28)), *dict(figures).items())
        for month, figures in enumerate(months, start=1)
        if figures
    ]
    if not reports:
        return

    assert sum(money(ledger(*reports)).values()) == reports[-1]["amount"].sum()
