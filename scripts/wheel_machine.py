#!/usr/bin/env python3
"""Check that a wheel's extensions are for one processor and an old glibc: wheel_machine.py WHEEL ARCHITECTURE.

auditwheel looks at what is imported; it believes the name of the file where it says for which processor.
"""

from __future__ import annotations

import re
import struct
import sys
import zipfile

#: e_machine of the ELF header, by the architecture's name.
MACHINES = {"x86_64": 62, "aarch64": 183}
#: glibc of the tag manylinux_2_17.
NEWEST_GLIBC = (2, 17)
EXTENSIONS = {"edgevtn/kernels/_changes.abi3.so", "edgevtn/kernels/_prepare.abi3.so"}


def problems(wheel: str, architecture: str) -> list[str]:
    """What is wrong with a wheel's extensions."""
    with zipfile.ZipFile(wheel) as files:
        libraries = {name: files.read(name) for name in files.namelist() if ".so" in name}
    found = [] if set(libraries) == EXTENSIONS else [f"expected {sorted(EXTENSIONS)}, found {sorted(libraries)}"]
    for name, content in libraries.items():
        (machine,) = struct.unpack_from("<H", content, 18)
        if content[:4] != b"\x7fELF" or machine != MACHINES[architecture]:
            found.append(f"{name}: is for machine {machine}, expected {MACHINES[architecture]} ({architecture})")
        versions = {tuple(map(int, text.split(b"."))) for text in re.findall(rb"GLIBC_(\d+\.\d+)", content)}
        found += [f"{name}: needs glibc {version}" for version in versions if version > NEWEST_GLIBC]
    return found


if __name__ == "__main__":
    wrong = problems(sys.argv[1], sys.argv[2])
    print(
        *(wrong or [f"extensions are for {sys.argv[2]}, glibc {'.'.join(map(str, NEWEST_GLIBC))} or older"]), sep="\n"
    )
    sys.exit(bool(wrong))
