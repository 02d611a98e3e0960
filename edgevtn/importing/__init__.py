"""Published models into bundles: the VTN authors' checkpoints, and OpenVINO's intermediate representation (IR).

Needs the extra ``edgevtn[import]``.
"""

from edgevtn.importing.bundles import import_files
from edgevtn.importing.checkpoint import read_checkpoint
from edgevtn.importing.ir import read_ir
from edgevtn.importing.parts import Parts
from edgevtn.importing.published import fetch, registry

__all__ = ["Parts", "fetch", "import_files", "read_checkpoint", "read_ir", "registry"]
