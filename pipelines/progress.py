"""A run's progress as plain lines: what is done, of how much, and failed checks as they happen."""

import logging
import sys

import dagster as dg


class _Lines(logging.Handler):
    """Writes a line for each step that succeeds or fails; everything else stays in the event log."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self._steps = steps
        self._ended = 0

    def emit(self, record: logging.LogRecord) -> None:
        event = getattr(record, "dagster_event", None) or (getattr(record, "dagster_meta", None) or {}).get(
            "dagster_event"
        )
        if event is not None and event.event_type_value in ("STEP_SUCCESS", "STEP_FAILURE"):
            mark = "done" if event.event_type_value == "STEP_SUCCESS" else "FAILED"
            self._ended += 1
            sys.stderr.write(f"  {self._ended:2}/{self._steps} {mark:6} {event.step_key}\n")


@dg.logger(config_schema={"steps": dg.Field(int, default_value=0)})
def console_lines(init_context: dg.InitLoggerContext) -> logging.Logger:
    """Logger of the nightly job: short lines on standard error; ``steps`` is how many there will be."""
    logger = logging.getLogger("wardcast.run")
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    logger.handlers = [_Lines(init_context.logger_config["steps"])]
    return logger
