"""What became of a run, read from its events: failed checks and failed steps in words a clerk can act on."""

from collections.abc import Iterator

import dagster as dg
from dagster_shared.error import SerializableErrorInfo

_INTERRUPTED = "DagsterExecutionInterruptedError"


def failed_checks(instance: dg.DagsterInstance, run_id: str) -> list[str]:
    """One line a failed check that held nothing back: its asset, its name, what it said.

    Those that did are what ``failure_lines`` says of their step.
    """
    failed = (check for _, check in _failed(instance, run_id) if not _holds(check))
    return [f"{check.asset_key.to_user_string()}, {_named(check)}" for check in failed]


def failure_lines(instance: dg.DagsterInstance, run_id: str) -> list[str]:
    """One line a failed step, or one for the run where it failed outside its steps: the error's own words.

    A run fails outside its steps where it is killed, or its home is held or cannot be written.
    """
    lines = []
    for event in _events(instance, run_id, dg.DagsterEventType.STEP_FAILURE):
        data = event.step_failure_data
        if data.error is not None and data.error.cls_name == "DagsterAssetCheckFailedError":
            holding = (check for step, check in _failed(instance, run_id) if step == event.step_key)
            said = "; ".join(f"held back by {_named(check)}" for check in holding if _holds(check))
        elif data.error is not None and data.error.cls_name == _INTERRUPTED:
            said = "the night was ended from outside (a signal) while this step ran. Run it again"
        elif data.user_failure_data is not None and data.user_failure_data.description:
            said = data.user_failure_data.description
        else:
            said = _own_words(data.error) or "failed"
        lines.append(f"{event.step_key}: {said}")
    return lines or list(_run_failures(instance, run_id))


def _failed(instance: dg.DagsterInstance, run_id: str) -> list[tuple[str | None, dg.AssetCheckEvaluation]]:
    """Each failed check with its step; of one that was tried again the last word counts."""
    events = _events(instance, run_id, dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    last = {
        event.asset_check_evaluation_data.asset_check_key: (event.step_key, event.asset_check_evaluation_data)
        for event in events
    }
    return [(step, check) for step, check in last.values() if not check.passed]


def _holds(check: dg.AssetCheckEvaluation) -> bool:
    return bool(check.blocking) and check.severity == dg.AssetCheckSeverity.ERROR


def _named(check: dg.AssetCheckEvaluation) -> str:
    return check.check_name + (f": {check.description}" if check.description else "")


def _run_failures(instance: dg.DagsterInstance, run_id: str) -> Iterator[str]:
    for event in _events(instance, run_id, dg.DagsterEventType.RUN_FAILURE):
        error = getattr(event.event_specific_data, "error", None)  # no data where it was closed from outside
        said = _own_words(error) or event.message or "failed"
        yield f"{event.job_name}: {said}"


def _own_words(error: SerializableErrorInfo | None) -> str:
    """Message of the first error in a chain that is not Dagster's wrapping: it was written for a reader.

    What lies below it is the system's own, such as an error number.
    """
    while error is not None and error.cause is not None and (error.cls_name or "").startswith("Dagster"):
        error = error.cause
    return error.message.strip() if error is not None else ""


def _events(instance: dg.DagsterInstance, run_id: str, kind: dg.DagsterEventType) -> list[dg.DagsterEvent]:
    records = instance.get_records_for_run(run_id, of_type=kind).records
    return [record.event_log_entry.get_dagster_event() for record in records]
