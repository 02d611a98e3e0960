"""`--config`: what stands in a file is as if it stood on the command line, which wins."""

import json
from pathlib import Path

import cv2
import pytest
from tiny import moving_frames

from edgevtn.cli.config import with_config
from edgevtn.cli.main import main, parser
from edgevtn.defaults import ADDRESS
from edgevtn.region import Region

EXAMPLE = Path(__file__).parents[2] / "examples" / "edgevtn.toml"


@pytest.fixture
def pictures(tmp_path):
    """Two folders of images."""
    folders = []
    for seed, name in enumerate(("yard", "hall")):
        folders.append(tmp_path / name)
        folders[-1].mkdir()
        for n, frame in enumerate(moving_frames(20, seed=seed)):
            cv2.imwrite(str(folders[-1] / f"{n}.png"), frame)
    return folders


@pytest.fixture
def config(tmp_path):
    def write(text):
        (tmp_path / "run.toml").write_text(text)
        return str(tmp_path / "run.toml")

    return write


#: What differs from run to run.
OWN = ("id", "time", "start_time", "end_time")


def lines(capsys):
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return [{key: value for key, value in record.items() if key not in OWN} for record in records]


def test_a_file_says_what_the_command_line_would(pictures, tiny, config, capsys):
    line = ["run", str(pictures[0]), "--json", "--model", str(tiny), "--frame-rate", "10", "--seconds", "1.5"]
    line += ["--region", "left=0,0,0.5,1", "--region", "right=0.5,0,1,1", "--threads", "1"]
    assert main(line) == 0
    expected = lines(capsys)
    assert {record["region"] for record in expected} == {"left", "right"}
    file = config(
        f"source = '{pictures[0]}'\njson = true\nmodel = ['{tiny}']\nframe-rate = 10\nseconds = 1.5\n"
        "region = ['left=0,0,0.5,1', 'right=0.5,0,1,1']\nthreads = 1\n"
    )
    assert main(["run", "--config", file]) == 0
    assert lines(capsys) == expected


def test_the_command_line_wins(pictures, tiny, config, capsys):
    file = config("source = ['nothing.mp4']\njson = true\nmodel = 'no model'\nframe_rate = 10\nseconds = 0.1\n")
    line = [*map(str, pictures), "--model", str(tiny), "--config", file, "--seconds", "1"]
    assert main(["run", *line]) == 0
    records = [record for record in lines(capsys) if "top" in record]
    assert [record["source"] for record in records].count("yard") == 7
    assert [record["source"] for record in records].count("hall") == 7
    assert main(["run", *line, "--no-json"]) == 0
    assert "{" not in capsys.readouterr().out


@pytest.mark.parametrize("name", ["save", "overlay"])
def test_an_option_has_all_of_its_names(name, config):
    line = ["run", "--config", config(f"source = 'x'\n{name} = 'out.mp4'\n")]
    parsed = parser().parse_args(line)
    assert parser().parse_args(with_config(line, parsed, parsed.parser)).save == "out.mp4"


@pytest.mark.parametrize(
    ("command", "value", "page"),
    [
        ("run", "true", ADDRESS),
        ("run", "false", None),
        ("run", "'localhost:1'", "localhost:1"),
        ("serve", "true", ADDRESS),
    ],
)
def test_what_may_stand_without_a_value_is_true(command, value, page, config):
    line = [command, "--config", config(f"source = 'x'\npage = {value}\n")]
    parsed = parser().parse_args(line)
    assert parser().parse_args(with_config(line, parsed, parsed.parser)).page == page


def test_a_page_is_what_serve_is_for(config, capsys):
    assert main(["serve", "--config", config("source = 'x'\npage = false")]) == 1
    assert "page: expected a string or a number, got False" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("no-json = true", "no-json is no option"),
        ("patiense = 5", "patiense is no option; the nearest is patience"),
        ("config = 'other.toml'", "config is no option"),
        ("json = 1", "json: expected true or false, got 1"),
        ("patience = true", "patience: expected a string or a number, got True"),
        ("patience = [1, 2]", "patience: expected a string or a number, got [1, 2]"),
        ("source = [true]", "source: expected a string or a number, or a list of them, got True"),
        ("[broker]\nhost = 1", "broker is no option"),
        ("patience 5", "is no TOML"),
        ("", "expected at least one SOURCE, on the command line or in the file of --config"),
        ("source = 'x'\nregion = 'door=1'", "expected a region as in door=0.1,0.2,0.4,0.9, got door=1"),
    ],
)
def test_what_is_wrong_is_told(text, reason, config, capsys):
    assert main(["run", "--config", config(text)]) == 1
    error = capsys.readouterr().err
    assert error.startswith("edgevtn: error: ")
    assert reason in error
    assert error.count("\n") == 1


def test_a_file_that_is_missing_or_has_a_wrong_number(config, tmp_path, capsys):
    assert main(["run", "--config", str(tmp_path / "none.toml")]) == 1
    assert "none.toml: cannot be read (No such file or directory)" in capsys.readouterr().err
    assert main(["run", "--config", config("patience = 'soon'")]) == 1
    assert "run.toml: argument --patience: invalid float value: 'soon'" in capsys.readouterr().err


def test_the_example_is_right():
    line = ["run", "--config", str(EXAMPLE)]
    parsed = parser().parse_args(line)
    parsed = parser().parse_args(with_config(line, parsed, parsed.parser))
    assert len(parsed.source) == 2
    assert [Region.parse(text).name for text in parsed.region] == ["door", "desk"]
    assert parsed.wait is parsed.json is True
