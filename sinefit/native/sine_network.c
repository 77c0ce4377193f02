/* The training step and the evaluation of a sine network, on the tile registers of AMX.

   A network has `depth` layers h <- sin(W h + b) of `width` neurons and a linear one. The products of
   the hidden layers take factors in bfloat16 and are summed in float32; a `split` network takes each
   factor as the sum of two (its rounding and the rounding of what that left off) and so comes near
   to float32. Everything else is float32. Samples are worked on in groups that stay in a core's
   cache, from the coordinates to the gradients. */

#include "sine_network.h"

#include <asm/prctl.h>
#include <cpuid.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "crew.h"
#include "sines.h"
#include "tiles.h"

enum {
    GROUP = 256, /* samples that go through all layers together */
    MOST_CHANNELS = 16,
};

/* A matrix of bfloat16, and what rounding to it left off in a split network. */
typedef struct {
    half *high, *low;
} factor;

typedef struct {
    factor sines[MOST_DEPTH];   /* (GROUP, width) of each layer */
    float *cosines[MOST_DEPTH]; /* the same; bfloat16 unless split */
    factor flow[2];             /* derivative by the phases of a layer, and of the one below */
    factor left, right;         /* tiles for the gradient of the weights */
    float *sums;                /* two blocks of sums */
    float *coordinates;         /* (GROUP, features), padded */
    float *derivative;          /* (GROUP, channels) of the loss by the outputs */
    /* Gradients: of hidden weights as blocks of tiles with mixed columns, of the first layer's
       transposed (features, width), of the last as (channels, width). */
    float *weights[MOST_DEPTH + 1], *biases[MOST_DEPTH + 1];
    int fresh; /* whether the gradients still hold those of the last step */
    double loss;
} workplace;

struct sinefit_network {
    int features, width, depth, channels, split, training;
    int members;
    crew *crew;
    const float *const *weights;
    const float *const *biases;
    float *first; /* (features, width) */
    factor forward[MOST_DEPTH], backward[MOST_DEPTH];
    workplace *workplaces;
    void **allocated;
    int allocations;
    size_t bytes;
    /* The task at hand. */
    const float *coordinates, *targets;
    long count;
    float *outputs;
    float *const *weight_gradients;
    float *const *bias_gradients;
};

typedef struct sinefit_network network;

/* ---- memory ---- */

static void *take(network *self, size_t bytes) {
    void *memory = NULL;
    if (posix_memalign(&memory, 64, (bytes + 63) / 64 * 64) != 0) return NULL;
    memset(memory, 0, bytes);
    self->allocated[self->allocations++] = memory;
    self->bytes += bytes;
    return memory;
}

static int take_factor(network *self, factor *factor, size_t values) {
    factor->high = take(self, values * sizeof(half));
    if (self->split) factor->low = take(self, values * sizeof(half));
    return factor->high != NULL && (!self->split || factor->low != NULL);
}

static int take_workplace(network *self, workplace *place) {
    const size_t width = (size_t)self->width, group = GROUP * width;
    int complete = 1;
    for (int layer = 0; layer < self->depth; layer++) {
        complete &= take_factor(self, &place->sines[layer], group);
        if (!self->training) {
            if (layer == 1) break; /* evaluation takes turns with two */
            continue;
        }
        place->cosines[layer] = take(self, group * (self->split ? 4 : 2));
        complete &= place->cosines[layer] != NULL;
    }
    place->sums = take(self, 2 * BLOCK_FLOATS * sizeof(float));
    place->coordinates = take(self, GROUP * (size_t)self->features * sizeof(float));
    place->derivative = take(self, GROUP * (size_t)self->channels * sizeof(float));
    complete &= place->sums && place->coordinates && place->derivative;
    if (!self->training) return complete;
    complete &= take_factor(self, &place->flow[0], group);
    complete &= take_factor(self, &place->flow[1], group);
    complete &= take_factor(self, &place->left, group);
    complete &= take_factor(self, &place->right, group);
    for (int layer = 0; layer <= self->depth; layer++) {
        size_t rows = layer == 0 ? (size_t)self->features
                      : layer == self->depth ? (size_t)self->channels
                                             : width;
        place->weights[layer] = take(self, rows * width * sizeof(float));
        place->biases[layer] = take(self, (layer == self->depth ? MOST_CHANNELS : width) * sizeof(float));
        complete &= place->weights[layer] && place->biases[layer];
    }
    return complete;
}

