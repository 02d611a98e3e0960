"""Everything that decides what a training run makes, apart from its data and its seed."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from edgevtn.bundle import RGB, RGBDIFF

#: The label of features that show none of the actions; the model is to be unsure of them.
NOTHING = ""
#: What was expected, by pydantic's name of the error; what came is added.
EXPECTATIONS = {
    "greater_than": "must be above {gt:g}",
    "greater_than_equal": "must be {ge:g} or more",
    "less_than": "must be below {lt:g}",
    "less_than_equal": "must be {le:g} or less",
    "multiple_of": "must be a multiple of {multiple_of:g}",
    "finite_number": "must be a finite number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_parsing": "must be a number",
    "literal_error": "must be {expected}",
}

Share = Annotated[float, Field(ge=0, lt=1)]


class Recipe(BaseModel):
    """How to train one stream: an encoder, and a head on it.

    Raises
    ------
    pydantic.ValidationError
        A setting is unknown, out of its range, or contradicts another; a ValueError. `complaint` says which in a
        sentence.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    encoder: str = Field(default="lite0", description="One of `edgevtn.training.pretrained.ENCODERS`.")
    modality: Literal["rgb", "rgbdiff"] = Field(
        default=RGB,
        description='"rgb", or "rgbdiff": the encoder sees the difference of a slot\'s frame and an older one.',
    )
    pooling: Literal["mean", "max"] = Field(
        default="mean",
        description='Over the encoder\'s last feature map: "mean", as it was trained, or "max", which sees a small '
        "person better.",
    )
    input_size: Annotated[int, Field(ge=32, le=1024, multiple_of=32)] | None = Field(
        default=None,
        description="Side of the pictures, pixels, a multiple of the encoder's stride; that of the pictures that "
        "it was trained on first if not given. The work grows with the square of it.",
    )
    frame_rate: PositiveFloat = Field(default=12.5, description="Slots a second, Hz.")
    difference_interval: PositiveFloat | None = Field(
        default=None,
        validate_default=True,
        description="Seconds between the two frames of a difference, at most a slot; a slot if not given. Where slots "
        "are far apart less shows how fast someone moves; the head compares slots as it is. None where the "
        "encoder sees frames.",
    )
    window_len: PositiveInt = Field(default=16, description="T, the slots of a window.")
    embed_dim: PositiveInt = Field(default=128, description="D, width of the embeddings; a multiple of `heads`.")
    heads: PositiveInt = Field(default=8, description="A, attention heads.")
    layers: PositiveInt = Field(default=2, description="L, blocks of the head.")
    ffn_dim: PositiveInt = Field(default=256, description="F, width of the feed-forward layers.")
    motion: Literal["none", "change", "size"] | None = Field(
        default=None,
        validate_default=True,
        description="What the projection also sees: the change of the features since the frame before, or its size; "
        "RGB alone. If not given, the size, and none for differences of frames, which are motion already.",
    )
    rank: PositiveInt = Field(
        default=256,
        description="Principal components of the features that are kept: see "
        "`edgevtn.training.learn.model.principal_axes`.",
    )
    emphasis: NonNegativeFloat = Field(
        default=1.0, description="Power of the components' standard deviations: see there."
    )
    variants: NonNegativeInt = Field(
        default=6,
        description="Copies of each clip that are changed at random, see `edgevtn.training.data.augment`.",
    )
    drawn: NonNegativeInt = Field(
        default=0,
        description="Drawn clips of each label that the figure of `edgevtn.training.data.figure` can act.",
    )
    noise: NonNegativeFloat = Field(
        default=0.3, description="Noise added to the features, in mean standard deviations."
    )
    dropout: Share = Field(default=0.3, description="Share of the activations that are dropped.")
    steps: PositiveInt = Field(default=500, description="Steps of the head's training on frozen features.")
    batch: PositiveInt = Field(default=64, description="Windows in a batch.")
    learning_rate: PositiveFloat = Field(default=2e-3, description="The highest rate of the head's training.")
    weight_decay: NonNegativeFloat = Field(default=0.05, description="AdamW's.")
    label_smoothing: Share = Field(default=0.05, description="Share of a target that all labels have alike.")
    slowest: PositiveFloat = Field(
        default=0.94, description="Least speed of a window, a factor. A wider range would make a run of a walk."
    )
    fastest: PositiveFloat = Field(default=1.06, description="Highest speed of a window, a factor.")
    beginnings: Share = Field(
        default=0.15,
        description="Share of windows cut off at the clip's beginning, as the first windows of a stream are.",
    )
    stills: Share = Field(
        default=0.0,
        description="Share of windows that are one frame, held, of which the model is to be unsure: a picture of a "
        "jump is no jump.",
    )
    joins: Share = Field(
        default=0.0,
        description="Share of windows that begin with a part of another, and are to be taken for both by their "
        "lengths: where one action goes over into the next there is no third.",
    )
    mixup: NonNegativeFloat = Field(
        default=0.4,
        description="Windows are mixed in pairs, with a share drawn from Beta(mixup, mixup) (Zhang et al., arXiv "
        "1710.09412): few clips are learned by heart otherwise.",
    )
    averaging: Share = Field(
        default=0.99,
        description="The result is the exponential mean of the weights over the steps, with this decay.",
    )
    temperature: PositiveFloat = Field(
        default=8.0, description="Temperature of the logits that a student is to match: the VTN authors' choice."
    )
    distillation: Share = Field(default=0.4, description="The match's share of the loss: the VTN authors' choice.")
    tuning_steps: PositiveInt = Field(default=400, description="Steps of the encoder's further training.")
    tuning_batch: PositiveInt = Field(
        default=8, description="Windows in a batch of the encoder's training; each is many pictures."
    )
    tuning_rate: PositiveFloat = Field(default=1e-4, description="The highest rate of the encoder's training.")
    check_every: PositiveInt = Field(default=50, description="Steps between two looks at validation clips.")
    patience: PositiveInt = Field(default=6, description="Looks without a gain after which training stops.")

    @property
    def slots(self) -> int:
        """Frames of a window: T, with motion input one more, the frame before."""
        return self.window_len + (self.motion != "none")

    def changed(self, **changes: object) -> Recipe:
        """The recipe with other settings, validated as a whole."""
        return Recipe.model_validate(self.model_dump(exclude_unset=True) | changes)

    @field_validator("difference_interval")
    @classmethod
    def _of_differences(cls, seconds: float | None, info: ValidationInfo) -> float | None:
        if not {"modality", "frame_rate"} <= info.data.keys():  # one of them is wrong, and is complained of
            return seconds
        slot: float = 1 / info.data["frame_rate"]
        if seconds is not None and seconds > slot:
            raise ValueError(f"must be at most a slot, {slot:g} s")
        return None if info.data["modality"] == RGB else seconds or slot

    @field_validator("motion")
    @classmethod
    def _of_frames(cls, motion: str | None, info: ValidationInfo) -> str | None:
        return motion or ("none" if info.data.get("modality") == RGBDIFF else "size")

    @model_validator(mode="after")
    def _agree(self) -> Recipe:
        if self.embed_dim % self.heads:
            raise ValueError(f"embed_dim must be a multiple of heads, {self.heads}; got {self.embed_dim}")
        if self.fastest < self.slowest:
            raise ValueError(f"fastest must not be below slowest, {self.slowest:g}; got {self.fastest:g}")
        if self.modality == RGBDIFF and self.motion != "none":
            raise ValueError("motion must be none for differences of frames; it is for frames alone")
        return self


def complaint(error: ValidationError) -> tuple[str | None, str]:
    """The setting that is wrong, None for several that do not agree; and a sentence: what was expected, what came."""
    first = error.errors()[0]
    context = first.get("ctx", {})
    if first["type"] == "value_error":
        expected = str(context["error"])
    elif first["type"] in EXPECTATIONS:
        expected = EXPECTATIONS[first["type"]].format(**context)
    else:
        expected = first["msg"]
    if not first["loc"]:
        return None, expected
    came = "nothing" if first["input"] == "" else first["input"]
    return str(first["loc"][0]), f"{expected}, got {came}"
