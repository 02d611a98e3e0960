"""Fixtures: the shared data, and tiny bundles."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tiny import random_decoder, tiny_encoder, tiny_facts

import edgevtn
from edgevtn._write import write_bundle

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def shared() -> Path:
    """The shared data folder; tests that need it are skipped without it."""
    folder = Path(os.environ.get("EDGEVTN_SHARED", ROOT.parent / "shared"))
    if not (folder / "data").is_dir():
        pytest.skip(f"the shared data folder (EDGEVTN_SHARED) is not at {folder}")
    return folder


@pytest.fixture(scope="session")
def demo_clip() -> Path:
    return ROOT / "edgevtn" / "data" / "demo.mp4"


@pytest.fixture
def make_bundle(tmp_path: Path) -> Callable[..., Path]:
    """Write a tiny bundle, with facts changed as wanted."""

    def make(folder: str = "tiny", **changes: Any) -> Path:
        facts = tiny_facts(**changes)
        write_bundle(tmp_path / folder, facts, tiny_encoder().SerializeToString(), random_decoder(facts))
        return tmp_path / folder

    return make


@pytest.fixture
def tiny(make_bundle: Callable[..., Path]) -> Path:
    return make_bundle()


@pytest.fixture
def recognizer(tiny: Path) -> edgevtn.Recognizer:
    return edgevtn.Recognizer(tiny, threads=1)
