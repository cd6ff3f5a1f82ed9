import datetime as dt
import json

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from authorities.warning_rules import FIGURES_OF
from early_warning import rules as rules_module
from early_warning.messages import WarningRuleError
from early_warning.rules import Before
from tests.early_warning.nights import NO_ACTS, a_night, with_rules
from warehouse.projections import empty_frame, polars_schema
from warehouse.tables.marts import MART_WARNING, MART_WARNING_WATCH

NIGHT = dt.date(2020, 6, 30)
A, B, C = "00115@2004", "00124@2004", "00151@2004"


def find_warnings(authority, as_of, positions, forecasts, arrivals, previous):
    """The night's mart_warning, after the last night of ``previous`` before it."""
    earlier = previous.filter(pl.col("as_of") < as_of)
    last = earlier["as_of"].max()
    before = Before(
        last, earlier.filter(pl.col("as_of") == pl.col("as_of").max()), empty_frame(MART_WARNING_WATCH)
    )
    night = a_night(
        authority, as_of, unit_position=positions, year_end_forecast=forecasts, extract_arrival=arrivals
    )
    return rules_module.find_warnings(night, before, NO_ACTS).warnings


def published(warnings: pl.DataFrame) -> pl.DataFrame:
    """As the mart holds them, once their night is published."""
    return warnings.with_columns(publication_id=pl.lit("2020-06-29.1"))


def test_a_unit_that_does_not_exceed_the_threshold_is_warned_of(
    authority, positions, forecasts, arrivals, no_warnings
):
    marts = positions({A: 50.0, B: 50.01, C: 45.3}), forecasts({}), arrivals()
    found = find_warnings(authority, NIGHT, *marts, no_warnings)
    assert found["warning_id"].to_list() == [f"below_half:{A}:2020", f"below_half:{C}:2020"]
    row = found.row(1, named=True)
    assert (
        row["message_vi"]
        == "Phường Phúc Đồng mới thu 45,3% dự toán (mốc 50,0%); còn phải thu 43.760 triệu đồng."
    )
    assert row["message_en"] == (
        "Phúc Đồng has collected 45.3% of its estimate (bar 50.0%); 43,760 million VND remain."
    )
    evidence = json.loads(row["evidence"])
    assert evidence["share_of_estimate_pct"] == 45.3
    assert evidence["estimate_amount"] == "80000000000.00"
    assert row["evidence"] == json.dumps(evidence, ensure_ascii=False, sort_keys=True)
    assert (row["severity"], row["owner"], row["state"], row["opened_on"]) == (
        "warning",
        "ward_chair",
        "open",
        NIGHT,
    )


def test_the_frame_is_the_mart(authority, positions, forecasts, arrivals, no_warnings):
    wanted = polars_schema(MART_WARNING)
    for shares in ({}, {A: 10.0}):
        found = find_warnings(authority, NIGHT, positions(shares), forecasts({}), arrivals(), no_warnings)
        assert dict(found.schema) == wanted
        assert found.height == len(shares)


def test_a_share_just_under_the_bar_is_not_rounded_up_to_it(
    authority, positions, forecasts, arrivals, no_warnings
):
    found = find_warnings(authority, NIGHT, positions({A: 49.97}), forecasts({}), arrivals(), no_warnings)
    assert "thu 49,97% dự toán" in found["message_vi"].item()


def test_totals_unallocated_money_and_units_without_estimate_are_not_warned_of(
    authority, positions, forecasts, arrivals, no_warnings
):
    marts = (
        positions({"ALL": 30.0, "UNALLOCATED": 1.0, A: None}),
        forecasts({"ALL": 0.99, A: None}),
        arrivals(),
    )
    assert find_warnings(authority, NIGHT, *marts, no_warnings).is_empty()


def test_only_the_rules_own_basis_and_version_are_looked_at(
    authority, positions, forecasts, arrivals, no_warnings
):
    low = positions({A: 10.0})
    marts = forecasts({}), arrivals()
    for other in (
        low.with_columns(basis=pl.lit("recurrent")),
        low.with_columns(estimate_version=pl.lit("adjusted")),
    ):
        assert find_warnings(authority, NIGHT, other, *marts, no_warnings).is_empty()
    on_recurrent = with_rules(authority, basis="recurrent")
    other = low.with_columns(basis=pl.lit("recurrent"))
    assert find_warnings(on_recurrent, NIGHT, other, *marts, no_warnings).height == 1


def test_before_mid_year_a_flat_bar_says_nothing(authority, positions, forecasts, arrivals, no_warnings):
    may = dt.date(2020, 5, 31)
    marts = (
        positions({A: 41.0, B: 38.0, C: 40.0}, gaps={A: 1.5, B: -2.0}, as_of=may),
        forecasts({}),
        arrivals(),
    )
    assert find_warnings(authority, may, *marts, no_warnings).is_empty()
    at_mid_year = find_warnings(authority, NIGHT, *marts, no_warnings)
    assert at_mid_year["unit_key"].to_list() == [A, B, C]


