/* Small matrix products on the tile registers of AMX, and the layouts that they read.

   A tile is 16 rows of 64 bytes: of a left factor 16 rows by 32 columns in bfloat16, of a right
   factor 32 rows by 16 columns, two rows interleaved ("pairs"), of a sum 16 by 16 in float32. */

#ifndef SINEFIT_TILES_H
#define SINEFIT_TILES_H

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

enum {
    TILE_ROWS = 16,
    TILE_BYTES = 64,
    TILE_HALVES = 512, /* values of bfloat16 in a tile */
    BLOCK = 32,        /* rows and columns of the sum of four tiles */
    BLOCK_FLOATS = BLOCK * BLOCK,
};

typedef uint16_t half; /* the bits of a bfloat16 */

/* Give the calling thread tile registers of full size; _tile_release gives them back. */
INLINE void configure_tiles(void) {
    struct {
        uint8_t palette, start_row, reserved[14];
        uint16_t row_bytes[16];
        uint8_t rows[16];
    } config;
    memset(&config, 0, sizeof config);
    config.palette = 1;
    for (int tile = 0; tile < 8; tile++) {
        config.row_bytes[tile] = TILE_BYTES;
        config.rows[tile] = TILE_ROWS;
    }
    _tile_loadconfig(&config);
}

INLINE void clear_sums(void) {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
}

/* Sums of a block lie as 2 by 2 tiles, each of 16 by 16 floats, one after the other. */
INLINE void load_sums(const float *tiles) {
    _tile_loadd(0, tiles, TILE_BYTES);
    _tile_loadd(1, tiles + 256, TILE_BYTES);
    _tile_loadd(2, tiles + 512, TILE_BYTES);
    _tile_loadd(3, tiles + 768, TILE_BYTES);
}

INLINE void store_sums(float *tiles) {
    _tile_stored(0, tiles, TILE_BYTES);
    _tile_stored(1, tiles + 256, TILE_BYTES);
    _tile_stored(2, tiles + 512, TILE_BYTES);
    _tile_stored(3, tiles + 768, TILE_BYTES);
}

/* Sums as 32 rows of 32 floats, for work that goes by rows. */
INLINE void store_sums_by_row(float *rows) {
    _tile_stored(0, rows, BLOCK * 4);
    _tile_stored(1, rows + 16, BLOCK * 4);
    _tile_stored(2, rows + 16 * BLOCK, BLOCK * 4);
    _tile_stored(3, rows + 16 * BLOCK + 16, BLOCK * 4);
}

/* Add to the sums of a block the products of one pair of left tiles and one of right tiles; the rows
   of the left ones lie `stride` bytes apart. */
INLINE void multiply_tiles(
    const half *left_0, const half *left_1, long stride, const half *right_0, const half *right_1
) {
    _tile_loadd(4, left_0, stride);
    _tile_loadd(6, right_0, TILE_BYTES);
    _tile_dpbf16ps(0, 4, 6);
    _tile_loadd(7, right_1, TILE_BYTES);
    _tile_dpbf16ps(1, 4, 7);
    _tile_loadd(5, left_1, stride);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
}

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

#endif
