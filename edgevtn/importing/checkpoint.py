"""The VTN authors' PyTorch checkpoints: every fact of the model is read from the names and shapes of the tensors."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np

from edgevtn.arrays import Float
from edgevtn.bundle import RGB, RGBDIFF
from edgevtn.errors import ModelFileError, require
from edgevtn.importing.parts import Parts
from edgevtn.importing.pickled import check_pickle
from edgevtn.networks import build_encoder
from edgevtn.networks.build import normalisation
from edgevtn.reading import check_regular

DECODER = "self_attention_decoder."
#: Attention blocks; published models have four.
MOST_BLOCKS = 64
#: The largest published checkpoint (SE-ResNeXt-101, with its optimiser's state) has half a gigabyte.
LARGEST = 2 * 2**30


def read_checkpoint(file: str | Path) -> Parts:
    """Read a VTN checkpoint: encoder, position rows, attention blocks, classifier.

    Parameters
    ----------
    file : path
        As ``torch.save`` wrote it: a state dict, or a dict with one under ``state_dict``. Nothing in it is run.

    Raises
    ------
    ModelFileError
        The file cannot be read, wants code run, or is no VTN.
    """
    file = Path(file)
    state = read_tensors(file)
    try:
        return _parts(file, state)
    except (KeyError, ValueError, IndexError) as error:
        reason = f"tensor {error} is missing" if isinstance(error, KeyError) else str(error)
        raise ModelFileError(f"{file}: is no VTN checkpoint ({reason})") from error


def read_tensors(file: Path) -> dict[str, Float]:
    """The tensors of a checkpoint by their names, float32 and finite; whole numbers are left out.

    Raises
    ------
    ModelFileError
        The file cannot be read, wants code run, or holds other things than tensors.
    """
    torch = require("torch", "import")
    try:
        size = check_regular(file, LARGEST)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of formats long past; they are read all the same
            check_pickle(file)
            content = torch.load(file, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise ModelFileError(f"{file}: does not exist; expected a checkpoint (.pth)") from None
    except ModelFileError:
        raise
    except Exception as error:  # torch raises whatever its unpickler, zip reader or allocator raise
        reason = str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
        if "weights_only" in str(error).lower() or "WeightsUnpickler" in str(error):
            raise ModelFileError(
                f"{file}: refused; it asks for code to be run, or is no checkpoint. Only tensors are read; "
                "save its state_dict() alone where you trust it"
            ) from error
        raise ModelFileError(f"{file}: cannot be read as a PyTorch checkpoint ({reason})") from error
    state = content.get("state_dict", content) if isinstance(content, dict) else None
    if not isinstance(state, dict) or not state or not all(isinstance(name, str) for name in state):
        raise ModelFileError(f"{file}: expected a state dict, a dict of tensors by name, got {type(content).__name__}")
    tensors = {}
    for name, tensor in state.items():
        if not isinstance(tensor, torch.Tensor):
            raise ModelFileError(f"{file}: expected tensors, got {type(tensor).__name__} under {name!r}")
        if tensor.layout != torch.strided:
            raise ModelFileError(f"{file}: expected dense tensors, got a {tensor.layout} one under {name!r}")
        if tensor.is_floating_point():
            # A tensor can claim to be larger than what is stored of it, by a stride of zero.
            if tensor.is_nested or tensor.numel() * tensor.element_size() > size:
                raise ModelFileError(f"{file}: {name!r} is nested, or claims more values than the file holds")
            try:
                values = tensor.float().contiguous().numpy()
            except Exception as error:  # of kinds that have no numbers: meta, nested, and those to come
                raise ModelFileError(f"{file}: {name!r} is of a kind that holds no numbers ({error})") from error
            if not np.isfinite(values).all():
                raise ModelFileError(f"{file}: {name!r} has values that are not finite")
            tensors[name] = values
    return tensors


def _parts(file: Path, state: dict[str, Float]) -> Parts:
    if all(name.startswith("module.") for name in state):
        state = {name.removeprefix("module."): value for name, value in state.items()}
    difference = any(name.startswith("motion_decoder.") for name in state)
    if difference:
        state = {
            name.removeprefix("motion_decoder."): value
            for name, value in state.items()
            if name.startswith("motion_decoder.")
        }
    arrays, facts = _head(state)
    network = {name.removeprefix("resnet."): value for name, value in state.items() if name.startswith("resnet.")}
    if not network:
        raise ValueError("it has no tensors of an encoder, resnet.*")
    encoder = build_encoder(network, difference=difference)
    mean, std, size = normalisation(network)
    D, W = facts["embed_dim"], encoder.graph.output[0].type.tensor_type.shape.dim[1].dim_value
    facts["projection"] = "reduce_conv.weight" in state
    if facts["projection"]:
        # A 1x1 convolution before the pooling: linear, so it may as well come after it, on one pixel.
        w = state["reduce_conv.weight"]
        if w.shape != (D, W, 1, 1):
            raise ValueError(f"reduce_conv.weight is {w.shape}, expected {(D, W, 1, 1)}")
        b = state.get("reduce_conv.bias", np.zeros(D, np.float32))
        arrays |= {"w_features": np.ascontiguousarray(w[:, :, 0, 0].T), "b_features": b}
    elif W != D:
        raise ValueError(f"the encoder is {W} wide and the decoder {D}, and there is no reduce_conv between them")
    seen = {
        "modality": RGBDIFF if difference else RGB,
        "input_size": size,
        "color_order": "RGB",
        "mean": list(mean),
        "std": list(std),
        "width": W,
    }
    source = f"{encoder.graph.name} VTN checkpoint {file.name}"
    return Parts(source, encoder, seen, arrays, facts, len(arrays["b_classes"]))


def _head(state: dict[str, Float]) -> tuple[dict[str, Float], dict[str, Any]]:
    """Arrays of a bundle's head but for its projection, and its facts."""
    position = state[f"{DECODER}position_encoding.enc.weight"]
    T, D = position.shape
    layers = 0
    while f"{DECODER}layers.{layers}.slf_attn.w_qs" in state:
        layers += 1
    if not 1 <= layers <= MOST_BLOCKS:
        raise ValueError(f"it has {layers} attention blocks, expected 1 to {MOST_BLOCKS}")
    norm = f"{DECODER}layers.0.slf_attn.layer_norm.a_2" in state

    def stacked(name: str) -> Float:
        return np.stack([state[f"{DECODER}layers.{layer}.{name}"] for layer in range(layers)])

    def heads_side_by_side(name: str) -> Float:
        w = stacked(f"slf_attn.{name}")  # (L, A, D, d)
        if w.ndim != 4 or w.shape[2] != D or w.shape[1] * w.shape[3] != D:
            raise ValueError(f"{name} is {w.shape[1:]}, expected (heads, {D}, {D} / heads)")
        return np.ascontiguousarray(w.transpose(0, 2, 1, 3).reshape(layers, D, D))

    arrays = {
        "position": position,
        "w_q": heads_side_by_side("w_qs"),
        "w_k": heads_side_by_side("w_ks"),
        "w_v": heads_side_by_side("w_vs"),
        "w_1": np.ascontiguousarray(stacked("pos_ffn.w_1.weight")[..., 0].transpose(0, 2, 1)),
        "b_1": stacked("pos_ffn.w_1.bias"),
        "w_2": np.ascontiguousarray(stacked("pos_ffn.w_2.weight")[..., 0].transpose(0, 2, 1)),
        "b_2": stacked("pos_ffn.w_2.bias"),
        "w_classes": np.ascontiguousarray(state["fc.weight"].T),
        "b_classes": state["fc.bias"],
    }
    if norm:
        for part, name in (("1", "slf_attn"), ("2", "pos_ffn")):
            arrays[f"gain_{part}"] = stacked(f"{name}.layer_norm.a_2")
            arrays[f"bias_{part}"] = stacked(f"{name}.layer_norm.b_2")
    facts = {
        "kind": "vtn",
        "window_len": T,
        "embed_dim": D,
        "heads": state[f"{DECODER}layers.0.slf_attn.w_qs"].shape[0],
        "layers": layers,
        "ffn_dim": arrays["w_1"].shape[2],
        "attention_scale": D**-0.5,
        "layer_norm": "vtn" if norm else "none",
        "motion": "none",
    }
    return arrays, facts
