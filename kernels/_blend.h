/* The loops of `resize_planar` that are all vector code.

   A wheel must run on any processor of its kind, so the compiler may use no more than SSE2 for them; where it can, it
   is told to make one version for AVX2 as well, and the dynamic linker takes the one that fits. */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__) && defined(__GLIBC__) && (defined(__clang__) ? __clang_major__ >= 14 : defined(__GNUC__))
#define VERSIONS __attribute__((target_clones("avx2", "default")))
#else
#define VERSIONS
#endif

/* One row between two. */
VERSIONS static void blend_rows(const uint8_t *restrict upper, const uint8_t *restrict lower, uint16_t below,
                                uint16_t *restrict blend, size_t length)
{
    const uint16_t above = 256 - below;
    for (size_t i = 0; i < length; i++)
        blend[i] = (uint16_t)(upper[i] * above + lower[i] * below);
}

typedef uint16_t words __attribute__((vector_size(16)));
typedef uint32_t sums __attribute__((vector_size(16)));
typedef uint32_t pair __attribute__((vector_size(32)));

/* Two pixels, each between two of a blended row: its three channels, and one of the next, which nobody looks at. */
static inline __attribute__((always_inline)) void between(const uint16_t *l0, const uint16_t *r0, uint32_t far0,
                                                          const uint16_t *l1, const uint16_t *r1, uint32_t far1,
                                                          pair *out)
{
    uint64_t left[2], right[2];
    memcpy(&left[0], l0, 8);
    memcpy(&left[1], l1, 8);
    memcpy(&right[0], r0, 8);
    memcpy(&right[1], r1, 8);
    words l, r;
    memcpy(&l, left, sizeof l);
    memcpy(&r, right, sizeof r);
    const pair a = __builtin_convertvector(l, pair), b = __builtin_convertvector(r, pair);
    const pair far = {far0, far0, far0, far0, far1, far1, far1, far1};
    /* a (256 - far) + b far, with 16 fractional bits by now; 32768 rounds to nearest. */
    *out = ((a << 8) + (b - a) * far + 32768) >> 16;
}

/* Four bytes of each of three planes. */
static inline __attribute__((always_inline)) void store(sums four, uint8_t *first, uint8_t *second, uint8_t *third)
{
    const uint32_t a = four[0], b = four[1], c = four[2];
    memcpy(first, &a, 4);
    memcpy(second, &b, 4);
    memcpy(third, &c, 4);
}

/* Every `step`-th pixel of a blended row from pixel `begin` on, `count` of them, into three planes.

   The results of four pixels become one vector, whose elements are four bytes of a plane each (the processors that we
   run on put the lowest byte first). A row has one element more than its pixels. */
VERSIONS static void mix_row(const uint16_t *restrict blend, const int32_t *restrict x0, const int32_t *restrict x1,
                             const uint16_t *restrict far, size_t begin, size_t step, size_t count,
                             uint8_t *restrict first, uint8_t *restrict second, uint8_t *restrict third)
{
    size_t i = 0;
#define PIXEL(n) blend + 3 * x0[begin + (n) * step], blend + 3 * x1[begin + (n) * step], far[begin + (n) * step]
    pair p, q;
    for (; i + 4 <= count; i += 4) {
        between(PIXEL(i), PIXEL(i + 2), &p);
        between(PIXEL(i + 1), PIXEL(i + 3), &q);
        p |= q << 8;
        const sums low = {p[0], p[1], p[2], 0}, high = {p[4], p[5], p[6], 0};
        store(low | high << 16, first + i, second + i, third + i);
    }
    for (; i < count; i++) {
        between(PIXEL(i), PIXEL(i), &p);
        const sums one = {p[0], p[1], p[2], 0};
        first[i] = (uint8_t)one[0];
        second[i] = (uint8_t)one[1];
        third[i] = (uint8_t)one[2];
    }
#undef PIXEL
}
