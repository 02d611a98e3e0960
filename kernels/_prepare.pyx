# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""One pass from a camera frame to the encoder's input: resize, colour order, channel planes."""

from libc.stdint cimport int32_t, uint8_t, uint16_t, uint32_t

cdef extern from "_blend.h":
    void blend_rows(const uint8_t *, const uint8_t *, uint16_t, uint16_t *, size_t) nogil


cdef inline void mix(
    const uint16_t *blend, const int32_t *x0, const int32_t *x1, const uint16_t *x_weight, Py_ssize_t x,
    uint8_t *first, uint8_t *second, uint8_t *third,
) noexcept nogil:
    """One pixel: two columns of a blended row, into its three planes."""
    cdef Py_ssize_t left = 3 * x0[x], right = 3 * x1[x]
    cdef uint32_t far = x_weight[x], near = 256 - far
    # 16 fractional bits by now; 32768 rounds to nearest.
    first[0] = <uint8_t>((blend[left] * near + blend[right] * far + 32768) >> 16)
    second[0] = <uint8_t>((blend[left + 1] * near + blend[right + 1] * far + 32768) >> 16)
    third[0] = <uint8_t>((blend[left + 2] * near + blend[right + 2] * far + 32768) >> 16)


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
    cdef Py_ssize_t y, i, plane = out.shape[1] * out.shape[2]
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
            if step == 1:
                line = &out[0, y, 0]
                for i in range(S):
                    mix(blend, left, right, weight, i, line + first * plane + i, line + plane + i, line + third * plane + i)
            else:
                line = &out[6 * (y % 2), y // 2, 0]
                for i in range(S // 2):
                    mix(
                        blend, left, right, weight, 2 * i,
                        line + first * plane + i, line + plane + i, line + third * plane + i,
                    )
                    mix(
                        blend, left, right, weight, 2 * i + 1,
                        line + (3 + first) * plane + i, line + 4 * plane + i, line + (3 + third) * plane + i,
                    )
