"""Channels through which a role is told, as the environment names them: ``WARDCAST_NOTIFY_<ROLE>``.

One or more Apprise URLs a role, apart by blanks. They hold passwords, so a channel shows itself by role, kind
and number and never by its URL. What is sent through one is in ``early_warning.sending``.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pydantic import SecretStr

from authorities.model import Authority

PREFIX = "WARDCAST_NOTIFY_"
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*(?=://)", re.IGNORECASE)
MAIL_SCHEMES = ("mailto", "mailtos")


@dataclass(frozen=True)
class Channel:
    """One way to one role; ``name`` is its kind and its number among the role's of that kind (mailto 1)."""

    role: str
    kind: str
    name: str
    url: SecretStr

    def __str__(self) -> str:
        return f"{self.role} by {self.name}"


def role_key(role: str) -> str:
    """``role`` as channels know it: an environment variable has no blanks and may be of any case."""
    return re.sub(r"\W", "_", role).lower()


def recipients_of(authority: Authority, role: str) -> str:
    """Who answers in a role, as channels know it, by name; the role itself where nobody is named."""
    named = {role_key(owner): people for owner, people in authority.settings.recipients.items()}
    return "; ".join(named.get(role, ())) or role


def variable_of(role: str) -> str:
    """The environment variable that names the channels of ``role``."""
    return PREFIX + role_key(role).upper()


def channels_of(environment: Mapping[str, str]) -> tuple[Channel, ...]:
    """Every channel that ``environment`` names, by role; an empty variable names none.

    A name does not hold anything of the URL but its scheme, so that a new password makes no new channel.
    """
    channels: list[Channel] = []
    for variable in sorted(environment):
        if not variable.startswith(PREFIX):
            continue
        numbers: Counter[str] = Counter()
        for url in environment[variable].split():
            scheme = _SCHEME.match(url)
            kind = scheme.group().lower() if scheme else "unreadable"
            numbers[kind] += 1
            role = variable.removeprefix(PREFIX).lower()
            channels.append(Channel(role, kind, f"{kind} {numbers[kind]}", SecretStr(url)))
    return tuple(channels)


def unusable(channels: Iterable[Channel]) -> dict[Channel, str]:
    """Channels that Apprise cannot read, each with a line saying where to look; nothing is sent."""
    from early_warning.sending import service_of

    return {
        channel: f"{channel}: not a URL that Apprise reads; see {variable_of(channel.role)}"
        for channel in channels
        if service_of(channel) is None
    }
