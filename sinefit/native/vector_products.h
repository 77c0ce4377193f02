/* Products of matrices whose rows are whole vectors. */

#ifndef SINEFIT_VECTOR_PRODUCTS_H
#define SINEFIT_VECTOR_PRODUCTS_H

#include <stddef.h>

/* to[i][j] = (start[i][j] + sum over k of left[i][k] right[k][j]) * times[i][j] */
typedef struct {
    long rows, vectors, depth;
    const float *left;
    long left_stride;
    const float *right;
    long right_stride;
    const float *start; /* NULL for zero; with a stride of 0 the same row for all */
    long start_stride;
    const float *times; /* NULL for one; has the stride of `to` and may be it */
    float *to;
    long to_stride;
} product;

/* A block of `rows` by `vectors` sums, in registers from beginning to end. The left factor lies as
   left[i][k], or `transposed` as left[k][i]. */
INLINE void multiply_block(
    const product *p, long row, long column, const int rows, const int vectors, const int transposed
) {
    floats sums[ROWS_OF_1][MOST_VECTORS];
    UNROLLED for (int i = 0; i < rows; i++) {
        UNROLLED for (int j = 0; j < vectors; j++) {
            sums[i][j] = spread(0.0f);
            if (p->start != NULL)
                sums[i][j] = load(p->start + (row + i) * p->start_stride + column + j * LANES);
        }
    }
    const long stride = p->left_stride, right_stride = p->right_stride, depth = p->depth;
    const float *left = p->left + (transposed ? row : row * stride);
    const float *right = p->right + column;
    for (long k = 0; k < depth; k++) {
        floats factors[MOST_VECTORS];
        UNROLLED for (int j = 0; j < vectors; j++) factors[j] = load(right + j * LANES);
        UNROLLED for (int i = 0; i < rows; i++) {
            const floats factor = spread(transposed ? left[i] : left[i * stride]);
            UNROLLED for (int j = 0; j < vectors; j++)
                sums[i][j] = multiply_add(factor, factors[j], sums[i][j]);
        }
        left += transposed ? stride : 1;
        right += right_stride;
    }
    UNROLLED for (int i = 0; i < rows; i++) {
        UNROLLED for (int j = 0; j < vectors; j++) {
            const long at = (row + i) * p->to_stride + column + j * LANES;
            if (p->times != NULL) sums[i][j] = sums[i][j] * load(p->times + at);
            store(p->to + at, sums[i][j]);
        }
    }
}

/* All rows of some columns: whole blocks first, smaller ones for the rest. */
INLINE void multiply_columns(
    const product *p, long column, const int most, const int vectors, const int transposed
) {
    long row = 0;
    for (; row + most <= p->rows; row += most)
        multiply_block(p, row, column, most, vectors, transposed);
    for (; row + 4 <= p->rows; row += 4) multiply_block(p, row, column, 4, vectors, transposed);
    for (; row + 2 <= p->rows; row += 2) multiply_block(p, row, column, 2, vectors, transposed);
    for (; row < p->rows; row++) multiply_block(p, row, column, 1, vectors, transposed);
}

#if MOST_VECTORS == 4
#define MOST_ROWS ROWS_OF_4
#else
#define MOST_ROWS ROWS_OF_2
#endif

INLINE void multiply_all(const product *p, const int transposed) {
    long vector = 0;
    for (; vector + MOST_VECTORS <= p->vectors; vector += MOST_VECTORS)
        multiply_columns(
            p, vector * LANES, MOST_ROWS, MOST_VECTORS, transposed);
    const long column = vector * LANES;
    switch (p->vectors - vector) {
#if MOST_VECTORS == 4
    case 3: multiply_columns(p, column, ROWS_OF_3, 3, transposed); break;
    case 2: multiply_columns(p, column, ROWS_OF_2, 2, transposed); break;
#endif
    case 1: multiply_columns(p, column, ROWS_OF_1, 1, transposed); break;
    default: break;
    }
}

/* The left factor as it lies, samples by what the layer takes in. */
static void multiply(const product *p) { multiply_all(p, 0); }

/* The left factor transposed: sums over samples. */
static void multiply_over_samples(const product *p) { multiply_all(p, 1); }

/* Write, or add, the sums of columns over samples. */
static void sum_samples(
    const float *from, long count, long vectors, long stride, int add, float *to
) {
    for (long vector = 0; vector < vectors; vector++) {
        const float *column = from + vector * LANES;
        floats even = add ? load(to + vector * LANES) : spread(0.0f), odd = spread(0.0f);
        long row = 0;
        for (; row + 2 <= count; row += 2) {
            even = even + load(column + row * stride);
            odd = odd + load(column + (row + 1) * stride);
        }
        if (row < count) even = even + load(column + row * stride);
        store(to + vector * LANES, even + odd);
    }
}

/* Add the rows of all parts, which lie `stride` apart, to that of the first. */
static void add_parts(float *rows, long stride, long parts, long begin, long end) {
    for (long at = begin; at < end; at += LANES) {
        floats sum = load(rows + at);
        for (long each = 1; each < parts; each++) sum = sum + load(rows + each * stride + at);
        store(rows + at, sum);
    }
}

#endif
