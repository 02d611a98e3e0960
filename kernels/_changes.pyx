# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""How much a frame differs from an earlier one, cell by cell."""

from libc.stdint cimport int32_t, uint8_t, uint32_t

cdef extern from "_changes.h":
    void add_row_changes(
        const uint8_t *, const uint8_t *, const uint8_t *, size_t, uint8_t, const int32_t *, uint32_t *, uint32_t *
    ) nogil


def sum_changes(
    const uint8_t[:, :, :] frame, const uint8_t[:, ::1] kept, Py_ssize_t step, uint8_t ignored,
    const int32_t[::1] cell_rows, const int32_t[::1] cell_columns, uint32_t[:, :, ::1] out,
):
    """Sums of absolute differences of uint8 (h, w, 3) and kept rows of another frame, over cells.

    Row n of `kept` (n, 3 w) is compared with row n `step` of the frame. Row n counts to the cells of row `cell_rows[n]`,
    and its pieces of eight pixels, the last of which may be narrower, to the columns `cell_columns` (pieces,). `out` (2,
    rows, columns) is overwritten: the sums of the differences, and of what each is above `ignored`. The pixels of a
    frame row must be adjacent in memory; the rows need not be.
    """
    cdef Py_ssize_t width = 3 * frame.shape[1], rows = kept.shape[0], n, following
    with nogil:
        out[:, :, :] = 0
        for n in range(rows):
            following = min(n + 1, rows - 1)
            add_row_changes(
                &frame[n * step, 0, 0], &kept[n, 0], &frame[following * step, 0, 0], width, ignored, &cell_columns[0],
                &out[0, cell_rows[n], 0], &out[1, cell_rows[n], 0],
            )
