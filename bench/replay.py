"""The replay as a whole process: the campaign's 50 days directly, and two of its days through a Prefect server with the same hash."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any

from bench.report import say

FOLDER = Path(__file__).resolve().parent.parent / "townships" / "xizhang"
TWO_DAYS = ("--from", "2023-02-14", "--until", "2023-02-15")


def measure() -> None:
    with tempfile.TemporaryDirectory(prefix="bihuan-bench-") as home:
        Path(home).chmod(0o711)
        whole, seconds = _replay(home)
        megabytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
        say("replay of 50 days, directly (limit 180 s)", f"{seconds:.1f} s, {whole['events']:,} events, largest process {megabytes} MB")
        say(
            "  found, closed, escalations, messages sent",
            f"{whole['found']}, {whole['closed']}, {whole['escalations']}, {whole['notices']['sent']:,}",
        )
        direct, alone = _replay(home, *TWO_DAYS)
        prefect, through = _replay(home, *TWO_DAYS, "--through-prefect")
        same = "the same hash" if direct["history_hash"] == prefect["history_hash"] else "ANOTHER HASH"
        say("two of its days directly / through Prefect's server", f"{alone:.1f} s / {through:.1f} s, {same}")


def _replay(home: str, *options: str) -> tuple[dict[str, Any], float]:
    start = perf_counter()
    command = [str(Path(sys.executable).with_name("bihuan")), "replay", str(FOLDER), "--json", *options]
    done = subprocess.run(command, env={**os.environ, "BIHUAN_HOME": home}, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    return dict(json.loads(done.stdout)), perf_counter() - start
