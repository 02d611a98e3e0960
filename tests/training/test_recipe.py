"""Recipes: what they accept, and what is derived."""

import subprocess
import sys

import pytest

pytest.importorskip("torch")
pydantic = pytest.importorskip("pydantic")

import edgevtn  # noqa: E402
from edgevtn.bundle import RGB, RGBDIFF  # noqa: E402
from edgevtn.cli.main import main  # noqa: E402
from edgevtn.training.recipe import Recipe, complaint  # noqa: E402
from edgevtn.training.train import recipes_of  # noqa: E402


def test_texts_are_read_as_what_they_must_be():
    (recipe,) = recipes_of(RGB, {"steps": "20", "noise": "1e-1", "pooling": "max", "motion": "change"})
    assert (recipe.steps, recipe.noise, recipe.pooling, recipe.slots) == (20, 0.1, "max", 17)


def test_only_differences_have_an_interval_and_it_is_a_slot_if_not_given():
    assert Recipe().difference_interval is None
    assert (Recipe().motion, Recipe(modality=RGBDIFF).motion) == ("size", "none")
    assert Recipe(modality=RGBDIFF, frame_rate=6.25).difference_interval == 0.16
    assert Recipe(modality=RGBDIFF, difference_interval=0.05).difference_interval == 0.05
    assert Recipe(modality=RGBDIFF).changed(frame_rate=6.25).difference_interval == 0.16
    settings = {"difference_interval": "0.05", "motion": "change", "pooling": "max"}
    frames, differences = recipes_of("two-stream", settings)
    assert (frames.modality, frames.difference_interval, frames.motion, frames.pooling) == (RGB, None, "change", "max")
    assert differences == Recipe(modality=RGBDIFF, difference_interval=0.05)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"modality": RGBDIFF, "motion": "size"}, (None, "motion must be none for differences")),
        ({"difference_interval": 0.0}, ("difference_interval", "must be above 0, got 0")),
        ({"frame_rate": -1, "modality": RGBDIFF}, ("frame_rate", "must be above 0, got -1")),
        ({"input_size": 100}, ("input_size", "must be a multiple of 32, got 100")),
        ({"heads": 3}, (None, "embed_dim must be a multiple of heads, 3; got 128")),
        ({"clip_len": 4}, ("clip_len", "Extra inputs are not permitted, got 4")),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(settings, expected):
    with pytest.raises(ValueError, match="validation error") as caught:
        Recipe(**settings)
    name, sentence = complaint(caught.value)
    assert name == expected[0]
    assert sentence.startswith(expected[1])
    assert "\n" not in sentence
    with pytest.raises(ValueError, match="validation error"):
        Recipe().changed(**settings)


def test_every_setting_is_described_and_none_can_be_changed():
    for name, field in Recipe.model_fields.items():
        assert (field.description or "").endswith("."), name
    with pytest.raises(pydantic.ValidationError, match="frozen"):
        Recipe().steps = 3


def test_an_unknown_modality_is_named():
    with pytest.raises(ValueError, match="modality must be one of rgb, rgbdiff, two-stream, got 'sound'"):
        recipes_of("sound", {})


def test_without_pydantic_the_extra_is_named(dataset, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "pydantic", None)  # as if it were not installed
    for command in (["train", "-o", "never"], ["crossval"]):
        assert main([*command, str(dataset)]) == 1
        assert "pip install 'edgevtn[training]'" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["info"], ["train", "--help"]])
def test_other_commands_and_help_import_neither_pydantic_nor_torch(words):
    script = f"""
import sys
from edgevtn.cli.main import main
try:
    assert main({words}) == 0
except SystemExit as ended:
    assert not ended.code
print(*sorted(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=True)
    loaded = done.stdout.splitlines()[-1].split()
    assert f"edgevtn.cli.{words[0]}" in loaded
    assert not {"pydantic", "torch", "edgevtn.training"} & set(loaded)
    assert edgevtn.__version__
