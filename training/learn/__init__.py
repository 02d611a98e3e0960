"""How a model is trained: networks, losses, the loop."""