/* ---- the task of packing weights ---- */

/* Round 16 floats twice over: to bfloat16, and what that left off. */
INLINE void split_floats(__m512 values, __m256i *high, __m256i *low) {
    *high = (__m256i)_mm512_cvtneps_pbh(values);
    __m512 rounded = _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(*high), 16));
    *low = (__m256i)_mm512_cvtneps_pbh(_mm512_sub_ps(values, rounded));
}

/* Pack a square matrix (out, in) as right tiles of its transpose, for the product of samples with it
   on the way forward, and of itself, for the way back. Column blocks of 16 follow one another, each
   with all its blocks of 32 rows. */
INLINE void pack_square(
    const float *matrix, int width, const int split, int low, factor forward, factor backward,
    int begin, int end
) {
    const int blocks = width / 32;
    for (int row_block = begin; row_block < end; row_block++) { /* 16 rows of the matrix */
        for (int block = 0; block < blocks; block++) {
            __m512i rows[16];
            for (int row = 0; row < 16; row++) {
                const float *at = matrix + (long)(row_block * 16 + row) * width + block * 32;
                __m256i high[2], rest[2];
                split_floats(_mm512_loadu_ps(at), &high[0], &rest[0]);
                split_floats(_mm512_loadu_ps(at + 16), &high[1], &rest[1]);
                const __m256i *chosen = low ? rest : high;
                rows[row] = _mm512_inserti64x4(_mm512_castsi256_si512(chosen[0]), chosen[1], 1);
            }
            if (backward.high != NULL) {
                /* Rows 2p and 2p + 1 interleave; two blocks of 16 columns take them. */
                const __m512i first = _mm512_set_epi16(
                    47, 15, 46, 14, 45, 13, 44, 12, 43, 11, 42, 10, 41, 9, 40, 8, 39, 7, 38, 6, 37, 5,
                    36, 4, 35, 3, 34, 2, 33, 1, 32, 0);
                const __m512i second = _mm512_add_epi16(first, _mm512_set1_epi16(16));
                half *packed = low ? backward.low : backward.high;
                for (int pair = 0; pair < 8; pair++) {
                    __m512i even = rows[2 * pair], odd = rows[2 * pair + 1];
                    half *to = packed + ((long)(2 * block) * blocks + row_block / 2) * TILE_HALVES +
                               (row_block % 2 * 8 + pair) * 32;
                    _mm512_store_si512(to, _mm512_permutex2var_epi16(even, first, odd));
                    _mm512_store_si512(
                        to + (long)blocks * TILE_HALVES,
                        _mm512_permutex2var_epi16(even, second, odd));
                }
            }
            transpose_words(rows);
            half *packed = low ? forward.low : forward.high;
            half *to = packed + ((long)row_block * blocks + block) * TILE_HALVES;
            for (int pair = 0; pair < 16; pair++) _mm512_store_si512(to + pair * 32, rows[pair]);
        }
    }
    (void)split;
}

static void pack(void *context, int member, int members) {
    network *self = context;
    const int blocks = self->width / 16;
    const int begin = blocks * member / members, end = blocks * (member + 1) / members;
    for (int layer = 1; layer < self->depth; layer++)
        for (int low = 0; low <= self->split; low++)
            pack_square(
                self->weights[layer], self->width, self->split, low, self->forward[layer],
                self->backward[layer], begin, end);
    if (member == 0)
        for (int neuron = 0; neuron < self->width; neuron++)
            for (int feature = 0; feature < self->features; feature++)
                self->first[feature * self->width + neuron] =
                    self->weights[0][neuron * self->features + feature];
}

/* ---- forward ---- */

INLINE void store_factor(factor to, long at, __m512 first, __m512 second, const int split) {
    __m512i high = to_halves(first, second);
    _mm512_store_si512(to.high + at, high);
    if (split)
        _mm512_store_si512(
            to.low + at, to_halves(
                             _mm512_sub_ps(first, first_floats(high)),
                             _mm512_sub_ps(second, second_floats(high))));
}

INLINE void load_factor(factor from, long at, __m512 *first, __m512 *second, const int split) {
    __m512i high = _mm512_load_si512(from.high + at);
    *first = first_floats(high);
    *second = second_floats(high);
    if (split) {
        __m512i low = _mm512_load_si512(from.low + at);
        *first = _mm512_add_ps(*first, first_floats(low));
        *second = _mm512_add_ps(*second, second_floats(low));
    }
}

