"""Labelled clips: manifests, the layouts of the usual datasets, and how right a model is on them."""

from edgevtn.datasets.evaluate import Evaluation, answers, evaluate, window_probabilities
from edgevtn.datasets.layouts import TEST, TRAIN, read_dataset
from edgevtn.datasets.manifest import Clip, manifest_rows, read_manifest

__all__ = [
    "TEST",
    "TRAIN",
    "Clip",
    "Evaluation",
    "answers",
    "evaluate",
    "manifest_rows",
    "read_dataset",
    "read_manifest",
    "window_probabilities",
]
