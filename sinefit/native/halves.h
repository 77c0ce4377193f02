/* Matrices of bfloat16 in blocks of 32 by 32, laid out for products.

   A left tile is 16 rows of 32 values, a right one 16 pairs of rows by 16 columns, the two rows of a
   pair interleaved; both are 16 lines of a cache. Sums of products are blocks of 32 by 32 floats. */

#ifndef SINEFIT_HALVES_H
#define SINEFIT_HALVES_H

#include <immintrin.h>
#include <stdint.h>

enum {
    TILE_HALVES = 512, /* values in a tile */
    BLOCK = 32,
    BLOCK_FLOATS = BLOCK * BLOCK,
};

typedef uint16_t half; /* the bits of a bfloat16 */

/* The sums of a block: of left times right factors, one pair of them for each of `passes`, and of what
   the sums hold already if those are `added`. The factors' 32 rows or columns are two tiles, at each
   of `steps` along what is summed over. */
typedef struct {
    int passes;
    const half *left[3], *right[3];
    long left_row, left_below, left_step; /* from a row, a tile, a step to the next */
    long right_beside, right_step;
    long steps;
    int added;
    float *sums;
} block_product;

/* Two vectors of 16 floats, rounded to 32 values of bfloat16. */
INLINE __m512i to_halves(__m512 first, __m512 second) {
    return (__m512i)_mm512_cvtne2ps_pbh(second, first);
}

INLINE __m512 first_floats(__m512i halves) {
    return _mm512_castsi512_ps(
        _mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm512_castsi512_si256(halves)), 16));
}

INLINE __m512 second_floats(__m512i halves) {
    return _mm512_castsi512_ps(
        _mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm512_extracti64x4_epi64(halves, 1)), 16));
}

/* Transpose 16 rows of 16 words. */
INLINE void transpose_words(__m512i row[16]) {
    __m512i pair[16];
    for (int at = 0; at < 16; at += 2) {
        pair[at] = _mm512_unpacklo_epi32(row[at], row[at + 1]);
        pair[at + 1] = _mm512_unpackhi_epi32(row[at], row[at + 1]);
    }
    for (int at = 0; at < 16; at += 4) {
        row[at] = _mm512_unpacklo_epi64(pair[at], pair[at + 2]);
        row[at + 1] = _mm512_unpackhi_epi64(pair[at], pair[at + 2]);
        row[at + 2] = _mm512_unpacklo_epi64(pair[at + 1], pair[at + 3]);
        row[at + 3] = _mm512_unpackhi_epi64(pair[at + 1], pair[at + 3]);
    }
    for (int at = 0; at < 4; at++) {
        pair[at] = _mm512_shuffle_i32x4(row[at], row[at + 4], 0x88);
        pair[at + 4] = _mm512_shuffle_i32x4(row[at], row[at + 4], 0xdd);
        pair[at + 8] = _mm512_shuffle_i32x4(row[at + 8], row[at + 12], 0x88);
        pair[at + 12] = _mm512_shuffle_i32x4(row[at + 8], row[at + 12], 0xdd);
    }
    for (int at = 0; at < 8; at++) {
        row[at] = _mm512_shuffle_i32x4(pair[at], pair[at + 8], 0x88);
        row[at + 8] = _mm512_shuffle_i32x4(pair[at], pair[at + 8], 0xdd);
    }
}

/* Interleaving rows by the quick instructions mixes columns: the first tile of a block of 32 columns
   gets columns 0-3, 8-11, 16-19 and 24-27, the second the others. */
INLINE int mixed_column(int tile, int place) { return place / 4 * 8 + tile * 4 + place % 4; }

/* Lay 32 rows by 32 columns out as two right tiles, with mixed columns. */
INLINE void pair_rows(const half *rows, long stride, half *first, half *second) {
    for (int pair = 0; pair < 16; pair++) {
        __m512i even = _mm512_loadu_si512(rows + 2 * pair * stride);
        __m512i odd = _mm512_loadu_si512(rows + (2 * pair + 1) * stride);
        _mm512_store_si512(first + pair * 32, _mm512_unpacklo_epi16(even, odd));
        _mm512_store_si512(second + pair * 32, _mm512_unpackhi_epi16(even, odd));
    }
}

/* Lay the transpose of 32 rows by 32 columns out as two left tiles, whose rows are mixed columns. */
INLINE void transpose_rows(const half *rows, long stride, half *first, half *second) {
    __m512i low[16], high[16];
    for (int pair = 0; pair < 16; pair++) {
        __m512i even = _mm512_loadu_si512(rows + 2 * pair * stride);
        __m512i odd = _mm512_loadu_si512(rows + (2 * pair + 1) * stride);
        low[pair] = _mm512_unpacklo_epi16(even, odd);
        high[pair] = _mm512_unpackhi_epi16(even, odd);
    }
    transpose_words(low);
    transpose_words(high);
    for (int at = 0; at < 16; at++) {
        _mm512_store_si512(first + at * 32, low[at]);
        _mm512_store_si512(second + at * 32, high[at]);
    }
}

/* Round 16 floats twice over: to bfloat16, and what that left off. */
INLINE void split_floats(__m512 values, __m256i *high, __m256i *low) {
    *high = (__m256i)_mm512_cvtneps_pbh(values);
    __m512 rounded = _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(*high), 16));
    *low = (__m256i)_mm512_cvtneps_pbh(_mm512_sub_ps(values, rounded));
}

#endif