INLINE void store_cosines(float *to, long at, __m512 first, __m512 second, const int split) {
    if (split) {
        _mm512_store_ps(to + at, first);
        _mm512_store_ps(to + at + 16, second);
    } else {
        _mm512_store_si512((half *)to + at, to_halves(first, second));
    }
}

INLINE void load_cosines(const float *from, long at, __m512 *first, __m512 *second, const int split) {
    if (split) {
        *first = _mm512_load_ps(from + at);
        *second = _mm512_load_ps(from + at + 16);
    } else {
        __m512i halves = _mm512_load_si512((const half *)from + at);
        *first = first_floats(halves);
        *second = second_floats(halves);
    }
}

INLINE void activate(
    __m512 first, __m512 second, factor sines, float *cosines, long at, const int split
) {
    __m512 sine_1, sine_2, cosine_1, cosine_2;
    sine_cosine(first, split, &sine_1, &cosine_1);
    sine_cosine(second, split, &sine_2, &cosine_2);
    store_factor(sines, at, sine_1, sine_2, split);
    if (cosines != NULL) store_cosines(cosines, at, cosine_1, cosine_2, split);
}

INLINE void first_layer(
    const network *self, const float *coordinates, int rows, factor sines, float *cosines,
    const int split
) {
    const int width = self->width, features = self->features;
    for (int column = 0; column < width; column += 32) {
        const __m512 bias_1 = _mm512_loadu_ps(self->biases[0] + column);
        const __m512 bias_2 = _mm512_loadu_ps(self->biases[0] + column + 16);
        for (int row = 0; row < rows; row++) {
            __m512 first = bias_1, second = bias_2;
            for (int feature = 0; feature < features; feature++) {
                __m512 at = _mm512_set1_ps(coordinates[row * features + feature]);
                const float *weights = self->first + feature * width + column;
                first = _mm512_fmadd_ps(at, _mm512_load_ps(weights), first);
                second = _mm512_fmadd_ps(at, _mm512_load_ps(weights + 16), second);
            }
            activate(first, second, sines, cosines, (long)row * width + column, split);
        }
    }
}

/* A block of sums that still has to pass through an activation or its derivative. */
typedef struct {
    const network *self;
    workplace *place;
    int layer, row, column;
    const float *sums;
    factor to;
    float *cosines;
} block;

typedef void (*finisher)(const block *work, int begin, int end, const int split);

/* Multiply 32 samples with the packed matrix's 32 columns that begin at `column`, and meanwhile finish
   the rows of the block before: the tiles are multiplied by a unit of their own, which would stand
   idle during the sines and they during its products. */
INLINE void multiply_samples(
    factor samples, int row, int column, int width, factor packed, const int split, float *sums,
    const finisher finish, const block *before
) {
    const int count = width / 32, passes = split ? 3 : 1;
    const long left = (long)row * width, right = (long)column / 16 * count * TILE_HALVES;
    const long below = 16L * width, beside = (long)count * TILE_HALVES, stride = 2L * width;
    int finished = 0, step = 0;
    clear_sums();
    for (int pass = 0; pass < passes; pass++) {
        /* The small products first, the large ones last. */
        const half *a = (split && pass == 0 ? samples.low : samples.high) + left;
        const half *b = (split && pass == 1 ? packed.low : packed.high) + right;
        for (int at = 0; at < count; at++) {
            const half *a_at = a + at * 32, *b_at = b + at * TILE_HALVES;
            multiply_tiles(a_at, a_at + below, stride, b_at, b_at + beside);
            const int due = ++step * BLOCK / (count * passes);
            if (before->sums != NULL) finish(before, finished, due, split);
            finished = due;
        }
    }
    store_sums_by_row(sums);
}

/* Run a layer's products block by block, each finished during the next. */
INLINE void run_blocks(
    block work, int rows, factor samples, factor packed, const int split, const finisher finish
) {
    const int width = work.self->width;
    float *sums = work.place->sums, *spare = sums + BLOCK_FLOATS;
    block before = work;
    before.sums = NULL;
    for (int row = 0; row < rows; row += BLOCK) {
        for (int column = 0; column < width; column += BLOCK) {
            multiply_samples(samples, row, column, width, packed, split, sums, finish, &before);
            before.row = row;
            before.column = column;
            before.sums = sums;
            sums = spare;
            spare = (float *)before.sums;
        }
    }
    finish(&before, 0, BLOCK, split);
}

