"""A model on disk: a folder with its facts, its encoder and its head; checked before use, written whole."""
