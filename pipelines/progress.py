"""A run's progress as plain lines: what is done, of how much, and failed checks as they happen."""

import logging
import sys

import dagster as dg


class _Lines(logging.Handler):
    """Writes a line for each step that succeeds or fails; everything else stays in the event log."""

    def emit(self, record: logging.LogRecord) -> None:
        event = getattr(record, "dagster_event", None) or (getattr(record, "dagster_meta", None) or {}).get(
            "dagster_event"
        )
        if event is not None and event.event_type_value in ("STEP_SUCCESS", "STEP_FAILURE"):
            mark = "done" if event.event_type_value == "STEP_SUCCESS" else "FAILED"
            sys.stderr.write(f"  {mark:6} {event.step_key}\n")


@dg.logger(config_schema={"log_level": dg.Field(str, default_value="INFO")})
def console_lines(init_context: dg.InitLoggerContext) -> logging.Logger:
    """Logger of the nightly job: short lines on standard error."""
    del init_context
    logger = logging.getLogger("wardcast.run")
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    logger.handlers = [_Lines()]
    return logger
