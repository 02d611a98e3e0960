"""Pure functions on arrays: the arithmetic of edgevtn, with no state and no I/O.

`reference` is the specification, in plain NumPy. `fast` holds the same functions under the same names and
signatures, compiled by Numba. `prepare` turns a camera frame into the encoder's input. `packing` lays weights
out for `fast`.
"""
