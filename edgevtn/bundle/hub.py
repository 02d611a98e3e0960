"""Bundles on the Hugging Face hub: a model's own files, of one revision, and no others."""

from __future__ import annotations

import os
import re
from pathlib import Path

from edgevtn.bundle.facts import ENCODER, FACTS, MODALITIES
from edgevtn.errors import BundleError, DownloadError, one_line, require

#: A name on the hub. The revision must be said: what is downloaded is always the same, and a mistyped path asks nobody.
NAME = re.compile(r"([\w][\w.-]*/[\w][\w.-]*)@([\w][\w./-]*)", re.ASCII)
#: What a bundle consists of, here and in the folder of each stream.
FILES = (FACTS, ENCODER, "head.npz", "head.onnx")
PATTERNS = [prefix + file for prefix in ("", *(f"{name}/" for name in MODALITIES)) for file in FILES]


def is_on_hub(path: str | Path | None) -> bool:
    """Whether it names a model on the hub, as in "org/name@v1": what is there on this machine does not."""
    return isinstance(path, str) and NAME.fullmatch(path) is not None and not os.path.lexists(path)


def download(name: str, largest: int) -> Path:
    """The folder of a bundle on the hub, in the hub's own cache; nothing is asked for what is there already.

    Parameters
    ----------
    name : str
        As in "org/name@v1". ``HF_ENDPOINT``, ``HF_HOME`` and ``HF_TOKEN`` mean what they mean to huggingface_hub.
    largest : int
        Bytes that a file may have.

    Raises
    ------
    MissingExtraError
        huggingface_hub is not installed.
    DownloadError
        The hub has no such model or revision, or cannot be reached and nothing is there.
    BundleError
        It is no bundle, or has a file that is too large.
    """
    hub = require("huggingface_hub", "hub")
    found = NAME.fullmatch(name)
    assert found is not None
    repository, revision = found.groups()
    ours = {"revision": revision, "allow_patterns": PATTERNS}
    try:
        # A release stays as it is, and a board need not be online to begin.
        return _checked(hub.snapshot_download(repository, local_files_only=True, **ours), name)
    except (OSError, ValueError, BundleError):
        pass  # it is not there, or not whole
    try:
        information = hub.HfApi().model_info(repository, revision=revision, files_metadata=True)
        for file in information.siblings or ():
            if file.rfilename in PATTERNS and (file.size or 0) > largest:
                raise BundleError(f"{name}: {file.rfilename} has {file.size} bytes; expected at most {largest}")
        return _checked(hub.snapshot_download(repository, **ours), name)
    except BundleError:
        raise
    except Exception as error:  # the hub's own errors, and those of whatever it asks the network with
        raise DownloadError(f"{name}: cannot be had from the Hugging Face hub ({one_line(error)})") from error


def _checked(folder: str, name: str) -> Path:
    if not (Path(folder) / FACTS).is_file():
        raise BundleError(f"{name}: is no bundle; expected {FACTS} in it")
    return Path(folder)