def test_a_likely_shortfall_is_warned_of_with_its_probability(
    authority, positions, forecasts, arrivals, no_warnings
):
    marts = positions({A: 60.0, B: 60.0}), forecasts({A: 0.8, B: 0.874, C: float("nan")}), arrivals()
    found = find_warnings(authority, NIGHT, *marts, no_warnings)
    assert found["warning_id"].to_list() == [f"likely_short:{B}:2020"]
    assert found["message_vi"].item() == "Đức Giang: khả năng hụt thu 87%, dự kiến hụt 5.000 triệu đồng."
    assert (
        found["message_en"].item() == "Đức Giang: 87% likely to fall short, by 5,000 million VND on average."
    )
    evidence = json.loads(found["evidence"].item())
    assert evidence["p10_amount"] == "71000000000.00"
    assert evidence["fit_status"] == "full"


def test_a_rule_may_write_the_percent_sign_itself(authority, positions, forecasts, arrivals, no_warnings):
    with_sign = authority.settings.warning_rules[0].message.model_copy(
        update={"vi": "{share}% của {estimate}"}
    )
    marts = positions({A: 45.3}), forecasts({}), arrivals()
    found = find_warnings(with_rules(authority, message=with_sign), NIGHT, *marts, no_warnings)
    assert found["message_vi"].item() == "45,3% của 80.000 triệu đồng"


def test_a_model_never_speaks_of_certainty(authority, positions, forecasts, arrivals, no_warnings):
    found = find_warnings(authority, NIGHT, positions({}), forecasts({A: 1.0}), arrivals(), no_warnings)
    assert "khả năng hụt thu trên 99%" in found["message_vi"].item()


@pytest.mark.parametrize(
    "changed", [{"line_code": "vat"}, {"scenario": "without_shocks"}, {"basis": "entitled"}]
)
def test_other_lines_scenarios_and_bases_do_not_raise_the_forecast_rule(
    changed, authority, positions, forecasts, arrivals, no_warnings
):
    marts = positions({}), forecasts({A: 0.99}, **changed), arrivals()
    assert find_warnings(authority, NIGHT, *marts, no_warnings).is_empty()


def test_late_extracts_of_one_sender_are_one_warning(authority, positions, forecasts, arrivals, no_warnings):
    due = dt.date(2020, 6, 20)
    late = arrivals(
        ("spending", A, due, "missing"), ("estimate", A, dt.date(2020, 6, 25), "unchanged"),
        ("receipts", "ALL", due, "missing"), ("spending", B, due, "late"), ("spending", C, due, "on_time"),
        ("tax", C, dt.date(2020, 6, 29), "missing"),
    )  # fmt: skip
    found = find_warnings(authority, NIGHT, positions({A: 60.0}), forecasts({}), late, no_warnings)
    assert found["unit_key"].to_list() == [A, "ALL"]
    assert found["gap_amount"].to_list() == [None, None]
    assert found["message_vi"].to_list() == [
        "Thượng Thanh: chưa có spending, estimate, hạn 20/6/2020.",
        "Quận Ven Sông: chưa có receipts, hạn 20/6/2020.",
    ]
    assert found["message_en"][1] == "River District: receipts has not come, due 20 June 2020."


def test_an_open_case_keeps_its_day_and_state_and_a_rerun_changes_nothing(
    authority, positions, forecasts, arrivals, no_warnings
):
    eve, night = NIGHT, NIGHT + dt.timedelta(days=1)
    marts = positions({A: 45.0, B: 45.0}), forecasts({}), arrivals()
    first = published(find_warnings(authority, eve, positions({A: 44.0}), *marts[1:], no_warnings))
    first = first.with_columns(state=pl.lit("acknowledged"))
    second = find_warnings(authority, night, *marts, first)
    assert second.select("unit_key", "opened_on", "state").rows() == [
        (A, eve, "acknowledged"),
        (B, night, "open"),
    ]
    again = find_warnings(authority, night, *marts, pl.concat([first, published(second)]))
    assert_frame_equal(again, second)
    later = published(second).with_columns(
        as_of=pl.lit(night + dt.timedelta(days=1)), opened_on=pl.lit(dt.date(2020, 1, 1))
    )
    assert_frame_equal(find_warnings(authority, night, *marts, pl.concat([first, later])), second)


def test_a_message_with_an_unknown_figure_names_rule_and_remedy(
    authority, positions, forecasts, arrivals, no_warnings
):
    wrong = authority.settings.warning_rules[0].message.model_copy(update={"vi": "{shaer}"})
    broken = with_rules(authority, message=wrong)
    with pytest.raises(WarningRuleError, match=r"'below_half', message\.vi: no figure '\{shaer\}'.*share,"):
        find_warnings(broken, NIGHT, positions({A: 1.0}), forecasts({}), arrivals(), no_warnings)


def test_figures_of_a_message_are_those_that_loading_allows():
    """Every kind of rule has its list of placeholders, and none lacks what all have."""
    assert FIGURES_OF.keys() == rules_module._KINDS.keys()
    for figures in FIGURES_OF.values():
        assert {"unit_name", "threshold", "as_of"} <= figures


def test_the_order_of_rows_given_does_not_matter(authority, positions, forecasts, arrivals, no_warnings):
    marts = positions({A: 10.0, B: 20.0, C: 30.0}), forecasts({C: 0.9, A: 0.95}), arrivals()
    turned = [frame.reverse() for frame in marts]
    assert_frame_equal(
        find_warnings(authority, NIGHT, *marts, no_warnings),
        find_warnings(authority, NIGHT, *turned, no_warnings),
    )
