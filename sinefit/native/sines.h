/* Sine and cosine of 16 floats at once. */

#ifndef SINEFIT_SINES_H
#define SINEFIT_SINES_H

#include "tiles.h"

/* Both functions of x, for |x| up to 4 million: x less the nearest multiple of pi, whose parity gives
   the sign, then polynomials of least greatest error on [-pi/2, pi/2]. That error is 5e-9 and 2e-10
   when `exact`, else 9e-7 and 8e-6, far below the rounding to bfloat16 that follows. */
INLINE void sine_cosine(__m512 x, const int exact, __m512 *sine, __m512 *cosine) {
    const __m512 shift = _mm512_set1_ps(12582912.0f); /* 1.5 * 2^23: its last bit counts ones */
    __m512 shifted = _mm512_fmadd_ps(x, _mm512_set1_ps(0.318309886f), shift);
    __m512i sign = _mm512_slli_epi32(_mm512_castps_si512(shifted), 31);
    __m512 turns = _mm512_sub_ps(shifted, shift);
    __m512 rest = _mm512_fnmadd_ps(turns, _mm512_set1_ps(3.14159274f), x);
    rest = _mm512_fnmadd_ps(turns, _mm512_set1_ps(-8.74227766e-8f), rest);
    __m512 square = _mm512_mul_ps(rest, rest);
    __m512 odd, even;
    if (exact) {
        odd = _mm512_set1_ps(2.600024345e-6f);
        odd = _mm512_fmadd_ps(odd, square, _mm512_set1_ps(-1.980660163e-4f));
        odd = _mm512_fmadd_ps(odd, square, _mm512_set1_ps(8.333017118e-3f));
        odd = _mm512_fmadd_ps(odd, square, _mm512_set1_ps(-0.1666665673f));
        even = _mm512_set1_ps(-2.607681608e-7f);
        even = _mm512_fmadd_ps(even, square, _mm512_set1_ps(2.476187001e-5f));
        even = _mm512_fmadd_ps(even, square, _mm512_set1_ps(-1.388840377e-3f));
        even = _mm512_fmadd_ps(even, square, _mm512_set1_ps(0.04166664183f));
        even = _mm512_fmadd_ps(even, square, _mm512_set1_ps(-0.5f));
    } else {
        odd = _mm512_set1_ps(-1.849192049e-4f);
        odd = _mm512_fmadd_ps(odd, square, _mm512_set1_ps(8.312357590e-3f));
        odd = _mm512_fmadd_ps(odd, square, _mm512_set1_ps(-0.1666568070f));
        even = _mm512_set1_ps(-1.275730203e-3f);
        even = _mm512_fmadd_ps(even, square, _mm512_set1_ps(0.04150700569f));
        even = _mm512_fmadd_ps(even, square, _mm512_set1_ps(-0.4999355972f));
    }
    odd = _mm512_fmadd_ps(_mm512_mul_ps(odd, square), rest, rest);
    even = _mm512_fmadd_ps(even, square, _mm512_set1_ps(1.0f));
    *sine = _mm512_castsi512_ps(_mm512_xor_si512(_mm512_castps_si512(odd), sign));
    *cosine = _mm512_castsi512_ps(_mm512_xor_si512(_mm512_castps_si512(even), sign));
}

#endif
