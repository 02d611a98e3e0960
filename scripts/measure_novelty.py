#!/usr/bin/env python3
"""Give a trained bundle the novelty.npz that `edgevtn train` writes, from the clips that it was trained on.

python scripts/measure_novelty.py BUNDLE CLIPS DRAWN [SEED]

DRAWN is the recipe's number of drawn clips of a label. The model's answers stay the same, to the bit. For the one that
comes with edgevtn: python scripts/measure_novelty.py edgevtn/data/default $EDGEVTN_SHARED/data/weizmann64 40
"""

from __future__ import annotations

import argparse
from pathlib import Path

import onnx

from edgevtn.bundle import load_bundle, write_bundle
from edgevtn.bundle.write import CARD
from edgevtn.datasets import read_dataset
from edgevtn.graph.sizes import with_side
from edgevtn.training.recipe import Recipe
from edgevtn.training.streams import novelty_of, stream


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("bundle", type=Path)
    parser.add_argument("clips", type=Path, help="folder of the training's clips")
    parser.add_argument("drawn", type=int)
    parser.add_argument("seed", type=int, nargs="?", default=0)
    arguments = parser.parse_args()
    bundle = load_bundle(arguments.bundle)
    model, size = bundle.model, bundle.model.encoder.input_size
    if model.encoder.difference_interval is not None or model.encoder.color_order != "RGB":
        raise SystemExit(f"{arguments.bundle}: expected a model of RGB frames, as edgevtn train writes it")
    encoder = with_side(onnx.load_from_string(bundle.encoder), size)
    recipe = Recipe(input_size=size, frame_rate=model.frame_rate, drawn=arguments.drawn, variants=0)
    clips = read_dataset(arguments.clips)
    seen = novelty_of(stream(encoder, clips, model.labels, recipe, arguments.seed, None), len(clips))
    card = arguments.bundle / CARD
    text = card.read_text("utf-8") if card.exists() else None
    write_bundle(arguments.bundle, model.to_dict(), bundle.encoder, bundle.head, text, novelty=seen)
    print(f"{arguments.bundle}: 99 % of the training's frames keep below {seen.limit:.2f}" if seen else "no frames")


if __name__ == "__main__":
    main()
