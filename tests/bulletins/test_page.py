import datetime as dt
import re
import subprocess
import sys
from decimal import Decimal
from html import unescape

import polars as pl
import pytest

from bulletins.cases import shared_ending, warning_groups
from bulletins.fan import fan_of
from bulletins.night import Night
from bulletins.site import SECTIONS, page_names
from tests.bulletins.frames import Site, mart

URL = re.compile(
    r"""(?:src|href|action|data)\s*=\s*["']?(?!#|data:)|url\((?!#)|@import|https?://(?!www\.w3\.org/)"""
)
NASTY = "<img src=x onerror=alert(1)>\"'</td><script>alert(2)</script>"


def page_of(site: Site, language: str, page: str = "index") -> str:
    """One page of a site, as HTML."""
    return site[f"{page}.html" if language == "vi" else f"{page}.{language}.html"].decode()


def edition(site: Site, language: str, page: str = "index") -> str:
    """Text of one page, without its marks."""
    part = page_of(site, language, page).split("<main")[1].split("</main>")[0]
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", part.split(">", 1)[1])).split()).replace(" %", "%")


def whole(site: Site, language: str) -> str:
    """Text of all pages that are not a unit's."""
    return " ".join(edition(site, language, page) for page in SECTIONS)


def rows_of(site: Site, language: str) -> list[list[str]]:
    """Cells of the unit table, as text."""
    table = page_of(site, language).split('<table role="table">')[1].split("</table>")[0]
    rows = table.split("<tr")[1:]
    return [
        [
            " ".join(re.sub(r"<[^>]*>", " ", cell).split())
            for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S)
        ]
        for row in rows
    ]


def test_the_brief_is_said_as_the_district_says_it(district_site):
    page = district_site
    assert (
        "6 tháng đầu năm 2020, số thu ngân sách đạt 51,0% dự toán năm, bằng 136,7% so cùng kỳ năm 2019; "
        "tổng chi ngân sách địa phương đạt 36,6% dự toán giao đầu năm, bằng 147,7% so cùng kỳ năm 2019; "
        "8/14 phường có số thu đạt trên 50% so với dự toán; "
        "4/14 phường có số thu để chi thường xuyên đạt trên 50% so với dự toán giao đầu năm "
        "(tiêu biểu là phường Phúc Đồng, Thượng Thanh, Phúc Lợi, Việt Hưng)."
    ) in edition(page, "vi").replace(" ;", ";").replace(" ,", ",")
    english = edition(page, "en").replace(" ;", ";").replace(" ,", ",")
    assert "In the first half of 2020, budget collections reached 51.0% of the annual estimate" in english
    assert (
        "exceeded 50% of the estimate in 8 of 14 wards, revenue for recurrent spending in 4 of 14" in english
    )


def test_numbers_keep_to_their_language(district_site):
    page = district_site
    assert not re.findall(r"\d\.\d+%", edition(page, "vi"))
    assert not re.findall(r"\d,\d+%", edition(page, "en"))


def test_the_unit_table_ranks_and_adds_up(district_site):
    rows = rows_of(district_site, "vi")
    assert [row[1] for row in rows[1:4]] == ["Phúc Đồng", "Thượng Thanh", "Phúc Lợi"]
    assert [row[1] for row in rows[-3:]] == ["Thạch Bàn ▲ Nghiêm trọng", "Chưa phân bổ", "Cộng"]

    def whole(text: str) -> int:
        return int(text.replace(".", ""))

    for column in (2, 3):
        shown = [whole(row[column]) for row in rows[1:-1] if row[column] != "–"]
        assert sum(shown) == whole(rows[-1][column])
    ngoc_lam = next(row for row in rows if row[1].startswith("Ngọc Lâm"))
    assert ngoc_lam[4] == "49,97%"
    assert ngoc_lam[7] == "97% (91–104%)"


