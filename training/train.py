"""From labelled clips to a bundle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from edgevtn.bundle import RGB, RGBDIFF, TWO_STREAM
from edgevtn.datasets import Clip
from edgevtn.errors import ManifestError
from edgevtn.graph.facts import output_width
from edgevtn.training.card import card
from edgevtn.training.data.drawn import drawn_clips
from edgevtn.training.journal import journal, save_journal
from edgevtn.training.learn import distributed
from edgevtn.training.learn.finetune import finetune
from edgevtn.training.learn.loop import Run
from edgevtn.training.learn.model import Decoder
from edgevtn.training.learn.teachers import Teacher, taught
from edgevtn.training.recipe import Recipe
from edgevtn.training.streams import (
    Facts,
    calibrated,
    fit_stream,
    frozen_encoder,
    novelty_of,
    plain_encoder,
    save_stream,
    stream,
    write_each,
)

#: Parts of a run, each with a checkpoint: the head on frozen features, and both on pictures.
PARTS = ("decoder", "whole")
MODALITIES = (RGB, RGBDIFF, TWO_STREAM)


def recipes_of(modality: str, settings: Mapping[str, object]) -> list[Recipe]:
    """The recipe of each stream of a model.

    Parameters
    ----------
    modality : str
        One of `MODALITIES`.
    settings : mapping
        Settings of `Recipe`, apart from its modality; texts, as from a command line, are read as what they must be.

    Motion input is for RGB alone, differences are motion already. Beside frames, differences are pooled by the mean:
    where nothing moves they are noise, of which a maximum would be taken.

    Raises
    ------
    ValueError
        The modality is unknown, or a setting is (pydantic's ValidationError, see `edgevtn.training.recipe.complaint`).
    """
    if modality not in MODALITIES:
        raise ValueError(f"modality must be one of {', '.join(MODALITIES)}, got {modality!r}")
    differences = {**settings, "modality": RGBDIFF, "motion": "none"}
    if modality == RGBDIFF:
        return [Recipe.model_validate(differences)]
    rgb = Recipe.model_validate({**settings, "modality": RGB})
    return [rgb] if modality == RGB else [rgb, Recipe.model_validate({**differences, "pooling": "mean"})]


def train(
    clips: Sequence[Clip],
    output: Path,
    facts: Facts,
    recipes: Sequence[Recipe],
    *,
    seed: int = 0,
    cache: Path | None = None,
    teachers: Sequence[str | Path] = (),
    validation: str | None = None,
    tuned: int | None = 0,
    resume: bool = False,
) -> None:
    """Train on all clips and write a bundle with its model card, its log and its learning curve.

    Parameters
    ----------
    clips : sequence of Clip
    output : Path
    facts : Facts
        Their accuracy was measured beforehand, by `crossval`: training on everything leaves nothing to measure on.
    recipes : sequence of Recipe
        One, or two for a two-stream model: see `recipes_of`.
    seed : int
    cache : Path, optional
        Folder that keeps features and teachers' logits for the next time.
    teachers : sequence of path
        Bundles or checkpoints whose answers the model is to match, too.
    validation : str, optional
        A fold that is not trained on: training stops when it gets no better on it.
    tuned : int, optional
        Convolutions of the encoder, from the last one back, that are trained, too; None: all of them.
    resume : bool
        Go on from the checkpoint of a run that was stopped.

    Raises
    ------
    ManifestError
        There are no clips to train on, the validation fold is unknown, or a teacher knows other labels.
    ValueError
        The checkpoint is of another run.
    """
    labels = sorted({clip.label for clip in clips})
    folds = sorted({clip.fold for clip in clips if clip.fold})
    if validation is not None and (validation not in folds or len(folds) < 2):
        raise ManifestError(
            f"the validation fold must be one of several, {', '.join(folds) or 'got none'}; got {validation}"
        )
    learned = [n for n, clip in enumerate(clips) if validation is None or clip.fold != validation]
    teacher = Teacher(teachers, labels, cache) if teachers else None
    trained = []
    for recipe in recipes:
        runs = [Run(checkpoint_of(output, recipe, part), resume) for part in PARTS]
        plain = plain_encoder(recipe)
        decoder = Decoder(output_width(plain), recipe, len(labels))
        answers = None
        if distributed.first():  # the others get its weights when the encoder is trained
            # One that is trained further begins whole, and so must its head.
            encoder = (frozen_encoder if tuned == 0 else calibrated)(plain, clips, recipe, seed, cache)
            frozen = stream(encoder, clips, labels, recipe, seed, cache)
            if teacher is not None:
                answers = taught(teacher, clips, frozen.features, drawn_clips(labels, recipe.drawn, seed))
            decoder = fit_stream(frozen, labels, seed, answers, stopping=validation, run=runs[0])
        if tuned != 0:
            answers = distributed.told(answers)
            plain, decoder = finetune(
                plain,
                decoder,
                [clips[n] for n in learned],
                labels,
                recipe,
                seed,
                tuned,
                runs[1],
                None if answers is None else [answers[n * (1 + recipe.variants)] for n in learned],
            )
            if distributed.first():
                encoder = calibrated(plain, clips, recipe, seed, cache)
                own, unchanged = [clips[n] for n in learned], recipe.model_copy(update={"variants": 0})
                novelty = novelty_of(stream(encoder, own, labels, unchanged, seed, cache), len(own))
        elif distributed.first():
            novelty = novelty_of(frozen, len(clips), learned)
        if distributed.first():
            trained.append((encoder, decoder, journal([run.looks for run in runs]), novelty))
    if not distributed.first():
        return

    def write(n: int, place: Path) -> None:
        encoder, decoder, looks, novelty = trained[n]
        text = card(facts, recipes[n], len(learned), seed, teachers, tuned=tuned != 0)
        save_stream(place, encoder, decoder, recipes[n], facts, text, novelty)
        save_journal(place, looks)

    write_each(output, recipes, write)
    for recipe in recipes:
        for part in PARTS:
            checkpoint_of(output, recipe, part).unlink(missing_ok=True)


def checkpoint_of(output: Path, recipe: Recipe, part: str) -> Path:
    """Where a run that writes `output` keeps a checkpoint: beside it, hidden."""
    return output.with_name(f".{output.name}.{recipe.modality}.{part}.checkpoint")
