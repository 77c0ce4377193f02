/* Vectors of 8 floats, for processors with AVX2 and fused multiplication and addition. */

#include <immintrin.h>

#include "vectors.h"

#define LANES 8

/* Of 16 registers 12 hold sums: so many rows for 1 or 2 vectors side by side. */
#define MOST_VECTORS 2
#define ROWS_OF_1 8
#define ROWS_OF_2 6

typedef __m256 floats;

INLINE floats load(const float *from) { return _mm256_loadu_ps(from); }
INLINE void store(float *to, floats value) { _mm256_storeu_ps(to, value); }
INLINE floats spread(float value) { return _mm256_set1_ps(value); }
INLINE floats multiply_add(floats a, floats b, floats c) { return _mm256_fmadd_ps(a, b, c); }
INLINE floats subtract_product(floats c, floats a, floats b) { return _mm256_fnmadd_ps(a, b, c); }
INLINE floats square_root(floats value) { return _mm256_sqrt_ps(value); }
INLINE floats quotient(floats value, floats divisor) { return _mm256_div_ps(value, divisor); }

/* Values between -bound and bound; not a number stays what it is. */
INLINE floats bounded(floats value, floats bound) {
    floats low = _mm256_sub_ps(_mm256_setzero_ps(), bound);
    return _mm256_min_ps(bound, _mm256_max_ps(low, value));
}

/* Values with their sign turned where the last bit of `counts` is set. */
INLINE floats turned(floats value, floats counts) {
    __m256i sign = _mm256_slli_epi32(_mm256_castps_si256(counts), 31);
    return _mm256_xor_ps(value, _mm256_castsi256_ps(sign));
}

/* Swap the lanes of `a` whose number has the bit `half` with those of `b` that lie before them. */
INLINE void swap_lanes(floats *a, floats *b, const int half) {
    const floats kept = *a;
    if (half == 4) {
        *a = _mm256_permute2f128_ps(kept, *b, 0x20);
        *b = _mm256_permute2f128_ps(kept, *b, 0x31);
    } else if (half == 2) {
        *a = _mm256_shuffle_ps(kept, *b, 0x44);
        *b = _mm256_shuffle_ps(kept, *b, 0xee);
    } else {
        *a = _mm256_blend_ps(kept, _mm256_moveldup_ps(*b), 0xaa);
        *b = _mm256_blend_ps(_mm256_movehdup_ps(kept), *b, 0xaa);
    }
}
