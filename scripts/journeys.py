"""Five journeys of a new user who has only the docs; see scripts/journeys."""

from __future__ import annotations

import argparse
import json
import re
import shutil
import signal
import sys
import tempfile
import textwrap
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fresh_machine import ROOT, Failed, Machine, transcript
from journey_films import FALLS, PEOPLE, films_to_teach, takes_of_falls

from edgevtn.cpu import cpu_name, has_vnni
from edgevtn.files import write_whole

sys.path.insert(0, str(ROOT / "tests" / "support"))
from broker import Broker, Consumer

#: The first line of every journey, from docs/index.md.
VENV = "python3 -m venv .venv && source .venv/bin/activate"
#: Seconds that the demo may take without pip, and teaching from an empty folder with it.
DEMO, TEACH = 60.0, 300.0


def check(right: object, wrong: str) -> None:
    """The outcome that the docs promise."""
    if not right:
        raise Failed(wrong)


def label_at(text: str, second: float) -> str | None:
    """The label of the event at a second of the file, as `edgevtn run` printed it."""
    for start, end, label in re.findall(r"([\d.]+) - +([\d.]+) s +(\S+)", text):
        if float(start) <= second <= float(end):
            return str(label)
    return None


def demo(machine: Machine) -> str:
    """README's first command."""
    machine.type(VENV)
    text = machine.type("pip install . && edgevtn demo")
    machine.typed[-1].matters = r"^\d\. |^recognised| - .*%|^  edgevtn|people"
    check("walk" in text and "jack" in text and "fall" in text, f"the demo recognised nothing:\n{text}")
    check(list((machine.checkout / "edgevtn-demo").glob("*.mp4")), "there is no annotated video")
    seconds = machine.typed[-1].seconds
    check(seconds < DEMO, f"the demo took {seconds:.0f} s")
    return "five actions of a drawn figure, and the falls of a person"


def own_file(machine: Machine) -> str:
    """A clip of somebody who walks, one of a scene that the model does not know, and both as files with a timeline."""
    shutil.copy(PEOPLE / "walk" / "denis_walk.avi", machine.checkout / "clip.mp4")
    (machine.checkout / "clips").mkdir()
    shutil.copy(FALLS / "fall" / "Subject3_16.mp4", machine.checkout / "clips" / "room.mp4")
    machine.type(VENV)
    machine.type("pip install '.[report,video]'")
    check("walk" in machine.type("edgevtn run clip.mp4"), "nobody walks")
    text = machine.type("edgevtn run clips/room.mp4")
    check("unlike what the model has learned" in text, f"it does not say why all is unknown:\n{text}")
    machine.type("edgevtn run clip.mp4 --save annotated.mp4")
    check((machine.checkout / "annotated.mp4").stat().st_size > 0, "there is no annotated video")
    machine.type("edgevtn run clips clip.mp4 --out results")
    for name in ("timeline.csv", "timeline.json", "timeline.html"):
        check((machine.checkout / "results" / name).is_file(), f"there is no {name}")
    return "who walks is recognised, in a clip of the model's training; of another scene it says why it is unknown"


def teach(machine: Machine) -> str:
    """Takes of two actions and of the empty room; then others do the same."""
    films_to_teach(machine.checkout)
    machine.type(VENV)
    machine.type("pip install .")
    for label in ("wave", "bend", "nothing"):
        machine.type(f"edgevtn record takes --label {label} --takes 5 --source {label}.mp4 --yes")
        takes = list((machine.checkout / "takes" / label).glob("*.mp4"))
        check(len(takes) == 5, f"{len(takes)} takes of {label} instead of 5")
    machine.type("edgevtn teach takes -o mine")
    text = machine.type("edgevtn run room.mp4 --model mine")
    for label, second in {"wave": 3.0, "bend": 11.0}.items():  # the middle of what each does
        check(label_at(text, second) == label, f"nobody was seen to {label} at {second} s:\n{text}")
    whole = sum(typed.seconds for typed in machine.typed)
    check(whole < TEACH, f"from the empty folder it took {whole:.0f} s")
    return "people of whom it learned nothing wave and bend, and both are recognised"


def mqtt(machine: Machine) -> str:
    """The fall alarm, with a broker that wants a password."""
    takes_of_falls(machine.checkout)
    broker = Broker(machine.home / "broker", "correct horse").start()
    listener = Consumer(broker.port, "#", "me", "correct horse")
    try:
        machine.type(VENV)
        machine.type("pip install '.[mqtt,video]'")
        machine.type("edgevtn doctor")
        machine.type("edgevtn teach takes -o mine --modality movement")
        machine.type("(umask 077; cat > password)", "correct horse\n")
        machine.type(
            "edgevtn run room.mp4 --model mine --label fall:enter=0.4,leave=0.2 --cool-down 30 "
            f"--name hall --mqtt mqtt://me@localhost:{broker.port} --mqtt-password-file password"
        )
        got = listener.until(lambda topic, text, _: topic.endswith("/availability") and text == "offline")
    finally:
        listener.close()
        broker.stop()
    events = [json.loads(text) for topic, text, _ in got if topic.endswith("/events")]
    told = [(event["type"], event["label"]) for event in events]
    check(("new", "fall") in told and ("end", "fall") in told, f"the subscriber heard only {told}")
    states = [text for topic, text, _ in got if topic.endswith("/state/fall")]
    check("ON" in states and states[-1] == "OFF", f"the sensor was {states}")
    check(any(topic.startswith("homeassistant/device/") for topic, _, _ in got), "no device was announced")
    machine.typed[-1].matters = r" - .*%|^The|/config|/events|/state/fall|/availability"
    machine.typed[-1].text += "\n".join(["The subscriber got:", *(f"{topic} {text}" for topic, text, _ in got)])
    return (
        f"a subscriber got {len(got)} messages: the device, a fall that begins and ends, the sensor ON and OFF; "
        "other falls in that room were taught"
    )


