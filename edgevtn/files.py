"""Files are written whole or not at all."""

from __future__ import annotations

from pathlib import Path

from edgevtn.errors import OutputError


def write_whole(file: str | Path, content: bytes) -> None:
    """Write beside the place, then move there: a full disk leaves what was there before.

    Raises
    ------
    OutputError
        It cannot be written.
    """
    file = Path(file)
    part = file.with_name(f".{file.name}.part")
    try:
        part.write_bytes(content)
        part.replace(file)
    except OSError as error:
        if part.is_file():
            part.unlink()
        raise OutputError(f"{file}: cannot be written ({error.strerror}); choose another place") from error
