/* The most multiplications and additions that a core does, by vectors of each length. */

#include <immintrin.h>
#include <time.h>

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

enum { SUMS = 12, ROUNDS = 400000 };

#define PEAK(name, instructions, vector, set, multiply_add, lanes) \
    __attribute__((target(instructions))) double name(void) { \
        vector sums[SUMS]; \
        const vector factor = set(0.999f), addend = set(0.001f); \
        for (int at = 0; at < SUMS; at++) sums[at] = set((float)at); \
        const double begin = seconds(); \
        for (int round = 0; round < ROUNDS; round++) { \
            _Pragma("GCC unroll 12") for (int at = 0; at < SUMS; at++) \
                sums[at] = multiply_add(sums[at], factor, addend); \
            __asm__ volatile("");  \
        } \
        const double taken = seconds() - begin; \
        volatile vector kept = sums[0]; \
        for (int at = 1; at < SUMS; at++) kept = kept + sums[at]; \
        return 2.0 * lanes * SUMS * ROUNDS / taken; \
    }

PEAK(peak_avx2, "avx2,fma", __m256, _mm256_set1_ps, _mm256_fmadd_ps, 8)
PEAK(peak_avx512, "avx512f", __m512, _mm512_set1_ps, _mm512_fmadd_ps, 16)
