"""One file over HTTP: resumed, of the right size, with the right checksum, or not there at all."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from edgevtn.errors import DownloadError, require
from edgevtn.files import write_whole
from edgevtn.importing.contents import strange
from edgevtn.reading import read_text

#: Seconds to connect, and between two pieces of data.
TIMEOUT = (15, 60)
#: Bytes read at a time, and so what a broken connection may lose.
PIECE = 2**16
#: Where no size is known: no published model is larger.
LARGEST = 2 * 2**30
PINS = "pins.json"
#: The checksum of an empty file.
NOTHING = hashlib.sha384(b"").hexdigest()


def download(url: str, target: Path, size: int | None, sha384: str | None, progress: bool = True) -> None:
    """Fetch a file, unless it is there already.

    What arrived before a connection broke is kept beside the target, as ``.part``, and not asked for again.

    Parameters
    ----------
    url : str
        http or https. Proxies are taken from the environment.
    target : Path
        In an existing folder.
    size : int, optional
        Bytes, if known.
    sha384 : str, optional
        Hexadecimal. If it is not known, that of the first download that is what its name says is remembered in the
        same folder, and later ones must agree.
    progress : bool
        Show a progress bar.

    Raises
    ------
    DownloadError
        There is no network, the server refuses, or what came has another size or checksum, or without a known one is
        not what its name says.
    """
    expected = sha384 or _pinned(target)
    if target.exists():
        if _matches(target, size, expected):
            return
        target.unlink()
    part = target.with_name(f"{target.name}.part")
    _transfer(url, part, size, progress)
    got = part.stat().st_size
    if size is not None and got != size:
        if got > size:
            part.unlink()
        raise DownloadError(f"{url}: expected {size} bytes, got {got}; run the command again to go on")
    digest = _digest(part)
    if expected is not None and digest != expected:
        part.unlink()
        where = "the registry" if sha384 else f"{target.parent / PINS}, which remembers the first download"
        raise DownloadError(
            f"{url}: its checksum is not the one in {where} (expected sha384 {expected[:16]}..., "
            f"got {digest[:16]}...); nothing was installed. The file was damaged on the way, or replaced"
        )
    if expected is None:
        problem = strange(part, target.name)
        if problem is not None:
            part.unlink()
            raise DownloadError(f"{url}: what came {problem}; expected a file like {target.name}, nothing was kept")
        _pin(target, digest)
    part.replace(target)


def _transfer(url: str, part: Path, size: int | None, progress: bool) -> None:
    requests, tqdm = require("requests", "import"), require("tqdm", "import").tqdm
    if not url.startswith(("http://", "https://")):
        raise DownloadError(f"{url}: expected an address that begins with http:// or https://")
    have = part.stat().st_size if part.exists() else 0
    if size is not None and have >= size:
        if have == size:
            return
        part.unlink()
        have = 0
    try:
        # Identity: a compressed transfer could be neither resumed nor measured.
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
        with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as answer:
            if answer.status_code == 416:  # what is there is no beginning of what the server has
                part.unlink()
                raise DownloadError(f"{url}: the server has a different file than before; run the command again")
            if answer.status_code not in (200, 206):
                raise DownloadError(f"{url}: the server answered {answer.status_code} {answer.reason}")
            resumed = answer.status_code == 206 and answer.headers.get("Content-Range", "").startswith(f"bytes {have}-")
            if answer.status_code == 206 and not resumed:
                raise DownloadError(f"{url}: the server sent another part than the one that was asked for")
            done = have if resumed else 0
            most = LARGEST if size is None else size
            with (
                part.open("ab" if resumed else "wb") as file,
                tqdm(total=size, initial=done, unit="B", unit_scale=True, desc=part.stem, disable=not progress) as bar,
            ):
                for piece in answer.iter_content(PIECE):
                    done += len(piece)
                    if done > most:
                        raise DownloadError(f"{url}: sends more than the expected {most} bytes; stopped")
                    file.write(piece)
                    bar.update(len(piece))
    except requests.RequestException as error:
        raise DownloadError(f"{url}: cannot be downloaded ({_reason(error)})") from error
    except OSError as error:
        if isinstance(error, DownloadError):
            if "stopped" in str(error):
                part.unlink(missing_ok=True)
            raise
        raise DownloadError(f"{part}: cannot be written ({error})") from error


def _reason(error: Exception) -> str:
    text = str(error)
    for mark in (
        "Connection refused",
        "Name or service not known",
        "Temporary failure in name resolution",
        "timed out",
    ):
        if mark in text:
            return mark.lower()
    return text.splitlines()[0][:200] if text else type(error).__name__


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha384").hexdigest()


def _matches(file: Path, size: int | None, sha384: str | None) -> bool:
    return (size is None or file.stat().st_size == size) and (sha384 is None or _digest(file) == sha384)


def _pins(target: Path) -> dict[str, Any]:
    file = target.parent / PINS
    try:
        pins = json.loads(read_text(file))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        raise DownloadError(
            f"{file}: cannot be read ({error}); it remembers checksums, delete it to forget them"
        ) from error
    return pins if isinstance(pins, dict) else {}


def _pinned(target: Path) -> str | None:
    pin = _pins(target).get(target.name)
    # What an older version remembered of an empty download is no checksum of anything.
    return str(pin) if pin is not None and pin != NOTHING else None


def _pin(target: Path, digest: str) -> None:
    content = json.dumps(_pins(target) | {target.name: digest}, indent=1, sort_keys=True) + "\n"
    write_whole(target.parent / PINS, content.encode())
