"""What a simulated authority is made from: the model of ``simulation.yaml`` beside its configuration.

Only shapes and their checks; what is done with them is in the other modules of this folder. The pipeline
proper never reads this file.
"""

from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from authorities.loading import AuthorityError
from authorities.model import Authority

MonthText = Annotated[str, Field(pattern=r"^\d{4}-\d{2}$")]
Twelve = Annotated[tuple[float, ...], Field(min_length=12, max_length=12)]


class Settings(BaseModel):
    """Base of the simulator's settings: immutable, and unknown keys are mistakes."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Offices(Settings):
    """Names of the senders, printed above their tables."""

    treasury: str
    tax_office: str
    finance_office: str


class ItemWeight(Settings):
    """How much of a line's documents carry an item, in the years in which the item was used."""

    code: str
    weight: Annotated[float, Field(gt=0)]
    first_year: int = 1
    last_year: int = 9999


class LineProfile(Settings):
    """How a revenue line behaves: size, growth, season, due days, noise, documents."""

    line_code: str
    amount: Annotated[int, Field(gt=0)]
    """đồng a year for a unit of size 1 in the base year."""
    growth_pct: float
    months: Twelve
    due_days: tuple[int, ...] = ()
    documents: Annotated[float, Field(gt=0)]
    """Documents a month for a unit of size 1."""
    sparse: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Chance that a month brings anything."""
    own_noise: float
    shared_noise: float
    payer: Literal["company", "household", "person"]
    chapters: tuple[str, ...]
    items: tuple[ItemWeight, ...]
    round_to: Annotated[int, Field(gt=0)] = 1


class Leg(Settings):
    """A fraction of one month's money that is paid in another month."""

    line_code: str
    due: MonthText
    paid: MonthText
    fraction: Annotated[float, Field(ge=0, lt=1)]
    unit_codes: tuple[str, ...] = ()
    """Units concerned; all where empty."""


class Loss(Settings):
    """Factors by which months of a line are multiplied."""

    line_code: str
    months: dict[MonthText, float]
    unit_codes: tuple[str, ...] = ()


class Measure(Settings):
    """One planted measure: what it moves and what it takes."""

    code: str
    legs: tuple[Leg, ...] = ()
    losses: tuple[Loss, ...] = ()


class EstimateGroup(Settings):
    """Lines under one merged heading of the estimate workbook."""

    title: str
    line_codes: tuple[str, ...]


class Driver(Settings):
    """The line that is scaled until the growth of the targets holds."""

    code: str
    line_code: str
    rest_of_year_factor: float


class OfficeEstimateProfile(Settings):
    """How the finance office errs when it says what quarter and year will come to."""

    first_year: int
    latest_day: Annotated[int, Field(ge=1, le=28)]
    """Of the quarter's last month; statements come on the last working day up to it."""
    own_error: Annotated[float, Field(ge=0)]
    """Standard deviation of the log of what is to come, over the line's own monthly noise."""
    shared_error: Annotated[float, Field(ge=0)]
    """Likewise over the noise that units share."""
    caution_pct: Annotated[float, Field(ge=0, lt=100)]
    """By how much what is to come is put too low on the whole."""
    round_to: Annotated[int, Field(gt=0)]


class SpendingProfile(Settings):
    """How one kind of spending behaves."""

    kind: Literal["recurrent", "development", "contingency"]
    amount: Annotated[int, Field(gt=0)]
    growth_pct: float
    months: Twelve
    noise: float


class SimulationFile(Settings):
    """The keys of ``simulation.yaml``."""

    offices: Offices
    simulated_mark: str
    unit_sizes: dict[str, float] = Field(default_factory=dict)
    """Size beside an average unit by unit code; 1 where not named."""
    base_year: int
    estimate_sections: tuple[str, ...]
    """Headings among the rows of the estimate workbook; the units are divided evenly below them."""
    estimate_groups: tuple[EstimateGroup, ...]
    lines: tuple[LineProfile, ...]
    unit_collected_lines: tuple[str, ...] = ()
    """Lines that the units collect themselves; the tax office does not list them."""
    arrears_lines: tuple[str, ...] = ()
    measures: tuple[Measure, ...] = ()
    driver: Driver
    office_estimate: OfficeEstimateProfile | None = None
    """Without it the office says nothing of its own."""
    spending: tuple[SpendingProfile, ...]
    spending_driver: str


def load_settings(authority: Authority) -> SimulationFile:
    """The simulation settings in the authority's folder.

    Raises:
        AuthorityError: the file is missing or holds mistakes.
    """
    path = authority.folder / "simulation.yaml"
    if not path.is_file() or authority.settings.sample is None:
        raise AuthorityError(
            authority.folder,
            ["simulation.yaml, or 'sample:' in authority.yaml, is missing; a simulation needs both"],
        )
    try:
        return SimulationFile.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        mistakes = [
            f"simulation.yaml: key '{'.'.join(str(part) for part in detail['loc'])}': {detail['msg']}"
            for detail in error.errors()
        ]
        raise AuthorityError(authority.folder, mistakes) from error
