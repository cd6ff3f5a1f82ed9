"""A process that publishes, to be killed, starved or raced: ``python -m tests.warehouse.publisher``.

Arguments: URL, night, and one of
``kill STEP`` (SIGKILL oneself as the step begins), ``hold STEP`` (say so and wait for a line on stdin),
``limit BYTES`` (no file may grow beyond), ``repeat N`` (publish N times, amounts 1 to N).
"""

import os
import resource
import signal
import sys
from datetime import date

from tests.warehouse.publication_scenario import dimensions, facts, marts
from warehouse.engines import StepListener, WarehouseError, open_warehouse


def stopping(mode: str, at: str) -> StepListener:
    def at_step(step: str) -> None:
        if step == at and mode == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if step == at and mode == "hold":
            sys.stdout.write("holding\n")
            sys.stdout.flush()
            sys.stdin.readline()

    return at_step


def main(url: str, night: str, mode: str, argument: str) -> int:
    day = date.fromisoformat(night)
    warehouse = open_warehouse(url, at_step=stopping(mode, argument))
    if mode == "limit":
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(argument), int(argument)))
    try:
        for turn in range(int(argument) if mode == "repeat" else 1):
            warehouse.publish(day, marts(day, f"{turn + 1}.00"), dimensions(), facts(run_id="child"))
    except WarehouseError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
