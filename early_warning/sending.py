"""Sending one message through one channel, and what is known of it afterwards.

Apprise reads every URL and carries everything but e-mail. E-mail it reads too, but the letter is written and
handed over here: Apprise draws a Message-ID of its own each time, and says of a failure only that it was one.
A letter needs the same Message-ID whenever it is the same letter, and whether it may have gone out decides
whether it may be sent again. Nothing of a URL is ever logged, said or kept.
"""

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from early_warning.channels import MAIL_SCHEMES, Channel
from early_warning.digest import Message

Result = Literal["sent", "partial", "failed", "unknown"]
_KEYED_KINDS = ("json", "jsons", "xml", "xmls", "form", "forms")
"""Webhooks: they get the message's key as a header, by which the receiver knows a repeated one."""
_PASSING_CODES = (429, *range(500, 600))
_HTTP_ERROR = re.compile(r"error=(\d{3})\b")
_TALKATIVE = ("apprise", "urllib3.connectionpool", "requests_oauthlib", "oauthlib")


@dataclass(frozen=True)
class Outcome:
    """``sent``; ``partial``: some addresses refused; ``failed``: surely not sent; ``unknown``: may be either.

    ``is_passing`` marks a failure that may be gone in a moment.
    """

    result: Result
    detail: str = ""
    is_passing: bool = False


@dataclass(frozen=True)
class Patience:
    """How long one attempt may take on the network, and how often a passing failure is tried again."""

    seconds: float = 20.0
    attempts: int = 3
    wait_seconds: float = 2.0


@contextmanager
def _silenced() -> Iterator[None]:
    """The libraries log addresses and paths of URLs, which may be secrets; here nobody gets to see it.

    Apprise's own warnings are kept with its result, where the code of an answer is read from.
    """
    loggers = [logging.getLogger(name) for name in _TALKATIVE]
    before = [(logger.level, logger.propagate) for logger in loggers]
    nowhere = logging.NullHandler()
    for logger in loggers:
        logger.setLevel(logging.WARNING)
        logger.propagate = False
        logger.addHandler(nowhere)
    try:
        yield
    finally:
        for logger, (level, propagates) in zip(loggers, before, strict=True):
            logger.setLevel(level)
            logger.propagate = propagates
            logger.removeHandler(nowhere)


def service_of(channel: Channel, patience: Patience | None = None) -> Any:
    """Apprise's own object for the channel, or None where it cannot read the URL."""
    import apprise

    patience = patience or Patience()
    asset = apprise.AppriseAsset(
        app_id="wardcast",
        app_desc="wardcast",
        app_url="",
        async_mode=False,
        storage_mode="memory",
        service_timeout=0,
        allow_templates=False,
    )
    with _silenced():
        service = apprise.Apprise.instantiate(channel.url.get_secret_value(), asset=asset)
    if service is None:
        return None
    for name in ("socket_connect_timeout", "socket_read_timeout"):
        if name not in vars(service):  # the URL says cto= or rto= where the office wants another
            setattr(service, name, patience.seconds)
    return service


def send(channel: Channel, message: Message, patience: Patience | None = None) -> Outcome:
    """Hand ``message`` over; every expected trouble is an outcome, none an exception.

    Tried again only where the failure may pass and the message has surely not gone out.
    """
    from tenacity import RetryCallState, Retrying, retry_if_result, stop_after_attempt, wait_exponential

    patience = patience or Patience()
    service = service_of(channel, patience)
    if service is None:
        return Outcome("failed", "the channel's URL is not one that Apprise reads")

    def last(state: RetryCallState) -> Outcome:
        assert state.outcome is not None  # noqa: S101 - tenacity asks after an attempt only
        outcome: Outcome = state.outcome.result()
        return outcome

    tries = Retrying(
        stop=stop_after_attempt(patience.attempts),
        wait=wait_exponential(multiplier=patience.wait_seconds),
        retry=retry_if_result(lambda outcome: outcome.is_passing),
        retry_error_callback=last,
    )
    with _silenced():
        return tries(_courier(channel, service, message, patience))


def _courier(channel: Channel, service: Any, message: Message, patience: Patience) -> Callable[[], Outcome]:
    """One attempt, to be called as often as it takes; it is the same message each time."""
    if channel.kind not in MAIL_SCHEMES:
        return partial(_send_by_apprise, channel, service, message)
    if service.pgp_mode != "no":
        refused = Outcome("failed", "letters are not encrypted with PGP; take pgp= out of the channel's URL")
        return lambda: refused
    from early_warning.mail import send_letter, write_letter

    return partial(send_letter, service, write_letter(service, message), patience.seconds)


def _send_by_apprise(channel: Channel, service: Any, message: Message) -> Outcome:
    import apprise

    if channel.kind in _KEYED_KINDS:
        service.headers.setdefault("Idempotency-Key", message.key)
    courier = apprise.Apprise(service, asset=service.asset)
    is_whole = channel.kind in _KEYED_KINDS or len(message.subject + message.text) <= service.body_maxlen
    if not is_whole:
        service.overflow_mode = apprise.OverflowMode.SPLIT  # chat services refuse what is too long for them
    kinds = apprise.NotifyType
    result = courier.notify(
        title=message.subject,
        body=message.text,
        body_format=apprise.NotifyFormat.TEXT,
        notify_type=kinds.WARNING if message.kind == "instant" else kinds.INFO,
    )
    attempts = [attempt for one in result for attempt in one.attempts]
    if result:
        return Outcome("sent")
    if any(attempt.elapsed >= service.socket_read_timeout for attempt in attempts):
        return Outcome("unknown", f"no answer within {service.socket_read_timeout:g} seconds")
    if not is_whole:
        return Outcome("unknown", "sent in several parts, of which not all went through")
    said = " ".join(str(entry.message) for attempt in attempts for entry in attempt.logs)
    codes = [int(code) for code in _HTTP_ERROR.findall(said)]
    if not codes:
        return Outcome("failed", "not reached or refused", is_passing=True)
    return Outcome("failed", f"answered {codes[-1]}", is_passing=codes[-1] in _PASSING_CODES)