def test_every_section_carries_its_figures(district_site):
    text = whole(district_site, "vi")
    assert "Dự báo cả năm 2020 thu 2.422,9 tỷ đồng" in text
    assert "Tiền sử dụng đất" in text
    assert "Các khoản còn lại (3)" in text
    assert "Chi đầu tư phát triển" in text
    assert "Phường Thạch Bàn : xác suất hụt thu cả năm là 95%" in text
    assert "(từ 14/5/2020, đã tiếp nhận)" in text
    assert "chưa về (2 kỳ)" in text
    assert "Đức Giang, Thạch Bàn" in text
    assert "Chưa phân bổ được cho phường nào: 1.874 triệu đồng (0,15% số thu)" in text
    assert re.search(r"unit_known 3 2 1\.874 triệu đồng", text)
    assert "1 phường: theo tiến độ các năm trước, vì lịch sử ngắn hoặc khoản thu thất thường." in text
    assert "13 phường: mô hình riêng, đủ số liệu lịch sử." in text


def test_every_page_says_as_of_when_and_from_which_publication(district_site):
    pages = {name: file.decode() for name, file in district_site.items() if name.endswith("html")}
    for name, page in pages.items():
        if name != "dictionary.html":
            foot = page.split("<footer")[1]
            assert "2020-06-30.1 · " in foot, name
            assert ("30 June 2020" if ".en." in name else "30/6/2020") in foot, name
            assert "0.1.0" in foot, name


def test_what_is_simulated_or_assumed_is_marked(district):
    page = district.render()
    assert "không phải số liệu thật của quận" in edition(page, "vi")
    assert edition(page, "en").count("Simulated data") >= 3
    assert "Simulated data" in edition(district.render("unit-00151-2004"), "en", "unit-00151-2004")
    assert "giá trị giả định" in edition(page, "vi")
    district.change_settings(sample=None)
    district.authority = district.authority.model_copy(update={"sharing_rules": ()})
    real = district.render()
    assert "mô phỏng" not in page_of(real, "vi")
    assert "giả định" not in edition(real, "vi")


def test_leaders_are_told_when_the_forecast_is_not_to_be_trusted(district):
    said = {"vi": "cần dùng khoảng dự báo một cách thận trọng", "en": "take the range with care"}
    page = district.render()
    assert [text in edition(page, language) for language, text in said.items()] == [False, False]
    ends = district.marts["mart_year_end_forecast"]
    whole = (pl.col("unit_key") == "ALL") & (pl.col("line_code") == "ALL")
    district.marts["mart_year_end_forecast"] = ends.with_columns(
        fit_status=pl.when(whole).then(pl.lit("untrusted")).otherwise("fit_status")
    )
    page = district.render()
    assert [text in edition(page, language) for language, text in said.items()] == [True, True]


def test_the_state_heading_is_only_for_vietnam(district_site, cities_site):
    assert "Cộng hòa xã hội chủ nghĩa Việt Nam" in page_of(district_site, "vi")
    assert "Cộng hòa xã hội" not in page_of(cities_site, "vi")


@pytest.mark.parametrize("which", ["district", "cities"])
def test_no_page_asks_for_anything_and_links_lead_to_files_of_the_site(which, request):
    site = request.getfixturevalue(f"{which}_site")
    for name, file in site.items():
        if not name.endswith(".html"):
            continue
        page = file.decode()
        links = re.findall(r'<a[^>]* href="([^"#]+)"', page)
        assert {link for link in links if link not in site} == set(), name
        without = re.sub(r'<a[^>]* href="[^"]*"', "<a", page).replace('<link rel="icon" href="data:,">', "")
        assert not [hit for hit in URL.findall(without) if hit], name
        assert "default-src 'none'" in page or name == "dictionary.html"
        assert "<script" not in page or name == "dictionary.html"


def test_every_page_leads_to_the_same_page_in_the_other_language(district_site):
    for name, file in district_site.items():
        if name.endswith(".html") and name != "dictionary.html":
            plain = name.replace(".en.", ".")
            other = plain if ".en." in name else plain.replace(".html", ".en.html")
            assert f'<a href="{other}"' in file.decode(), name


def test_units_have_pages_with_names_that_every_system_takes():
    assert page_names(["00151@2004", "a/../b", "a:..;b"]) == {
        "00151@2004": "unit-00151-2004", "a/../b": "unit-a-b", "a:..;b": "unit-a-b-2",
    }  # fmt: skip


