"""Properties that hold for any input: it works, or it is refused in one line of ours. For `fuzzing` to try.

Each is a function that prepares what is needed in a folder, and gives a Hypothesis strategy and a check of one input.
What is damaged byte by byte is drawn as the seed of `mutated`.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import io
import json
import math
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from hypothesis import strategies as st
from import_properties import IMPORTING
from mutants import mutated
from tiny import moving_frames, random_head, tiny_encoder, tiny_facts

from edgevtn import EdgeVTNError, Event, EventDetector, Prediction, Recognizer, TimestampError, frames
from edgevtn.bundle import load_bundle, write_bundle
from edgevtn.cli.config import with_config
from edgevtn.cli.main import parser
from edgevtn.sources import redact, source_name
from edgevtn.sources.secret import checked_address
from edgevtn.teaching.examples import read_examples
from edgevtn.video import VideoWriter

Property = tuple[st.SearchStrategy[Any], Callable[[Any], object]]
SEEDS = st.integers(0, 2**62)
SECRET = "hunter2"
#: Numbers and texts that have broken something before.
ODD = st.sampled_from(
    [10**400, -(10**400), 2**63, 1e308, 5e-324, math.nan, math.inf, "", "\x1b[2J\n", "\ud800", "x" * 9999]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | ODD,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=8,
)
FRAME = np.zeros((48, 64, 3), np.uint8)


def ours(attempt: Callable[[], object], *kinds: type[Exception]) -> None:
    """It succeeds, or is refused in one line of at most 500 characters; any other exception is a fault."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            attempt()
    except (EdgeVTNError, *kinds) as error:
        refused = error
    else:
        return
    one_line_of_ours(refused)


def one_line_of_ours(error: Exception) -> None:
    """What every refusal is."""
    text = str(error)
    assert text, error
    assert len(text) <= 500, text
    assert "\n" not in text, text
    assert "\x1b" not in text, text


def _bundle(folder: Path) -> Path:
    facts = tiny_facts()
    write_bundle(folder / "whole", facts, tiny_encoder().SerializeToString(), random_head(facts))
    shutil.copytree(folder / "whole", folder / "b")
    return folder / "b"


def facts(folder: Path) -> Property:
    """Facts of a bundle, of any type and size."""
    bundle = _bundle(folder)
    known = json.loads((bundle / "model.json").read_text())
    places = [(name,) for name in known] + [(a, b) for a in ("encoder", "head", "sha256") for b in known[a]]

    def check(drawn: tuple[tuple[str, ...], Any, int]) -> None:
        place, value, seed = drawn
        changed = json.loads(json.dumps(known))
        inner = changed if len(place) == 1 else changed[place[0]]
        inner[place[-1]] = value
        content = json.dumps(changed).encode()
        (bundle / "model.json").write_bytes(content if seed % 2 else mutated(content, seed))
        ours(lambda: load_bundle(bundle))

    return st.tuples(st.sampled_from(places), JSON, SEEDS), check


def _signed(bundle: Path, name: str, content: bytes) -> None:
    known = json.loads((bundle / "model.json").read_text())
    known["sha256"][name] = hashlib.sha256(content).hexdigest()
    (bundle / name).write_bytes(content)
    (bundle / "model.json").write_text(json.dumps(known))


def npz(folder: Path) -> Property:
    """A damaged archive of weights whose checksum is right, stored or compressed."""
    bundle = _bundle(folder)
    stored, packed = (bundle / "head.npz").read_bytes(), io.BytesIO()
    with np.load(io.BytesIO(stored)) as arrays:
        np.savez_compressed(packed, **arrays)

    def check(seed: int) -> None:
        _signed(bundle, "head.npz", mutated(stored if seed % 4 else packed.getvalue(), seed))
        ours(lambda: load_bundle(bundle))

    return SEEDS, check


def encoder(folder: Path) -> Property:
    """A damaged graph whose checksum is right, loaded and run."""
    bundle = _bundle(folder)
    whole = (bundle / "encoder.onnx").read_bytes()

    def use() -> None:
        prediction = Recognizer(bundle, threads=1, start="repeat")(FRAME, 0.0)
        assert prediction is not None
        assert np.isfinite(prediction.probabilities).all()

    def check(seed: int) -> None:
        _signed(bundle, "encoder.onnx", mutated(whole, seed))
        ours(use)

    return SEEDS, check


def video(folder: Path) -> Property:
    """A damaged video: read to some end at rising times, or refused."""
    writer = VideoWriter(folder / "whole.mp4", 25)
    for n, frame in enumerate(moving_frames(12)):
        writer.write(frame, n / 25)
    writer.close()
    whole = (folder / "whole.mp4").read_bytes()

    def read() -> None:
        last = -math.inf
        with frames(folder / "x.mp4") as source:
            for timestamp, frame in source:
                assert last < timestamp < math.inf
                assert frame.dtype == np.uint8
                assert frame.ndim == 3
                last = timestamp

    def check(seed: int) -> None:
        (folder / "x.mp4").write_bytes(mutated(whole, seed))
        ours(read)

    return SEEDS, check


