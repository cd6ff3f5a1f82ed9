"""The landing folder: which files lie there, which form claims each, when it came, what period it states.

One pass over the folder gives the deliveries of a night. Their rows are read in ``extracts.raw``.
"""

import datetime as dt
import hashlib
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from authorities.forms import DATABASE_FOLDER, USUAL_LIMITS, ExtractForm, ReadingLimits
from authorities.model import Authority
from extracts.archives import Member, each_piece, is_archive, members_of, refuse_large
from extracts.kept_files import KeptFile, still_counting
from extracts.landing_files import FoundFile, files_below
from extracts.named_periods import part_of, received_on, scope_of
from extracts.problems import ExtractError

_IGNORED = re.compile(
    r"(^|/)(\.|~\$|__MACOSX/|(Thumbs\.db|desktop\.ini)$)|\.(tmp|part|partial|crdownload)$", re.IGNORECASE
)
"""Hidden files, locks of open workbooks, half downloads, and what file managers leave behind."""
_NUMBERS = re.compile("([0-9]+)")
_UNTIL_ADDITION = re.compile(r"[^ (.]*")
"""Of ``chi_00115_2020-05 (2).xlsx`` what comes before the addition."""
Stamp = tuple[int, int]
"""Size in bytes and time of change in ns: no evidence of when a file came, only that it is the same."""
Sha256Of = Callable[[str, Path, os.stat_result], str]
Claim = Sequence[str | None]
"""A form's code, and the days received, first and last of its period as the file's name says, if it does."""


class LandingError(Exception):
    """The landing folder cannot be used at all; the message says why and what to do."""


class Known:
    """What is known of files before they are looked at: here nothing; ``extracts.remembered`` knows more."""

    def sha256(self, _name: str, path: Path, _facts: os.stat_result) -> str:
        """SHA-256 of a file by its name below the folder, its path, and what the system says of it."""
        return file_sha256(path)

    def claims(self, _name: str) -> Sequence[Claim] | None:
        """What forms make of a file's name; None where they have to be asked."""
        return None

    def claimed(self, name: str, claims: Sequence[Claim]) -> None:
        """Told what they made of it."""


class Delivery(NamedTuple):
    """One file as one form sees it; a tuple, as thousands are made and changed every night.

    Attributes:
        received_on: day on which the office had the file; None where every row has its own (bulk listing)
            or where no form claims it.
        scope_from, scope_to: period that the file states as a whole; None where every row has its own.
        order: place among all deliveries, by received day and then name, numbers in it counted.
    """

    path: Path
    source_file: str
    sha256: str
    file_bytes: int
    form: ExtractForm | None
    received_on: dt.date | None = None
    scope_from: dt.date | None = None
    scope_to: dt.date | None = None
    order: int = 0
    repeats: str = ""
    """The earlier file with the same bytes, where there is one."""
    problem: ExtractError | None = None
    """Why it cannot be read, or neither period nor received day can be told from its name."""
    stamp: Stamp | None = None
    """The file as it was when its digest was taken."""
    member: Member | None = None
    """The file's place in the archive ``path``, where it came in one."""
    unpacked_name: str = ""
    """The path it would then have if it were unpacked where the archive lies."""
    limits: ReadingLimits = USUAL_LIMITS

    @property
    def delivery_id(self) -> str:
        """Form and start of the digest; the path for a file that no form claims or that cannot be read."""
        return f"{self.form.form_code}-{self.sha256[:16]}" if self.form and self.sha256 else self.source_file


def scan_landing(
    authority: Authority,
    folder: Path,
    kept: Sequence[KeptFile] = (),
    fetched: Path | None = None,
    known: Known | None = None,
) -> list[Delivery]:
    """Every file below ``folder``, once for each form that claims it, in order of arrival.

    Args:
        kept: files of which the rows are kept; those that lie in the folder no more count all the same.
        fetched: folder in which what databases gave lies below ``database/``, as if it lay in the landing
            folder.
        known: what earlier nights found out about files; where None, all are hashed.

    Raises:
        LandingError: the folder does not exist, or holds no file at all.
    """
    refuse_missing(folder)
    known = known or Known()
    deliveries = [
        delivery
        for path, name, problem in [*files_below(folder), *_fetched(fetched)]
        if not _IGNORED.search(name)
        for delivery in _claims(authority, path, name, problem, known)
    ]
    present = [kept_of(delivery) for delivery in deliveries]
    # Where not one file is an extract, the folder is the wrong one or not there: the office is asked.
    is_right = any(delivery.form is not None for delivery in deliveries)
    for file in still_counting(kept, present) if is_right else []:
        bare = Delivery(
            folder / file.source_file, file.source_file, file.sha256, file.file_bytes, None,
            unpacked_name=file.unpacked_name,
        )  # fmt: skip
        deliveries += [one for one in _by_forms(authority, bare, known) if one.form is not None]
    if not deliveries:
        raise _empty(folder)
    return list(_in_order(deliveries))


