"""A published checkpoint of the largest size into a bundle."""

import itertools

from published import VTN, randomise, resnet, save

from edgevtn.importing import import_files


def test_resnet_34_vtn(benchmark, tmp_path):
    benchmark.group = "import of ResNet-34-VTN"
    save(randomise(VTN(resnet((3, 4, 6, 3), False), 512, 512, 400)), tmp_path / "resnet_34_vtn.pth")
    numbers = itertools.count()
    benchmark.pedantic(
        lambda: import_files([tmp_path / "resnet_34_vtn.pth"], tmp_path / f"bundle{next(numbers)}"), rounds=3
    )
