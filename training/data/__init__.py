"""What a model is trained on: windows, changed and drawn clips, and their features."""
