"""Everything that decides what a training run makes, apart from its data and its seed."""

from __future__ import annotations

from dataclasses import dataclass

#: The label of features that show none of the actions; the model is to be unsure of them.
NOTHING = ""


@dataclass(frozen=True)
class Recipe:
    """How to train one stream: an encoder, and a decoder on it."""

    #: One of `edgevtn.training.pretrained.ENCODERS`.
    encoder: str = "lite0"
    #: "rgb", or "rgbdiff": the encoder sees the difference of a slot's frame and an older one.
    modality: str = "rgb"
    #: Over the encoder's last feature map: "mean", as it was trained, or "max", which sees a small person better.
    pooling: str = "mean"
    #: Of "rgbdiff", seconds between the two frames; 0: one slot. Where slots are far apart less shows how fast
    #: someone moves; the decoder compares slots as it is.
    interval: float = 0.0
    frame_rate: float = 12.5  # Hz
    clip_len: int = 16
    embed_dim: int = 128
    heads: int = 8
    layers: int = 2
    ffn_dim: int = 256
    #: Whether the projection also sees the change of the features since the frame before; RGB alone.
    motion: bool = False
    #: Principal components of the features that are kept, and the power of their standard deviations: see
    #: `edgevtn.training.learn.model.principal_axes`.
    rank: int = 256
    emphasis: float = 1.0
    #: Copies of each clip that are changed at random, see `edgevtn.training.data.augment`; and drawn clips of each
    #: label that the figure of `edgevtn.training.data.figure` can act.
    variants: int = 6
    drawn: int = 0
    #: Noise added to the features, in mean standard deviations.
    noise: float = 0.3
    dropout: float = 0.3
    steps: int = 500
    batch: int = 64
    learning_rate: float = 2e-3
    weight_decay: float = 0.05
    label_smoothing: float = 0.05
    #: Speeds of a window, factors. A wider range would make a run of a walk.
    slowest: float = 0.94
    fastest: float = 1.06
    #: Share of windows cut off at the clip's beginning, as the first windows of a stream are.
    beginnings: float = 0.15
    #: Share of windows that are one frame, held, of which the model is to be unsure: a picture of a jump is no jump.
    stills: float = 0.0
    #: Windows are mixed in pairs, with a share drawn from Beta(mixup, mixup) (Zhang et al., arXiv 1710.09412):
    #: few clips are learned by heart otherwise.
    mixup: float = 0.4
    #: The result is the exponential mean of the weights over the steps, with this decay.
    averaging: float = 0.99
    #: Of the logits that a student is to match, and the match's share of the loss: the VTN authors' choice.
    temperature: float = 8.0
    distillation: float = 0.4
    #: Of the encoder's further training: steps, windows in a batch (each is many pictures), and the highest rate.
    tuning_steps: int = 400
    tuning_batch: int = 8
    tuning_rate: float = 1e-4
    #: Steps between two looks at validation clips, and looks without a gain after which training stops.
    check_every: int = 50
    patience: int = 6

    @property
    def slots(self) -> int:
        """Frames of a window: T, with motion input one more, the frame before."""
        return self.clip_len + self.motion

    @property
    def compared(self) -> float | None:
        """Seconds between the two frames of a difference; None: the encoder sees frames."""
        return None if self.modality == "rgb" else self.interval or 1 / self.frame_rate

    def __post_init__(self) -> None:
        positive = ("frame_rate", "clip_len", "embed_dim", "heads", "layers", "ffn_dim", "rank", "steps", "batch",
                    "learning_rate", "slowest", "tuning_steps", "tuning_batch", "tuning_rate", "temperature",
                    "check_every", "patience")  # fmt: skip
        for name in positive:
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be above 0, got {getattr(self, name)}")
        for name in ("variants", "drawn", "noise", "weight_decay", "mixup", "emphasis", "interval"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} must be 0 or more, got {getattr(self, name)}")
        for name in ("dropout", "label_smoothing", "beginnings", "stills", "averaging", "distillation"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} must be from 0 to below 1, got {getattr(self, name)}")
        if self.embed_dim % self.heads:
            raise ValueError(f"embed_dim {self.embed_dim} must be a multiple of heads {self.heads}")
        if self.fastest < self.slowest:
            raise ValueError(f"fastest {self.fastest} must not be below slowest {self.slowest}")
        if self.interval > 1 / self.frame_rate:
            raise ValueError(f"interval must be at most a slot, {1 / self.frame_rate:g} s, got {self.interval}")
        if self.pooling not in ("mean", "max"):
            raise ValueError(f'pooling must be "mean" or "max", got {self.pooling!r}')
        if self.modality == "rgbdiff" and self.motion:
            raise ValueError("motion input is for frames; of their differences it is not supported")