def test_the_same_input_gives_the_same_page_whatever_the_order_of_rows(district):
    page = district.render()
    district.marts = {name: frame.reverse() for name, frame in district.marts.items()}
    district.dimensions = {name: frame.reverse() for name, frame in district.dimensions.items()}
    assert district.render() == page


def test_names_with_markup_in_them_are_inert(district):
    for name in ("mart_unit_position", "mart_line_position"):
        district.marts[name] = district.marts[name].with_columns(unit_name=pl.lit(NASTY))
    district.marts["mart_warning"] = district.marts["mart_warning"].with_columns(message_vi=pl.lit(NASTY))
    district.marts["mart_district_brief"] = district.marts["mart_district_brief"].with_columns(
        leaders_recurrent=pl.lit(NASTY)
    )
    district.dimensions = {
        "dim_unit": district.dimensions["dim_unit"].with_columns(unit_name=pl.lit(NASTY)),
        "dim_line": district.dimensions["dim_line"].with_columns(
            name_vi=pl.lit(NASTY), name_en=pl.lit(NASTY)
        ),
    }
    site = district.render_all()
    for name, file in site.items():
        if name.endswith(".html") and name != "dictionary.html":
            page = file.decode()
            assert "<img" not in page, name
            assert "<script" not in page, name
    assert "&lt;img src=x" in page_of(site, "vi")
    assert "&lt;img src=x" in page_of(site, "vi", "unit-00151-2004")
    assert "&lt;img src=x" in page_of(site, "vi", "papers")


SAYS = {
    "mart_district_brief": "Chưa có số liệu thu cho đêm này.",
    "mart_unit_position": "Chưa có phường nào có số liệu thu.",
    "mart_line_position": "Chưa có số liệu theo khoản thu.",
    "mart_year_end_forecast": "Chưa có dự báo cả năm.",
    "mart_forecast_path": "Chưa có dự báo theo tháng để vẽ biểu đồ.",
    "mart_spending_position": "Không có số liệu chi ngân sách.",
    "mart_warning": "Không có cảnh báo nào.",
    "mart_extract_arrival": "Không có lịch nhận số liệu để đối chiếu.",
    "mart_quarantine": "Không có dòng số liệu nào bị giữ lại.",
    "mart_forecast_accuracy": "chưa chấm điểm dự báo của các năm trước",
    "mart_warning_scorecard": "chưa chấm điểm cảnh báo của các năm trước",
}


@pytest.mark.parametrize("name", SAYS)
@pytest.mark.parametrize("gone", [True, False], ids=["gone", "empty"])
def test_a_page_without_one_mart_is_whole_and_says_so(name, gone, district, district_site):
    assert SAYS[name] not in whole(district_site, "vi")
    if gone:
        del district.marts[name]
    else:
        district.marts[name] = district.marts[name].clear()
    site = district.render(*SECTIONS)
    assert SAYS[name] in whole(site, "vi")
    for page in SECTIONS:
        made = page_of(site, "en", page)
        assert made.count("<section") == made.count("</section>")
    assert "None" not in whole(site, "en")


def test_a_night_without_anything_is_still_a_page(district):
    district.marts, district.dimensions = {}, {}
    text = whole(district.render(*SECTIONS), "vi")
    assert [name for name, said in SAYS.items() if said not in text] == []
    assert "Xác suất" not in text


def test_nulls_and_what_is_no_number_are_said_to_lack(district):
    for name, frame in district.marts.items():
        optional = [c for c, kind in frame.schema.items() if kind == pl.Float64]
        district.marts[name] = frame.with_columns(pl.lit(float("nan")).alias(column) for column in optional)
    text = edition(district.render(), "en")
    assert "nan" not in text.lower().split()
    assert "NaN" not in text
    positions = district.marts["mart_unit_position"]
    lacking = [
        "estimate_amount",
        "share_of_estimate_pct",
        "same_period_amount",
        "same_period_pct",
        "pace_pct",
    ]
    district.marts["mart_unit_position"] = positions.with_columns(
        pl.lit(None, dtype=positions.schema[column]).alias(column) for column in lacking
    )
    text = edition(district.render(), "vi")
    assert "Chưa nhận được dự toán của phường nào" in text
    assert "Đã thu / dự toán" not in text.partition("Các khoản thu lớn nhất")[0]


