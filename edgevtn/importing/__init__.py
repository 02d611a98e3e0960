"""Published models into bundles: the VTN authors' checkpoints, and OpenVINO's intermediate representation (IR).

Needs the extra ``edgevtn[import]``.
"""

from edgevtn.importing._checkpoint import read_checkpoint
from edgevtn.importing._fetch import fetch, registry
from edgevtn.importing._import import import_files
from edgevtn.importing._ir import read_ir
from edgevtn.importing._parts import Parts

__all__ = ["Parts", "fetch", "import_files", "read_checkpoint", "read_ir", "registry"]
