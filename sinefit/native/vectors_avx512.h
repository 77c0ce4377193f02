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
INLINE floats square_root(floats value) { return _mm512_sqrt_ps(value); }

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
