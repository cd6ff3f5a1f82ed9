"""A night's warnings and two real receivers on loopback: a mail server and a web server with a memory."""

import datetime as dt
import email
import email.policy
import functools
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import polars as pl
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from authorities.loading import DEFAULT_AUTHORITY, load_authority
from authorities.model import Authority
from early_warning.channels import channels_of
from early_warning.notification import Notified, notify
from early_warning.sending import Patience

NIGHT = dt.date(2020, 6, 30)
NOW = dt.datetime(2020, 7, 1, 3, 0, tzinfo=dt.UTC)
"""Ten in the morning in Hà Nội."""
QUICK = Patience(seconds=1.0, attempts=2, wait_seconds=0.01)
SECRET = "mat-khau-tuyet-mat"


def case(
    warning_id: str, owner: str = "ward_chair", severity: str = "warning", **more: Any
) -> dict[str, Any]:
    """A row of mart_warning, as far as notification reads it."""
    rule, unit, _ = warning_id.split(":")
    return {
        "warning_id": warning_id,
        "rule_code": rule,
        "severity": severity,
        "state": "open",
        "opened_on": NIGHT,
        "owner": owner,
        "message_vi": f"Phường {unit}: thu ngân sách mới đạt 41,2% dự toán.",
        "message_en": f"{unit} ward: collections have reached 41.2% of the estimate.",
        "suppressed_since": None,
        "last_complete_day": NIGHT,
    } | more


def warnings(*cases: dict[str, Any]) -> pl.DataFrame:
    """The night's mart_warning."""
    days = dict.fromkeys(("opened_on", "suppressed_since", "last_complete_day"), pl.Date)
    schema = dict.fromkeys(case("a:b:1"), pl.String) | days
    return pl.DataFrame(list(cases), schema=schema)


@functools.cache
def _authority() -> Authority:
    return load_authority(DEFAULT_AUTHORITY)


def told(home: Path, channels: dict[str, str], *cases: dict[str, Any], **more: Any) -> Notified:
    """Notify of the night, as if its clock were the machine's."""
    night = more.pop("night", NIGHT)
    now = more.pop("now", dt.datetime.combine(night, NOW.timetz()) + dt.timedelta(days=1))
    authority = more.pop("authority", None) or _authority()
    frame = warnings(*cases)
    named = channels_of(channels)
    due_night, bulletin = more.pop("due_night", night), more.pop("bulletin", "/srv/bulletin/index.html")
    return notify(home, authority, night, frame, named, now, due_night, bulletin, QUICK, **more)


@dataclass
class Mailbox:
    """What a mail server received; ``answer`` may refuse, ``on_letter`` is called before it answers."""

    port: int = 0
    letters: list[Any] = field(default_factory=list)
    answer: Callable[[int], str] = lambda count: "250 OK"
    on_letter: Callable[[], None] = lambda: None
    attempts: int = 0
    refused: tuple[str, ...] = ()

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802
        if address in self.refused:
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        self.attempts += 1
        answer = self.answer(self.attempts)
        if answer.startswith("250"):
            self.letters.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        self.on_letter()
        return answer


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def _only_the_secret(server, session, envelope, mechanism, data):
    return AuthResult(success=getattr(data, "password", b"") == SECRET.encode(), handled=False)


@contextmanager
def mail_server(*, needs_login: bool = False) -> Iterator[Mailbox]:
    """A real SMTP server on loopback."""
    box = Mailbox(free_port())
    controller = Controller(
        box, hostname="127.0.0.1", port=box.port, auth_required=needs_login, auth_require_tls=False,
        authenticator=_only_the_secret,
    )  # fmt: skip
    controller.start()
    try:
        yield box
    finally:
        controller.stop()


@dataclass
class Hook:
    """What a web server was sent; ``status`` answers after ``wait`` seconds; ``on_post`` is called first."""

    port: int = 0
    posts: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    status: Callable[[int], int] = lambda count: 200
    wait: float = 0.0
    on_post: Callable[[], None] = lambda: None


@contextmanager
def web_server() -> Iterator[Hook]:
    """A real HTTP server on loopback."""
    hook = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            hook.posts.append(json.loads(body))
            hook.keys.append(self.headers["Idempotency-Key"])
            hook.paths.append(self.path)
            hook.on_post()
            time.sleep(hook.wait)
            self.send_response(hook.status(len(hook.posts)))
            self.end_headers()

        def do_GET(self):
            hook.paths.append(self.path)
            self.send_response(hook.status(len(hook.paths)))
            self.end_headers()

        def log_message(self, *args):
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hook.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hook
    finally:
        server.shutdown()
        server.server_close()


def mail_to(box: Mailbox, to: str = "chu.tich@phuong.example", login: str = "") -> str:
    """URL of a channel to the mail server, without encryption as it is loopback."""
    return f"mailto://{login}127.0.0.1:{box.port}/?from=wardcast@quan.example&to={to}&mode=insecure"


def hook_to(hook: Hook, secret: str = SECRET) -> str:
    """URL of a channel to the web server; its path is the secret, as chat services have it."""
    return f"json://127.0.0.1:{hook.port}/{secret}"
