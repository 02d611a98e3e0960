"""`edgevtn fetch`: a published model by its name, downloaded, verified, imported."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from edgevtn.errors import DownloadError
from edgevtn.files import user_cache
from edgevtn.importing.bundles import import_files
from edgevtn.importing.download import download

REGISTRY = Path(__file__).parent / "registry.json"
#: What a file may be called: no folders, no leading dot.
FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def registry(file: Path = REGISTRY) -> dict[str, Any]:
    """The published models by name: source, licence, labels, and the files of each precision.

    Raises
    ------
    DownloadError
        An entry has a file name that could lead elsewhere.
    """
    models: dict[str, Any] = json.loads(file.read_text("utf-8"))["models"]
    for name, model in models.items():
        files = [entry["file"] for entries in model["precisions"].values() for entry in entries]
        for part in (name, *files):
            if not FILE_NAME.fullmatch(part):
                raise DownloadError(f"{file}: {part!r} is no plain file name; refused")
    return models


def cache_folder() -> Path:
    """Where downloads are kept; raises DownloadError where there is no place for them."""
    own = user_cache()
    if own is None:
        raise DownloadError("there is no home folder to keep downloads in; set EDGEVTN_CACHE to a folder")
    return own


def fetch(
    name: str,
    output: str | Path,
    *,
    precision: str | None = None,
    mirror: str | None = None,
    progress: bool = True,
    models: dict[str, Any] | None = None,
) -> Path:
    """Download a published model, check it against the registry, and turn it into a bundle.

    Parameters
    ----------
    name : str
        In the registry; several checkpoints, of RGB and of RGB-difference, joined by ``+``.
    output : path
        Folder of the bundle.
    precision : str, optional
        "FP32", "FP16" or "FP16-INT8"; FP16 where there is a choice. Checkpoints have FP32 alone.
    mirror : str, optional
        An address under which the files lie, by their names, instead of their own.
    progress : bool
        Show a progress bar.
    models : dict, optional
        Another registry.

    Returns
    -------
    Path
        The bundle.

    Raises
    ------
    ValueError
        The name or the precision is not in the registry.
    DownloadError
        A file cannot be downloaded, or is not what was expected; then no bundle is written.
    ModelFileError
        What was downloaded cannot be imported.
    """
    known = registry() if models is None else models
    names = name.split("+")
    for part in names:
        if part not in known:
            raise ValueError(f"{part!r} is not in the registry; expected one of {', '.join(sorted(known))}")
    files: list[Path] = []
    entries: list[dict[str, Any]] = []
    for part in names:
        choices = known[part]["precisions"]
        chosen = precision or ("FP16" if "FP16" in choices else next(iter(choices)))
        if chosen not in choices:
            raise ValueError(f"{part} is published as {', '.join(choices)}; got {chosen}")
        folder = cache_folder() / part / chosen
        folder.mkdir(parents=True, exist_ok=True)
        for entry in choices[chosen]:
            url = entry["url"] if mirror is None else f"{mirror.rstrip('/')}/{entry['file']}"
            entries.append({**entry, "url": url, "target": folder / entry["file"]})
    try:
        for entry in entries:
            download(entry["url"], entry["target"], entry["size"], entry["sha384"], progress)
    except DownloadError as error:
        known_where = DownloadError(str(error))
        known_where.add_note("By hand: download these, and give them to edgevtn import:")
        for entry in entries:
            known_where.add_note(f"  {entry['url']}")
        known_where.add_note("Behind a proxy set HTTPS_PROXY; another server is named with --mirror URL")
        raise known_where from error
    files = [entry["target"] for entry in entries if entry["target"].suffix != ".bin"]
    first = known[names[0]]
    return import_files(files, output, labels=first["labels"], name=name, license=first["license"])
