"""Twenty-five cities in hryvnia: no spending, no recurrent basis, one without an estimate."""

import datetime as dt
from decimal import Decimal

from tests.bulletins.frames import (
    MILLION,
    NightlyInput,
    dimension_frames,
    forecast,
    make_authority,
    mart,
    money,
    position,
    publication,
)

CITIES = [
    "Біла Церква",
    "Вінниця",
    "Дніпро",
    "Дніпровсько-Кам'янська об'єднана територіальна громада",
    "Житомир",
    "Запоріжжя",
    "Івано-Франківськ",
    "Київ",
    "Кропивницький",
    "Кривий Ріг",
    "Луцьк",
    "Львів",
    "Маріуполь",
    "Миколаїв",
    "Одеса",
    "Полтава",
    "Рівне",
    "Суми",
    "Тернопіль",
    "Ужгород",
    "Харків",
    "Херсон",
    "Хмельницький",
    "Черкаси",
    "Чернівці",
]


def cities_input() -> NightlyInput:
    """Twenty-five cities in hryvnia: no spending, no recurrent basis, one without an estimate."""
    night = dt.date(2022, 2, 28)
    units = [(f"{place:010d}@2021", name) for place, name in enumerate(CITIES)]
    positions, forecasts, total, whole = [], [], Decimal(0), Decimal(0)
    for place, (key, name) in enumerate(units):
        estimate = None if place == 12 else money(1_234_567_890.12 * (1 + place * 1.7))
        collected = money(float(estimate or 700_000_000) * (0.11 + place % 7 / 100))
        positions.append(
            position(key, name, estimate, collected, 80.0 + place, None) | {"basis": "territory"}
        )
        total, whole = total + collected, whole + (estimate or 0)
        if estimate:
            forecasts.append(forecast(key, estimate, 82.0 + place, 15.0, collected))
    positions.append(position("ALL", "25 міст", whole, total, 91.2, None) | {"basis": "territory"})
    forecasts.append(forecast("ALL", whole, 93.0, 11.0, total))
    brief = {
        "collected_amount": total,
        "estimate_amount": whole,
        "share_of_estimate_pct": float(total / whole * 100),
        "same_period_amount": money(float(total) / 0.912),
        "same_period_pct": 91.2,
        "units_total": 25,
        "units_above_half_territory": 0,
    }
    marts = {
        "mart_district_brief": mart("mart_district_brief", [brief], night),
        "mart_unit_position": mart("mart_unit_position", positions, night),
        "mart_year_end_forecast": mart("mart_year_end_forecast", forecasts, night),
    }
    authority = make_authority(
        {
            "code": "cities",
            "title": {"vi": "Hai mươi lăm thành phố Ukraina", "en": "Twenty-five cities of Ukraine"},
            "unit_kind": {"vi": "thành phố", "en": "city"},
            "holidays_country": "UA",
            "has_recurrent_basis": False,
            "currency": {
                "code": "UAH",
                "minor_digits": 2,
                "display_scale": MILLION,
                "display_unit": {"vi": "triệu hryvnia", "en": "million UAH"},
            },
        },
        units,
    )
    return NightlyInput(authority, marts, dimension_frames(units, []), publication(night))
