"""What models share: encoders, prepared pictures, features, samplers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from edgevtn.bundle import Bundle
from edgevtn.bundle.facts import ENCODER
from edgevtn.encoder import Encoder
from edgevtn.runner import Options, Runner
from edgevtn.sampler import Sampler
from edgevtn.streams import MODALITIES, Picture, Reuse, Stillness, Stream

#: The checksum of an encoder's file, and the side of its pictures.
Kind = tuple[str, int]


class Parts:
    """The parts that models are made of; each is made once, whatever the number of models that use it.

    Parameters
    ----------
    encoders : dict of Kind to Encoder
        Those that are there; further ones are added, so that another stream of frames has them, too.
    load : callable
        Gives the encoder of a bundle.
    stillness : bool
        Whether features are used again while nothing moves.

    Attributes
    ----------
    pictures, streams, samplers, views : dict
        By what tells them apart.
    """

    def __init__(self, encoders: dict[Kind, Encoder], load: Callable[[Bundle], Encoder], stillness: bool) -> None:
        self._encoders, self._load, self._stillness = encoders, load, stillness
        self.pictures: dict[object, Picture] = {}
        self.streams: dict[object, Stream] = {}
        self.samplers: dict[tuple[float, float], Sampler] = {}
        self.views: dict[tuple[Stream, Sampler], Reuse] = {}

    def runner(self, name: str, bundles: Sequence[Bundle], options: Options) -> Runner:
        """A model of one bundle for each stream, with what it can share of what is there."""
        rate = bundles[0].model.frame_rate
        interval = max(bundle.model.encoder.difference_interval or 0.0 for bundle in bundles)
        rhythm = rate, interval
        sampler = self.samplers.setdefault(rhythm, Sampler(*rhythm))
        return Runner(name, bundles, [self._view(bundle, sampler, rhythm) for bundle in bundles], sampler, options)

    def _view(self, bundle: Bundle, sampler: Sampler, rhythm: tuple[float, float]) -> Reuse:
        """How a model sees its stream."""
        facts = bundle.model.encoder
        kind = bundle.model.sha256[ENCODER], facts.input_size
        if kind not in self._encoders:
            self._encoders[kind] = self._load(bundle)
        else:
            self._encoders[kind].check(bundle)  # the facts are this bundle's own
        encoder = self._encoders[kind]
        way = facts.input_size, facts.color_order, encoder.input_shape
        if way not in self.pictures:
            self.pictures[way] = Picture(*way)
        # What a frame is compared with depends on the sampler; a frame alone is the same for all.
        key = kind, facts.modality, way, rhythm if facts.difference_interval is not None else None
        if key not in self.streams:
            self.streams[key] = MODALITIES[facts.modality](encoder, self.pictures[way])
        stream = self.streams[key]
        return self.views.setdefault((stream, sampler), Reuse(stream, Stillness() if self._stillness else None))

    def forget_pictures(self) -> None:
        """What comes next is another frame."""
        for picture in self.pictures.values():
            picture.forget()
