"""Properties of importing: a damaged or hostile checkpoint or OpenVINO IR is imported, or refused in one line of ours.

They are made of the golden files in the shared data folder (`EDGEVTN_SHARED`); without it, or without the extra
[import], there are none.
"""

from __future__ import annotations

import contextlib
import io
import os
import pickle
import random
import re
import shutil
import struct
import zipfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from mutants import mutated

from edgevtn import EdgeVTNError

SHARED = Path(os.environ.get("EDGEVTN_SHARED", Path(__file__).parents[3] / "shared"))
GOLDEN = SHARED / "golden"
SEEDS = st.integers(0, 2**62)
#: Numbers that are offsets, counts or sizes somewhere, and have broken something before.
SIZES = (0, 1, -1, 7, 2**31 - 1, 2**31, 2**32, 2**40, 2**63 - 1, 2**63, 2**64 - 1)


def one_line(attempt: Callable[[], object]) -> None:
    """It succeeds, or is refused in one line of at most 500 characters."""
    try:
        attempt()
    except EdgeVTNError as error:
        text = str(error)
        assert 0 < len(text) <= 500, text
        assert not set(text) & set("\n\x1b"), text


def bits(content: bytes, chance: random.Random) -> bytes:
    """With other bits, some or hundreds, anywhere."""
    changed = bytearray(content)
    for _ in range(chance.choice([1, 8, 64, 512])):
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def spliced(content: bytes, other: bytes, chance: random.Random) -> bytes:
    """The beginning of one file and the end of another."""
    return content[: chance.randrange(len(content))] + other[chance.randrange(len(other)) :]


def repacked(content: bytes, change: Callable[[bytes], bytes], chance: random.Random) -> bytes:
    """A checkpoint's archive, whose pickle was changed and whose checksums are right."""
    packed = io.BytesIO()
    kind = chance.choice([zipfile.ZIP_STORED] * 7 + [zipfile.ZIP_DEFLATED])
    with zipfile.ZipFile(io.BytesIO(content)) as whole, zipfile.ZipFile(packed, "w", kind) as archive:
        for name in whole.namelist():
            part = whole.read(name)
            if name.endswith(".pkl"):
                part = change(part)
            elif chance.random() < 0.01:
                part = mutated(part, chance.getrandbits(60))
            archive.writestr(name, part)
    return packed.getvalue()


def resized(pickled: bytes, chance: random.Random) -> bytes:
    """Numbers of a pickle, which are shapes, strides, offsets and sizes, are others: some of them huge."""
    numbers = [found.start() for found in re.finditer(rb"[KMJ]", pickled)]
    changed = pickled
    for at in sorted(chance.sample(numbers, min(len(numbers), chance.choice([1, 1, 3]))), reverse=True):
        length = {75: 2, 77: 3, 74: 5}[changed[at]]  # BININT1, BININT2, BININT
        value = chance.choice(SIZES)
        raw = value.to_bytes(9, "little", signed=True)
        changed = changed[:at] + b"\x8a\x09" + raw + changed[at + length :]  # LONG1, of nine bytes
    return changed


class _Calls:
    def __init__(self, function: Any, arguments: tuple[Any, ...]) -> None:
        self._what = function, arguments

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return self._what


def hostile(chance: random.Random) -> bytes:
    """A pickle that someone made to do harm."""
    count = chance.choice([10, 1000, 100_000, 600_000])
    match chance.randrange(7):
        case 0:  # runs a command, which a folder that appears would show
            return pickle.dumps({"state_dict": _Calls(os.mkdir, ("ran",))}, protocol=chance.randrange(2, 6))
        case 1:
            return pickle.dumps(_Calls(eval, ("__import__('os').mkdir('ran')",)), protocol=chance.randrange(2, 6))
        case 2:
            return b"\x80\x02" + chance.choice([b"(", b"]", b"}", b")", b"N", b"0", b"2"]) * count + b"."
        case 3:  # lists in lists
            return b"\x80\x02" + b"]" * count + b"a" * (count - 1) + b"."
        case 4:  # a text or bytes of a length that is not there
            operation = chance.choice([b"X", b"B", b"T"])
            return b"\x80\x03" + operation + struct.pack("<I", chance.choice([2**31 - 1, 2**32 - 1])) + b"x."
        case 5:  # tuples that double: 2 to the power of count parts, if anyone looks at them all
            return b"\x80\x02)" + b"2\x86" * min(count, 1000) + b"."
        case _:  # a tensor of a storage that is not there, or of another size
            shape = tuple(abs(chance.choice(SIZES)) % 2**63 for _ in range(chance.randrange(4)))
            return pickle.dumps({"state_dict": {"x": shape, "module.resnet.0.weight": shape}}, protocol=2)


