/* Products of blocks on the tile registers of AMX. */

#ifndef SINEFIT_BLOCK_TILES_H
#define SINEFIT_BLOCK_TILES_H

#include <string.h>

#include "halves.h"

/* Give the calling thread tile registers of full size, 16 rows of 64 bytes. */
static void begin_products(void) {
    struct {
        uint8_t palette, start_row, reserved[14];
        uint16_t row_bytes[16];
        uint8_t rows[16];
    } config;
    memset(&config, 0, sizeof config);
    config.palette = 1;
    for (int tile = 0; tile < 8; tile++) {
        config.row_bytes[tile] = 64;
        config.rows[tile] = 16;
    }
    /* Compilers believe that only the first bytes of it are read, and leave the others out. */
    __asm__ volatile("" : : "r"(&config) : "memory");
    _tile_loadconfig(&config);
}

static void end_products(void) { _tile_release(); }

INLINE void load_sums(const float *sums) {
    _tile_loadd(0, sums, BLOCK * 4);
    _tile_loadd(1, sums + 16, BLOCK * 4);
    _tile_loadd(2, sums + 16 * BLOCK, BLOCK * 4);
    _tile_loadd(3, sums + 16 * BLOCK + 16, BLOCK * 4);
}

INLINE void clear_sums(void) {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
}

INLINE void store_sums(float *sums) {
    _tile_stored(0, sums, BLOCK * 4);
    _tile_stored(1, sums + 16, BLOCK * 4);
    _tile_stored(2, sums + 16 * BLOCK, BLOCK * 4);
    _tile_stored(3, sums + 16 * BLOCK + 16, BLOCK * 4);
}

/* Multiply, and meanwhile finish the 32 rows of other work, if any: the tiles are multiplied by a unit
   of their own, which would stand idle during that and it during the products. */
INLINE void multiply_halves(
    const block_product *p, void (*const finish)(const void *work, int begin, int end),
    const void *other
) {
    const long stride = 2 * p->left_row, total = p->passes * p->steps;
    int finished = 0;
    long done = 0;
    if (p->added) load_sums(p->sums);
    else clear_sums();
    for (int pass = 0; pass < p->passes; pass++) {
        const half *left = p->left[pass], *right = p->right[pass];
        for (long step = 0; step < p->steps; step++) {
            _tile_loadd(4, left, stride);
            _tile_loadd(6, right, 64);
            _tile_dpbf16ps(0, 4, 6);
            _tile_loadd(7, right + p->right_beside, 64);
            _tile_dpbf16ps(1, 4, 7);
            _tile_loadd(5, left + p->left_below, stride);
            _tile_dpbf16ps(2, 5, 6);
            _tile_dpbf16ps(3, 5, 7);
            left += p->left_step;
            right += p->right_step;
            if (other == NULL) continue;
            const int due = (int)(++done * BLOCK / total);
            finish(other, finished, due);
            finished = due;
        }
    }
    store_sums(p->sums);
}

/* Multiply and add in registers alone, as fast as a core does; return how many operations that is. */
static double peak_products(long rounds) {
    begin_products();
    clear_sums();
    _tile_zero(4);
    _tile_zero(5);
    _tile_zero(6);
    _tile_zero(7);
    for (long round = 0; round < rounds; round++) {
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(1, 4, 7);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
    }
    end_products();
    return 2.0 * BLOCK * BLOCK * BLOCK * (double)rounds;
}

#endif
