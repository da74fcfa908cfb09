"""`make bench`: every measurement in one run. Name one to run it alone: `python -m bench law sweep`."""

from __future__ import annotations

import os
import platform
import sys

from bench import law, sweep
from bench.report import say
from bench.town import bench


def main(wanted: list[str]) -> None:
    say("machine", f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    with bench() as running:
        for name, measure in (("law", law.measure), ("sweep", sweep.measure)):
            if not wanted or name in wanted:
                measure(running)


if __name__ == "__main__":
    main(sys.argv[1:])