INLINE void activate_rows(const block *work, int begin, int end, const int split) {
    const float *biases = work->self->biases[work->layer] + work->column;
    const __m512 bias_1 = _mm512_loadu_ps(biases), bias_2 = _mm512_loadu_ps(biases + 16);
    for (int row = begin; row < end; row++) {
        const long at = (long)(work->row + row) * work->self->width + work->column;
        __m512 first = _mm512_add_ps(_mm512_load_ps(work->sums + row * BLOCK), bias_1);
        __m512 second = _mm512_add_ps(_mm512_load_ps(work->sums + row * BLOCK + 16), bias_2);
        activate(first, second, work->to, work->cosines, at, split);
    }
}

INLINE void hidden_layer(
    const network *self, workplace *place, int layer, int rows, factor below, factor sines,
    float *cosines, const int split
) {
    const block work = {.self = self, .place = place, .layer = layer, .to = sines, .cosines = cosines};
    run_blocks(work, rows, below, self->forward[layer], split, activate_rows);
}

/* Write the outputs (rows, channels) of samples whose last sines are given. */
INLINE void last_layer(const network *self, factor sines, int rows, float *outputs, const int split) {
    const int width = self->width, channels = self->channels;
    const float *weights = self->weights[self->depth], *biases = self->biases[self->depth];
    for (int row = 0; row < rows; row++) {
        for (int channel = 0; channel < channels; channel++) {
            __m512 sum_1 = _mm512_setzero_ps(), sum_2 = _mm512_setzero_ps();
            for (int column = 0; column < width; column += 32) {
                __m512 first, second;
                load_factor(sines, (long)row * width + column, &first, &second, split);
                const float *at = weights + channel * width + column;
                sum_1 = _mm512_fmadd_ps(first, _mm512_loadu_ps(at), sum_1);
                sum_2 = _mm512_fmadd_ps(second, _mm512_loadu_ps(at + 16), sum_2);
            }
            outputs[row * channels + channel] =
                _mm512_reduce_add_ps(_mm512_add_ps(sum_1, sum_2)) + biases[channel];
        }
    }
}

/* Copy the coordinates of `count` samples and pad them to whole blocks; return the padded count. */
static int place_coordinates(const network *self, workplace *place, long begin, int count) {
    const int rows = (count + BLOCK - 1) / BLOCK * BLOCK, features = self->features;
    memcpy(
        place->coordinates, self->coordinates + begin * features,
        (size_t)count * (size_t)features * sizeof(float));
    memset(
        place->coordinates + count * features, 0,
        (size_t)(rows - count) * (size_t)features * sizeof(float));
    return rows;
}

/* ---- backward ---- */

/* Write twice the difference of outputs and targets over the number of values in place of the
   outputs, zero for padding; return the sum of squares. */
static double differentiate(
    float *outputs, const float *targets, int values, int padded, double scale
) {
    double sum = 0.0;
    for (int at = 0; at < values; at++) {
        float difference = outputs[at] - targets[at];
        sum += (double)difference * difference;
        outputs[at] = (float)(2.0 * scale) * difference;
    }
    for (int at = values; at < padded; at++) outputs[at] = 0.0f;
    return sum;
}

INLINE void add_floats(float *to, __m512 value) { _mm512_storeu_ps(to, _mm512_add_ps(_mm512_loadu_ps(to), value)); }

