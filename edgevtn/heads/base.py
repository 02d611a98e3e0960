"""What every kind of head has: facts that are read from a bundle, and a window of features that becomes logits.

A kind is one module with two classes: its facts (`HeadFacts`), which know the arrays and check themselves, and the head
that runs (`Head`). `edgevtn.heads.KINDS` lists the kinds; nothing else in a bundle names code.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, ClassVar, Self

from edgevtn.arrays import Float
from edgevtn.facts import Fact, checked, size
from edgevtn.window import Window

#: Nobody needs longer windows, and whoever claims one should not make us allocate it.
LONGEST_WINDOW = 1024
#: The most features of a frame, likewise.
WIDTHS = (1, 8192)


@dataclass(frozen=True)
class HeadFacts(ABC):
    """The facts of a head, as ``model.json`` states them.

    Attributes
    ----------
    width, classes : int
        W, features of a frame, and K, labels: facts of the model around the head.
    window_len : int
        T, frames behind a prediction.
    """

    #: Its name in ``model.json``.
    kind: ClassVar[str]
    #: The file of the bundle that has its weights: arrays (``.npz``) or a graph (``.onnx``).
    file: ClassVar[str] = "head.npz"
    #: What its own facts must be.
    table: ClassVar[Mapping[str, Fact]]

    width: int
    classes: int
    window_len: int

    @classmethod
    def read(cls, facts: dict[str, Any], width: int, classes: int, where: str) -> Self:
        """Check the facts of a ``model.json`` (without `kind`); `where` is for messages.

        Raises
        ------
        BundleError
            A fact is missing, unknown, or out of range.
        """
        known = checked(facts, {"window_len": size(1, LONGEST_WINDOW), **cls.table}, where)
        head = cls(width=width, classes=classes, **{name: _frozen(value) for name, value in known.items()})
        head.check(where)
        return head

    def check(self, where: str) -> None:
        """Raise BundleError where facts that are right alone do not fit together."""

    @property
    def threshold(self) -> float:
        """Probability below which a prediction is "unknown", unless the caller says otherwise."""
        return 0.5

    @property
    def rejects(self) -> bool:
        """Whether its last label stands for none of the others, so that a model in doubt has something to say."""
        return False

    def to_dict(self) -> dict[str, Any]:
        """The facts as they stand in ``model.json``."""
        own = [field.name for field in fields(self) if field.name not in ("width", "classes")]
        return {"kind": self.kind} | {name: _thawed(getattr(self, name)) for name in own}

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Name and shape of every array in its ``.npz``, all float16 or float32; empty for a graph."""
        return {}

    @abstractmethod
    def describe(self) -> str:
        """One line for people, as `edgevtn info` shows it."""

    @abstractmethod
    def build(self, weights: dict[str, Float] | bytes, file: Path, precision: str) -> Head:
        """The head that runs.

        Parameters
        ----------
        weights : dict of arrays, or bytes
            The contents of `file`, checked.
        file : Path
            For messages.
        precision : {"auto", "fp32", "int8"}
            Precision of the matrix products, where a kind has a choice.
        """


class Head(ABC):
    """A head at work: the window of one stream of features, and its logits.

    Attributes
    ----------
    window : Window
        Rows of its own making, one a frame.
    precision : str
        Precision of its matrix products, "fp32" or "int8".
    """

    window: Window
    precision: str = "fp32"

    @abstractmethod
    def push(self, features: Float) -> None:
        """Append a frame's features, float32 (1, W)."""

    def repeat(self) -> None:
        """Append the last frame's features once more: time passed, and no frame came."""
        self.window.push(self.window.newest)

    def clear(self) -> None:
        """Forget all frames."""
        self.window.clear()

    def calm(self) -> Sequence[int]:
        """Labels, by index, that what the window shows moves too little for: none of theirs begins in it."""
        return ()

    def moments(self, answer: int, other: int) -> Float | None:
        """What each row of the window adds to the logit of one label less that of another, float32 (T,).

        None where a head cannot tell. Intercepts are left out, and what stands for no label at all.
        """
        return None

    @abstractmethod
    def __call__(self) -> Float:
        """Logits of the window, float32 (K,): valid until the next call."""

    def plain(self) -> Float:
        """What may be averaged over heads before `finish` makes logits of it: float32 (K,), until the next call."""
        return self()

    def finish(self, plain: Float) -> Float:
        """Logits of what `plain` gave, or of a mean of it, float32 (K,), made in place."""
        return plain


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _thawed(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
