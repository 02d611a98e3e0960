/* One row between two: the loop of `resize_planar` that is all vector code.

   A wheel must run on any processor of its kind, so the compiler may use no more than SSE2 for it; where it can, it
   is told to make one version for AVX2 as well, and the dynamic linker takes the one that fits. */

#include <stddef.h>
#include <stdint.h>

#if defined(__x86_64__) && defined(__GLIBC__) && (defined(__clang__) ? __clang_major__ >= 14 : defined(__GNUC__))
#define VERSIONS __attribute__((target_clones("avx2", "default")))
#else
#define VERSIONS
#endif

VERSIONS static void blend_rows(const uint8_t *restrict upper, const uint8_t *restrict lower, uint16_t below,
                                uint16_t *restrict blend, size_t length)
{
    const uint16_t above = 256 - below;
    for (size_t i = 0; i < length; i++)
        blend[i] = (uint16_t)(upper[i] * above + lower[i] * below);
}
