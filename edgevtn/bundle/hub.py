"""Bundles from the Hugging Face hub, by names such as ``org/name@revision``; needs the extra ``edgevtn[hub]``.

The hub is asked only for what looks like such a name, with its revision, and is no path: a mistyped path asks nobody.
Only files that a bundle has are downloaded, into huggingface_hub's own cache; they are checked as those of any bundle.
"""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

from edgevtn.bundle.facts import ENCODER, FACTS, LARGEST_FACTS, MODALITIES, NOVELTY
from edgevtn.errors import BundleError, DownloadError, one_line, require
from edgevtn.heads import KINDS

EXTRA = "hub"
#: What is downloaded of a repository: a bundle's files, in it or in a folder for each of two streams.
HEADS = sorted({kind.file for kind in KINDS.values()})
PARTS = [
    f"{folder}{file}"
    for folder in ("", *(f"{name}/" for name in MODALITIES))
    for file in (FACTS, ENCODER, NOVELTY, *HEADS)
]
#: An owner, a name, and a branch, a tag or a commit. A name has no two dots or dashes in a row, and ends with neither.
NAME = re.compile(r"(?P<repository>(?P<owner>\w[\w.-]*)/\w[\w.-]*)(?:@(?P<revision>[\w][\w./-]*))?", re.ASCII)
COMMIT = re.compile("[0-9a-f]{40}")


def is_hub_name(text: str) -> bool:
    """Whether a text names a repository of the hub, and nothing on this machine."""
    found = NAME.fullmatch(text)
    return (
        found is not None
        and found["revision"] is not None
        and not Path(text).exists()
        and not Path(found["owner"]).exists()
    )


def download(name: str, largest: int) -> Path:
    """The folder of a bundle of the hub, downloaded unless it is there.

    With a commit as its revision nothing is asked for once the bundle is there. With a branch or a tag, the
    hub says which commit that is today, and a warning does.

    Parameters
    ----------
    name : str
        For which `is_hub_name` holds.
    largest : int
        Bytes of a file.

    Raises
    ------
    MissingExtraError
        huggingface_hub is not installed.
    DownloadError
        There is no such repository or revision, or it cannot be reached.
    BundleError
        It has no bundle, or a file that is larger.
    """
    found = NAME.fullmatch(name)
    assert found is not None
    repository, revision = found["repository"], found["revision"]
    hub = _hub(name)
    from edgevtn import __version__

    own: dict[str, Any] = {"allow_patterns": PARTS, "library_name": "edgevtn", "library_version": __version__}
    pinned = revision is not None and COMMIT.fullmatch(revision) is not None
    if pinned:
        try:
            return Path(hub.snapshot_download(repository, revision=revision, local_files_only=True, **own))
        except OSError:  # it is not there yet, or not whole
            pass
    try:
        api = hub.HfApi(library_name="edgevtn", library_version=__version__)
        info = api.model_info(repository, revision=revision, files_metadata=True)
        _check(name, {file.rfilename: file.size for file in info.siblings or []}, largest)
        folder = Path(hub.snapshot_download(repository, revision=info.sha, **own))
    except BundleError:
        raise
    except Exception as error:  # the library's, and those of its HTTP client, share no base class
        raise DownloadError(
            f"{name}: cannot be downloaded from the hub ({type(error).__name__}: {one_line(error)[:200]}); is the name "
            "right, and the network there?"
        ) from error
    if not pinned:
        warnings.warn(
            f"{name} may change: it is commit {info.sha} today; write {repository}@{info.sha} so that it stays",
            RuntimeWarning,
            stacklevel=6,
        )
    return folder


def _hub(name: str) -> Any:
    try:
        return require("huggingface_hub", EXTRA)
    except ImportError as error:
        error.add_note(f"{name} is no folder here, so it was taken for the name of a model on the Hugging Face hub")
        raise


def _check(name: str, sizes: dict[str, int | None], largest: int) -> None:
    """Refuse a repository that is no bundle before its files are downloaded."""
    wanted = {file: size for file, size in sizes.items() if file in PARTS}
    if FACTS not in wanted:
        raise BundleError(f"{name}: has no {FACTS}, so it is no bundle of edgevtn's")
    for file, size in wanted.items():
        most = LARGEST_FACTS if file.endswith(FACTS) else largest
        if size is None or size > most:
            raise BundleError(f"{name}: {file} has {size} bytes, a bundle's has at most {most}")
