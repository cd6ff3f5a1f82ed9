"""Dimensions: what the keys of the marts mean. Only these carry primary keys in the database."""

from warehouse.tables.declare import count, day, declare, flag, number, text

DIM_UNIT = declare(
    "dim_unit", "Units with their validity; ALL is the authority, UNALLOCATED money placed with none",
    text("unit_key", "Code and first year of validity", grain=True, example="00151@2004"),
    text("unit_code", "Official code of the unit", example="00151"),
    text("unit_name", "Name of the unit", example="Phúc Đồng"),
    day("valid_from", "First day of the unit", nullable=True),
    day("valid_to", "Last day of the unit; null while it stands", nullable=True),
    count("sort_order", "Order in which officials list the units"),
    flag("is_outside", "A place of another authority that took over land from here"),
    layer="dimension", key=True,
)  # fmt: skip

DIM_LINE = declare(
    "dim_line", "Revenue lines: the reporting groups of revenue items",
    text("line_code", "Revenue line", grain=True, example="nonagri_land_tax"),
    text("name_vi", "Name in Vietnamese", example="Thuế sử dụng đất phi nông nghiệp"),
    text("name_en", "Name in English", example="Non-agricultural land tax"),
    flag("is_own_revenue", "False for transfers and balances, which another level decides"),
    flag("counts_as_recurrent", "Whether the line counts for recurrent spending this night", nullable=True),
    flag("is_assumed", "Whether its sharing percentage or recurrent mark is assumed rather than sourced"),
    count("sort_order", "Order in reports"),
    layer="dimension", key=True,
)  # fmt: skip

DIM_ITEM = declare(
    "dim_item", "Revenue items (tiểu mục) and the line each is reported in",
    text("item_code", "Revenue item", grain=True, example="1602"),
    text("line_code", "Revenue line"),
    text("name_vi", "Name in Vietnamese"),
    text("name_en", "Name in English"),
    text("name_local", "Name in the classification's own language, where that is neither of the two"),
    layer="dimension", key=True,
)  # fmt: skip

DIM_SUCCESSION = declare(
    "dim_succession", "Which unit carries on another's land, and with what weight",
    text("old_unit_key", "Unit whose land passed", grain=True, example="00142@2004"),
    text("new_unit_key", "Unit that took it over, which may lie outside the authority", grain=True,
         example="00136@2004"),
    day("effective_on", "First day on which it holds", grain=True),
    number("weight", "Part of the old unit's money that went along", unit="share 0–1"),
    number("weight_low", "Lowest the part is believed to be", unit="share 0–1"),
    number("weight_high", "Highest the part is believed to be", unit="share 0–1"),
    text("weight_basis", "What the weight rests on",
         values=("whole", "area", "population", "revenue", "assumed")),
    flag("is_assumed", "Whether the weight is assumed rather than sourced"),
    text("source", "Where the succession is stated"),
    layer="dimension", key=True,
)  # fmt: skip

DIMENSIONS = (DIM_UNIT, DIM_LINE, DIM_ITEM, DIM_SUCCESSION)
