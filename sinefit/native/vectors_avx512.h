/* Vectors of 16 floats, for processors with AVX-512. */

#include <immintrin.h>

#include "vectors.h"

#define LANES 16

/* Of 32 registers 24 hold sums: so many rows for 1 to 4 vectors side by side. */
#define MOST_VECTORS 4
#define ROWS_OF_1 12
#define ROWS_OF_2 12
#define ROWS_OF_3 8
#define ROWS_OF_4 6

typedef __m512 floats;
typedef __m512i words;

INLINE floats load(const float *from) { return _mm512_loadu_ps(from); }
INLINE void store(float *to, floats value) { _mm512_storeu_ps(to, value); }
INLINE floats spread(float value) { return _mm512_set1_ps(value); }
INLINE floats multiply_add(floats a, floats b, floats c) { return _mm512_fmadd_ps(a, b, c); }
INLINE floats subtract_product(floats c, floats a, floats b) { return _mm512_fnmadd_ps(a, b, c); }

/* The exact instructions take some 20 times as long as these, whose last bit may be off. Zero has a
   root of zero because the smallest ordinary number has a finite reciprocal. */
INLINE floats square_root(floats value) {
    const floats halves = _mm512_mul_ps(value, _mm512_set1_ps(0.5f));
    floats inverse = _mm512_rsqrt14_ps(_mm512_max_ps(value, _mm512_set1_ps(0x1p-126f)));
    floats rest = _mm512_fnmadd_ps(
        _mm512_mul_ps(halves, inverse), inverse, _mm512_set1_ps(0.5f));
    inverse = _mm512_fmadd_ps(rest, inverse, inverse);
    return _mm512_mul_ps(value, inverse);
}

/* For a divisor that is an ordinary number. */
INLINE floats quotient(floats value, floats divisor) {
    floats inverse = _mm512_rcp14_ps(divisor);
    floats rest = _mm512_fnmadd_ps(inverse, divisor, _mm512_set1_ps(1.0f));
    return _mm512_mul_ps(value, _mm512_fmadd_ps(rest, inverse, inverse));
}

/* Values between -bound and bound; not a number stays what it is. */
INLINE floats bounded(floats value, floats bound) {
    floats low = _mm512_sub_ps(_mm512_setzero_ps(), bound);
    return _mm512_min_ps(bound, _mm512_max_ps(low, value));
}

/* Values with their sign turned where the last bit of `counts` is set. */
INLINE floats turned(floats value, floats counts) {
    words sign = _mm512_slli_epi32(_mm512_castps_si512(counts), 31);
    return _mm512_castsi512_ps(_mm512_xor_si512(_mm512_castps_si512(value), sign));
}

/* Swap the lanes of `a` whose number has the bit `half` with those of `b` that lie before them. */
INLINE void swap_lanes(floats *a, floats *b, const int half) {
    const words lane = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    const __mmask16 upper = _mm512_test_epi32_mask(lane, _mm512_set1_epi32(half));
    /* From 16 on they count the lanes of the second operand. */
    const words first = _mm512_mask_add_epi32(lane, upper, lane, _mm512_set1_epi32(16 - half));
    const words second = _mm512_add_epi32(first, _mm512_set1_epi32(half));
    const floats kept = *a;
    *a = _mm512_permutex2var_ps(kept, first, *b);
    *b = _mm512_permutex2var_ps(kept, second, *b);
}
