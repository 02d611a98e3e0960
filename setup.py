"""The Cython extension; everything else is in pyproject.toml.

The .pyx is named here directly (not through ``cythonize``) so that an sdist keeps it, and the limited API
gives one wheel for every CPython from 3.11 on. No ``-march``: the wheel must run on any CPU of its kind.
"""

from setuptools import Extension, setup

LIMITED_API = "0x030B0000"  # CPython 3.11, the oldest we support

setup(
    ext_modules=[
        Extension(
            "edgevtn.kernels._prepare",
            ["kernels/_prepare.pyx"],
            include_dirs=["kernels"],
            depends=["kernels/_blend.h"],
            define_macros=[("Py_LIMITED_API", LIMITED_API)],
            py_limited_api=True,
            extra_compile_args=["-O3"],  # vectorises the row loops; setuptools' default may be -O2
        )
    ],
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
)
