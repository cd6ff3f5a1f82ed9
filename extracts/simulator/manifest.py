"""The manifest of a simulation: every file with its total, every planted fault, every planted effect.

Lies beside the landing folder, never in it. Tests read it; the pipeline does not.
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from extracts.landing import LandingError
from extracts.simulator.monthly import PlantedEffect


@dataclass(frozen=True)
class WrittenFile:
    """A file and what it adds up to, in đồng; ``total`` is what its totals row says (arrears: all debts)."""

    path: str
    dataset: str
    rows: int
    total: int
    withheld: bool = False


@dataclass(frozen=True)
class RowFault:
    """A faulty row: where it stands, which fault it has, the rule it breaks, the true money in it (đồng).

    Attributes:
        counted: whether its money counts in the authority's total, as unallocated.
    """

    fault: str
    rule: str
    path: str
    sheet: str
    row: int
    document_no: str
    amount: int
    counted: bool


@dataclass(frozen=True)
class DeliveryFault:
    """A delivery that goes wrong as a whole; ``other_path`` is its twin, correction or late arrival."""

    fault: str
    path: str
    other_path: str = ""
    day: str = ""
    amount: int = 0
    """Money that is missing, or what the correction changes the day's total by."""


@dataclass(frozen=True)
class TaxDifference:
    """A document on which the tax office's list differs from the treasury's; the list's amounts added up."""

    kind: str
    """As in ``mart_reconciliation_break``: timing, wrong_ward, wrong_code, missing_in_treasury,
    missing_in_tax, amount, adjustment."""
    path: str
    document_no: str
    treasury_amount: int
    tax_amount: int


@dataclass
class Manifest:
    """What a simulation wrote and planted."""

    authority: str
    seed: int
    as_of: str
    notice: str
    receipts: int = 0
    targets: dict[str, Any] = field(default_factory=dict)
    """The sample's targets, to which the files add up."""
    files: list[WrittenFile] = field(default_factory=list)
    row_faults: list[RowFault] = field(default_factory=list)
    delivery_faults: list[DeliveryFault] = field(default_factory=list)
    tax_differences: list[TaxDifference] = field(default_factory=list)
    effects: list[PlantedEffect] = field(default_factory=list)

    def paths(self) -> list[str]:
        """Every extract written, below the simulation's folder; a repeated delivery's copy among them."""
        copies = [fault.path for fault in self.delivery_faults if fault.fault == "repeated_delivery"]
        return [*(file.path for file in self.files), *copies]

    def write(self, path: Path) -> None:
        """Write the manifest as JSON, the same bytes for the same content."""
        path.parent.mkdir(parents=True, exist_ok=True)
        data = asdict(self) | {"paths": sorted(set(self.paths()))}
        path.write_text(json.dumps(data, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def clear_earlier(folder: Path) -> None:
    """Take away what an earlier simulation wrote into ``folder``, and nothing else.

    Raises:
        LandingError: other files lie in its landing folder; simulated and real extracts must not mix.
    """
    manifest = folder / "manifest.json"
    if manifest.is_file():
        for shown in json.loads(manifest.read_text(encoding="utf-8")).get("paths", []):
            path = folder / shown
            if path.resolve().is_relative_to(folder.resolve()):
                path.unlink(missing_ok=True)
        manifest.unlink()
    others = [path for path in (folder / "landing").rglob("*") if path.is_file()]
    if others:
        raise LandingError(
            f"{folder / 'landing'} holds files that no simulation wrote (such as {others[0].name}). "
            "Name another folder, or move them away"
        )