def refuse_missing(folder: Path) -> None:
    """Refuse a landing folder that is not there.

    Raises:
        LandingError: saying what to do.
    """
    if not folder.is_dir():
        raise LandingError(
            f"landing folder {folder} does not exist. Create it and put the extracts there, or name another "
            "with --landing"
        )


def refuse_unusable(authority: Authority, folder: Path) -> None:
    """Refuse at once a landing folder that ``scan_landing`` would refuse later: one that is not there, or is
    empty though no form's rows come from a database.

    Raises:
        LandingError: saying what to do.
    """
    refuse_missing(folder)
    is_needed = all(form.database is None for form in authority.forms)
    if is_needed and all(_IGNORED.search(name) for _, name, _ in files_below(folder)):
        raise _empty(folder)


def _empty(folder: Path) -> LandingError:
    return LandingError(f"landing folder {folder} holds no files. Put the extracts there and run again")


def deliveries_of(authority: Authority, path: Path, shown: str) -> list[Delivery]:
    """One file as each form that claims it sees it; of an archive, each of its members."""
    return list(_claims(authority, path, shown, None, Known()))


def kept_of(delivery: Delivery) -> KeptFile:
    """The file of a delivery as it is remembered."""
    return KeptFile(delivery.source_file, delivery.sha256, delivery.file_bytes, delivery.unpacked_name)


def _fetched(store: Path | None) -> list[FoundFile]:
    if store is None or not (store / DATABASE_FOLDER).is_dir():
        return []
    return [
        (path, f"{DATABASE_FOLDER}/{name}", error)
        for path, name, error in files_below(store / DATABASE_FOLDER)
        if not name.endswith(".half")
    ]


def _claims(
    authority: Authority, path: Path, name: str, problem: OSError | None, known: Known
) -> Iterator[Delivery]:
    unread = Delivery(path, name, "", 0, None, limits=authority.settings.limits)
    for bare in _files_in(unread, problem, known.sha256):
        yield from _by_forms(authority, bare, known)


def _by_forms(authority: Authority, bare: Delivery, known: Known) -> Iterator[Delivery]:
    """The delivery once for each form that claims it; what its name says is told once for all nights."""
    if bare.problem is not None:
        yield from _claimed_by_forms(authority, bare)
        return
    claims = known.claims(f"{bare.source_file}\0{bare.unpacked_name}")
    if claims is None:
        claimed = list(_claimed_by_forms(authority, bare))
        if all(one.form is not None and one.problem is None for one in claimed):
            told = [_claim_of(one, one.form.form_code) for one in claimed if one.form is not None]
            known.claimed(f"{bare.source_file}\0{bare.unpacked_name}", told)
        yield from claimed
        return
    for code, *days in claims:
        form = next(form for form in authority.forms if form.form_code == code)
        received, scope_from, scope_to = (dt.date.fromisoformat(day) if day else None for day in days)
        yield bare._replace(form=form, received_on=received, scope_from=scope_from, scope_to=scope_to)


def _claim_of(delivery: Delivery, code: str) -> Claim:
    days = (delivery.received_on, delivery.scope_from, delivery.scope_to)
    received, first, last = (day.isoformat() if day else None for day in days)
    return code, received, first, last


def _claimed_by_forms(authority: Authority, bare: Delivery) -> Iterator[Delivery]:
    names = _names_of(bare)
    forms = [form for form in authority.forms if any(form.recognise.claims(known) for known in names)]
    if not forms:
        yield bare
    for form in forms:
        fits = next(known for known in names if form.recognise.claims(known))
        yield _claimed(bare, form, fits, authority.settings.fiscal_year_start_month)


def _files_in(bare: Delivery, problem: OSError | None, sha256_of: Sha256Of) -> Iterator[Delivery]:
    """The file with its digest; of an archive each member with its own, as if it were a file.

    None for a pipe or a socket.
    """
    path, name = bare.path, bare.source_file
    try:
        if problem is not None:
            raise problem
        facts = path.stat()
        if not stat.S_ISREG(facts.st_mode):
            return
        stamp = facts.st_size, facts.st_mtime_ns
        if stamp[0] > bare.limits.file_bytes:
            refuse_large(path, name, bare.limits)
        if name.lower().endswith(".zip") and is_archive(path):
            yield from _members(bare._replace(stamp=stamp))
        else:
            yield bare._replace(stamp=stamp, sha256=sha256_of(name, path, facts), file_bytes=stamp[0])
    except OSError as error:
        yield bare._replace(problem=unreadable(name, error))
    except ExtractError as refused:
        yield bare._replace(problem=refused)


