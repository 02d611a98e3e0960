"""Sessions of onnxruntime, as this package wants them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from edgevtn.errors import BundleError

if TYPE_CHECKING:
    import onnxruntime


def open_session(
    content: bytes,
    file: Path,
    threads: int,
    spinning: bool = False,
    precise: bool = False,
    axes: Mapping[str, int] | None = None,
) -> onnxruntime.InferenceSession:
    """A session for the CPU.

    Parameters
    ----------
    content : bytes
        ONNX. Bytes and no path: they are those whose checksum was checked, and they cannot refer to other files.
    file : Path
        For messages.
    threads : int
        Threads inside one inference.
    spinning : bool
        Idle threads spin between inferences: a little faster, and it keeps `threads` cores busy all the time.
    precise : bool
        Keep the 8-bit sums of an x86 without VNNI from saturating; they take longer then.
    axes : mapping of str to int, optional
        Lengths of axes that the graph leaves open, by their names.

    Raises
    ------
    BundleError
        onnxruntime cannot load it.
    """
    import onnxruntime  # here, as it takes a tenth of a second

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors; they are raised, too
    options.add_session_config_entry("session.intra_op.allow_spinning", str(int(spinning)))
    options.add_session_config_entry("session.x64quantprecision", str(int(precise)))
    for name, length in (axes or {}).items():
        options.add_free_dimension_override_by_name(name, length)
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own exceptions share no base class
        raise BundleError(f"{file}: onnxruntime cannot load it ({error})") from error
