"""`edgevtn doctor`, as a person and a script use it."""

import json

import boards

from edgevtn.cli.main import main
from edgevtn.installed import TRIALS


def test_a_report_of_this_machine_s_libraries_on_another_board(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("EDGEVTN_CACHE", str(tmp_path / "cache"))
    root = boards.write_board(
        tmp_path, {name: text for name, text in boards.PI5.items() if not name.startswith("dev/")}
    )
    assert main(["doctor", "--json", "--root", str(root)]) == 0
    report = json.loads(capsys.readouterr().out)
    findings = {finding["name"]: finding for finding in report["findings"]}
    assert report["problems"] == 0
    assert findings["board"]["value"] == "Raspberry Pi 5 Model B Rev 1.0"
    assert set(TRIALS) <= set(findings)  # numpy, numba, OpenCV and onnxruntime ran, each in a process of its own
    assert all("works" in findings[name]["value"] for name in TRIALS)
    assert report["versions"]["onnxruntime"] in findings["onnxruntime"]["value"]


def test_a_problem_is_exit_status_1_and_has_an_advice(tmp_path, capsys):
    root = boards.write_board(tmp_path, boards.PI4 | {"sys/class/thermal/thermal_zone0/temp": "85000\n"})
    assert main(["doctor", "--root", str(root)]) == 1
    out = capsys.readouterr().out
    assert "problem  temperature    85 °C\n" in out
    assert out.splitlines()[-1].endswith("problem") or out.splitlines()[-1].endswith("problems")
