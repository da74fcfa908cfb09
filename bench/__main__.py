"""`make bench`: every measurement in one run. Name one to run it alone: `python -m bench law sweep`."""

from __future__ import annotations

import os
import platform
import sys

from bench import face, filed, forecast, law, ledger, memory, numbers, papers, replay, sweep, voice
from bench.report import say
from bench.town import bench


def main(wanted: list[str]) -> None:
    say("machine", f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    for name, in_a_cluster in (
        ("law", law.measure), ("sweep", sweep.measure), ("voice", voice.measure), ("numbers", numbers.measure),
        ("report", filed.measure), ("ledger", ledger.measure), ("face", face.measure), ("papers", papers.measure),
    ):  # fmt: skip
        if not wanted or name in wanted:
            with bench() as running:
                in_a_cluster(running)
    for name, alone in (("replay", replay.measure), ("forecast", forecast.measure), ("memory", memory.measure)):
        if not wanted or name in wanted:
            alone()


if __name__ == "__main__":
    main(sys.argv[1:])
