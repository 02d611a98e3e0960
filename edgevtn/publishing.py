"""A bundle to the Hugging Face hub, with its card as README.md; needs the extra ``edgevtn[hub]``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgevtn.bundle import Bundle, load_streams
from edgevtn.bundle.card import plain_card
from edgevtn.bundle.facts import ENCODER, FACTS, NOVELTY
from edgevtn.bundle.hub import EXTRA, NAME
from edgevtn.bundle.load import LARGEST_ONNX
from edgevtn.bundle.write import CARD
from edgevtn.errors import EdgeVTNError, OutputError, one_line, require
from edgevtn.facts import is_number
from edgevtn.reading import LARGEST_TEXT, kind_of, read_regular, read_text

#: Words by which the hub finds it.
TAGS = ("action-recognition", "edgevtn", "onnx", "video-classification")
TASK = "video-classification"
README = "README.md"
#: What its card says of a bundle that has none.
PUBLISHED = "Published by edgevtn push."


def push_to_hub(model: str | Path, name: str, *, license: str | None = None, private: bool = False) -> str:
    """Publish a bundle, in one commit of a repository, which is made if it is not there.

    Its facts, its encoder, its head and a card are published, and nothing else: what a taught model was taught with,
    the features of your clips and the report with their names, stays here.

    Parameters
    ----------
    model : path
        The bundle's folder.
    name : str
        "org/name".
    license : str, optional
        The hub's name of a licence, such as "apache-2.0"; the card states none if None.
    private : bool
        Who may see a repository that is made: you alone, and whom you let in.

    Returns
    -------
    str
        "org/name@commit", which `edgevtn.Recognizer` takes.

    Raises
    ------
    BundleError
        The folder is no bundle.
    ValueError
        The name is none.
    MissingExtraError
        huggingface_hub is not installed.
    OutputError
        The hub refuses it, or cannot be reached.
    """
    found = NAME.fullmatch(name)
    if found is None or found["revision"] is not None:
        raise ValueError(f"expected the name of a repository, ORG/NAME, got {one_line(name)!r}")
    bundles = load_streams(model)
    hub = require("huggingface_hub", EXTRA)
    own = Path(model) if len(bundles) > 1 else bundles[0].path
    contents = {README: card(bundles, name, license, hub).encode()}
    if len(bundles) > 1:
        contents[FACTS] = read_regular(own / FACTS, LARGEST_TEXT)
    for bundle in bundles:
        for file in (FACTS, ENCODER, bundle.model.head.file, NOVELTY):
            place = bundle.path / file
            if file == NOVELTY and not kind_of(place):
                continue
            contents[place.relative_to(own).as_posix()] = read_regular(place, LARGEST_ONNX)
    try:
        from edgevtn import __version__

        api = hub.HfApi(library_name="edgevtn", library_version=__version__)
        api.create_repo(name, private=private, exist_ok=True)
        added = [
            hub.CommitOperationAdd(path_in_repo=file, path_or_fileobj=content) for file, content in contents.items()
        ]
        done = api.create_commit(name, added, commit_message=f"{bundles[0].model.name}, by edgevtn {__version__}")
    except EdgeVTNError:
        raise
    except Exception as error:  # the library's, and those of its HTTP client, share no base class
        raise OutputError(
            f"{name}: cannot be published ({type(error).__name__}: {one_line(error)[:200]}); log in with hf auth login"
        ) from error
    return f"{name}@{done.oid}"


def card(bundles: tuple[Bundle, ...], name: str, license: str | None, hub: Any) -> str:
    """The text of README.md: what the hub reads, in YAML, then what people read."""
    model = bundles[0].model
    share = model.accuracy.get("accuracy")
    results = None
    if is_number(share):
        results = [
            hub.EvalResult(
                task_type=TASK, dataset_type="clips", dataset_name="see the protocol below", metric_type="accuracy",
                metric_value=share,
            )
        ]  # fmt: skip
    data = hub.ModelCardData(
        library_name="edgevtn", pipeline_tag=TASK, tags=list(TAGS), license=license, model_name=model.name,
        metrics=["accuracy"] if results else None, eval_results=results,
    )  # fmt: skip
    return f"---\n{data.to_yaml()}\n---\n\n{_body(bundles)}\n{_use(name)}"


def _body(bundles: tuple[Bundle, ...]) -> str:
    """The bundle's own card, where it has one; else what its facts say."""
    file = bundles[0].path / CARD
    if len(bundles) == 1 and kind_of(file) == "file":
        return read_text(file)
    return "\n".join(plain_card(bundle.model.to_dict(), PUBLISHED) for bundle in bundles)


def _use(name: str) -> str:
    return f"""## Use

    pip install 'edgevtn[hub]'
    edgevtn run 0 --model {name}

Write `{name}@COMMIT`, with a commit of this repository, so that the model stays the same.
"""
