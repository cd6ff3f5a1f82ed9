"""Scenarios as configuration: a named set of policy shocks that a year-end is asked under, beside the base.

A scenario starts from the shocks declared in ``shocks.yaml`` and announced by the night, keeps or drops some
of them, and supposes others, written as they are there. Here is what a scenario *is*; what its shocks do to
receipts is arithmetic and lives in ``forecasts.shocks``, reading files in ``authorities.loading``.
"""

import datetime as dt
from collections.abc import Iterable, Iterator
from typing import Annotated, Self

from pydantic import Field, model_validator

from authorities.base import Model
from authorities.shocks import BilingualTitle, PolicyShock

RESERVED = ("base", "without_shocks")
"""Scenarios that every night has of itself."""


class Scenario(Model):
    """A named set of policy shocks.

    ``keep``: codes of the declared shocks that stay, all others go; ``drop``: codes of those that go, all
    others stay; neither: all stay. A shock under ``shocks`` with the code of a declared one stands in its
    place. What is supposed counts whatever its ``announced_on``: it is what is being asked.
    """

    code: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
    title: BilingualTitle
    keep: tuple[str, ...] | None = None
    drop: tuple[str, ...] = ()
    shocks: tuple[PolicyShock, ...] = ()

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if self.code in RESERVED:
            raise ValueError(f"every night has '{self.code}' of itself; give the scenario another code")
        if self.keep is not None and self.drop:
            raise ValueError("give keep (all others go) or drop (all others stay), not both")
        if self.keep is None and not self.drop and not self.shocks:
            raise ValueError("it changes nothing: name shocks to keep or drop, or suppose some under shocks")
        codes = [shock.code for shock in self.shocks]
        twice = sorted({code for code in codes if codes.count(code) > 1})
        if twice:
            raise ValueError(f"shock codes must be unique; given more than once: {', '.join(twice)}")
        return self

    def supposed(self, declared: Iterable[PolicyShock], night: dt.date) -> tuple[PolicyShock, ...]:
        """The shocks of the scenario on a night: of ``declared`` those announced by then and kept, in their
        order, with what stands in their place, and after them what is added.
        """
        own = {shock.code: shock for shock in self.shocks}
        standing = [
            own.pop(shock.code, shock)
            for shock in declared
            if shock.code in own or (shock.known_on(night) and self._keeps(shock.code))
        ]
        return (*standing, *own.values())

    def _keeps(self, code: str) -> bool:
        return code not in self.drop if self.keep is None else code in self.keep

    def named_codes(self) -> tuple[str, ...]:
        """Codes of declared shocks that the scenario speaks of."""
        return (*(self.keep or ()), *self.drop)


def faults(
    scenario: Scenario, declared: Iterable[PolicyShock], lines: set[str], units: set[str]
) -> Iterator[tuple[str, str, set[str]]]:
    """What a scenario names and the authority lacks: kind ('shock', 'line', 'unit'), name, those known."""
    codes = {shock.code for shock in declared}
    yield from (("shock", code, codes) for code in scenario.named_codes() if code not in codes)
    for shock in scenario.shocks:
        yield from (("line", code, lines) for code in shock.line_codes if code not in lines)
        yield from (("unit", code, units) for code in shock.unit_codes if code not in units)