def archive(machine: Machine) -> str:
    """An index of recordings, and what is found in it."""
    for action in ("walk", "bend", "jack"):
        (machine.checkout / "videos" / action).mkdir(parents=True)
        for name in ("daria", "denis", "eli"):
            shutil.copy(PEOPLE / action / f"{name}_{action}.avi", machine.checkout / "videos" / action)
    shutil.copy(PEOPLE / "jack" / "moshe_jack.avi", machine.checkout / "clip.mp4")
    machine.type(VENV)
    machine.type("pip install .")
    machine.type("edgevtn index videos/ -o index/")
    check("_walk.avi" in machine.type("edgevtn find index/ --label walk"), "no recording has somebody who walks")
    text = machine.type("edgevtn find index/ --where \"label = 'bend' and score > 0.8\"")
    check("_bend.avi" in text, f"nobody bends:\n{text}")
    text = machine.type("edgevtn find index/ --like clip.mp4 --from 1 --to 3")
    check("_jack.avi" in text.splitlines()[0], f"what is most alike is none of the same:\n{text}")
    return "recordings by label, by a condition, and by a clip of somebody who is in none"


@dataclass
class Journey:
    """A journey, where the docs tell of it, and how it went."""

    name: str
    title: str
    page: str
    go: Callable[[Machine], str]
    machine: Machine | None = None
    outcome: str = ""

    def seconds(self, installs: bool) -> float:
        """The wall time of pip's commands, or of all others."""
        assert self.machine is not None
        return sum(typed.seconds for typed in self.machine.typed if typed.installs is installs)


JOURNEYS = [
    Journey("demo", "The demo", "[Five minutes](index.md)", demo),
    Journey("file", "A file of one's own", "[Five minutes](index.md), [guide](guide.md)", own_file),
    Journey("teach", "Teach", "[Five minutes](index.md)", teach),
    Journey("mqtt", "MQTT", "[A fall alarm](fall_alarm.md)", mqtt),
    Journey("archive", "An archive", "[Five minutes](index.md), [archive](archive.md)", archive),
]

HEAD = """\
# Five journeys

What somebody types who has only these docs, as `scripts/journeys` typed it: each on a machine where nothing of edgevtn
was, with a home, a copy of the project, an environment and caches of its own. The script fails where a journey does not
end as it should, and writes this page. No camera was there: films from the shared data folder (`EDGEVTN_SHARED`) stand
in, and a file is read as fast as it can be, so before a camera `record` and `run` take as long as what they see.
"""


def page(journeys: list[Journey]) -> str:
    """The journeys as Markdown."""
    machine = f"{cpu_name()}, {'with' if has_vnni() else 'without'} VNNI"
    rows = []
    for journey in journeys:
        assert journey.machine is not None
        installing, rest = journey.seconds(True), journey.seconds(False)
        rows.append(
            f"| [{journey.title}](#{journey.title.lower().replace(' ', '-').replace(chr(39), '')}) | {journey.page} "
            f"| {len(journey.machine.typed)} | {installing:.0f} s | {rest:.0f} s | {journey.outcome} |"
        )
    text = [
        HEAD, *textwrap.wrap(f"Two cores of a server ({machine}), which others used meanwhile.", 119), "",
        "| journey | from | commands | venv and pip | all else | outcome |", "| --- | --- | --- | --- | --- | --- |",
        *rows,
    ]  # fmt: skip
    for journey in journeys:
        assert journey.machine is not None
        lines = [line for typed in journey.machine.typed for line in transcript(typed)]
        text += ["", f"## {journey.title}", "", "```console", *lines, "```"]
    return "\n".join(text) + "\n"


def main() -> int:
    """Go on all journeys, or on those that are named; how many failed."""
    parser = argparse.ArgumentParser(prog="scripts/journeys", description=__doc__)
    names = [journey.name for journey in JOURNEYS]
    parser.add_argument("--only", choices=names, action="append", help="may be given several times")
    parser.add_argument("--write", type=Path, metavar="FILE", help="the transcripts, as a page; only if none failed")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the broker ends, too
    chosen = [journey for journey in JOURNEYS if journey.name in (arguments.only or names)]
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for journey in chosen:
            print(journey.title, flush=True)
            journey.machine = Machine(Path(folder) / journey.name)
            try:
                journey.outcome = journey.go(journey.machine)
                print(f"    {journey.outcome}", flush=True)
            except Exception:
                traceback.print_exc()
                failed += 1
            shutil.rmtree(journey.machine.checkout / ".venv", ignore_errors=True)
    if arguments.write and not failed:
        write_whole(arguments.write, page(chosen).encode())
    return failed


if __name__ == "__main__":
    sys.exit(main())