def test_without_any_estimate_lines_stand_against_last_year(district):
    lines = district.marts["mart_line_position"]
    without = ("estimate_amount", "share_of_estimate_pct", "pace_gap_pp")
    district.marts["mart_line_position"] = lines.with_columns(
        *(pl.lit(None, dtype=lines.schema[column]).alias(column) for column in without),
        same_period_pct=pl.when(pl.col("line_code") == "vat").then(88.0).otherwise(123_456.0),
    )
    page = page_of(district.render(), "vi")
    heat = page.split('<section class="heat">')[1].split("</section>")[0]
    assert heat.count('<td class="h3">88%</td>') == 14
    assert '<td class="h0">&gt;999%</td>' in heat
    assert "đã thu so với cùng kỳ năm trước, vì chưa có dự toán" in heat


def test_cities_without_spending_or_recurrent_revenue_are_served_too(cities):
    page = cities.render(*SECTIONS)
    text = whole(page, "vi")
    assert "0/25 thành phố có số thu đạt trên 50%" in text
    assert "Дніпровсько-Кам'янська об'єднана територіальна громада" in text
    assert "thu để chi thường xuyên: không theo dõi" in text
    assert "Không có số liệu chi ngân sách." in text
    assert "Chưa nhận được dự toán của 1 thành phố: Маріуполь" in text
    assert "Đơn vị: triệu hryvnia" in text
    english = edition(page, "en")
    assert "In the first 2 months of 2022" in english
    assert "0 of 25 cities" in english
    assert "billion UAH" in english
    assert "The cities against their estimates" in english


def test_before_mid_year_a_low_share_alone_is_no_fault(district):
    district.publication["as_of"] = dt.date(2020, 5, 31)
    page = district.render()
    assert "chậm hơn tiến độ thường đạt" in edition(page, "vi")
    assert "chưa vượt. " not in edition(page, "vi").split("Thu lũy kế")[0]
    ahead_of_pace = next(row for row in page_of(page, "vi").split("<tr")[1:] if "Gia Thụy" in row)
    assert "url(#lags)" not in ahead_of_pace.split("</svg>")[0]


@pytest.mark.parametrize(
    ("night", "said"),
    [
        (dt.date(2020, 3, 31), "Quý I năm 2020"), (dt.date(2020, 9, 30), "9 tháng đầu năm 2020"),
        (dt.date(2020, 12, 31), "Năm 2020"), (dt.date(2020, 5, 14), "Từ đầu năm 2020 đến hết ngày 14/5/2020"),
        (dt.date(2020, 1, 31), "Tháng 1 năm 2020"),
    ],
)  # fmt: skip
def test_the_period_is_called_as_officials_call_it(night, said, district):
    district.publication["as_of"] = night
    district.know_until(night)
    assert f"{said}, số thu ngân sách" in edition(district.render(), "vi")


def test_a_night_without_new_receipts_speaks_of_the_day_it_knows(district):
    before = edition(district.render(), "vi")
    district.publication["as_of"] = dt.date(2020, 7, 20)
    site = district.render("index", "unit-00148-2004")
    said, english = edition(site, "vi"), edition(site, "en")
    assert "Số liệu đến hết ngày 30 tháng 6 năm 2020" in said
    assert "6 tháng đầu năm 2020, số thu ngân sách" in said
    assert "Chưa có số thu nào mới sau ngày 30/6/2020 (20 ngày)" in said
    assert "No receipts have come after 30 June 2020 (20 days)" in english
    assert "Chưa có số thu nào mới sau" in edition(site, "vi", "unit-00148-2004")
    rate = "bình quân từ đầu năm là"
    assert said.partition(rate)[2][:20] == before.partition(rate)[2][:20] != ""


def test_a_few_days_without_receipts_are_no_alarm(district):
    district.publication["as_of"] = dt.date(2020, 7, 2)
    said = edition(district.render(), "vi")
    assert "Số liệu đến hết ngày 30 tháng 6 năm 2020" in said
    assert "Chưa có số thu nào mới" not in said


