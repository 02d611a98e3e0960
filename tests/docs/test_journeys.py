"""docs/journeys.md has commands that are still those of edgevtn, and the journeys that the script takes."""

import re
import shlex
from pathlib import Path

import pytest

from edgevtn.cli.main import parser

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "journeys.md").read_text("utf-8")
COMMANDS = [line.partition("  # ")[0] for line in re.findall(r"^    \$ edgevtn (.*)$", PAGE, re.M)]


@pytest.mark.parametrize("command", dict.fromkeys(COMMANDS))
def test_a_command_is_understood(command):
    words = shlex.split(command)
    assert parser(arguments=words).parse_args(words).function


def test_each_journey_is_in_the_script():
    titles = re.findall(r"^## (.*)$", PAGE, re.M)
    script = (ROOT / "scripts" / "journeys").read_text("utf-8")
    assert len(titles) == 5
    assert all(f'"{title}"' in script for title in titles)
