"""Teach actions of your own from a few clips, in seconds, on the board itself.

The encoder stays as it is; what is learned is a linear head on statistics of its features, in closed form.
"""

from edgevtn.teaching.cache import FeatureCache, default_cache
from edgevtn.teaching.examples import Example, read_examples
from edgevtn.teaching.features import ClipFeatures, Extractor
from edgevtn.teaching.model import Taught, teach
from edgevtn.teaching.report import Report

__all__ = [
    "ClipFeatures",
    "Example",
    "Extractor",
    "FeatureCache",
    "Report",
    "Taught",
    "default_cache",
    "read_examples",
    "teach",
]
