"""From a window of features to logits: one module for each kind of head."""
