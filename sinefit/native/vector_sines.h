/* Sine and cosine of a vector. */

#ifndef SINEFIT_VECTOR_SINES_H
#define SINEFIT_VECTOR_SINES_H

/* A phase less the nearest multiple of pi; the last bit of `shifted` is the parity of that. */
INLINE floats reduced(floats phase, floats *shifted) {
    const floats shift = spread(12582912.0f); /* 1.5 * 2^23: its last bit counts ones */
    *shifted = multiply_add(phase, spread(0.318309886f), shift);
    const floats turns = *shifted - shift;
#ifdef PLAIN_PRODUCTS
    /* The products of the first two parts of pi, of few bits, are exact. */
    floats rest = subtract_product(phase, turns, spread(3.140625f));
    rest = subtract_product(rest, turns, spread(9.67502593994140625e-4f));
    rest = subtract_product(rest, turns, spread(1.509957990978376432e-7f));
#else
    floats rest = subtract_product(phase, turns, spread(3.14159274f));
    rest = subtract_product(rest, turns, spread(-8.74227766e-8f));
#endif
    return bounded(rest, spread(1.6f));
}

/* Both functions of a phase, within 2e-7 up to a few million, where float32 itself has no sense any
   more; beyond they are some numbers of at most 1.1. The phase less the nearest multiple of pi, whose
   parity gives the sign, goes through polynomials of least greatest error on [-pi/2, pi/2]. */
INLINE void sine_cosine(floats phase, floats *sine, floats *cosine) {
    floats shifted;
    const floats rest = reduced(phase, &shifted);
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

/* The same within 9e-7 and 8e-6, far below the rounding to bfloat16 that follows. */
INLINE void rough_sine_cosine(floats phase, floats *sine, floats *cosine) {
    floats shifted;
    const floats rest = reduced(phase, &shifted);
    const floats square = rest * rest;
    floats odd = spread(-1.849192049e-4f);
    odd = multiply_add(odd, square, spread(8.312357590e-3f));
    odd = multiply_add(odd, square, spread(-0.1666568070f));
    floats even = spread(-1.275730203e-3f);
    even = multiply_add(even, square, spread(0.04150700569f));
    even = multiply_add(even, square, spread(-0.4999355972f));
    *sine = turned(multiply_add(odd * square, rest, rest), shifted);
    *cosine = turned(multiply_add(even, square, spread(1.0f)), shifted);
}

#endif
