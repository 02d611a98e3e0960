"""The Cython extensions; everything else is in pyproject.toml.

Each .pyx is named here directly (not through ``cythonize``) so that an sdist keeps it, and the limited API
gives one wheel for every CPython from 3.11 on. No ``-march``: the wheel must run on any CPU of its kind.
"""

import sysconfig

from setuptools import Extension, setup

if sysconfig.get_config_var("Py_GIL_DISABLED"):
    # It has no limited API, and OpenCV has no wheels for it: pip would compile that.
    raise SystemExit(
        "edgevtn needs a Python with its global lock, and this is a free-threaded one; "
        "make the environment with the ordinary build: python3, not python3t"
    )

LIMITED_API = "0x030B0000"  # CPython 3.11, the oldest we support

setup(
    ext_modules=[
        Extension(
            f"edgevtn.kernels.{name}",
            [f"kernels/{name}.pyx"],
            include_dirs=["kernels"],
            depends=[header],
            define_macros=[("Py_LIMITED_API", LIMITED_API)],
            py_limited_api=True,
            extra_compile_args=["-O3"],  # vectorises the row loops; setuptools' default may be -O2
        )
        for name, header in (("_prepare", "kernels/_blend.h"), ("_changes", "kernels/_changes.h"))
    ],
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
)
