# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""One pass from a camera frame to the encoder's input: resize, colour order, channel planes."""

from libc.stdint cimport int32_t, uint8_t, uint16_t, uint32_t

cdef extern from "_blend.h":
    void blend_rows(const uint8_t *, const uint8_t *, uint16_t, uint16_t *, size_t) nogil


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
    256ths; x0, x1, x_weight (S,) the same for columns. `swap` reverses the channels. `row` (3 w,) is scratch.
    The pixels of a frame row must be adjacent in memory; the rows need not be. `out` is uint8 (3, S, S), or
    (12, S / 2, S / 2): plane 6 i + 3 j + c has channel c of the pixels in row i and column j of each 2x2 block.
    """
    cdef Py_ssize_t S = y0.shape[0], width = 3 * frame.shape[1], step = S // out.shape[1]
    cdef Py_ssize_t y, x, i, j, plane, left, right
    cdef uint32_t near, far
    cdef const uint8_t *upper
    cdef const uint8_t *lower
    cdef uint16_t *blend = &row[0]
    cdef uint8_t *first
    cdef uint8_t *second
    cdef uint8_t *third
    with nogil:
        for y in range(S):
            # Rows first: one pass over adjacent bytes.
            upper, lower = &frame[y0[y], 0, 0], &frame[y1[y], 0, 0]
            blend_rows(upper, lower, y_weight[y], blend, width)
            for j in range(step):
                plane = 6 * (y % step) + 3 * j
                first = &out[plane + (2 if swap else 0), y // step, 0]
                second = &out[plane + 1, y // step, 0]
                third = &out[plane + (0 if swap else 2), y // step, 0]
                for i in range(out.shape[2]):
                    x = i * step + j
                    left, right, far = 3 * x0[x], 3 * x1[x], x_weight[x]
                    near = 256 - far
                    # 16 fractional bits by now; 32768 rounds to nearest.
                    first[i] = <uint8_t>((blend[left] * near + blend[right] * far + 32768) >> 16)
                    second[i] = <uint8_t>((blend[left + 1] * near + blend[right + 1] * far + 32768) >> 16)
                    third[i] = <uint8_t>((blend[left + 2] * near + blend[right + 2] * far + 32768) >> 16)
