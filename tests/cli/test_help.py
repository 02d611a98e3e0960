"""What somebody reads who does not know yet what to type."""

import re
import shlex
import subprocess
import sys

import pytest

from edgevtn.cli.examples import EXAMPLES
from edgevtn.cli.main import COMMANDS, main, parser
from edgevtn.defaults import SETTLED


def help_of(command, capsys):
    with pytest.raises(SystemExit) as caught:
        main([command, "--help"])
    assert caught.value.code == 0
    return capsys.readouterr().out


def test_sources_stand_before_and_after_options(capsys):
    line = ["run", "a.mp4", "--json", "b.mp4", "--save", "out.mp4", "c.mp4", "d.mp4"]
    parsed = parser(arguments=line).parse_args(line)
    assert (parsed.source, parsed.json, parsed.save) == (["a.mp4", "b.mp4", "c.mp4", "d.mp4"], True, "out.mp4")
    for wrong, rest in ((["run", "a.mp4", "--jsno", "b.mp4"], "--jsno b.mp4"), (["info", "default", "more"], "more")):
        with pytest.raises(SystemExit, match="2"):
            parser(arguments=wrong).parse_args(wrong)
        assert f"unrecognized arguments: {rest}\n" in capsys.readouterr().err


def test_the_help_of_run_loads_nothing_that_runs_models():
    script = (
        "import contextlib, sys\n"
        "from edgevtn.cli.main import main\n"
        "with contextlib.suppress(SystemExit):\n"
        "    main(['run', '--help'])\n"
        "print([name for name in ('cv2', 'llvmlite', 'numba', 'numpy', 'onnxruntime') if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert done.stdout.startswith("usage: edgevtn run ")
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--rate", "6.25"], "the rate that it learned at; edgevtn teach --rate"),
        (["--size", "auto"], "edgevtn teach --size auto chooses"),
        (["--size", "big"], "expected pixels, such as 160, got 'big'"),
    ],
)
def test_what_calibration_cannot_choose(words, told, capsys):
    with pytest.raises(SystemExit, match="2"):
        parser(arguments=["calibrate"]).parse_args(["calibrate", "in", "-o", "out", "--clips", "clips", *words])
    assert told in capsys.readouterr().err


def test_every_command_has_examples():
    assert EXAMPLES.keys() == COMMANDS.keys()


@pytest.mark.parametrize("command", COMMANDS)
def test_the_examples_are_shown_and_can_be_typed(command, capsys):
    shown = help_of(command, capsys).partition("examples:\n")[2]
    lines = re.findall(r"^  (edgevtn .+?)  +# .+$", shown, re.M)
    assert 2 <= len(lines) <= 4
    for line in lines:
        words = shlex.split(line)
        assert parser(arguments=words[1:]).parse_args(words[1:]).parser.prog == f"edgevtn {command}"


def test_the_command_alone_says_what_to_type_first(capsys):
    assert main([]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(captured.err.splitlines()) < 12
    lines = re.findall(r"^  (edgevtn .+?)  +\w", captured.err, re.M)
    assert len(lines) >= 3
    for line in lines:
        parser().parse_args(shlex.split(line)[1:])


def test_no_help_is_wider_than_a_terminal(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    for command in COMMANDS:
        assert max(map(len, help_of(command, capsys).splitlines())) <= 120, command


def test_the_help_tells_how_long_what_begins_from_rest_lasts(capsys):
    assert f"from rest {SETTLED:g})" in " ".join(help_of("run", capsys).split())
