/* Sine and cosine of a vector. */

#ifndef SINEFIT_VECTOR_SINES_H
#define SINEFIT_VECTOR_SINES_H

/* Both functions of a phase, within 2e-7 up to a few million, where float32 itself has no sense any
   more; beyond they are some numbers of at most 1.1. The phase less the nearest multiple of pi, whose
   parity gives the sign, goes through polynomials of least greatest error on [-pi/2, pi/2]. */
INLINE void sine_cosine(floats phase, floats *sine, floats *cosine) {
    const floats shift = spread(12582912.0f); /* 1.5 * 2^23: its last bit counts ones */
    const floats shifted = multiply_add(phase, spread(0.318309886f), shift);
    const floats turns = shifted - shift;
#ifdef PLAIN_PRODUCTS
    /* The products of the first two parts of pi, of few bits, are exact. */
    floats rest = subtract_product(phase, turns, spread(3.140625f));
    rest = subtract_product(rest, turns, spread(9.67502593994140625e-4f));
    rest = subtract_product(rest, turns, spread(1.509957990978376432e-7f));
#else
    floats rest = subtract_product(phase, turns, spread(3.14159274f));
    rest = subtract_product(rest, turns, spread(-8.74227766e-8f));
#endif
    rest = bounded(rest, spread(1.6f));
    const floats square = rest * rest;
    floats odd = spread(2.600024345e-6f);
    odd = multiply_add(odd, square, spread(-1.980660163e-4f));
    odd = multiply_add(odd, square, spread(8.333017118e-3f));
    odd = multiply_add(odd, square, spread(-0.1666665673f));
    floats even = spread(2.319438575e-5f);
    even = multiply_add(even, square, spread(-1.385592715e-3f));
    even = multiply_add(even, square, spread(0.04166398945f));
    even = multiply_add(even, square, spread(-0.4999993229f));
    *sine = turned(multiply_add(odd * square, rest, rest), shifted);
    *cosine = turned(multiply_add(even, square, spread(1.0f)), shifted);
}

#endif
