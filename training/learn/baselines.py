"""Other heads on the same features, to compare the VTN's with. The runtime does not run them."""

from __future__ import annotations

from torch import Tensor, nn

from edgevtn.training.learn.model import Head
from edgevtn.training.recipe import Recipe


class MeanPooling(Head):
    """A linear classifier on the mean of a window's embeddings: the order of frames is lost."""

    def __init__(self, features: int, recipe: Recipe, classes: int) -> None:
        super().__init__(features, recipe, classes)
        self.classes = nn.Linear(recipe.embed_dim, classes)

    def decode(self, embeddings: Tensor) -> Tensor:
        logits: Tensor = self.classes(embeddings.mean(dim=1))
        return logits


class LSTM(Head):
    """One LSTM layer as wide as the embeddings; its last state is classified."""

    def __init__(self, features: int, recipe: Recipe, classes: int) -> None:
        super().__init__(features, recipe, classes)
        self.lstm = nn.LSTM(recipe.embed_dim, recipe.embed_dim, batch_first=True)
        self.classes = nn.Linear(recipe.embed_dim, classes)

    def decode(self, embeddings: Tensor) -> Tensor:
        states, _ = self.lstm(embeddings)
        logits: Tensor = self.classes(self.dropout(states[:, -1]))
        return logits
