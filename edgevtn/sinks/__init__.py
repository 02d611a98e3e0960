"""Where predictions and events go: one module for each kind of sink."""