/* The last layer's gradients, and the derivative by the phases of the layer below it. */
INLINE void last_gradients(const network *self, workplace *place, int rows, const int split) {
    const int width = self->width, channels = self->channels, top = self->depth - 1;
    const float *weights = self->weights[self->depth];
    for (int channel = 0; channel < channels; channel++) {
        float sum = 0.0f;
        for (int row = 0; row < rows; row++) sum += place->derivative[row * channels + channel];
        place->biases[self->depth][channel] += sum;
    }
    for (int column = 0; column < width; column += 32) {
        __m512 gradient[2 * MOST_CHANNELS];
        __m512 bias_1 = _mm512_setzero_ps(), bias_2 = _mm512_setzero_ps();
        for (int channel = 0; channel < channels; channel++)
            gradient[2 * channel] = gradient[2 * channel + 1] = _mm512_setzero_ps();
        for (int row = 0; row < rows; row++) {
            const long at = (long)row * width + column;
            __m512 sine_1, sine_2, cosine_1, cosine_2;
            __m512 first = _mm512_setzero_ps(), second = _mm512_setzero_ps();
            load_factor(place->sines[top], at, &sine_1, &sine_2, split);
            load_cosines(place->cosines[top], at, &cosine_1, &cosine_2, split);
            for (int channel = 0; channel < channels; channel++) {
                __m512 slope = _mm512_set1_ps(place->derivative[row * channels + channel]);
                const float *weight = weights + channel * width + column;
                first = _mm512_fmadd_ps(slope, _mm512_loadu_ps(weight), first);
                second = _mm512_fmadd_ps(slope, _mm512_loadu_ps(weight + 16), second);
                gradient[2 * channel] = _mm512_fmadd_ps(slope, sine_1, gradient[2 * channel]);
                gradient[2 * channel + 1] = _mm512_fmadd_ps(slope, sine_2, gradient[2 * channel + 1]);
            }
            first = _mm512_mul_ps(first, cosine_1);
            second = _mm512_mul_ps(second, cosine_2);
            bias_1 = _mm512_add_ps(bias_1, first);
            bias_2 = _mm512_add_ps(bias_2, second);
            store_factor(place->flow[0], at, first, second, split);
        }
        for (int channel = 0; channel < channels; channel++) {
            float *to = place->weights[self->depth] + channel * width + column;
            add_floats(to, gradient[2 * channel]);
            add_floats(to + 16, gradient[2 * channel + 1]);
        }
        add_floats(place->biases[top] + column, bias_1);
        add_floats(place->biases[top] + column + 16, bias_2);
    }
}

INLINE void multiply_panels(const half *left, const half *right, long panel) {
    multiply_tiles(left, left + panel, TILE_BYTES, right, right + panel);
}

/* Add a group's gradient of a hidden layer's weights: flow transposed times the sines below. */
INLINE void weight_gradient(
    const network *self, workplace *place, int layer, int rows, factor flow, const int split
) {
    const int width = self->width, row_blocks = rows / BLOCK;
    const long panel = (long)row_blocks * TILE_HALVES; /* 16 columns of all samples */
    const factor below = place->sines[layer - 1];
    for (int low = 0; low <= split; low++) {
        const half *from_flow = low ? flow.low : flow.high, *from_below = low ? below.low : below.high;
        half *left = low ? place->left.low : place->left.high;
        half *right = low ? place->right.low : place->right.high;
        for (int row = 0; row < rows; row += BLOCK) {
            for (int column = 0; column < width; column += BLOCK) {
                const long from = (long)row * width + column;
                const long to = (long)column / 16 * panel + (long)row / BLOCK * TILE_HALVES;
                transpose_rows(from_flow + from, width, left + to, left + to + panel);
                pair_rows(from_below + from, width, right + to, right + to + panel);
            }
        }
    }
    float *sums = place->weights[layer];
    for (int out = 0; out < width; out += BLOCK) {
        for (int in = 0; in < width; in += BLOCK, sums += BLOCK_FLOATS) {
            const long at = (long)out / 16 * panel, by = (long)in / 16 * panel;
            const half *a = place->left.high + at, *b = place->right.high + by;
            if (place->fresh) clear_sums();
            else load_sums(sums);
            for (int group = 0; group < row_blocks; group++) {
                const long next = (long)group * TILE_HALVES;
                multiply_panels(a + next, b + next, panel);
                if (!split) continue;
                multiply_panels(place->left.low + at + next, b + next, panel);
                multiply_panels(a + next, place->right.low + by + next, panel);
            }
            store_sums(sums);
        }
    }
}

