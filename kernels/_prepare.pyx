# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""One pass from a camera frame to the encoder's input: resize, colour order, channel planes."""

from libc.stdint cimport int32_t, uint8_t, uint16_t

cdef extern from "_blend.h":
    void blend_rows(const uint8_t *, const uint8_t *, uint16_t, uint16_t *, size_t) nogil
    void mix_row(
        const uint16_t *, const int32_t *, const int32_t *, const uint16_t *, size_t, size_t, size_t,
        uint8_t *, uint8_t *, uint8_t *,
    ) nogil


def resize_planar(
    const uint8_t[:, :, :] frame,
    const int32_t[::1] y0, const int32_t[::1] y1, const uint16_t[::1] y_weight,
    const int32_t[::1] x0, const int32_t[::1] x1, const uint16_t[::1] x_weight,
    bint swap,
    uint16_t[::1] row,
    uint8_t[:, :, ::1] out,
):
    """Bilinear resize of uint8 (h, w, 3) into planes.

    y0, y1 (S,) are the two source rows of each output row and y_weight (S,) the weight of the second, in
    256ths; x0, x1, x_weight (S,) the same for columns. `swap` reverses the channels. `row` (3 w + 1,) is scratch.
    The pixels of a frame row must be adjacent in memory; the rows need not be. `out` is uint8 (3, S, S), or
    (12, S / 2, S / 2): plane 6 i + 3 j + c has channel c of the pixels in row i and column j of each 2x2 block.
    """
    cdef Py_ssize_t S = y0.shape[0], width = 3 * frame.shape[1], step = S // out.shape[1]
    cdef Py_ssize_t y, j, plane = out.shape[1] * out.shape[2]
    cdef Py_ssize_t first = 2 if swap else 0, third = 0 if swap else 2
    cdef const int32_t *left = &x0[0]
    cdef const int32_t *right = &x1[0]
    cdef const uint16_t *weight = &x_weight[0]
    cdef uint16_t *blend = &row[0]
    cdef uint8_t *line
    with nogil:
        for y in range(S):
            # Rows first: one pass over adjacent bytes.
            blend_rows(&frame[y0[y], 0, 0], &frame[y1[y], 0, 0], y_weight[y], blend, width)
            # Then columns: of all pixels, or of those of each column of the blocks.
            line = &out[6 * (y % step), y // step, 0]
            for j in range(step):
                mix_row(
                    blend, left, right, weight, j, step, S // step,
                    line + (3 * j + first) * plane, line + (3 * j + 1) * plane, line + (3 * j + third) * plane,
                )