def _members(bare: Delivery) -> Iterator[Delivery]:
    found = [
        member
        for member in members_of(bare.path, bare.source_file, bare.limits)
        if not _IGNORED.search(member.name)
    ]
    if not found:
        raise ExtractError(bare.source_file, "the archive holds no files", "Ask for it again")
    seen: set[str] = set()
    folder = bare.source_file.rpartition("/")[0]
    for member in found:
        twice = f" ({member.place + 1})" if member.name in seen else ""
        seen.add(member.name)
        one = bare._replace(
            source_file=f"{bare.source_file}/{member.name}{twice}", member=member,
            file_bytes=member.unpacked_bytes, unpacked_name=f"{folder}/{member.name}".removeprefix("/"),
        )  # fmt: skip
        digest = hashlib.sha256()
        try:
            each_piece(bare.path, member, one.source_file, digest.update)
            yield one._replace(sha256=digest.hexdigest())
        except ExtractError as problem:
            yield one._replace(problem=problem)


def _names_of(bare: Delivery) -> list[str]:
    """Names by which a form may know a file: its own, and as if it lay there unpacked."""
    name = bare.source_file
    if bare.unpacked_name:
        return [bare.unpacked_name, name]
    return [name, name[:-3]] if name.lower().endswith(".gz") else [name]


def unreadable(name: str, error: OSError) -> ExtractError:
    """The problem of a file that the machine cannot read."""
    return ExtractError(
        name, f"it cannot be read ({error.strerror or type(error).__name__})",
        "Check that it is still there and that its permissions let the night read it",
    )  # fmt: skip


def _claimed(bare: Delivery, form: ExtractForm, name: str, start_month: int) -> Delivery:
    """The delivery as ``form`` sees it, by the ``name`` under which the form knows it."""
    try:
        scope = scope_of(form, name, start_month)
        received = received_on(form, name, scope)
    except ExtractError as problem:
        return bare._replace(form=form, problem=bare.problem or problem)
    return bare._replace(form=form, received_on=received, scope_from=scope[0], scope_to=scope[1])


def file_stamp(path: Path) -> Stamp:
    """What tells that a file is still the same."""
    facts = path.stat()
    return facts.st_size, facts.st_mtime_ns


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _in_order(deliveries: Iterable[Delivery]) -> Iterator[Delivery]:
    """Deliveries by received day and name; a bulk file, whose rows have days of their own, goes first.

    The same bytes again are a repetition, unless other bytes stated the period in between: then the sender
    takes a correction back, and they count anew.
    """
    first_seen: dict[tuple[object, ...], str] = {}
    last_stated: dict[tuple[object, ...], str] = {}
    by_arrival = sorted(deliveries, key=_arrival)
    for order, delivery in enumerate(by_arrival, start=1):
        repeats = ""
        # A file that cannot be used is no earlier delivery: its copy in the right place must count.
        if delivery.form is not None and delivery.problem is None:
            stated = _stated(delivery, delivery.form)
            earlier = first_seen.setdefault(stated, delivery.source_file)
            period = _period_of(delivery, delivery.form)
            last = last_stated.get(period)
            taken_back = (
                last is not None and last != delivery.sha256 and (*period, delivery.sha256) in first_seen
            )
            repeats = earlier if earlier != delivery.source_file and not taken_back else ""
            first_seen.setdefault((*period, delivery.sha256), delivery.source_file)
            last_stated[period] = delivery.sha256
        yield delivery._replace(order=order, repeats=repeats)


def _period_of(delivery: Delivery, form: ExtractForm) -> tuple[object, ...]:
    """What a delivery states as a whole, as far as its name says; a unit's report goes by its name's stem.

    A bulk listing has no day of its own that would tell which of two came later: it is stated by its bytes.
    """
    name = delivery.source_file.rpartition("/")[2]
    own = _UNTIL_ADDITION.match(name) if form.period.of == "unit" else None
    undated = delivery.sha256 if delivery.received_on is None else ""
    scope = delivery.scope_from, delivery.scope_to, part_of(form, delivery.source_file)
    return form.form_code, *scope, own.group() if own else "", undated


def _arrival(delivery: Delivery) -> tuple[dt.date, list[str | int], str]:
    """By day, then as a person counts: ``thu.csv``, ``thu (2).csv``, ``thu (10).csv``."""
    stem = delivery.source_file.removesuffix(delivery.path.suffix)
    counted: list[str | int] = [*_NUMBERS.split(stem)]
    counted[1::2] = map(int, counted[1::2])
    return delivery.received_on or dt.date.min, counted, delivery.source_file


def _stated(delivery: Delivery, form: ExtractForm) -> tuple[object, ...]:
    """What makes two files one statement: the bytes, and where only the name says the period, that too."""
    dated = any(column.field in {"posting_date", "period_end"} for column in form.columns)
    return form.form_code, delivery.sha256, None if dated else (delivery.scope_from, delivery.scope_to)
