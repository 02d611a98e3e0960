"""How much a checkpoint's pickle asks for, before it is unpickled.

PyTorch's safe unpickler runs no code, but it is Python: ten megabytes of marks keep it busy for half a minute and take
a gigabyte of memory.
"""

from __future__ import annotations

import io
import pickletools
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

#: Operations: the largest published checkpoint, its optimiser's state included, has some tens of thousands.
MOST_OPERATIONS = 500_000
#: Bytes of the pickle in an archive, which holds names and shapes, but no numbers.
LARGEST_PICKLE = 16 * 2**20
#: Pickles at the beginning of a file as PyTorch wrote it before 1.6: a number, a version, the machine, tensors, keys.
OLD_PICKLES = 5


def check_pickle(file: Path) -> None:
    """Count the operations of a checkpoint's pickle; nothing is unpickled.

    Raises
    ------
    ValueError
        There are too many.
    """
    if not zipfile.is_zipfile(file):
        with file.open("rb") as content:
            _count(content, OLD_PICKLES)
        return
    with zipfile.ZipFile(file) as archive:
        for info in archive.infolist():
            if not info.filename.endswith(".pkl"):
                continue
            if info.file_size > LARGEST_PICKLE or info.compress_type != zipfile.ZIP_STORED:
                raise ValueError(f"its pickle is compressed or has more than {LARGEST_PICKLE} bytes")
            _count(io.BytesIO(archive.read(info)), 1)


def _count(content: BinaryIO, pickles: int) -> None:
    operations = 0
    for _ in range(pickles):
        with suppress(ValueError):  # what is no pickle is for PyTorch to refuse
            for _ in pickletools.genops(content):
                operations += 1
                if operations > MOST_OPERATIONS:
                    break
    if operations > MOST_OPERATIONS:
        raise ValueError(f"its pickle has more than {MOST_OPERATIONS} operations")
