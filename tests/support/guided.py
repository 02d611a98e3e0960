"""Tries a property with inputs that atheris (libFuzzer) chooses by what code they reach; a process of its own.

python guided.py NAME SECONDS SEED FOLDER
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["edgevtn"]):
    from properties import PROPERTIES

from fuzzing import MEMORY, SECONDS
from hypothesis import HealthCheck, given, settings


def main(name: str, seconds: str, seed: str, folder: str) -> None:
    """Ends with status 0 after so many seconds, with another at the first fault, which is on stderr."""
    os.chdir(folder)
    strategy, check = PROPERTIES[name](Path(folder))

    @settings(deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(strategy)
    def tried(drawn: object) -> None:
        check(drawn)

    limits = [f"-timeout={SECONDS}", f"-rss_limit_mb={2 * MEMORY // 2**20}", f"-max_total_time={seconds}"]
    atheris.Setup([sys.argv[0], *limits, f"-seed={seed}", "-print_final_stats=1"], tried.hypothesis.fuzz_one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