def checkpoint(folder: Path) -> tuple[st.SearchStrategy[Any], Callable[[Any], object]]:
    """A checkpoint: cut, with other bits, spliced, with other sizes, hostile; whole archives around changed pickles."""
    import torch  # noqa: F401  (what is imported slowly is no input that hangs)

    from edgevtn.importing import import_files

    whole = [file.read_bytes() for file in sorted(GOLDEN.glob("*.pth"))]
    assert whole, f"there is no checkpoint in {GOLDEN}"
    import_files([next(iter(sorted(GOLDEN.glob("*.pth"))))], folder / "out")

    def check(seed: int) -> None:
        chance = random.Random(seed)
        content = chance.choice(whole)
        match chance.randrange(7):
            case 0:
                content = content[: chance.randrange(len(content))]
            case 1:
                content = bits(content, chance)
            case 2:
                content = spliced(content, chance.choice(whole), chance)
            case 3:
                content = repacked(content, lambda part: mutated(part, chance.getrandbits(60)), chance)
            case 4:
                content = repacked(content, lambda part: resized(part, chance), chance)
            case 5:
                content = hostile(chance)
                if chance.random() < 0.7:
                    inner = content
                    content = repacked(chance.choice(whole), lambda part: inner, chance)
            case _:
                content = mutated(content, seed)
        (folder / "x.pth").write_bytes(content)
        one_line(lambda: import_files([folder / "x.pth"], folder / "out"))
        assert not (folder / "ran").exists(), "code of a checkpoint was run"

    return SEEDS, check


def numbered(text: bytes, chance: random.Random) -> bytes:
    """An .xml with other numbers, which are shapes, offsets, sizes and the ends of edges."""
    places = [found.span() for found in re.finditer(rb"\d+", text)]
    for start, end in sorted(chance.sample(places, chance.choice([1, 1, 2, 5])), reverse=True):
        value = chance.choice([*(str(size).encode() for size in SIZES), b"x", b"1e9", b"", b"nan"])
        text = text[:start] + value + text[end:]
    return text


def ir(folder: Path) -> tuple[st.SearchStrategy[Any], Callable[[Any], object]]:
    """An OpenVINO IR, an .xml or a .bin of which is cut, has other bits or numbers, or is spliced."""
    import openvino  # noqa: F401

    from edgevtn.importing import import_files

    whole = {file.name: file.read_bytes() for file in sorted((GOLDEN / "openvino_ir").iterdir())}
    assert whole, f"there is no IR in {GOLDEN}"
    for name in whole:
        shutil.copyfile(GOLDEN / "openvino_ir" / name, folder / name)
    import_files([folder / "encoder.xml", folder / "decoder_ln.xml"], folder / "out")

    def check(seed: int) -> None:
        chance = random.Random(seed)
        # Decoders more often: an encoder that is damaged is refused before its decoder is looked at.
        decoder = chance.choice(["decoder_ln", "decoder_noln"])
        name = chance.choice(["encoder", decoder, decoder]) + chance.choice([".xml", ".xml", ".bin"])
        content = whole[name]
        kinds: list[Callable[[], bytes]] = [
            lambda: content[: chance.randrange(len(content))],
            lambda: bits(content, chance),
            lambda: spliced(content, whole[chance.choice(sorted(whole))], chance),
            lambda: mutated(content, seed),
        ]
        if name.endswith(".xml"):
            kinds += [lambda: numbered(content, chance)] * 4
        (folder / name).write_bytes(chance.choice(kinds)())
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                one_line(lambda: import_files([folder / "encoder.xml", folder / f"{decoder}.xml"], folder / "out"))
        finally:
            (folder / name).write_bytes(content)

    return SEEDS, check


HERE = (GOLDEN / "openvino_ir").is_dir() and all(find_spec(name) for name in ("torch", "openvino", "onnx_ir"))
IMPORTING = {"checkpoint": checkpoint, "ir": ir} if HERE else {}