def test_what_every_warning_of_a_rule_advises_is_said_once(district_site):
    text = edition(district_site, "vi", "warnings")
    assert text.count("Đề nghị rà soát từng khoản thu và nêu giải pháp trước kỳ giao ban quý.") == 1
    assert text.count("thu ngân sách trên địa bàn mới đạt") == 6
    assert shared_ending(["A. B. C.", "X. B. C."]) == "B. C."
    assert (
        shared_ending(["Same.", "Same."]) == shared_ending(["A. B."]) == shared_ending(["A. B.", "B."]) == ""
    )


def test_the_rules_of_refused_rows_are_explained_in_each_language(district):
    def explain(dataset: str, rule: str, language: str) -> str:
        return f"<{dataset}/{rule}/{language}>"

    district.beside = {"explain": explain}
    site = district.render("quality")
    assert "&lt;receipt/unit_known/vi&gt;" in page_of(site, "vi", "quality")
    assert "&lt;receipt/unit_known/en&gt;" in page_of(site, "en", "quality")
    assert "Không phường nào có tên hoặc mã này" not in page_of(site, "vi", "quality")


def test_rows_held_back_are_told_apart_from_rows_that_count(district):
    district.beside = {"is_counted": lambda dataset, rule: rule == "unit_known"}
    held, counted = edition(district.render("quality"), "vi", "quality").split("Số thu chưa phân bổ")[:2]
    assert "item_known" in held
    assert "unit_known" not in held
    assert "unit_known" in counted.split("Đối chiếu")[0]


def test_policy_shocks_are_listed_with_what_they_move_and_take(district, district_site):
    assert "Chính sách ảnh hưởng" not in edition(district_site, "vi")
    amounts = {"low_amount": Decimal(1), "high_amount": Decimal(2), "unit_key": "ALL"}
    later = {"loss_amount": Decimal(0), "expected_back_by": dt.date(2020, 12, 31), "shock_code": "deferral"}
    rows = [
        amounts | later | {"line_code": "vat", "timing_amount": Decimal(70_000_000_000)},
        amounts | later | {"line_code": "cit", "timing_amount": Decimal(7_000_000_000)},
        amounts | {"line_code": "vat", "timing_amount": Decimal(0), "loss_amount": Decimal(24_400_000_000),
                   "shock_code": "halved"},
    ]  # fmt: skip
    district.marts["mart_shock_effect"] = mart("mart_shock_effect", rows)
    text = edition(district.render(), "vi")
    assert "deferral 77.000 31/12/2020 – halved – – 24.400" in text


def test_an_outlier_does_not_flatten_the_others(district):
    positions = district.marts["mart_unit_position"]
    far = pl.when(pl.col("unit_name") == "Phúc Đồng").then(250.0).otherwise(pl.col("share_of_estimate_pct"))
    district.marts["mart_unit_position"] = positions.with_columns(share_of_estimate_pct=far)
    rows = page_of(district.render(), "vi").split("<tr")[1:]
    row = next(row for row in rows if "Phúc Đồng" in row)
    other = next(row for row in rows if "Thượng Thanh" in row)
    assert 'x="100%"' in row.split("</td>")[3]
    assert 'width="55.2%"' in other.split("</td>")[3]


def test_one_language_needs_no_choice(district):
    district.change_settings(languages=("vi",))
    site = district.render()
    assert list(site) == ["index.html"]
    assert 'class="languages"' not in page_of(site, "vi")


def test_the_years_path_starts_with_the_fiscal_year_and_what_came(district):
    night = Night(district.authority, district.marts, district.dimensions, district.publication)
    fan = fan_of(night, Decimal(1))
    assert fan is not None
    assert [point.place for point in fan.may_come] == [7, 8, 9, 10, 11, 12]
    assert fan.collected == district.marts["mart_district_brief"]["collected_amount"].item()
    assert [place for place, _ in fan.without_shocks] == [7, 8, 9, 10, 11, 12]
    paths = district.marts["mart_forecast_path"]
    base = paths.filter(pl.col("scenario") == "base")
    unshocked = base.with_columns(scenario=pl.lit("without_shocks"))
    same = Night(
        district.authority,
        {"mart_forecast_path": pl.concat([base, unshocked])},
        district.dimensions,
        district.publication,
    )
    assert fan_of(same, None).without_shocks == ()
    district.change_settings(fiscal_year_start_month=4)
    later = fan_of(Night(district.authority, district.marts, district.dimensions, district.publication), None)
    assert later is not None
    assert later.months[0] == dt.date(2020, 4, 1)
    assert later.months[-1] == dt.date(2021, 3, 1)


