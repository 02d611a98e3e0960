/* How much two rows of bytes differ, piece by piece.

   x86 has an instruction that sums 16 bytes, which compilers do not find behind the second sum; every x86-64 has it, so
   there is nothing to choose when it runs. Elsewhere they are plain loops, which compilers make vectors of. */

#include <stddef.h>
#include <stdint.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* Eight pixels of three bytes. */
#define PIECE 24

static inline void add_changes(const uint8_t *restrict one, const uint8_t *restrict other, size_t length,
                               uint8_t ignored, uint32_t *restrict sum, uint32_t *restrict excess)
{
    uint32_t own = 0, beyond = 0;
    for (size_t i = 0; i < length; i++) {
        const uint8_t change = one[i] > other[i] ? one[i] - other[i] : other[i] - one[i];
        own += change;
        beyond += change > ignored ? change - ignored : 0;
    }
    *sum += own;
    *excess += beyond;
}

#ifdef __SSE2__
static inline void add_piece(const uint8_t *one, const uint8_t *other, uint8_t ignored, uint32_t *sum,
                             uint32_t *excess)
{
    const __m128i zero = _mm_setzero_si128(), floor = _mm_set1_epi8((char)ignored);
    const __m128i a = _mm_loadu_si128((const __m128i *)one), b = _mm_loadu_si128((const __m128i *)other);
    const __m128i c = _mm_loadl_epi64((const __m128i *)(one + 16)), d = _mm_loadl_epi64((const __m128i *)(other + 16));
    const __m128i first = _mm_sub_epi8(_mm_max_epu8(a, b), _mm_min_epu8(a, b));
    const __m128i second = _mm_sub_epi8(_mm_max_epu8(c, d), _mm_min_epu8(c, d));
    const __m128i own = _mm_add_epi64(_mm_sad_epu8(first, zero), _mm_sad_epu8(second, zero));
    const __m128i beyond =
        _mm_add_epi64(_mm_sad_epu8(_mm_subs_epu8(first, floor), zero), _mm_sad_epu8(_mm_subs_epu8(second, floor), zero));
    *sum += (uint32_t)(_mm_cvtsi128_si32(own) + _mm_cvtsi128_si32(_mm_srli_si128(own, 8)));
    *excess += (uint32_t)(_mm_cvtsi128_si32(beyond) + _mm_cvtsi128_si32(_mm_srli_si128(beyond, 8)));
}
#else
static inline void add_piece(const uint8_t *one, const uint8_t *other, uint8_t ignored, uint32_t *sum,
                             uint32_t *excess)
{
    add_changes(one, other, PIECE, ignored, sum, excess);
}
#endif

/* Add a row's changes to cells: piece p counts to cell columns[p]; the last piece may be narrower. The row that comes
   next is fetched meanwhile: it mostly begins on another page, where a processor does not look by itself. */
static void add_row_changes(const uint8_t *one, const uint8_t *other, const uint8_t *next, size_t width,
                            uint8_t ignored, const int32_t *columns, uint32_t *sums, uint32_t *excesses)
{
    const size_t pieces = width / PIECE, rest = width % PIECE;
    for (size_t p = 0; p < pieces; p++) {
        __builtin_prefetch(next + PIECE * p);
        add_piece(one + PIECE * p, other + PIECE * p, ignored, sums + columns[p], excesses + columns[p]);
    }
    if (rest)
        add_changes(one + PIECE * pieces, other + PIECE * pieces, rest, ignored, sums + columns[pieces],
                    excesses + columns[pieces]);
}
