"""What every engine has: the graph's ends, and calls on arrays that stay where they are."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, NamedTuple

from edgevtn.arrays import Float, Pixels


@dataclass(frozen=True)
class Graph:
    """An encoder's graph, and how it is to be run.

    Attributes
    ----------
    content : bytes
        ONNX. Bytes and no path: they are those whose checksum was checked, and they cannot refer to other files.
    file : Path
        For messages.
    threads : int
        Threads inside one inference.
    spinning : bool
        Idle threads spin between inferences; engines that always sleep take no notice.
    precise : bool
        8-bit sums would saturate on this x86, which has no VNNI, and must be kept from it.
    axes : mapping of str to int
        Lengths of axes that the graph leaves open, by their names.
    shapes : sequence of list of int
        Shapes that an input may have, for engines that forget the names of open axes.
    """

    content: bytes = field(repr=False)
    file: Path
    threads: int = 1
    spinning: bool = False
    precise: bool = False
    axes: Mapping[str, int] = field(default_factory=dict)
    shapes: Sequence[list[int]] = ()


class Port(NamedTuple):
    """An input or output: NumPy's name of its type, and its shape, in which an open axis has a name."""

    dtype: str
    shape: list[int | str]


class Engine(ABC):
    """A graph that is loaded.

    Attributes
    ----------
    name : str
        As users give it.
    inputs, outputs : list of Port
    """

    name: ClassVar[str]
    inputs: list[Port]
    outputs: list[Port]

    @abstractmethod
    def bind(self, pictures: Sequence[Pixels], features: Float) -> Callable[[], object]:
        """A call that reads `pictures`, one for each input, and writes `features`.

        The arrays are read and written where they are, and must live as long as the call does. Several calls may be
        bound to one engine; they are made in one thread.
        """
