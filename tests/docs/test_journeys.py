"""What docs/journeys.md shows can be typed today, and what it says that happened is in it."""

import re
import shlex
from pathlib import Path

import pytest

from edgevtn.cli.main import parser

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "journeys.md").read_text("utf-8")
#: By journey: its commands, each with its seconds.
TRANSCRIPTS = {
    title: re.findall(r"^\$ (.+?)    # ([\d.]+) s$", lines, re.M)
    for title, lines in re.findall(r"^## (.+?)\n+```console\n(.*?)^```", TEXT, re.S | re.M)
}
COMMANDS = dict.fromkeys(
    command for typed in TRANSCRIPTS.values() for command, _ in typed if command.startswith("edgevtn ")
)
#: Journey, pages, commands, seconds of pip, all other seconds.
ROWS = re.findall(r"^\| \[(.+?)\]\(#.+?\) \| (.+?) \| (\d+) \| (\d+) s \| (\d+) s \|", TEXT, re.M)


def test_the_table_is_that_of_the_transcripts():
    assert [row[0] for row in ROWS] == list(TRANSCRIPTS)
    assert {"The demo", "A file of one's own", "Teach", "MQTT"} <= TRANSCRIPTS.keys()
    for title, _, commands, installing, rest in ROWS:
        typed = TRANSCRIPTS[title]
        assert len(typed) == int(commands)
        assert sum(float(seconds) for _, seconds in typed) == pytest.approx(int(installing) + int(rest), abs=1.5)


@pytest.mark.parametrize("command", COMMANDS)
def test_it_can_be_typed(command):
    words = shlex.split(command)[1:]
    assert parser(arguments=words).parse_args(words).parser.prog == f"edgevtn {words[0]}"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_its_pages_name_its_commands(row):
    pages = [(ROOT / "docs" / name).read_text("utf-8") for name in re.findall(r"\]\((.+?\.md)\)", row[1])]
    assert pages
    for command, _ in TRANSCRIPTS[row[0]]:
        first, second, *_ = command.split()
        assert any(f"{first} {second}" in page for page in pages), command
