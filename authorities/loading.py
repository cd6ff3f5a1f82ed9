"""Reading an authority's folder: YAML and CSV in, one validated ``Authority`` out.

Every mistake becomes one line of an ``AuthorityError``: file, line, key, what is wrong, what would be
right. The models themselves are in ``authorities.model``.
"""

import csv
import difflib
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from authorities.cross_checks import Places, cross_checks, nearest_line, scenario_checks
from authorities.forms import ExtractForm
from authorities.model import (
    Authority,
    AuthorityFile,
    BalancingTransfer,
    OutsideUnit,
    RecurrentLine,
    RevenueItem,
    RevenueLine,
    SharingRule,
    Succession,
    Unit,
)
from authorities.scenarios import Scenario
from authorities.shocks import PolicyShock
from authorities.warning_rules import WarningRule

AUTHORITIES_FOLDER = Path(__file__).parent
DEFAULT_AUTHORITY = AUTHORITIES_FOLDER / "long_bien"
LIST_SEPARATOR = "|"
_YAML = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's parser where the library was built with it: ten times as fast."""

Row = TypeVar("Row", bound=BaseModel)


class AuthorityError(Exception):
    """The folder holds mistakes; ``mistakes`` lists them, one sentence each."""

    def __init__(self, folder: Path, mistakes: Iterable[str]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__(f"authority folder {folder} cannot be used:\n  " + "\n  ".join(self.mistakes))


class NoSuchAuthorityError(AuthorityError):
    """What was typed names no folder: that is wrong usage, not a folder with mistakes."""


def find_authority(name_or_folder: str | Path) -> Path:
    """Folder for what a user typed: a path, or the name of an authority that ships.

    ``authorities/long_bien`` is found from anywhere, as it ships with the code.
    """
    folder = Path(name_or_folder)
    if folder.is_dir():
        return folder
    shipped = AUTHORITIES_FOLDER / folder.name
    if folder.parent in (Path(), Path("authorities")) and shipped.is_dir():
        return shipped
    names = sorted(path.parent.name for path in AUTHORITIES_FOLDER.glob("*/authority.yaml"))
    near = difflib.get_close_matches(folder.name, names, n=1)
    hint = f"did you mean '{near[0]}'? " if near else ""
    ship = ", ".join(names)
    raise NoSuchAuthorityError(folder, [f"no such folder; {hint}the authorities that ship are {ship}"])


def load_authority(folder: Path) -> Authority:
    """Read, validate and cross-check the authority in ``folder``.

    Raises:
        AuthorityError: with every mistake found, not only the first.
    """
    reader = _FolderReader(folder)
    settings = reader.yaml_file("authority.yaml", AuthorityFile)
    parts: dict[str, Any] = {
        "units": reader.csv_file("units.csv", Unit),
        "successions": reader.csv_file("successions.csv", Succession, optional=True),
        "outside_units": reader.csv_file("outside_units.csv", OutsideUnit, optional=True),
        "lines": reader.csv_file("revenue_lines.csv", RevenueLine),
        "items": reader.csv_file("revenue_items.csv", RevenueItem),
        "sharing_rules": reader.csv_file("sharing_rules.csv", SharingRule, optional=True),
        "recurrent_lines": reader.csv_file("recurrent_lines.csv", RecurrentLine, optional=True),
        "balancing_transfers": reader.csv_file("transfers.csv", BalancingTransfer, optional=True),
        "forms": reader.form_files(),
        "shocks": reader.yaml_list("shocks.yaml", "shocks", PolicyShock),
        "scenarios": reader.scenarios(),
    }
    rules = reader.yaml_list("warning_rules.yaml", "warning_rules", WarningRule)
    if rules and settings is not None and settings.warning_rules:
        reader.mistakes.append("warning_rules.yaml: authority.yaml has warning_rules too; keep one list")
    reader.raise_mistakes()
    assert settings is not None  # noqa: S101 - a missing file is a mistake raised above
    settings = settings.model_copy(update={"warning_rules": rules}) if rules else settings
    authority = Authority(folder=folder, settings=settings, config_sha256=folder_sha256(folder), **parts)
    reader.mistakes.extend(cross_checks(authority, reader.places))
    reader.raise_mistakes()
    return authority


def read_scenario(authority: Authority, file: Path) -> Scenario:
    """The scenario in a file of its own, wherever it lies, checked against the authority.

    The file holds the keys of one scenario, or a list of one under ``scenarios:``.

    Raises:
        AuthorityError: with every mistake found.
    """
    reader = _FolderReader(file.parent)
    found = reader.scenarios_in(file.name)
    if not reader.mistakes and len(found) != 1:
        codes = ", ".join(one.code for one in found) or "none"
        reader.mistakes.append(f"{file.name}: a file given by itself holds one scenario; this holds {codes}")
    reader.mistakes.extend(said for one in found for said in scenario_checks(authority, one, reader.places))
    reader.raise_mistakes()
    return found[0]


def folder_sha256(folder: Path) -> str:
    """Digest of every configuration file's relative path and bytes."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix in {".yaml", ".csv"}:
            digest.update(path.relative_to(folder).as_posix().encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


class _FolderReader:
    """Reads the folder's files and gathers mistakes instead of stopping at the first."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.mistakes: list[str] = []
        self.places = Places()

    def raise_mistakes(self) -> None:
        if self.mistakes:
            raise AuthorityError(self.folder, self.mistakes)

    def yaml_file(self, name: str, model: type[Row]) -> Row | None:
        data, lines = self._yaml(name, optional=False)
        return None if data is None else self._validated(name, model, data, lines, ())

    def yaml_list(self, name: str, key: str, model: type[Row]) -> tuple[Row, ...]:
        data, lines = self._yaml(name, optional=True)
        if data is None:
            return ()
        if not isinstance(data, dict) or not isinstance(data.get(key), list):
            self.mistakes.append(f"{name}: expected a list under the key '{key}:'")
            return ()
        rows = [
            self._validated(name, model, entry, lines, (key, position))
            for position, entry in enumerate(data[key])
        ]
        return tuple(row for row in rows if row is not None)

    def scenarios(self) -> tuple[Scenario, ...]:
        """Those of ``scenarios.yaml`` and of every file in ``scenarios/``."""
        paths = [self.folder / "scenarios.yaml", *sorted((self.folder / "scenarios").glob("*.yaml"))]
        names = [path.relative_to(self.folder).as_posix() for path in paths if path.is_file()]
        return tuple(one for name in names for one in self.scenarios_in(name))

    def scenarios_in(self, name: str) -> tuple[Scenario, ...]:
        data, lines = self._yaml(name, optional=False)
        if data is None:
            return ()
        if "scenarios" not in data:
            entries = [self._validated(name, Scenario, data, lines, ())]
        elif isinstance(data["scenarios"], list):
            entries = [
                self._validated(name, Scenario, entry, lines, ("scenarios", position))
                for position, entry in enumerate(data["scenarios"])
            ]
        else:
            self.mistakes.append(f"{name}: expected a list under the key 'scenarios:'")
            return ()
        return tuple(entry for entry in entries if entry is not None)

    def form_files(self) -> tuple[ExtractForm, ...]:
        names = sorted(path.name for path in (self.folder / "forms").glob("*.yaml"))
        if not names:
            self.mistakes.append(
                "forms/: no *.yaml here; at least one extract form is needed to read anything"
            )
        forms = [self.yaml_file(f"forms/{name}", ExtractForm) for name in names]
        return tuple(form for form in forms if form is not None)

    def csv_file(self, name: str, model: type[Row], *, optional: bool = False) -> tuple[Row, ...]:
        path = self.folder / name
        if not path.is_file():
            if not optional:
                self.mistakes.append(f"{name}: the file is missing")
            return ()
        try:
            text = path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as error:
            self.mistakes.append(f"{name}: not UTF-8 (byte {error.start}); save it as UTF-8")
            return ()
        if (said := _not_parted_by_commas(text)) is not None:
            self.mistakes.append(f"{name} line 1: {said}")
            return ()
        reader = csv.DictReader(text.splitlines())
        rows = []
        for record in reader:
            row = self._validated_record(name, reader.line_num, model, record)
            if row is not None:
                rows.append(row)
        return tuple(rows)

    def _validated_record(
        self, name: str, line: int, model: type[Row], record: dict[str | Any, str | Any]
    ) -> Row | None:
        if None in record or None in record.values():
            self.mistakes.append(f"{name} line {line}: a different number of cells than the header has")
            return None
        values = {
            key: _split(value) if key.endswith("_variants") else value
            for key, value in record.items()
            if value.strip() or key.endswith("_variants")
        }
        try:
            return self.places.remember(model.model_validate(values), name, {(): line})
        except ValidationError as error:
            self.mistakes.extend(f"{name} line {line}: {said}" for said in _sentences(error, model))
            return None

    def _yaml(self, name: str, *, optional: bool) -> tuple[Any, dict[tuple[Any, ...], int]]:
        path = self.folder / name
        if not path.is_file():
            if not optional:
                self.mistakes.append(f"{name}: the file is missing")
            return None, {}
        try:
            loader = _YAML(path.read_text(encoding="utf-8"))
            node = loader.get_single_node()
            data = None if node is None else loader.construct_document(node)
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            self.mistakes.append(f"{name}: not readable as YAML: {' '.join(str(error).split())}")
            return None, {}
        self.mistakes.extend(f"{name} {said}" for said in _keys_given_twice(node))
        if not isinstance(data, dict):
            self.mistakes.append(f"{name}: expected keys and values, found {type(data).__name__}")
            return None, {}
        return data, dict(_line_numbers(node))

    def _validated(
        self, name: str, model: type[Row], data: Any, lines: dict[tuple[Any, ...], int], at: tuple[Any, ...]
    ) -> Row | None:
        try:
            return self.places.remember(model.model_validate(data), name, lines, at)
        except ValidationError as error:
            for said, location in zip(_sentences(error, model), _locations(error), strict=True):
                self.mistakes.append(f"{name} line {nearest_line(lines, (*at, *location))}: {said}")
            return None


def _not_parted_by_commas(text: str) -> str | None:
    """What is wrong with a file that a spreadsheet of another country saved; None where nothing is."""
    header = text.partition("\n")[0]
    named = {";": "semicolons", "\t": "tabs"}
    found = next((words for mark, words in named.items() if mark in header and "," not in header), None)
    if found is None:
        return None
    return f"its cells are parted by {found}; save it with commas (LibreOffice: 'Edit filter settings')"


def _split(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(LIST_SEPARATOR) if part.strip())


def _locations(error: ValidationError) -> list[tuple[Any, ...]]:
    return [tuple(detail["loc"]) for detail in error.errors()]


def _sentences(error: ValidationError, model: type[BaseModel]) -> Iterator[str]:
    """One sentence a mistake: the key, what is wrong, what would be right."""
    for detail in error.errors():
        key = ".".join(str(part) for part in detail["loc"]) or "the entry"
        message = detail["msg"].removeprefix("Value error, ")
        if detail["type"] == "extra_forbidden":
            known = list(_model_at(model, detail["loc"]).model_fields)
            near = difflib.get_close_matches(str(detail["loc"][-1]), known, n=1)
            hint = f"did you mean '{near[0]}'?" if near else "allowed: " + ", ".join(known)
            yield f"key '{key}' is not known here; {hint}"
        elif detail["type"] == "missing":
            yield f"key '{key}' is missing and needed"
        else:
            given = detail.get("input")
            shown = f" (found {given!r})" if isinstance(given, str | int | float) else ""
            yield f"key '{key}': {message}{shown}"


def _model_at(model: type[BaseModel], location: Sequence[Any]) -> type[BaseModel]:
    """The model whose key the last part of ``location`` is, as far as plain models lead there."""
    for part in location[:-1]:
        field = model.model_fields.get(str(part))
        if field is None or not isinstance(field.annotation, type):
            break
        model = field.annotation if issubclass(field.annotation, BaseModel) else model
    return model


def _line_numbers(node: yaml.Node | None, at: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], int]]:
    """Path of keys and positions → line in the file, for every node below ``node``."""
    if node is None:
        return
    yield at, node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield (*at, key.value), key.start_mark.line + 1
            yield from (
                (path, line)
                for path, line in _line_numbers(value, (*at, key.value))
                if path != (*at, key.value)
            )
    elif isinstance(node, yaml.SequenceNode):
        for position, value in enumerate(node.value):
            yield from _line_numbers(value, (*at, position))


def _keys_given_twice(node: yaml.Node | None) -> Iterator[str]:
    """Keys that stand twice in one mapping: YAML would silently let the later one win."""
    if isinstance(node, yaml.MappingNode):
        seen: dict[str, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if key.value in seen:
                yield f"line {line}: key '{key.value}' stands already in line {seen[key.value]}; keep one"
            seen.setdefault(key.value, line)
            yield from _keys_given_twice(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _keys_given_twice(value)