def manifest(folder: Path) -> Property:
    """A list of clips with any cells, or damaged bytes."""
    (folder / "a.mp4").write_bytes(b"clip")
    cells = st.sampled_from(["a.mp4", "../a.mp4", ".", "a\0b", "x" * 5000, "walk", "1e999", "nan", "-1", '"', "\ufeff"])
    table = st.lists(st.lists(cells | st.text(max_size=8), max_size=6), max_size=6)
    head = st.sampled_from(["clip,label", "video,label,start,end", "clip,label,fold", "label,clip,clip", ""])

    def check(drawn: tuple[str, list[list[str]], int]) -> None:
        header, rows, seed = drawn
        content = "\n".join([header, *(",".join(row) for row in rows)]).encode("utf-8", "surrogatepass")
        (folder / "m.csv").write_bytes(content if seed % 2 else mutated(content, seed))
        ours(lambda: read_examples(folder / "m.csv"))

    return st.tuples(head, table, SEEDS), check


def names(folder: Path) -> Property:
    """Names of sources and addresses; a password in them is in no name and no message."""
    part = st.sampled_from(
        ["rtsp:", "http:", "/", "//", "@", ":", "user", "=", "&", ";", "?", "#", "[", "]", "h", ".", "1", "%"]
    )
    name = st.lists(part | st.just(SECRET) | st.text(max_size=3), max_size=12).map("".join)

    def check(text: str) -> None:
        for shown in (redact(text), source_name(text)):
            harmless = "://" not in text and not set(text) & set("@=;&|?")
            assert SECRET not in shown or harmless or SECRET in host(text), (text, shown)
        if "://" in text:
            ours(lambda: checked_address(text))
        elif not Path(text).is_absolute() and text.strip(".") and not text.isdecimal():
            ours(lambda: frames(text))

    return name, check


def host(address: str) -> str:
    """The host of an address, which may be printed; none where there is an "@" that may belong to a password."""
    try:
        found = urlsplit(address).hostname or ""
    except ValueError:
        return ""
    return "" if "@" in address.partition("://")[2] else found


def timestamps(folder: Path) -> Property:
    """Any times; afterwards the stream goes on, or begins anew."""
    recognizer = Recognizer(_bundle(folder), threads=1, start="repeat")
    value = st.floats() | st.integers() | st.decimals() | st.fractions() | st.text(max_size=3) | st.none() | ODD

    def check(values: list[Any]) -> None:
        recognizer.reset()
        for given in values:
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    prediction = recognizer(FRAME, given)
            except TimestampError:
                continue
            assert prediction is None or math.isfinite(prediction.timestamp + prediction.window_start)
        recognizer.reset()
        assert recognizer(FRAME, 0.0) is not None

    return st.lists(value, max_size=6), check


def events(folder: Path) -> Property:
    """Any settings and predictions: each event begins once, goes on, and ends once, in time."""
    setting = st.floats() | st.none() | ODD
    step = st.tuples(st.floats(0.001, 20), st.lists(st.floats(0, 1), min_size=3, max_size=3), st.booleans())

    def check(drawn: tuple[list[Any], list[tuple[float, list[float], bool]]]) -> None:
        settings, steps = drawn
        detector = EventDetector()
        with contextlib.suppress(ValueError):
            detector = EventDetector(*settings[:3], cool_down=settings[3], update_every=settings[4])
        told: list[Event] = []
        time = 0.0
        for later, scores, still in steps:
            time += later
            values = np.array(scores, np.float32) + np.float32(1e-6)
            values /= values.sum()
            label = "abc"[int(values.argmax())]
            start = max(0.0, time - 1)
            told += detector.update(
                Prediction("m", label, float(values.max()), values, time, start, ("a", "b", "c"), reused=still)
            )
        told += detector.finish()
        for id in {event.id for event in told}:
            kinds = [event.kind for event in told if event.id == id]
            assert kinds[0] == "begin", told
            assert kinds[-1] == "end", told
            assert set(kinds[1:-1]) <= {"update"}, told
        assert all(math.isfinite(e.start) and (e.end is None or e.start <= e.end <= time) for e in told), told

    return st.tuples(st.lists(setting, min_size=5, max_size=5), st.lists(step, max_size=30)), check


def config(folder: Path) -> Property:
    """A configuration with any keys and values, or damaged bytes."""
    commands = next(a for a in parser()._actions if isinstance(a, argparse._SubParsersAction)).choices
    run = commands["run"]
    keys = [action.option_strings[0][2:] for action in run._actions if action.option_strings] + ["source", "nothing"]
    file = folder / "c.toml"
    value = st.sampled_from(
        ["1", "nan", "1e400", "9" * 5000, "true", '"x"', "[1, [2]]", "{a = 1}", "1979-05-27", '"\\u001b"', ""]
    )

    def check(drawn: tuple[list[tuple[str, str]], int]) -> None:
        lines, seed = drawn
        content = "".join(f"{key} = {text}\n" for key, text in lines).encode()
        file.write_bytes(content if seed % 2 else mutated(content, seed))
        parsed = run.parse_args(["--config", str(file)])
        ours(lambda: with_config(["run", "--config", str(file)], parsed, run), ValueError)

    return st.tuples(st.lists(st.tuples(st.sampled_from(keys), value), max_size=5), SEEDS), check


PROPERTIES: dict[str, Callable[[Path], Property]] = {
    "facts": facts, "npz": npz, "encoder": encoder, "video": video, "manifest": manifest, "names": names,
    "timestamps": timestamps, "events": events, "config": config, **IMPORTING,
}  # fmt: skip
