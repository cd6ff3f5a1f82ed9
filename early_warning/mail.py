"""A notification as a letter: plain text and HTML, one Message-ID whenever it is the same, handed to SMTP.

Server, login, encryption and addresses are those that Apprise read from the channel's URL.
"""

import email.utils
import smtplib
import ssl
from email.header import Header
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from typing import TYPE_CHECKING, Any

from early_warning.digest import Message

if TYPE_CHECKING:
    from early_warning.sending import Outcome

_TEMPORARY = range(400, 500)


class _Plain(smtplib.SMTP):
    """Remembers whether the letter itself was being handed over, after which nobody knows how it ended."""

    has_handed_over = False

    def data(self, msg: Any) -> tuple[int, bytes]:
        self.has_handed_over = True
        return super().data(msg)


class _Encrypted(smtplib.SMTP_SSL, _Plain):
    """The same over a connection that is encrypted from the first byte."""


def message_id(message: Message, sender: str) -> str:
    """The same for the same message, so that a mail server's log or a mailbox can be asked for it."""
    return f"<wardcast.{message.key}@{sender.rpartition('@')[2]}>"


def write_letter(service: Any, message: Message, date: str | None = None) -> MIMEMultipart:
    """The letter, as ``service`` (Apprise's e-mail service) addresses it.

    Made of the older classes: ``EmailMessage`` of Python 3.11 loses blanks where it folds a subject in
    Vietnamese.
    """
    sender = service.from_addr[1]
    letter = MIMEMultipart("alternative")
    letter["Subject"] = Header(message.subject, "utf-8", header_name="Subject").encode()
    letter["From"] = email.utils.formataddr((service.from_addr[0] or "wardcast", sender))
    letter["To"] = ", ".join(email.utils.formataddr((name or "", to)) for name, to in service.targets)
    if service.cc:
        letter["Cc"] = ", ".join(sorted(service.cc))
    if service.reply_to:
        letter["Reply-To"] = ", ".join(sorted(service.reply_to))
    letter["Message-ID"] = message_id(message, sender)
    letter["Date"] = date or email.utils.formatdate(localtime=True)
    letter["Auto-Submitted"] = "auto-generated"
    letter["Content-Language"] = "vi, en"
    for name, value in service.headers.items():
        if name not in letter:
            letter[name] = Header(value, header_name=name).encode()
    letter.attach(MIMEText(message.text, "plain", "utf-8"))
    letter.attach(MIMEText(message.html, "html", "utf-8"))
    return letter


def send_letter(service: Any, letter: MIMEMultipart, seconds: float) -> "Outcome":
    """Hand the letter over, once; what is known of it afterwards."""
    from early_warning.sending import Outcome

    smtp: _Plain | None = None
    try:
        smtp = _connect(service, seconds)
        refused = smtp.send_message(letter, service.from_addr[1], _addresses(service))
    except smtplib.SMTPResponseException as error:
        return Outcome("failed", _refusal(error), is_passing=error.smtp_code in _TEMPORARY)
    except smtplib.SMTPRecipientsRefused as error:
        codes = sorted({code for code, _ in error.recipients.values()})
        return Outcome("failed", f"every address was refused ({_listed(codes)})", codes[-1] in _TEMPORARY)
    except (OSError, smtplib.SMTPException) as error:
        if smtp is not None and smtp.has_handed_over:
            return Outcome(
                "unknown", f"the connection ended while the letter was handed over ({_named(error)})"
            )
        return Outcome("failed", f"the mail server was not reached ({_named(error)})", is_passing=True)
    finally:
        if smtp is not None:
            _leave(smtp)
    if refused:
        codes = sorted({code for code, _ in refused.values()})
        return Outcome(
            "partial", f"{len(refused)} of {len(_addresses(service))} addresses refused ({_listed(codes)})"
        )
    return Outcome("sent")


def _connect(service: Any, seconds: float) -> _Plain:
    context = ssl.create_default_context()
    if not service.verify_certificate:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    smtp: _Plain
    if service.secure_mode == "ssl":
        smtp = _Encrypted(service.smtp_host, service.port, timeout=seconds, context=context)
    else:
        smtp = _Plain(service.smtp_host, service.port, timeout=seconds)
    try:
        if service.secure_mode == "starttls":
            smtp.starttls(context=context)
        if service.user and service.password:
            smtp.login(service.user, service.password)
    except BaseException:
        smtp.close()
        raise
    return smtp


def _addresses(service: Any) -> list[str]:
    return [*(to for _, to in service.targets), *sorted(service.cc), *sorted(service.bcc)]


def _refusal(error: smtplib.SMTPResponseException) -> str:
    """What was refused and the code; the server's own words may repeat addresses."""
    what = "login" if isinstance(error, smtplib.SMTPAuthenticationError) else "the letter"
    return f"{what} refused ({error.smtp_code})"


def _named(error: Exception) -> str:
    return getattr(error, "strerror", None) or type(error).__name__


def _listed(codes: list[int]) -> str:
    return ", ".join(map(str, codes))


def _leave(smtp: smtplib.SMTP) -> None:
    try:
        smtp.quit()
    except (OSError, smtplib.SMTPException):
        smtp.close()
