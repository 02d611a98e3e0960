"""`edgevtn doctor`: whether this board is fit for recognition, and what to do where it is not."""

from __future__ import annotations

import argparse
import json
from pathlib import Path


def add(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("--json", action="store_true", help="for a bug report: no names of users or machines")
    parser.add_argument("--root", default="/", metavar="DIR", help="a folder with another board's proc/ and sys/")
    parser.description = f"{parser.description}; the exit status is 1 where there is a problem, else 0"


def run(arguments: argparse.Namespace) -> int:
    """Print the findings; the exit status."""
    import edgevtn
    from edgevtn.board import read_board
    from edgevtn.diagnosis import Place, diagnose, diagnose_camera_stack, diagnose_places, without_names
    from edgevtn.errors import one_line
    from edgevtn.files import user_cache, user_state
    from edgevtn.installed import try_camera_stack, try_libraries, versions

    package = Path(edgevtn.__file__).parent
    board, packages = read_board(arguments.root), versions()
    camera, stack = try_camera_stack()
    findings = [
        *diagnose(board, try_libraries(package / "data" / "default" / "encoder.onnx"), packages),
        *diagnose_camera_stack(board, camera, stack),
        *diagnose_places(
            board, [Place("cache", user_cache()), Place("state", user_state())], Path(edgevtn.__file__).stat().st_mtime
        ),
    ]
    findings = [finding._replace(value=one_line(without_names(finding.value))) for finding in findings]
    problems = sum(finding.state == "problem" for finding in findings)
    if arguments.json:
        facts = {"edgevtn": edgevtn.__version__, "problems": problems, "versions": packages}
        print(json.dumps(facts | {"findings": [finding._asdict() for finding in findings]}, indent=1))
        return int(problems > 0)
    for finding in findings:
        print(f"{finding.state:8} {finding.name:14} {finding.value}")
        if finding.advice and finding.state != "ok":
            print(f"{'':23} -> {finding.advice}")
    print(f"{problems or 'no'} problem{'s' * (problems != 1)}")
    return int(problems > 0)
