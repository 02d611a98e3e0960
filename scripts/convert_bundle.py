#!/usr/bin/env python3
"""Bring a bundle of format 1 to format 2: the projection moves from its encoder into its head.

python scripts/convert_bundle.py OLD NEW

The predictions stay the same. Such a bundle also runs as it is; converted, it can share its encoder with others.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import onnx

from edgevtn.bundle import Bundle, load_streams, write_bundle, write_streams
from edgevtn.graph.difference import of_one_picture, of_two_frames
from edgevtn.graph.projection import split_projection


def convert(old: Bundle, folder: Path) -> None:
    """Write one stream anew.

    Raises
    ------
    ValueError
        The encoder has no projection at its end.
    """
    model, facts = onnx.load_from_string(old.encoder), old.model.to_dict()
    differences = old.model.encoder.difference_interval is not None
    found = split_projection(of_one_picture(model) if differences else model)
    if found is None or not isinstance(old.head, dict) or old.model.head.kind != "vtn":
        raise ValueError(
            f"{old.path}: has no projection at the end of its encoder, or no native head; it runs as it is"
        )
    encoder, w, b = found
    D = facts["head"]["embed_dim"]
    arrays = dict(old.head)
    if facts["head"]["motion"] == "change":  # the encoder gave [u, v], and the window took u_t - v_(t-1)
        arrays |= {"w_features": w[:, :D] - w[:, D:], "b_features": b[:D], "w_change": np.ascontiguousarray(w[:, D:])}
    else:
        arrays |= {"w_features": w, "b_features": b}
    facts["head"]["projection"] = True
    facts["encoder"]["width"] = len(w)
    encoder = of_two_frames(encoder) if differences else encoder
    write_bundle(folder, facts, encoder.SerializeToString(), arrays)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("old", help="folder of a bundle")
    parser.add_argument("new", type=Path, help="folder to write")
    arguments = parser.parse_args()
    streams = load_streams(arguments.old)
    if len(streams) == 1:
        convert(streams[0], arguments.new)
        return

    def fill(folder: Path) -> None:
        for stream in streams:
            convert(stream, folder / stream.model.encoder.modality)

    write_streams(arguments.new, fill)


if __name__ == "__main__":
    main()
