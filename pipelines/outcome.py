"""What became of a run, read from its events: failed checks and failed steps in words a clerk can act on."""

import dagster as dg


def failed_checks(instance: dg.DagsterInstance, run_id: str) -> list[str]:
    """One line a failed check: its asset, its name, what it said."""
    lines = []
    for event in _events(instance, run_id, dg.DagsterEventType.ASSET_CHECK_EVALUATION):
        check = event.asset_check_evaluation_data
        if not check.passed:
            said = f": {check.description}" if check.description else ""
            lines.append(f"{check.asset_key.to_user_string()}, {check.check_name}{said}")
    return lines


def failure_lines(instance: dg.DagsterInstance, run_id: str) -> list[str]:
    """One line a failed step: the error's own words, without its stack."""
    lines = []
    for event in _events(instance, run_id, dg.DagsterEventType.STEP_FAILURE):
        data = event.step_failure_data
        if data.user_failure_data is not None and data.user_failure_data.description:
            said = data.user_failure_data.description
        elif data.error is not None:
            cause = data.error
            while cause.cause is not None:
                cause = cause.cause
            said = cause.message.strip()
        else:
            said = "failed"
        lines.append(f"{event.step_key}: {said}")
    return lines


def _events(instance: dg.DagsterInstance, run_id: str, kind: dg.DagsterEventType) -> list[dg.DagsterEvent]:
    records = instance.get_records_for_run(run_id, of_type=kind).records
    return [record.event_log_entry.get_dagster_event() for record in records]