def test_importing_costs_none_of_what_draws_and_formats():
    code = (
        "import sys, bulletins.site, early_warning.rules\n"
        "heavy = {'altair', 'vl_convert', 'babel', 'jinja2', 'typst', 'xlsxwriter'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_group_is_as_grave_as_its_gravest_case_and_the_largest_gap_comes_first(district):
    rows = district.marts["mart_warning"]
    below = pl.col("rule_code") == "below_half"
    first = rows.filter(below)["warning_id"].sort()[0]
    mild = below & (pl.col("warning_id") != first)
    district.marts["mart_warning"] = rows.with_columns(
        pl.when(mild).then(pl.lit("info")).otherwise("severity").alias("severity"),
        pl.when(pl.col("warning_id") == first).then(pl.lit(Decimal("9e9"))).otherwise("gap_amount")
        .cast(rows.schema["gap_amount"]).alias("gap_amount"),
    )  # fmt: skip
    (group,) = [
        one for one in warning_groups(district.night, [], "vi") if one.warnings[0].rule_code == "below_half"
    ]
    assert (group.severity, group.warnings[0].warning_id) == ("warning", first)


def test_a_case_that_somebody_closed_is_still_told_with_who_and_why(district):
    rows = district.marts["mart_warning"]
    closed = pl.col("warning_id") == rows.filter(pl.col("rule_code") == "below_half")["warning_id"].sort()[0]
    said = {"state": "closed", "state_by": "Trần Thị Bình", "state_why": "đã thu đủ ngày 1/7"}
    district.marts["mart_warning"] = rows.with_columns(
        *(pl.when(closed).then(pl.lit(value)).otherwise(name).alias(name) for name, value in said.items()),
        pl.when(closed).then(dt.date(2020, 6, 29)).otherwise("state_on").alias("state_on"),
    )
    site = district.render("index", "warnings")
    assert "Xem từng cảnh báo và nguyên nhân; đã đóng: 1" in edition(site, "vi").replace(" ;", ";")
    told = edition(site, "vi", "warnings")
    assert "Đã đóng (1)" in told
    assert "đã đóng, Trần Thị Bình: đã thu đủ ngày 1/7" in told.partition("Đã đóng (1)")[2]
    assert "Closed by somebody (1)" in edition(site, "en", "warnings")


def test_an_explanation_says_who_gave_it_and_until_when_it_holds(district):
    rows = district.marts["mart_warning"]
    said = {"state": "explained", "state_by": "Lê Văn Cường", "state_why": "chờ quyết định giao đất"}
    district.marts["mart_warning"] = rows.with_columns(
        *(pl.lit(value).alias(name) for name, value in said.items()),
        pl.lit(dt.date(2020, 7, 15)).alias("explained_until"),
    )
    told = edition(district.render("warnings"), "vi", "warnings")
    assert "Lê Văn Cường, có giá trị đến 15/7/2020: chờ quyết định giao đất" in told


def test_collections_without_the_lines_told_apart(district):
    assert "Không kể" not in edition(district.render(), "vi")
    district.change_settings(told_without_lines=("land_use_levy", "no_such_money"))
    site = district.render("index", "unit-00148-2004")
    lines = district.marts["mart_line_position"].filter(unit_key="ALL", basis="territory")
    amount = dict(lines.select("line_code", "collected_amount").iter_rows())
    estimate = dict(lines.select("line_code", "estimate_amount").iter_rows())
    share = (amount["ALL"] - amount["land_use_levy"]) / (estimate["ALL"] - estimate["land_use_levy"]) * 100
    said = edition(site, "vi").replace(" ,", ",")
    assert f"Không kể tiền sử dụng đất, thu 791,5 tỷ đồng, đạt {share:.1f}".replace(".", ",") in said
    assert "bằng 112,9% so cùng kỳ năm 2019. Dự báo cả năm" in said
    assert "Without land-use levy collections are 35.5 billion VND" in edition(site, "en", "unit-00148-2004")
