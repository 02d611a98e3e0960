"""Teach: from a few labelled clips to a bundle that recognises them, and its report."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from edgevtn.arrays import Float
from edgevtn.bundle import RGB, Bundle, load_streams
from edgevtn.bundle.facts import ENCODER
from edgevtn.bundle.load import bundle_folder
from edgevtn.errors import ManifestError, SourceError
from edgevtn.heads.linear import ROOT, LinearFacts
from edgevtn.prediction import NOTHING, UNKNOWN
from edgevtn.sources.file import video_files
from edgevtn.teaching.cache import FeatureCache
from edgevtn.teaching.choose import EVERY_RATE, RATES
from edgevtn.teaching.evidence import Evidence, evidence
from edgevtn.teaching.examples import Example, Given, read_examples
from edgevtn.teaching.features import STREAMS, Extractor
from edgevtn.teaching.fit import Fitted, Material, fit
from edgevtn.teaching.gather import gather, left_out_together
from edgevtn.teaching.judge import judge
from edgevtn.teaching.movement import least_movements
from edgevtn.teaching.report import Report
from edgevtn.teaching.store import Learned, files, load_learned
from edgevtn.teaching.streams import MODALITIES, needed, write_taught

#: Called with what was done so far, of how much, and the clip's name.
Progress = Callable[[int, int, str], None]


class Taught:
    """A model that was taught.

    Attributes
    ----------
    labels : tuple of str
        The head's: those taught, "nothing" where there is such a class, and "unknown".
    report : Report
    facts : LinearFacts
        The head's; with two streams of both, whose features lie side by side.
    arrays : dict of float32 arrays
        The head's: ``w_classes`` (M, K) and ``b_classes`` (K,).
    frame_rate : float
        Hz.
    size : int
        Side of the pictures that it sees, pixels.
    modality : {"rgb", "two-stream", "movement"}
        Whether it sees differences of two frames, too, and whether these count most.
    """

    def __init__(
        self,
        bundle: Bundle,
        learned: Sequence[Learned],
        make_nothing: bool = True,
        notes: Sequence[str] = (),
        rates: Sequence[float] = RATES,
        modalities: Sequence[str] = MODALITIES,
    ) -> None:
        self._bundle, self._make_nothing, self._rates = bundle, make_nothing, tuple(rates)
        self._modalities = tuple(modalities)
        self._learned = sorted(learned, key=lambda clip: clip.key)
        sizes = self._learned[0].features.views if self._learned else [bundle.model.encoder.input_size]
        gathered = [gather(self._learned, size, modality) for modality in self._modalities for size in sizes]
        found = _alone(gathered[0].material)
        self._fitted, material = fitted, material = fit(
            [own.material for own in gathered], make_nothing, rates=self._rates
        )
        chosen = next(own for own in gathered if own.material is material)
        self.frame_rate, self.size = fitted.candidate.rate, fitted.candidate.size
        self.modality = fitted.candidate.modality
        self.labels = _labels(material, fitted)
        W, candidate = material.clips[0].shape[1], fitted.candidate
        self.facts = LinearFacts(
            W, len(self.labels), candidate.window_len, candidate.statistics, ROOT, fitted.temperature,
            least_movements(material, candidate.rate, len(self.labels)),
        )  # fmt: skip
        self.arrays: dict[str, Float] = {"w_classes": fitted.w, "b_classes": fitted.b}
        self.report: Report = judge(chosen, fitted, [*notes, *found], make_nothing)

    def confused(self) -> list[tuple[Learned, Evidence]]:
        """The clips that the report calls confusing, in its order, and which of their moments spoke for what."""
        acting = [clip for clip in self._learned if clip.label != NOTHING]
        material = gather(self._learned, self.size, self.modality).material
        why = evidence(material, self._fitted, self._make_nothing)
        return [(acting[each.clip], each) for each in why]

    def save(self, folder: str | Path, name: str = "taught") -> None:
        """Write a bundle, with ``teach.npz``, from which it can be taught more, and the report as ``teach.json``.

        Parameters
        ----------
        folder : path
            Replaced if it is a bundle; refused if it is anything else.
        name : str
            The model's.

        Raises
        ------
        FileExistsError
            The folder has other things in it than a bundle.
        OutputError
            It cannot be written.
        """
        options = {"make_nothing": self._make_nothing, "rates": self._rates, "modalities": self._modalities}
        beside = files(self._learned, self._bundle.model.sha256[ENCODER], options, self.report.as_dict())
        facts = {
            "name": name, "labels": list(self.labels), "frame_rate": self.frame_rate, "accuracy": self._accuracy(),
        }  # fmt: skip
        features = [clip.features for clip in self._learned]
        # In one step: clips that were learned from are lost neither with the power nor with a full disk.
        head = self.facts, self.arrays
        together = left_out_together(self._learned)
        write_taught(Path(folder), self._bundle, facts, self._fitted.candidate, head, features, together, beside)

    def _accuracy(self) -> dict[str, Any]:
        report = self.report
        return {
            "protocol": "takes left out together; labels count alike", "accuracy": _rounded(report.accuracy),
            "without the luck of choosing": _rounded(report.corrected),
            "interval": report.interval and [_rounded(bound) for bound in report.interval],
        }  # fmt: skip

    @classmethod
    def load(cls, folder: str | Path) -> Taught:
        """What `save` wrote, ready to be taught more; the head is fitted again, from the features kept.

        Raises
        ------
        BundleError
            It is no bundle, or has no ``teach.npz`` that fits it.
        """
        place = bundle_folder(folder)
        bundle = load_streams(place)[0]  # of both streams that of frames, whose encoder is the other's, too
        learned, options = load_learned(place, bundle.model.sha256[ENCODER])
        given = options.get("rates", RATES)
        rates = [rate for rate in EVERY_RATE if isinstance(given, list | tuple) and rate in given]
        given = options.get("modalities", (RGB,))
        known = STREAMS if learned[0].features.differences else (RGB,)
        seen = [own for own in known if isinstance(given, list | tuple) and own in given]
        make_nothing = bool(options.get("make_nothing", True))
        return cls(bundle, learned, make_nothing, rates=rates or RATES, modalities=seen or (RGB,))

    def add(
        self,
        examples: Given,
        nothing: str | Path | Sequence[str | Path] | None = None,
        *,
        cache: FeatureCache | None = None,
        threads: int | None = None,
        progress: Progress | None = None,
    ) -> Taught:
        """The model taught with more clips, of its labels or of others: the same as if they had been there before.

        Parameters and errors are those of `teach`.
        """
        sizes = tuple(self._learned[0].features.views)
        extractor = Extractor(
            self._bundle, cache=cache, threads=threads, sizes=sizes, modality=needed(self._modalities)
        )
        learned, notes = _learn(extractor, read_examples(examples) + _nothing(nothing), progress)
        every = [*self._learned, *learned]
        return Taught(self._bundle, every, self._make_nothing, notes, self._rates, self._modalities)

    def remove(self, label: str) -> Taught:
        """The model without a label.

        Raises
        ------
        ManifestError
            It is not one of the labels taught, or fewer than two would be left.
        """
        left = [clip for clip in self._learned if clip.label != label]
        if len(left) == len(self._learned):
            raise ManifestError(f"expected a label to remove among {', '.join(self.report.labels)}, got {label!r}")
        return Taught(self._bundle, left, self._make_nothing, rates=self._rates, modalities=self._modalities)


def teach(
    examples: Given,
    nothing: str | Path | Sequence[str | Path] | None = None,
    encoder: str | Path = "default",
    *,
    make_nothing: bool = True,
    cache: FeatureCache | None = None,
    threads: int | None = None,
    sizes: Sequence[int] | None = None,
    rates: Sequence[float] | None = None,
    modalities: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> Taught:
    """Teach a model from labelled clips.

    Parameters
    ----------
    examples : path, or sequence of Example or (path, label)
        A folder of clips for each label, a manifest, or a list; see `read_examples`. Clips labelled "nothing" show none
        of the actions.
    nothing : path, or sequence of path, optional
        Clips, or folders of clips, that show none of the actions, such as the empty scene and people who walk by.
    encoder : path
        A bundle whose encoder is used; "default" is the one that comes with edgevtn.
    make_nothing : bool
        Make more material of nothing from the clips themselves: still pictures, and one action turning into another.
    cache : FeatureCache, optional
        Where features are kept; the user's cache folder if None.
    threads : int, optional
        Threads of the encoder.
    sizes : sequence of int, optional
        Sides of pictures to choose among, pixels, which the encoder must take; its largest if None.
    rates : sequence of float, optional
        Frames a second to choose among, Hz, of `edgevtn.teaching.choose.EVERY_RATE`; 6.25 and 12.5 if None.
    modalities : sequence of {"rgb", "two-stream", "movement"}, optional
        To choose among: frames, or the differences of two frames beside them, which count less, or in "movement" more;
        the first is taken where nothing can be compared. "two-stream" if None.
    progress : callable, optional
        Called with the clips done, their number, and a clip's name.

    Returns
    -------
    Taught

    Raises
    ------
    ManifestError
        There is no clip, or fewer than two labels have a clip that can be read.
    BundleError
        The encoder cannot be used.
    ValueError
        A rate or a modality is none of those that there are.

    Warns
    -----
    RuntimeWarning
        A clip cannot be read and is left out, or nothing can be said of how well a label of one take is recognised.
    """
    wrong = sorted(set(rates or ()) - set(EVERY_RATE))
    if wrong:
        raise ValueError(f"rates must be of {', '.join(f'{rate:g}' for rate in EVERY_RATE)} Hz, got {wrong[0]:g}")
    seen = tuple(modalities or MODALITIES)
    if not set(seen) <= set(STREAMS):
        raise ValueError(f"modalities must be of {', '.join(STREAMS)}, got {', '.join(map(str, seen))}")
    wanted = read_examples(examples) + _nothing(nothing)
    extractor = Extractor(encoder, cache=cache, threads=threads, sizes=sizes, modality=needed(seen))
    learned, notes = _learn(extractor, wanted, progress)
    bundle = extractor.bundle
    del extractor  # its session's memory is needed for the fit
    return Taught(bundle, learned, make_nothing, notes, rates or RATES, seen)


def _learn(
    extractor: Extractor, examples: Sequence[Example], progress: Progress | None
) -> tuple[list[Learned], list[str]]:
    learned, notes = [], []
    for n, example in enumerate(examples):
        if progress is not None:
            progress(n, len(examples), example.name)
        try:
            features = extractor(example.source, example.start, example.end)
        except SourceError as error:
            notes.append(f"left out: {error}")
            warnings.warn(f"left out: {error}", RuntimeWarning, stacklevel=3)
            continue
        notes += features.notes
        learned.append(Learned(features, example.label, example.group, example.name, example.start))
    if progress is not None:
        progress(len(examples), len(examples), "")
    return learned, notes


def _nothing(nothing: str | Path | Sequence[str | Path] | None) -> list[Example]:
    places = [] if nothing is None else [nothing] if isinstance(nothing, str | Path) else list(nothing)
    found: list[Example] = []
    for place in map(Path, places):
        if not place.exists():
            raise ManifestError(f"{place}: does not exist; expected a video of nothing, or a folder of them")
        found += [Example(file, NOTHING) for file in video_files(place) or [place]]
    return found


def _alone(material: Material) -> list[str]:
    """A warning of labels with one take alone, if there are any."""
    if not material.single:
        return []
    single, what = ", ".join(material.single), " these" if material.comparable else ""
    text = f"there is one take alone of {single}, so how well it recognises{what} is not known: record a second"
    warnings.warn(text, RuntimeWarning, stacklevel=4)
    return [text]


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 4)


def _labels(material: Material, fitted: Fitted) -> tuple[str, ...]:
    return (*material.labels[: material.named], *((NOTHING,) if fitted.nothing else ()), UNKNOWN)