/* Multiply rows by the cosines of the layer below, whose phases' derivative they then are. */
INLINE void derive_rows(const block *work, int begin, int end, const int split) {
    const network *self = work->self;
    const int below = work->layer - 1;
    float *biases = work->place->biases[below] + work->column;
    __m512 bias_1 = _mm512_setzero_ps(), bias_2 = _mm512_setzero_ps();
    for (int row = begin; row < end; row++) {
        const long at = (long)(work->row + row) * self->width + work->column;
        __m512 cosine_1, cosine_2;
        load_cosines(work->cosines, at, &cosine_1, &cosine_2, split);
        __m512 first = _mm512_mul_ps(_mm512_load_ps(work->sums + row * BLOCK), cosine_1);
        __m512 second = _mm512_mul_ps(_mm512_load_ps(work->sums + row * BLOCK + 16), cosine_2);
        bias_1 = _mm512_add_ps(bias_1, first);
        bias_2 = _mm512_add_ps(bias_2, second);
        if (below > 0) {
            store_factor(work->to, at, first, second, split);
            continue;
        }
        for (int feature = 0; feature < self->features; feature++) {
            const float coordinate =
                work->place->coordinates[(work->row + row) * self->features + feature];
            float *gradient = work->place->weights[0] + feature * self->width + work->column;
            __m512 by = _mm512_set1_ps(coordinate);
            _mm512_store_ps(gradient, _mm512_fmadd_ps(by, first, _mm512_load_ps(gradient)));
            gradient += 16;
            _mm512_store_ps(gradient, _mm512_fmadd_ps(by, second, _mm512_load_ps(gradient)));
        }
    }
    add_floats(biases, bias_1);
    add_floats(biases + 16, bias_2);
}

/* Carry the derivative from the phases of a layer to those of the one below, whose gradient of the
   biases it gives; below the second layer that of the first layer's weights too. */
INLINE void carry_back(
    const network *self, workplace *place, int layer, int rows, factor flow, factor under,
    const int split
) {
    const block work = {
        .self = self, .place = place, .layer = layer, .to = under, .cosines = place->cosines[layer - 1]};
    run_blocks(work, rows, flow, self->backward[layer], split, derive_rows);
}

/* The gradients of a network of one sine layer, whose derivative the last layer has left. */
INLINE void first_gradients(const network *self, workplace *place, int rows, const int split) {
    const int width = self->width, features = self->features;
    for (int column = 0; column < width; column += 32) {
        for (int feature = 0; feature < features; feature++) {
            __m512 sum_1 = _mm512_setzero_ps(), sum_2 = _mm512_setzero_ps();
            for (int row = 0; row < rows; row++) {
                __m512 first, second;
                load_factor(place->flow[0], (long)row * width + column, &first, &second, split);
                __m512 by = _mm512_set1_ps(place->coordinates[row * features + feature]);
                sum_1 = _mm512_fmadd_ps(by, first, sum_1);
                sum_2 = _mm512_fmadd_ps(by, second, sum_2);
            }
            add_floats(place->weights[0] + feature * width + column, sum_1);
            add_floats(place->weights[0] + feature * width + column + 16, sum_2);
        }
    }
}

/* ---- tasks of the crew ---- */

/* The share of a member in the samples, whole blocks but for the last. */
static void share(const network *self, int member, int members, long *begin, long *end) {
    const long blocks = (self->count + BLOCK - 1) / BLOCK;
    *begin = blocks * member / members * BLOCK;
    *end = blocks * (member + 1) / members * BLOCK;
    if (*end > self->count) *end = self->count;
}

INLINE void train_share(const network *self, int member, int members, const int split) {
    workplace *place = &self->workplaces[member];
    const int channels = self->channels, top = self->depth - 1;
    const double scale = 1.0 / ((double)self->count * channels);
    long begin, end;
    share(self, member, members, &begin, &end);
    place->loss = 0.0;
    place->fresh = 1;
    for (int layer = 0; layer <= self->depth; layer++) {
        const size_t width = (size_t)self->width;
        size_t values = layer == 0 ? (size_t)self->features * width : (size_t)channels * width;
        /* Those of hidden weights begin with the first group's; without one they are zero. */
        if (layer == 0 || layer == self->depth)
            memset(place->weights[layer], 0, values * sizeof(float));
        else if (begin == end)
            memset(place->weights[layer], 0, width * width * sizeof(float));
        memset(
            place->biases[layer], 0,
            (layer == self->depth ? (size_t)channels : width) * sizeof(float));
    }
    configure_tiles();
    for (; begin < end; begin += GROUP) {
        const int count = end - begin < GROUP ? (int)(end - begin) : GROUP;
        const int rows = place_coordinates(self, place, begin, count);
        first_layer(self, place->coordinates, rows, place->sines[0], place->cosines[0], split);
        for (int layer = 1; layer <= top; layer++)
            hidden_layer(
                self, place, layer, rows, place->sines[layer - 1], place->sines[layer],
                place->cosines[layer], split);
        last_layer(self, place->sines[top], rows, place->derivative, split);
        place->loss += scale * differentiate(
                                   place->derivative, self->targets + begin * channels,
                                   count * channels, rows * channels, scale);
        last_gradients(self, place, rows, split);
        if (top == 0) first_gradients(self, place, rows, split);
        for (int layer = top; layer > 0; layer--) {
            const factor flow = place->flow[(top - layer) % 2];
            const factor under = place->flow[(top - layer + 1) % 2];
            weight_gradient(self, place, layer, rows, flow, split);
            carry_back(self, place, layer, rows, flow, under, split);
        }
        place->fresh = 0;
    }
    _tile_release();
}

