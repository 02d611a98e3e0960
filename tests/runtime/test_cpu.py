"""What the kernel says of an ARM processor: vectors as Linux gives them to a Cortex-A72 and a Cortex-A76."""

import struct

import pytest

from edgevtn.cpu import has_dot_product

#: AT_HWCAP of a Raspberry Pi 4 (fp asimd evtstrm crc32 cpuid) and of a Pi 5 (with asimddp among others).
PI_4, PI_5 = 0x887, 0x119FFF


def vector(file, capabilities):
    file.write_bytes(struct.pack("6Q", 6, 4096, 16, capabilities, 0, 0))
    return file


@pytest.mark.parametrize(("capabilities", "has"), [(PI_4, False), (PI_5, True), (1 << 20, True), (0, False)])
def test_the_dot_product_is_told_by_the_kernel(tmp_path, capabilities, has):
    assert has_dot_product(vector(tmp_path / "auxv", capabilities)) is has


def test_a_page_size_is_no_capability(tmp_path):
    (tmp_path / "auxv").write_bytes(struct.pack("4Q", 6, 1 << 20, 0, 0))
    assert not has_dot_product(tmp_path / "auxv")


@pytest.mark.parametrize("content", [None, b"", b"123"])
def test_where_nothing_is_told_there_is_none(tmp_path, content):
    if content is not None:
        (tmp_path / "auxv").write_bytes(content)
    assert not has_dot_product(tmp_path / "auxv")
