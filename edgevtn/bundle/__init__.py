"""A model on disk: a folder with its facts, its encoder and its head; checked before use, written whole."""

from edgevtn.bundle.facts import RGB, RGBDIFF, TWO_STREAM, EncoderFacts, Model
from edgevtn.bundle.load import Bundle, load_bundle, load_streams, stream_folders
from edgevtn.bundle.write import write_bundle, write_streams

__all__ = [
    "RGB",
    "RGBDIFF",
    "TWO_STREAM",
    "Bundle",
    "EncoderFacts",
    "Model",
    "load_bundle",
    "load_streams",
    "stream_folders",
    "write_bundle",
    "write_streams",
]
