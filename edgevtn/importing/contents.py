"""Whether a file that came without a published checksum is what its name says, before its checksum is remembered."""

from __future__ import annotations

import zipfile
from pathlib import Path
from xml.etree import ElementTree

from edgevtn.errors import ModelFileError
from edgevtn.importing.checkpoint import read_tensors

#: The versions of a binary pickle, which an older PyTorch checkpoint is: its second byte.
PICKLE_PROTOCOLS = range(2, 6)


def strange(file: Path, name: str) -> str | None:
    """What is wrong with a file called `name`; None if it is what that says.

    A checkpoint (.pth) is a zip archive, or a pickle as PyTorch wrote it before 1.6, and its tensors can be read; an
    .xml can be parsed; nothing is empty. No code of a pickle is run.
    """
    if file.stat().st_size == 0:
        return "is empty"
    kind = Path(name).suffix
    if kind == ".pth":
        if not (zipfile.is_zipfile(file) or _is_pickle(file)):
            return "is no PyTorch checkpoint, neither a zip archive nor a pickle"
        try:
            read_tensors(file)
        except ModelFileError as error:  # cut short, say: what cannot be read must never be expected again
            return f"is no checkpoint that can be read ({error})"
    if kind == ".xml":
        try:
            for _ in ElementTree.iterparse(file):
                pass
        except ElementTree.ParseError as error:
            return f"is no XML ({error})"
    return None


def _is_pickle(file: Path) -> bool:
    with file.open("rb") as content:
        begin = content.read(2)
    return len(begin) == 2 and begin[0] == 0x80 and begin[1] in PICKLE_PROTOCOLS
