"""The training loop: stopped and resumed, stopped early, and what it refuses."""

import csv

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("pydantic")

from edgevtn.training.journal import journal, save_journal  # noqa: E402
from edgevtn.training.learn.fit import distillation_loss, joined, mixed, softened  # noqa: E402
from edgevtn.training.learn.loop import Look, Run, optimise  # noqa: E402
from edgevtn.training.recipe import Recipe  # noqa: E402

RECIPE = Recipe(steps=40, check_every=10, learning_rate=0.05, averaging=0.8)


class Stopped(Exception):
    pass


def line(run, recipe=RECIPE, fail_at=None, validate=None):
    """Fit y = 2 x + 1, with dropout of inputs for randomness of both kinds."""
    torch.manual_seed(0)
    model = torch.nn.Linear(1, 1)
    calls = 0

    def loss(rng):
        nonlocal calls
        if calls == fail_at:
            raise Stopped
        calls += 1
        x = torch.from_numpy(rng.standard_normal((8, 1))).float()
        return (model(x + 0.01 * torch.randn(8, 1)) - 2 * x - 1).square().mean()

    return optimise(model, loss, recipe, np.random.default_rng(0), run, validate=validate)


def test_a_resumed_run_ends_as_an_uninterrupted_one(tmp_path):
    whole = Run(progress=False)
    expected = line(whole)
    checkpoint = tmp_path / "part"
    with pytest.raises(Stopped):
        line(Run(checkpoint, progress=False), fail_at=27)
    resumed = Run(checkpoint, resume=True, progress=False)
    got = line(resumed)
    for name, value in expected.state_dict().items():
        torch.testing.assert_close(got.state_dict()[name], value, rtol=0, atol=0)
    np.testing.assert_array_equal(np.array(resumed.looks), np.array(whole.looks))
    assert [look.step for look in resumed.looks] == [10, 20, 30, 40]
    assert list(tmp_path.iterdir()) == [checkpoint]


def test_without_resume_a_checkpoint_is_not_read(tmp_path):
    (tmp_path / "part").write_bytes(b"of another time")
    line(Run(tmp_path / "part", progress=False))


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", None])
def test_a_strange_checkpoint_is_refused(tmp_path, content):
    checkpoint = tmp_path / "part"
    if content is None:
        line(Run(checkpoint, progress=False))
        message = "other settings"
    else:
        checkpoint.write_bytes(content)
        message = "not a checkpoint"
    with pytest.raises(ValueError, match=message):
        line(Run(checkpoint, resume=True, progress=False), Recipe(steps=41))


def test_training_stops_after_the_best_look_and_returns_it():
    losses = iter([3.0, 1.0, 2.0, 2.0, 2.0, 2.0])
    seen = []

    def validate(model):
        seen.append({name: value.clone() for name, value in model.state_dict().items()})
        return next(losses), 0.5

    run = Run(progress=False)
    got = line(run, Recipe(steps=1000, check_every=10, patience=3, learning_rate=0.05), validate=validate)
    assert [look.validation_loss for look in run.looks] == [3.0, 1.0, 2.0, 2.0, 2.0]
    for name, value in got.state_dict().items():
        torch.testing.assert_close(value, seen[1][name], rtol=0, atol=0)


def test_the_journal_counts_steps_through(tmp_path):
    looks = journal([[Look(10, 1.0, 0.1, 2.0, 0.5)], [Look(5, 0.5, 0.1, 1.0, 0.75)]])
    save_journal(tmp_path, looks)
    rows = list(csv.DictReader((tmp_path / "training.csv").read_text().splitlines()))
    assert [row["step"] for row in rows] == ["10", "15"]
    assert float(rows[1]["validation_accuracy"]) == 0.75
    assert (tmp_path / "learning_curve.png").stat().st_size > 5000


def test_distillation_loss_is_the_formula():
    rng = np.random.default_rng(0)
    student, teacher = rng.standard_normal((2, 5, 4))
    wanted = np.eye(4)[[0, 1, 2, 3, 0]]

    def soft(z, T):
        e = np.exp(z / T)
        return e / e.sum(axis=1, keepdims=True)

    recipe = Recipe(temperature=8.0, distillation=0.4)
    p, q = soft(teacher, 8), soft(student, 8)
    expected = 0.6 * -(wanted * np.log(soft(student, 1))).sum(axis=1).mean()
    expected += 0.4 * 64 * (p * np.log(p / q)).sum(axis=1).mean()
    got = distillation_loss(
        torch.tensor(student), torch.tensor(wanted), softened(torch.tensor(teacher), recipe), recipe
    )
    np.testing.assert_allclose(got.item(), expected, rtol=1e-6)


def test_mixing_keeps_the_larger_part_and_mixes_all_alike():
    recipe = Recipe(mixup=0.4)
    batch, wanted = torch.eye(6)[:, None, :].repeat(1, 3, 1), torch.eye(6)
    mixed_batch, mixed_wanted, soft = mixed(batch, wanted, wanted.clone(), recipe, np.random.default_rng(0))
    torch.testing.assert_close(mixed_batch[:, 0], mixed_wanted)
    torch.testing.assert_close(soft, mixed_wanted)
    assert (mixed_wanted.diagonal() >= 0.5).all()
    assert (mixed_wanted.diagonal() < 1).any()


def test_joined_windows_are_wanted_for_the_slots_that_each_has():
    count, slots = 64, 7
    kinds = np.arange(count) % 4
    own = torch.eye(count)
    batch, wanted = own[:, None, :].repeat(1, slots, 1), own
    rng = np.random.default_rng(0)
    joined_batch, joined_wanted, soft = joined(batch, wanted, wanted.clone(), kinds, Recipe(joins=0.5), rng)
    torch.testing.assert_close(joined_batch.mean(dim=1), joined_wanted)  # so many of its rows are of each window
    torch.testing.assert_close(soft, joined_wanted)
    torch.testing.assert_close(joined_batch[:, -1], own)  # what is newest is its own
    first = joined_batch[:, 0].argmax(dim=1).numpy()
    changed = first != np.arange(count)
    assert 0.3 < changed.mean() < 0.7
    alike = kinds[first[changed]] == kinds[changed]
    assert 0.4 < alike.mean() < 0.9  # half of them, and a quarter of the others by chance
    cuts = (joined_batch.argmax(dim=2) != torch.arange(count)[:, None]).sum(dim=1)
    assert set(cuts[changed].tolist()) == set(range(1, slots))


def test_nothing_is_joined_unless_told():
    batch, wanted = torch.rand(4, 3, 2), torch.rand(4, 2)
    same, target, soft = joined(batch, wanted, None, np.arange(4), Recipe(), np.random.default_rng(0))
    assert same is batch
    assert target is wanted
    assert soft is None