static void train_halves(void *context, int member, int members) { train_share(context, member, members, 0); }

static void train_split(void *context, int member, int members) { train_share(context, member, members, 1); }

/* Add up the members' gradients, each a part of every layer's rows. */
static void gather(void *context, int member, int members) {
    network *self = context;
    const int width = self->width, blocks = width / BLOCK;
    const __m512i order_1 = _mm512_set_epi32(23, 22, 21, 20, 7, 6, 5, 4, 19, 18, 17, 16, 3, 2, 1, 0);
    const __m512i order_2 = _mm512_add_epi32(order_1, _mm512_set1_epi32(8));
    for (int layer = 1; layer < self->depth; layer++) {
        float *gradient = self->weight_gradients[layer];
        for (int out = blocks * member / members; out < blocks * (member + 1) / members; out++) {
            for (int in = 0; in < blocks; in++) {
                const long block = ((long)out * blocks + in) * BLOCK_FLOATS;
                for (int row = 0; row < BLOCK; row++) {
                    __m512 even = _mm512_setzero_ps(), odd = _mm512_setzero_ps();
                    for (int each = 0; each < members; each++) {
                        const float *from = self->workplaces[each].weights[layer] + block +
                                            row / 16 * 512 + row % 16 * 16;
                        even = _mm512_add_ps(even, _mm512_load_ps(from));
                        odd = _mm512_add_ps(odd, _mm512_load_ps(from + 256));
                    }
                    float *to = gradient + (long)(out * BLOCK + mixed_column(row / 16, row % 16)) * width +
                                in * BLOCK;
                    _mm512_storeu_ps(to, _mm512_permutex2var_ps(even, order_1, odd));
                    _mm512_storeu_ps(to + 16, _mm512_permutex2var_ps(even, order_2, odd));
                }
            }
        }
    }
    if (member != 0) return;
    for (int layer = 0; layer <= self->depth; layer++) {
        const int rows = layer == self->depth ? self->channels : width;
        for (int row = 0; row < rows; row++) {
            float sum = 0.0f;
            for (int each = 0; each < members; each++) sum += self->workplaces[each].biases[layer][row];
            self->bias_gradients[layer][row] = sum;
        }
    }
    for (int neuron = 0; neuron < width; neuron++) {
        for (int feature = 0; feature < self->features; feature++) {
            float sum = 0.0f;
            for (int each = 0; each < members; each++)
                sum += self->workplaces[each].weights[0][feature * width + neuron];
            self->weight_gradients[0][neuron * self->features + feature] = sum;
        }
        for (int channel = 0; channel < self->channels; channel++) {
            float sum = 0.0f;
            for (int each = 0; each < members; each++)
                sum += self->workplaces[each].weights[self->depth][channel * width + neuron];
            self->weight_gradients[self->depth][channel * width + neuron] = sum;
        }
    }
}

INLINE void evaluate_share(const network *self, int member, int members, const int split) {
    workplace *place = &self->workplaces[member];
    long begin, end;
    share(self, member, members, &begin, &end);
    configure_tiles();
    for (; begin < end; begin += GROUP) {
        const int count = end - begin < GROUP ? (int)(end - begin) : GROUP;
        const int rows = place_coordinates(self, place, begin, count);
        first_layer(self, place->coordinates, rows, place->sines[0], NULL, split);
        for (int layer = 1; layer < self->depth; layer++)
            hidden_layer(
                self, place, layer, rows, place->sines[(layer - 1) % 2], place->sines[layer % 2],
                NULL, split);
        last_layer(
            self, place->sines[(self->depth - 1) % 2], count,
            self->outputs + begin * self->channels, split);
    }
    _tile_release();
}

