"""Sessions of onnxruntime, as this package wants them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from edgevtn.cores import affinities, big_cores
from edgevtn.errors import BundleError
from edgevtn.graphfile import check_graph

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
        ONNX. Bytes and no path: they are those whose checksum was checked. A graph that refers to other files is
        refused; onnxruntime would look for them in the current folder.
    file : Path
        For messages.
    threads : int
        Threads inside one inference. They keep to the big cores where there are two kinds.
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
    try:
        check_graph(content)
    except ValueError as error:
        raise BundleError(f"{file}: cannot be used as a graph ({error})") from error
    import onnxruntime  # here, as it takes a tenth of a second

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # none but fatal ones: errors are raised, and are not for stderr, too
    options.add_session_config_entry("session.intra_op.allow_spinning", str(int(spinning)))
    options.add_session_config_entry("session.x64quantprecision", str(int(precise)))
    if places := affinities(threads, big_cores()):
        options.add_session_config_entry("session.intra_op_thread_affinities", places)
    for name, length in (axes or {}).items():
        options.add_free_dimension_override_by_name(name, length)
    try:
        # Falling back would print to stdout, and try the same again.
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"], enable_fallback=0)
    except Exception as error:  # onnxruntime's own exceptions share no base class
        raise BundleError(f"{file}: onnxruntime cannot load it ({error})") from error
