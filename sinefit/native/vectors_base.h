/* Vectors of 4 floats, which 64-bit ARM and x86 processors all have; elsewhere the compiler makes do. */

#include <math.h>
#include <stdint.h>
#include <string.h>
#if defined(__aarch64__)
#include <arm_neon.h>
#elif defined(__SSE2__)
#include <immintrin.h>
#endif

#include "vectors.h"

#define LANES 4

#if defined(__aarch64__)
/* Of 32 registers 24 hold sums: so many rows for 1 to 4 vectors side by side. */
#define MOST_VECTORS 4
#define ROWS_OF_1 12
#define ROWS_OF_2 12
#define ROWS_OF_3 8
#define ROWS_OF_4 6
#else
/* Of 16 registers 8 hold sums, and some the products. */
#define MOST_VECTORS 2
#define ROWS_OF_1 8
#define ROWS_OF_2 4
#endif

typedef float floats __attribute__((vector_size(16)));
typedef int32_t words __attribute__((vector_size(16)));

INLINE floats load(const float *from) {
    floats value;
    memcpy(&value, from, sizeof value);
    return value;
}
INLINE void store(float *to, floats value) { memcpy(to, &value, sizeof value); }
INLINE floats spread(float value) { return (floats){value, value, value, value}; }

#if defined(__aarch64__)
INLINE floats multiply_add(floats a, floats b, floats c) { return (floats)vfmaq_f32(c, a, b); }
INLINE floats subtract_product(floats c, floats a, floats b) { return (floats)vfmsq_f32(c, a, b); }
INLINE floats square_root(floats value) { return (floats)vsqrtq_f32(value); }
INLINE floats bounded(floats value, floats bound) {
    return (floats)vminq_f32(vmaxq_f32(value, -bound), bound);
}
#else
#define PLAIN_PRODUCTS /* a product is rounded before it is added */
INLINE floats multiply_add(floats a, floats b, floats c) { return a * b + c; }
INLINE floats subtract_product(floats c, floats a, floats b) { return c - a * b; }
#if defined(__SSE2__)
INLINE floats square_root(floats value) { return _mm_sqrt_ps(value); }
INLINE floats bounded(floats value, floats bound) {
    return _mm_min_ps(bound, _mm_max_ps(-bound, value));
}
#else
INLINE floats square_root(floats value) {
    for (int lane = 0; lane < LANES; lane++) value[lane] = sqrtf(value[lane]);
    return value;
}
INLINE floats bounded(floats value, floats bound) {
    for (int lane = 0; lane < LANES; lane++) {
        if (value[lane] > bound[lane]) value[lane] = bound[lane];
        if (value[lane] < -bound[lane]) value[lane] = -bound[lane];
    }
    return value;
}
#endif
#endif

/* Values with their sign turned where the last bit of `counts` is set. */
INLINE floats turned(floats value, floats counts) {
    return (floats)((words)value ^ ((words)counts << 31));
}

INLINE floats quotient(floats value, floats divisor) { return value / divisor; }

/* Swap the lanes of `a` whose number has the bit `half` with those of `b` that lie before them. */
INLINE void swap_lanes(floats *a, floats *b, const int half) {
    const floats x = *a, y = *b;
    *a = half == 2 ? (floats){x[0], x[1], y[0], y[1]} : (floats){x[0], y[0], x[2], y[2]};
    *b = half == 2 ? (floats){x[2], x[3], y[2], y[3]} : (floats){x[1], y[1], x[3], y[3]};
}