static void evaluate_halves(void *context, int member, int members) {
    evaluate_share(context, member, members, 0);
}

static void evaluate_split(void *context, int member, int members) {
    evaluate_share(context, member, members, 1);
}

/* ---- what Python calls ---- */

int sinefit_supported(void) {
    unsigned a, b, c, d;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return 0;
    const unsigned vectors = 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31; /* AVX512 F, DQ, BW, VL */
    const unsigned tiles = 1u << 22 | 1u << 24;                         /* AMX BF16, TILE */
    if ((b & vectors) != vectors || (d & tiles) != tiles) return 0;
    if (!__get_cpuid_count(7, 1, &a, &b, &c, &d) || !(a & 1u << 5)) return 0; /* AVX512 BF16 */
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & 1u << 27)) return 0;         /* XGETBV */
    unsigned low, high;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    const unsigned states = 7u << 5 | 3u << 17; /* AVX512's and the tiles' registers */
    if ((low & states) != states) return 0;
    enum { ASK_PERMISSION = 0x1023, TILE_DATA = 18 };
    return syscall(SYS_arch_prctl, ASK_PERMISSION, TILE_DATA) == 0;
}

int sinefit_fits(int features, int width, int depth, int channels) {
    return features >= 1 && width >= 32 && width % 32 == 0 && depth >= 1 && depth <= MOST_DEPTH &&
           channels >= 1 && channels <= MOST_CHANNELS;
}

void sinefit_close(network *self) {
    if (self->crew != NULL) crew_dismiss(self->crew);
    for (int at = 0; at < self->allocations; at++) free(self->allocated[at]);
    free(self->allocated);
    free(self->workplaces);
    free(self);
}

network *sinefit_open(
    int features, int width, int depth, int channels, int members, int split, int training
) {
    network *self = calloc(1, sizeof *self);
    if (self == NULL) return NULL;
    self->features = features;
    self->width = width;
    self->depth = depth;
    self->channels = channels;
    self->members = members;
    self->split = split;
    self->training = training;
    const size_t square = (size_t)width * (size_t)width;
    const size_t most = (size_t)members * (16 + 5 * MOST_DEPTH) + 1 + 4 * MOST_DEPTH;
    self->allocated = calloc(most, sizeof *self->allocated);
    self->workplaces = calloc((size_t)members, sizeof *self->workplaces);
    int complete = self->allocated != NULL && self->workplaces != NULL;
    if (complete) {
        self->first = take(self, (size_t)features * (size_t)width * sizeof(float));
        complete = self->first != NULL;
    }
    for (int layer = 1; complete && layer < depth; layer++) {
        complete = take_factor(self, &self->forward[layer], square);
        if (complete && training) complete = take_factor(self, &self->backward[layer], square);
    }
    for (int member = 0; complete && member < members; member++)
        complete = take_workplace(self, &self->workplaces[member]);
    if (complete) self->crew = crew_start(members);
    if (self->crew == NULL) {
        sinefit_close(self);
        return NULL;
    }
    return self;
}

size_t sinefit_bytes(const network *self) { return self->bytes; }

void sinefit_load(network *self, const float *const *weights, const float *const *biases) {
    self->weights = weights;
    self->biases = biases;
    crew_run(self->crew, pack, self);
}

double sinefit_train(
    network *self, const float *coordinates, const float *targets, long count,
    float *const *weight_gradients, float *const *bias_gradients
) {
    self->coordinates = coordinates;
    self->targets = targets;
    self->count = count;
    self->weight_gradients = weight_gradients;
    self->bias_gradients = bias_gradients;
    crew_run(self->crew, self->split ? train_split : train_halves, self);
    crew_run(self->crew, gather, self);
    double loss = 0.0;
    for (int member = 0; member < self->members; member++) loss += self->workplaces[member].loss;
    return loss;
}

void sinefit_evaluate(network *self, const float *coordinates, long count, float *outputs) {
    self->coordinates = coordinates;
    self->count = count;
    self->outputs = outputs;
    crew_run(self->crew, self->split ? evaluate_split : evaluate_halves, self);
}
