"""A bundle from elsewhere, tried in a child process with limits, before anything else opens it.

A graph may ask for any amount of memory or time, and onnxruntime has had faults that end the process. In a child they
end that alone.
"""

from __future__ import annotations

import math
import resource
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from edgevtn.arguments import number, whole
from edgevtn.errors import BundleError, EdgeVTNError

if TYPE_CHECKING:
    from edgevtn.recognizer import Recognizer

#: Seconds of a child: kernels are compiled for a bundle's shapes in seconds, on a Pi in a minute.
SECONDS = 120.0
#: Bytes that the child may allocate: the bundled model needs 0.3 GiB of it, the largest published one below 1.
MEMORY = 2 * 2**30
#: Frames that are shown, grey noise of one size; enough to fill the window by repeating.
FRAMES, SIDES = 3, (120, 160)
#: The exit status of a child that refuses; its reason is on stdout.
REFUSED = 3


def verify(bundle: str | Path, *, seconds: float = SECONDS, memory: int = MEMORY) -> None:
    """Load a bundle and show it frames, in a child process with limits.

    What passes is whole, agrees with its facts, computes finite numbers, and does so within the limits. Whether it
    recognises anything is not asked.

    Parameters
    ----------
    bundle : path
    seconds : float
        Until it counts as hanging.
    memory : int
        Bytes that the child may allocate (its RLIMIT_DATA; address space that is only reserved does not count).

    Raises
    ------
    BundleError
        It cannot be used; or it takes more time or memory, or ends the child.
    """
    seconds = number(seconds, "seconds", low=0, high=86_400, above=True, unit="seconds")
    memory = whole(memory, "memory", 1, 2**60)
    command = [sys.executable, "-m", __name__, str(bundle), str(memory), str(math.ceil(seconds))]
    try:
        done = subprocess.run(command, capture_output=True, timeout=seconds, stdin=subprocess.DEVNULL, check=False)
    except subprocess.TimeoutExpired:
        raise BundleError(f"{bundle}: is not ready within {seconds:g} s; do not use it here") from None
    if done.returncode == 0:
        return
    if done.returncode == REFUSED:
        raise BundleError(done.stdout.decode("utf-8", "replace"))
    how = f"signal {-done.returncode}" if done.returncode < 0 else f"status {done.returncode}"
    raise BundleError(
        f"{bundle}: ends the process that loads it ({how}), perhaps for want of more than "
        f"{memory / 2**30:.1f} GiB of memory; do not use it"
    )


def try_bundle(bundle: str) -> None:
    """Load a bundle and show it frames, here and without limits."""
    import numpy as np

    from edgevtn.recognizer import Recognizer

    recognizer: Recognizer = Recognizer(bundle, threads=1, start="repeat")
    noise = np.random.default_rng(0)
    for n in range(FRAMES):
        frame = noise.integers(0, 256, (*SIDES, 3), np.uint8)
        recognizer(frame, n / recognizer.model.frame_rate)


def main() -> int:
    """The child: its arguments are the bundle, bytes and seconds."""
    bundle, memory, seconds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        try_bundle(bundle)
    except EdgeVTNError as error:
        sys.stdout.write(str(error))
        return REFUSED
    except MemoryError:
        sys.stdout.write(f"{bundle}: needs more than {memory / 2**30:.1f} GiB of memory; do not use it")
        return REFUSED
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
