/* Products of blocks by vectors of bfloat16, which add two products to each sum at once. */

#ifndef SINEFIT_BLOCK_VECTORS_H
#define SINEFIT_BLOCK_VECTORS_H

#include <string.h>

#include "halves.h"

static void begin_products(void) {}
static void end_products(void) {}

enum { SUM_ROWS = 8 /* of 32 registers 16 hold sums, 2 right factors, one a left one */ };

INLINE __m512bh spread_pair(const half *from) {
    int32_t pair;
    memcpy(&pair, from, sizeof pair);
    return (__m512bh)_mm512_set1_epi32(pair);
}

/* Multiply, and between the rows of sums finish the 32 rows of other work, if any. */
INLINE void multiply_halves(
    const block_product *p, void (*const finish)(const void *work, int begin, int end),
    const void *other
) {
    for (int row = 0; row < BLOCK; row += SUM_ROWS) {
        __m512 sums[SUM_ROWS][2];
        UNROLLED for (int i = 0; i < SUM_ROWS; i++) {
            const float *from = p->sums + (row + i) * BLOCK;
            sums[i][0] = p->added ? _mm512_loadu_ps(from) : _mm512_setzero_ps();
            sums[i][1] = p->added ? _mm512_loadu_ps(from + 16) : _mm512_setzero_ps();
        }
        const long first = row / 16 * p->left_below + row % 16 * p->left_row;
        for (int pass = 0; pass < p->passes; pass++) {
            const half *left = p->left[pass] + first, *right = p->right[pass];
            for (long step = 0; step < p->steps; step++) {
                for (int pair = 0; pair < 16; pair++) {
                    const __m512bh one = (__m512bh)_mm512_loadu_si512(right + 32 * pair);
                    const __m512bh two =
                        (__m512bh)_mm512_loadu_si512(right + p->right_beside + 32 * pair);
                    UNROLLED for (int i = 0; i < SUM_ROWS; i++) {
                        const __m512bh factor = spread_pair(left + i * p->left_row + 2 * pair);
                        sums[i][0] = _mm512_dpbf16_ps(sums[i][0], factor, one);
                        sums[i][1] = _mm512_dpbf16_ps(sums[i][1], factor, two);
                    }
                }
                left += p->left_step;
                right += p->right_step;
            }
        }
        UNROLLED for (int i = 0; i < SUM_ROWS; i++) {
            _mm512_storeu_ps(p->sums + (row + i) * BLOCK, sums[i][0]);
            _mm512_storeu_ps(p->sums + (row + i) * BLOCK + 16, sums[i][1]);
        }
        if (other != NULL) finish(other, row, row + SUM_ROWS);
    }
}

/* Multiply and add in registers alone, as fast as a core does; return how many operations that is. */
static double peak_products(long rounds) {
    enum { SUMS = 12 };
    static volatile float kept;
    __m512 sums[SUMS];
    const __m512bh factor = (__m512bh)_mm512_set1_epi32(0x3e803e80);
    UNROLLED for (int at = 0; at < SUMS; at++) sums[at] = _mm512_set1_ps((float)at);
    for (long round = 0; round < rounds; round++) {
        UNROLLED for (int at = 0; at < SUMS; at++)
            sums[at] = _mm512_dpbf16_ps(sums[at], factor, factor);
        __asm__ volatile("");
    }
    UNROLLED for (int at = 1; at < SUMS; at++) sums[0] = _mm512_add_ps(sums[0], sums[at]);
    kept = _mm512_cvtss_f32(sums[0]);
    (void)kept;
    return 4.0 * 16 * SUMS * (double)rounds;
}

#endif
