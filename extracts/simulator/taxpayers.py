"""Payers who do not exist: names put together from common words, numbers from a province that is not.

Tax codes begin with 99, which no province has, so that no real taxpayer is ever met.
"""

import numpy as np
import polars as pl

_FIELDS = (
    "Thương mại",
    "Dịch vụ",
    "Xây dựng",
    "Vận tải",
    "Cơ khí",
    "In ấn",
    "Dệt may",
    "Thực phẩm",
    "Nội thất",
)
_FIRST = (
    "Hoàng",
    "Minh",
    "Thành",
    "Đại",
    "Tân",
    "Việt",
    "Nam",
    "Phú",
    "An",
    "Bảo",
    "Kim",
    "Đức",
    "Gia",
    "Hải",
)
_SECOND = ("Long", "Phát", "Đạt", "Thịnh", "Hưng", "Cường", "Phong", "Lộc", "Khánh", "Nguyên", "Quang", "Sơn")
_SURNAMES = ("Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Vũ", "Đặng", "Bùi", "Đỗ", "Ngô", "Dương", "Lý")
_MIDDLE = ("Văn", "Thị", "Đức", "Minh", "Thu", "Ngọc", "Quang", "Hữu", "Thanh", "Xuân")
_GIVEN = (
    "An",
    "Bình",
    "Chi",
    "Dũng",
    "Giang",
    "Hà",
    "Hạnh",
    "Hùng",
    "Lan",
    "Linh",
    "Mai",
    "Nam",
    "Oanh",
    "Phúc",
)
POOL = 4000
KINDS = ("company", "household", "person")


def payer_pool(rng: np.random.Generator) -> pl.DataFrame:
    """Every payer there is: ``payer`` (row), ``taxpayer_name``, ``taxpayer_no``; ``POOL`` rows a kind."""
    persons = [f"{_pick(rng, _SURNAMES)} {_pick(rng, _MIDDLE)} {_pick(rng, _GIVEN)}" for _ in range(2 * POOL)]
    companies = [
        f"Công ty TNHH {_pick(rng, _FIELDS)} {_pick(rng, _FIRST)} {_pick(rng, _SECOND)}" for _ in range(POOL)
    ]
    names = [*companies, *(f"Hộ kinh doanh {name}" for name in persons[:POOL]), *persons[POOL:]]
    numbers = [f"99{place:08d}" for place in range(3 * POOL)]
    return pl.DataFrame(
        {"payer": np.arange(3 * POOL, dtype=np.int32), "taxpayer_name": names, "taxpayer_no": numbers}
    )


def _pick(rng: np.random.Generator, words: tuple[str, ...]) -> str:
    return words[int(rng.integers(len(words)))]
