"""Labelled clips: manifests, the layouts of the usual datasets, and how right a model is on them."""
