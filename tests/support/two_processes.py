"""`edgevtn train` in several processes on this machine, as torchrun starts them, without its start-up."""

import contextlib
import multiprocessing
import os
import socket
from pathlib import Path

from networks import small_network

#: Seconds after which a process hangs.
PATIENCE = 280


def train_small(arguments):
    """`edgevtn train` with a network of three convolutions for an encoder; returns the exit code."""
    import pytest

    from edgevtn.cli.main import main

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("edgevtn.training.streams.pretrained_encoder", lambda *_, **__: small_network())
        patch.setattr("edgevtn.training.streams.CALIBRATION_FRAMES", 8)
        patch.setattr("edgevtn.calibration.fit.bias.BIAS_FRAMES", 8)
        return main(["train", *arguments])


def work(rank, processes, port, arguments, printed):
    """One of the processes; what it prints goes into a file."""
    import torch

    torch.set_num_threads(1)
    os.environ |= {
        "RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(processes),
        "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port),
    }  # fmt: skip
    with Path(printed).open("w") as file, contextlib.redirect_stdout(file), contextlib.redirect_stderr(file):
        code = train_small(arguments)
    raise SystemExit(code)


def train_in_processes(processes, arguments, folder):
    """Exit codes, and what each process printed."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    context = multiprocessing.get_context("spawn")
    files = [folder / f"process{rank}.txt" for rank in range(processes)]
    running = [
        context.Process(target=work, args=(rank, processes, port, arguments, str(file)))
        for rank, file in enumerate(files)
    ]
    for process in running:
        process.start()
    try:
        for process in running:
            process.join(PATIENCE)
    finally:
        for process in running:
            process.kill()
            process.join()
    return [process.exitcode for process in running], [file.read_text() for file in files]
