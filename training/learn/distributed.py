"""Several processes, as torchrun starts them; a single one otherwise."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TypeVar

import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

Value = TypeVar("Value")
#: The others wait so long for what only the first process does: features of a large dataset take hours.
PATIENCE = timedelta(hours=24)


@contextmanager
def processes() -> Iterator[None]:
    """Join the other processes of a torchrun; without one, nothing."""
    if "WORLD_SIZE" not in os.environ:
        yield
        return
    distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo", timeout=PATIENCE)
    try:
        yield
    finally:
        distributed.destroy_process_group()


def running() -> bool:
    """Whether there are several processes."""
    return distributed.is_available() and distributed.is_initialized()


def first() -> bool:
    """Whether this process is the one that writes files and shows progress."""
    return not running() or distributed.get_rank() == 0


def told(value: Value) -> Value:
    """What the first process has."""
    if running():
        values = [value]
        distributed.broadcast_object_list(values, src=0)
        return values[0]
    return value


def device() -> torch.device:
    """This process's GPU, if there are any."""
    if not torch.cuda.is_available():
        return torch.device("cpu")
    return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))


def shared(model: nn.Module) -> nn.Module:
    """The model, its weights those of the first process, and its gradients the mean over all of them."""
    return DistributedDataParallel(model) if running() else model
