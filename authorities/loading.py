"""Reading an authority's folder: YAML and CSV in, one validated ``Authority`` out.

Every mistake becomes one line of an ``AuthorityError``: file, line, key, what is wrong, what would be
right. The models themselves are in ``authorities.model``.
"""

import csv
import datetime as dt
import difflib
import hashlib
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from authorities.forms import ExtractForm
from authorities.model import (
    ALL,
    Authority,
    AuthorityFile,
    OutsideUnit,
    RecurrentLine,
    RevenueItem,
    RevenueLine,
    SharingRule,
    Succession,
    Unit,
)
from authorities.scenarios import Scenario, faults
from authorities.shocks import PolicyShock
from authorities.warning_rules import WarningRule

AUTHORITIES_FOLDER = Path(__file__).parent
DEFAULT_AUTHORITY = AUTHORITIES_FOLDER / "long_bien"
LIST_SEPARATOR = "|"

Row = TypeVar("Row", bound=BaseModel)


class AuthorityError(Exception):
    """The folder holds mistakes; ``mistakes`` lists them, one sentence each."""

    def __init__(self, folder: Path, mistakes: Iterable[str]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__(f"authority folder {folder} cannot be used:\n  " + "\n  ".join(self.mistakes))


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
    raise AuthorityError(folder, [f"no such folder; the authorities that ship are {', '.join(names)}"])


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
    reader.mistakes.extend(_cross_checks(authority))
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
    reader.mistakes.extend(said for one in found for said in _scenario(authority, one))
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
            return model.model_validate(values)
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
            text = path.read_text(encoding="utf-8")
            node = yaml.compose(text, Loader=yaml.SafeLoader)
            data = yaml.safe_load(text)
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
            return model.model_validate(data)
        except ValidationError as error:
            for said, location in zip(_sentences(error, model), _locations(error), strict=True):
                self.mistakes.append(f"{name} line {_nearest_line(lines, (*at, *location))}: {said}")
            return None


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
            near = difflib.get_close_matches(str(detail["loc"][-1]), list(model.model_fields), n=1)
            hint = f"did you mean '{near[0]}'?" if near else "allowed: " + ", ".join(model.model_fields)
            yield f"key '{key}' is not known here; {hint}"
        elif detail["type"] == "missing":
            yield f"key '{key}' is missing and needed"
        else:
            given = detail.get("input")
            shown = f" (found {given!r})" if isinstance(given, str | int | float) else ""
            yield f"key '{key}': {message}{shown}"


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


def _nearest_line(lines: dict[tuple[Any, ...], int], location: tuple[Any, ...]) -> int:
    while location and location not in lines:
        location = location[:-1]
    return lines.get(location, 1)


def _cross_checks(authority: Authority) -> Iterator[str]:
    """Mistakes that no single file shows: codes that one file names and another lacks."""
    lines = {line.line_code for line in authority.lines}
    references = [
        *(("revenue_items.csv", item.item_code, item.line_code) for item in authority.items),
        *(("sharing_rules.csv", rule.line_code, rule.line_code) for rule in authority.sharing_rules),
        *(("recurrent_lines.csv", mark.line_code, mark.line_code) for mark in authority.recurrent_lines),
        *(("shocks.yaml", shock.code, code) for shock in authority.shocks for code in shock.line_codes),
        *(
            (f"forms: {form.form_code}", column.value, column.value)
            for form in authority.forms
            if form.dataset in {"estimate", "office_estimate"}
            for column in form.columns
            if column.value is not None and (form.dataset, column.value) != ("office_estimate", ALL)
        ),
    ]
    for file, what, line_code in references:
        if line_code not in lines:
            near = difflib.get_close_matches(line_code, sorted(lines), n=1)
            hint = f"did you mean '{near[0]}'?" if near else "add it to revenue_lines.csv"
            yield f"{file}: '{what}' names line '{line_code}', which revenue_lines.csv lacks; {hint}"
    yield from _unknown_items(authority)
    yield from _unknown_units(authority)
    for scenario in authority.scenarios:
        yield from _scenario(authority, scenario)
    yield from _duplicates("scenarios", "code", [scenario.code for scenario in authority.scenarios])
    yield from _warning_rules(authority)
    yield from _successions(authority)
    yield from _overlaps(authority)
    yield from _duplicates("units.csv", "unit_key", [unit.unit_key for unit in authority.units])
    yield from _duplicates("revenue_items.csv", "item_code", [item.item_code for item in authority.items])
    yield from _duplicates("revenue_lines.csv", "line_code", [line.line_code for line in authority.lines])
    yield from _duplicates("forms/", "form_code", [form.form_code for form in authority.forms])


def _scenario(authority: Authority, scenario: Scenario) -> Iterator[str]:
    """Shocks, lines and units that a scenario names and the authority lacks."""
    lines = {line.line_code for line in authority.lines}
    units = {unit.code for unit in authority.units}
    homes = {"shock": "shocks.yaml", "line": "revenue_lines.csv", "unit": "units.csv"}
    for kind, named, known in faults(scenario, authority.shocks, lines, units):
        near = difflib.get_close_matches(named, sorted(known), n=1)
        hint = f"did you mean '{near[0]}'?" if near else f"add it to {homes[kind]}"
        yield f"scenario '{scenario.code}' names {kind} '{named}', which {homes[kind]} lacks; {hint}"


def _unknown_items(authority: Authority) -> Iterator[str]:
    known = [item.item_code for item in authority.items]
    yield from _duplicates("authority.yaml", "watched_items", list(authority.settings.watched_items))
    for code in authority.settings.watched_items:
        if code not in known:
            near = difflib.get_close_matches(code, known, n=1)
            hint = f"did you mean '{near[0]}'?" if near else "add it to revenue_items.csv"
            yield f"authority.yaml: watched_items names '{code}', which revenue_items.csv lacks; {hint}"


def _unknown_units(authority: Authority) -> Iterator[str]:
    """References to units that ``units.csv`` lacks; a successor may stand in ``outside_units.csv``."""
    codes, keys = {unit.code for unit in authority.units}, {unit.unit_key for unit in authority.units}
    beyond = keys | {unit.unit_key for unit in authority.outside_units}
    references = [
        *(("sharing_rules.csv", rule.unit_code, codes | {"*"}) for rule in authority.sharing_rules),
        *(("shocks.yaml", code, codes) for shock in authority.shocks for code in shock.unit_codes),
        *(("successions.csv", succession.old_unit_key, keys) for succession in authority.successions),
        *(("successions.csv", succession.new_unit_key, beyond) for succession in authority.successions),
    ]
    for file, named, known in references:
        if named not in known:
            near = difflib.get_close_matches(named, sorted(known), n=1)
            hint = f"did you mean '{near[0]}'?" if near else "add it to units.csv"
            yield f"{file}: unit '{named}' is not in units.csv; {hint}"


def _warning_rules(authority: Authority) -> Iterator[str]:
    """Rules of warning that name roles, rules, lines or a basis that the authority does not have."""
    settings = authority.settings
    codes = [rule.rule_code for rule in settings.warning_rules]
    yield from _duplicates("warning_rules", "rule_code", codes)
    roles = sorted(settings.recipients)
    for rule in settings.warning_rules:
        named = [(role, roles, "recipients") for role in (rule.owner, rule.escalate_to) if role and roles]
        named += [(code, codes, "warning_rules") for code in rule.yields_to]
        for name, known, where in named:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                hint = f"did you mean '{near[0]}'?" if near else "known are " + ", ".join(known)
                yield f"warning rule '{rule.rule_code}' names '{name}', which {where} lacks; {hint}"
        if rule.basis == "recurrent" and not settings.has_recurrent_basis:
            yield f"warning rule '{rule.rule_code}': basis 'recurrent' needs has_recurrent_basis: true"
    transfers = settings.transfers
    if transfers is not None and transfers.line_code not in {line.line_code for line in authority.lines}:
        yield f"authority.yaml: transfers.line_code '{transfers.line_code}' is not in revenue_lines.csv"


def _successions(authority: Authority) -> Iterator[str]:
    """Parts that are not a whole, and parts of units that go on or of units that come too late."""
    parts: dict[tuple[str, dt.date], Decimal] = {}
    for part in authority.successions:
        key = (part.old_unit_key, part.effective_on)
        parts[key] = parts.get(key, Decimal(0)) + part.weight
    ends = {unit.unit_key: unit.valid_to for unit in authority.units}
    starts = {unit.unit_key: unit.valid_from for unit in authority.units}
    for (old, day), whole in sorted(parts.items()):
        if whole != 1:
            yield f"successions.csv: the weights of '{old}' on {day} add up to {whole}; make them add up to 1"
        end = ends.get(old)
        if old in ends and (end is None or end + dt.timedelta(days=1) != day):
            stands = "without an end" if end is None else f"to {end}"
            yield f"successions.csv: '{old}' passes on {day}, stands {stands} in units.csv; make them agree"
    for part in authority.successions:
        if starts.get(part.new_unit_key, part.effective_on) > part.effective_on:
            yield (
                f"successions.csv: '{part.new_unit_key}' takes over on {part.effective_on}, before it stands "
                "in units.csv; correct one of the two days"
            )


def _overlaps(authority: Authority) -> Iterator[str]:
    """Units of one code that stand at the same time: no day's money could be placed."""
    for place, unit in enumerate(authority.units):
        for other in authority.units[:place]:
            if unit.code == other.code and (
                other.holds_on(unit.valid_from) or unit.holds_on(other.valid_from)
            ):
                yield (
                    f"units.csv: code '{unit.code}' is {other.name} from {other.valid_from} and {unit.name} "
                    f"from {unit.valid_from} at the same time; end one before the other begins"
                )


def _duplicates(file: str, key: str, values: list[str]) -> Iterator[str]:
    for value in sorted({value for value in values if values.count(value) > 1}):
        yield f"{file}: {key} '{value}' stands {values.count(value)} times; keep one"
