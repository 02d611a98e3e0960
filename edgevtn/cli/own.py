"""`edgevtn demo --camera`: two actions of one's own are recorded, taught and recognised, in a minute."""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

from edgevtn.arrays import Frame
from edgevtn.errors import SourceError

#: Takes of each action, and seconds of each: the fewest of which one can be left out, and a minute in all.
TAKES, SECONDS = 2, 3.0
#: Seconds of recognition.
LIVE = 20.0
#: What to do where nobody can be asked.
ACTIONS = ("wave", "bend")


def try_camera(name: str, output: Path, threads: int | None, engine: str) -> None:
    """Lead through it, in text alone.

    Parameters
    ----------
    name : str
        What `edgevtn.frames` opens.
    output : Path
        A folder: the takes, the model and an annotated video are written into it.
    threads, engine
        As in `Recognizer`.

    Raises
    ------
    SourceError
        The camera cannot be opened, or ends before there are enough takes.
    """
    from edgevtn.defaults import SMOOTHING
    from edgevtn.recognizer import Recognizer
    from edgevtn.sinks import Text, Video
    from edgevtn.sources import frames
    from edgevtn.teaching import teach
    from edgevtn.unknown import Unknown
    from edgevtn.watching import watch

    print("\nStand where the camera sees you whole, in the middle of its picture.")
    print(f"You do two actions, each {TAKES} times for {SECONDS:g} seconds. Then they are recognised.\n")
    actions = ask()
    takes, model = output / "takes", output / "own"
    with frames(name, give_up=0) as source:  # a take has no gap
        shown = iter(source)  # once: all that follows goes on where the last stopped
        examples = [(file, label) for label in actions for file in record(shown, takes, label)]
        began = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # so few takes are few
            taught = teach(examples, threads=threads)
        taught.save(model, name=model.name)
        print(f"\ntaught {' and '.join(actions)} in {time.perf_counter() - began:.1f} s")
        print(f"Now do one and the other, for {LIVE:g} seconds.\n")
        recognizer = Recognizer(model, threads=threads, smoothing=SMOOTHING, engine=engine)
        sinks = [Text(), Video(output / "own.mp4"), Unknown(lambda line: print(line, file=sys.stderr))]
        for _ in watch(shown, recognizer=recognizer, sinks=sinks, seconds=LIVE):
            pass
    print(f"\nwrote {takes}, {model}, {output / 'own.mp4'}")
    print("\nnext")
    print(f"  edgevtn record {takes} --label {actions[0]}   more takes make it surer; or another label, or nothing")
    print(f"  edgevtn teach {takes} -o mine")
    print(f"  edgevtn run {name} --model mine            or serve: the same as a page in the browser")


def ask() -> tuple[str, str]:
    """Names of two different actions; the proposed ones where nobody is at a terminal."""
    from edgevtn.recording import check_label

    names: list[str] = []
    for which, proposed in zip(("first", "second"), ACTIONS, strict=True):
        answer = proposed
        if sys.stdin.isatty():
            try:
                answer = input(f"What will you do as the {which} action? [{proposed}] ").strip() or proposed
            except EOFError:  # Ctrl-D
                print()
        check_label(answer)
        names.append(answer)
    if names[0] == names[1]:
        raise ValueError(f"expected two different actions, got {names[0]!r} twice")
    return names[0], names[1]


def record(shown: Iterator[tuple[float, Frame]], folder: Path, label: str) -> list[Path]:
    """The takes of an action; SourceError if the camera ends before there are enough."""
    from edgevtn.cli.record import Screen, describe
    from edgevtn.recording import record_takes

    screen = Screen(label, window=False)
    kept: list[Path] = []
    for take in record_takes(shown, folder, label, SECONDS, screen):
        screen.clear()
        kept.append(take.keep())
        print(f"{label}, take {len(kept)} of {TAKES}: {describe(take)}", flush=True)
        if len(kept) == TAKES:
            return kept
    raise SourceError(f"the camera ended before {TAKES} takes of {label} were recorded; try again")
