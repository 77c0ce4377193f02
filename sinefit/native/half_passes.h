/* The way through a network and back whose hidden products take factors of bfloat16, summed in
   float32, for widths of whole blocks.

   A SPLIT source takes each factor as the sum of two, its rounding and the rounding of what that left
   off, and so comes near to float32. Everything else is float32: the first layer, whose coordinates
   lose their resolution in bfloat16, the last, whose outputs meet the targets, and all phases. */

#ifndef SINEFIT_HALF_PASSES_H
#define SINEFIT_HALF_PASSES_H

#include "layout.h"
#include "vector_products.h"
#include "vector_sines.h"

enum {
    MOST_GROUP = 256, /* samples that go through the layers together at most */
    PASSES = SPLIT ? 3 : 1,
};

/* A matrix of bfloat16, and what rounding to it left off in a split network. */
typedef struct {
    half *high, *low;
} factor;

/* Have a block's sums be those of these factors; the small products come first, the large one last. */
INLINE void take_factors(block_product *product, factor left, factor right) {
    product->left[PASSES - 1] = left.high;
    product->right[PASSES - 1] = right.high;
    if (SPLIT) {
        product->left[0] = left.low;
        product->right[0] = right.high;
        product->left[1] = left.high;
        product->right[1] = right.low;
    }
}

/* A network's weights: as they lie, and as right tiles for the way forward and for the way back. */
typedef struct {
    layout at;
    float *values;              /* (at.count) */
    float *last;                /* (width, channels) weights of the last layer */
    factor to_above, to_below;  /* hidden weights, one layer after the other */
} model;

typedef struct {
    long group;
    float *coordinates; /* (group, features) */
    float *targets;     /* (group, channels) */
    float *outputs;     /* (group, channels), then the derivatives by the outputs */
    factor sines;       /* (depth - 1, group, width) of training, (2, group, width) of evaluation */
    float *ends;        /* (group, width): the last sines, then the derivatives by the first phases */
    void *cosines;      /* (depth, group, width): bfloat16, float32 in a split network */
    factor flow[2];     /* (group, width) derivative by the phases of a layer, and of the one below */
    factor left, right; /* tiles for the gradient of the weights */
    float *sums;        /* two blocks */
} passage;

static factor take_factor(float *memory, long *used, long values) {
    factor found = {.high = (half *)take(memory, used, values / 2)};
    if (SPLIT) found.low = (half *)take(memory, used, values / 2);
    return found;
}

static factor beyond(factor from, long values) {
    return (factor){from.high + values, SPLIT ? from.low + values : NULL};
}

static long arrange_model(model *self, network_size size, int training, float *memory) {
    const long squares = (size.depth - 1L) * size.width * size.width;
    long used = 0;
    self->at = lay_out(size);
    self->values = take(memory, &used, self->at.count);
    self->last = take(memory, &used, size.width * self->at.channel_stride);
    self->to_above = take_factor(memory, &used, squares);
    self->to_below = training ? take_factor(memory, &used, squares) : (factor){NULL, NULL};
    return used;
}

static long arrange_passage(
    passage *self, network_size size, long group, int training, float *memory
) {
    const layout at = lay_out(size);
    const long rows = (group + BLOCK - 1) / BLOCK * BLOCK, layer = rows * size.width;
    const long kept = training ? layer : 0;
    long used = 0;
    self->group = group;
    self->coordinates = take(memory, &used, rows * size.features);
    self->targets = take(memory, &used, training ? rows * at.channel_stride : 0);
    self->outputs = take(memory, &used, rows * at.channel_stride);
    self->sines = take_factor(memory, &used, (training ? size.depth - 1 : 2) * layer);
    self->ends = take(memory, &used, rows * at.stride);
    self->cosines = take(memory, &used, size.depth * kept / (SPLIT ? 1 : 2));
    self->flow[0] = take_factor(memory, &used, kept);
    self->flow[1] = take_factor(memory, &used, kept);
    self->left = take_factor(memory, &used, kept);
    self->right = take_factor(memory, &used, kept);
    self->sums = take(memory, &used, 2 * BLOCK_FLOATS);
    return used;
}

/* Samples of a layer's buffers: whole blocks. */
static long rows_of_group(const passage *place) {
    return (place->group + BLOCK - 1) / BLOCK * BLOCK;
}

static void begin_passes(void) { begin_products(); }
static void end_passes(void) { end_products(); }

/* ---- weights as tiles ---- */

/* Pack 16 rows of a square matrix (out, in), the `row_block`th, as right tiles of its transpose, for
   the product of samples with it on the way forward, and of itself, for the way back. Blocks of 16
   columns follow one another, each with all its blocks of 32 rows. */
INLINE void pack_rows(
    const float *rows, long stride, long width, long row_block, const int low, half *forward,
    half *backward
) {
    const long blocks = width / BLOCK;
    /* Rows 2p and 2p + 1 interleave; two blocks of 16 columns take them. */
    const __m512i first = _mm512_set_epi16(
        47, 15, 46, 14, 45, 13, 44, 12, 43, 11, 42, 10, 41, 9, 40, 8, 39, 7, 38, 6, 37, 5, 36, 4, 35, 3,
        34, 2, 33, 1, 32, 0);
    const __m512i second = _mm512_add_epi16(first, _mm512_set1_epi16(16));
    for (long block = 0; block < blocks; block++) {
        __m512i halves[16];
        for (int row = 0; row < 16; row++) {
            const float *at = rows + row * stride + block * BLOCK;
            __m256i high[2], rest[2];
            split_floats(_mm512_loadu_ps(at), &high[0], &rest[0]);
            split_floats(_mm512_loadu_ps(at + 16), &high[1], &rest[1]);
            const __m256i *chosen = low ? rest : high;
            halves[row] = _mm512_inserti64x4(_mm512_castsi256_si512(chosen[0]), chosen[1], 1);
        }
        half *to = backward + (2 * block * blocks + row_block / 2) * TILE_HALVES + row_block % 2 * 256;
        for (int pair = 0; backward != NULL && pair < 8; pair++) {
            const __m512i even = halves[2 * pair], odd = halves[2 * pair + 1];
            _mm512_store_si512(to + pair * 32, _mm512_permutex2var_epi16(even, first, odd));
            _mm512_store_si512(
                to + blocks * TILE_HALVES + pair * 32, _mm512_permutex2var_epi16(even, second, odd));
        }
        transpose_words(halves);
        to = forward + (row_block * blocks + block) * TILE_HALVES;
        for (int pair = 0; pair < 16; pair++) _mm512_store_si512(to + pair * 32, halves[pair]);
    }
}

/* Bring the packed hidden weights up to date for some neurons, counted through all layers, of one
   layer each time; and the copy of the last layer's. */
static void refresh_hidden(const model *self, long begin, long end) {
    const layout *at = &self->at;
    const long width = at->size.width, layer = begin / width * width * width;
    const int goes_back = self->to_below.high != NULL;
    for (long row = begin; row < end; row += 16) {
        const float *rows = self->values + row * at->stride;
        const long block = row % width / 16;
        pack_rows(
            rows, at->stride, width, block, 0, self->to_above.high + layer,
            goes_back ? self->to_below.high + layer : NULL);
        if (SPLIT)
            pack_rows(
                rows, at->stride, width, block, 1, self->to_above.low + layer,
                goes_back ? self->to_below.low + layer : NULL);
    }
}

static void refresh_last(const model *self) {
    const layout *at = &self->at;
    for (long channel = 0; channel < at->size.channels; channel++)
        for (long neuron = 0; neuron < at->size.width; neuron++)
            self->last[neuron * at->channel_stride + channel] =
                self->values[at->last + channel * at->stride + neuron];
}

/* ---- values between the layers ---- */

INLINE void store_factor(factor to, long at, floats first, floats second) {
    const __m512i high = to_halves(first, second);
    _mm512_store_si512(to.high + at, high);
    if (SPLIT)
        _mm512_store_si512(
            to.low + at, to_halves(first - first_floats(high), second - second_floats(high)));
}

INLINE void store_cosines(void *to, long at, floats first, floats second) {
    if (SPLIT) {
        _mm512_store_ps((float *)to + at, first);
        _mm512_store_ps((float *)to + at + 16, second);
    } else {
        _mm512_store_si512((half *)to + at, to_halves(first, second));
    }
}

INLINE void load_cosines(const void *from, long at, floats *first, floats *second) {
    if (SPLIT) {
        *first = _mm512_load_ps((const float *)from + at);
        *second = _mm512_load_ps((const float *)from + at + 16);
    } else {
        const __m512i halves = _mm512_load_si512((const half *)from + at);
        *first = first_floats(halves);
        *second = second_floats(halves);
    }
}

/* ---- forward ---- */

/* Where the phases of a layer go, or the derivatives by them come from: its place in the buffers. */
typedef struct {
    const model *self;
    const passage *place;
    long layer, width, stride;
    factor to;     /* its sines, or the derivatives by its phases */
    float *ends;   /* those in float32 instead, at either end of the network, else NULL */
    void *cosines; /* NULL when not training */
    float *gradient;
    long row, column;  /* of a block */
    const float *sums; /* its products */
} block_work;

static void *cosines_of(const passage *place, long layer, long width) {
    return (char *)place->cosines + layer * rows_of_group(place) * width * (SPLIT ? 4 : 2);
}

/* Sine and cosine, no more exact than their rounding lets them be. */
INLINE void activation(floats phase, floats *sine, floats *cosine) {
    if (SPLIT) sine_cosine(phase, sine, cosine);
    else rough_sine_cosine(phase, sine, cosine);
}

/* Keep the sines of 32 phases of a sample, those of the last layer in float32, and the cosines. */
INLINE void activate(const block_work *work, long row, long column, floats first, floats second) {
    const long at = row * work->width + column;
    floats sines[2], cosines[2];
    activation(first, &sines[0], &cosines[0]);
    activation(second, &sines[1], &cosines[1]);
    if (work->ends != NULL) {
        store(work->ends + row * work->stride + column, sines[0]);
        store(work->ends + row * work->stride + column + 16, sines[1]);
    } else {
        store_factor(work->to, at, sines[0], sines[1]);
    }
    if (work->cosines != NULL) store_cosines(work->cosines, at, cosines[0], cosines[1]);
}

INLINE void first_layer(const block_work *work, long rows) {
    const layout *at = &work->self->at;
    const float *values = work->self->values, *coordinates = work->place->coordinates;
    const long features = at->size.features;
    for (long column = 0; column < at->size.width; column += BLOCK) {
        const floats bias_1 = load(values + at->biases + column);
        const floats bias_2 = load(values + at->biases + column + 16);
        for (long row = 0; row < rows; row++) {
            floats first = bias_1, second = bias_2;
            for (long feature = 0; feature < features; feature++) {
                const floats by = spread(coordinates[row * features + feature]);
                const float *weights = values + at->first + feature * at->stride + column;
                first = multiply_add(by, load(weights), first);
                second = multiply_add(by, load(weights + 16), second);
            }
            activate(work, row, column, first, second);
        }
    }
}

/* Run a layer's products with packed weights block by block, each finished during the next. */
INLINE void run_blocks(
    block_work work, long rows, factor samples, factor packed,
    void (*const finish)(const void *work, int begin, int end)
) {
    const long width = work.width, steps = width / BLOCK;
    block_product product = {
        .passes = PASSES,
        .left_row = width,
        .left_below = 16 * width,
        .left_step = BLOCK,
        .right_beside = steps * TILE_HALVES,
        .right_step = TILE_HALVES,
        .steps = steps,
        .sums = work.place->sums,
    };
    float *spare = product.sums + BLOCK_FLOATS;
    int begun = 0;
    for (long row = 0; row < rows; row += BLOCK) {
        for (long column = 0; column < width; column += BLOCK) {
            const factor left = beyond(samples, row * width);
            const factor right = beyond(packed, column / 16 * steps * TILE_HALVES);
            take_factors(&product, left, right);
            multiply_halves(&product, finish, begun ? &work : NULL);
            begun = 1;
            work.row = row;
            work.column = column;
            work.sums = product.sums;
            product.sums = spare;
            spare = (float *)work.sums;
        }
    }
    finish(&work, 0, BLOCK);
}

INLINE void activate_rows(const void *context, int begin, int end) {
    const block_work *work = context;
    const layout *at = &work->self->at;
    const float *biases = work->self->values + at->biases + work->layer * at->stride + work->column;
    const floats bias_1 = load(biases), bias_2 = load(biases + 16);
    for (int row = begin; row < end; row++) {
        const float *sums = work->sums + row * BLOCK;
        activate(
            work, work->row + row, work->column, load(sums) + bias_1, load(sums + 16) + bias_2);
    }
}

/* Write the outputs at a group's coordinates, and sines and cosines of every layer; when not training
   only the sines that the next layer needs are kept. */
INLINE void forward(const model *self, const passage *place, long count, const int training) {
    const layout *at = &self->at;
    const long width = at->size.width, features = at->size.features;
    const long rows = (count + BLOCK - 1) / BLOCK * BLOCK;
    const long layer_values = rows_of_group(place) * width;
    for (long value = count * features; value < rows * features; value++)
        place->coordinates[value] = 0.0f;
    block_work work = {.self = self, .place = place, .width = width, .stride = at->stride};
    factor below;
    for (; work.layer < at->size.depth; work.layer++) {
        below = work.to;
        work.to = beyond(place->sines, (training ? work.layer : work.layer % 2) * layer_values);
        work.ends = work.layer == at->size.depth - 1 ? place->ends : NULL;
        work.cosines = training ? cosines_of(place, work.layer, width) : NULL;
        if (work.layer == 0) first_layer(&work, rows);
        else
            run_blocks(
                work, rows, below, beyond(self->to_above, (work.layer - 1) * width * width),
                activate_rows);
    }
    const product outputs = {
        .rows = count,
        .vectors = at->channel_vectors,
        .depth = width,
        .left = place->ends,
        .left_stride = at->stride,
        .right = self->last,
        .right_stride = at->channel_stride,
        .start = self->values + at->last_bias,
        .to = place->outputs,
        .to_stride = at->channel_stride,
    };
    multiply(&outputs);
}

/* ---- backward ---- */

/* Multiply what flows to 32 neurons of a sample by their cosines; it is the derivative by the phases
   then, and goes on to the layer below, that by the first phases in float32. */
INLINE void derive(
    const block_work *work, long row, long column, floats *first, floats *second
) {
    const long at = row * work->width + column;
    floats cosine_1, cosine_2;
    load_cosines(work->cosines, at, &cosine_1, &cosine_2);
    *first = *first * cosine_1;
    *second = *second * cosine_2;
    if (work->ends != NULL) {
        store(work->ends + row * work->stride + column, *first);
        store(work->ends + row * work->stride + column + 16, *second);
    } else {
        store_factor(work->to, at, *first, *second);
    }
}

/* The derivatives by the phases of the last sine layer, and the gradient of its biases. */
INLINE void last_flow(const block_work *work, long rows) {
    const layout *at = &work->self->at;
    const long channels = at->size.channels;
    const float *weights = work->self->values + at->last;
    float *biases = work->gradient + at->biases + work->layer * at->stride;
    for (long column = 0; column < at->size.width; column += BLOCK) {
        floats bias_1 = load(biases + column), bias_2 = load(biases + column + 16);
        for (long row = 0; row < rows; row++) {
            floats first = spread(0.0f), second = spread(0.0f);
            for (long channel = 0; channel < channels; channel++) {
                const floats slope = spread(work->place->outputs[row * at->channel_stride + channel]);
                const float *from = weights + channel * at->stride + column;
                first = multiply_add(slope, load(from), first);
                second = multiply_add(slope, load(from + 16), second);
            }
            derive(work, row, column, &first, &second);
            bias_1 = bias_1 + first;
            bias_2 = bias_2 + second;
        }
        store(biases + column, bias_1);
        store(biases + column + 16, bias_2);
    }
}

/* The same for a block of a layer below, between whose rows the gradient of biases waits in memory. */
INLINE void derive_rows(const void *context, int begin, int end) {
    const block_work *work = context;
    const layout *at = &work->self->at;
    float *biases = work->gradient + at->biases + work->layer * at->stride + work->column;
    floats bias_1 = load(biases), bias_2 = load(biases + 16);
    for (int row = begin; row < end; row++) {
        floats first = load(work->sums + row * BLOCK), second = load(work->sums + row * BLOCK + 16);
        derive(work, work->row + row, work->column, &first, &second);
        bias_1 = bias_1 + first;
        bias_2 = bias_2 + second;
    }
    store(biases, bias_1);
    store(biases + 16, bias_2);
}

/* Write a group's gradient of a hidden layer's weights, or add it to that of those before: what flows
   transposed times the sines below, a block after the other. Rows and columns of a block are mixed. */
INLINE void weight_gradient(
    const model *self, const passage *place, factor below, long rows, factor flow, int add,
    float *gradient
) {
    const long width = self->at.size.width, row_blocks = rows / BLOCK;
    const long panel = row_blocks * TILE_HALVES; /* 16 columns of all samples */
    for (int low = 0; low <= SPLIT; low++) {
        const half *from_flow = low ? flow.low : flow.high, *from_below = low ? below.low : below.high;
        half *left = low ? place->left.low : place->left.high;
        half *right = low ? place->right.low : place->right.high;
        for (long row = 0; row < rows; row += BLOCK) {
            for (long column = 0; column < width; column += BLOCK) {
                const long from = row * width + column;
                const long to = column / 16 * panel + row / BLOCK * TILE_HALVES;
                transpose_rows(from_flow + from, width, left + to, left + to + panel);
                pair_rows(from_below + from, width, right + to, right + to + panel);
            }
        }
    }
    block_product product = {
        .passes = PASSES,
        .left_row = BLOCK,
        .left_below = panel,
        .left_step = TILE_HALVES,
        .right_beside = panel,
        .right_step = TILE_HALVES,
        .steps = row_blocks,
        .added = add,
        .sums = gradient,
    };
    for (long out = 0; out < width; out += BLOCK) {
        for (long in = 0; in < width; in += BLOCK, product.sums += BLOCK_FLOATS) {
            const factor left = beyond(place->left, out / 16 * panel);
            const factor right = beyond(place->right, in / 16 * panel);
            take_factors(&product, left, right);
            multiply_halves(&product, derive_rows, NULL);
        }
    }
}

/* Write the gradient of a group of samples, or add it to that of those before, from the derivatives
   by the outputs. */
static void backward(
    const model *self, const passage *place, long count, int add, float *gradient
) {
    const layout *at = &self->at;
    const long width = at->size.width, square = width * width;
    const long rows = (count + BLOCK - 1) / BLOCK * BLOCK;
    const long layer_values = rows_of_group(place) * width;
    memset(
        place->outputs + count * at->channel_stride, 0,
        (size_t)((rows - count) * at->channel_stride) * sizeof(float));
    if (!add)
        memset(gradient + at->biases, 0, (size_t)(at->size.depth * at->stride) * sizeof(float));
    product weights = {
        .rows = at->size.channels,
        .vectors = at->vectors,
        .depth = count,
        .left = place->outputs,
        .left_stride = at->channel_stride,
        .right = place->ends,
        .right_stride = at->stride,
        .start = add ? gradient + at->last : NULL,
        .start_stride = at->stride,
        .to = gradient + at->last,
        .to_stride = at->stride,
    };
    multiply_over_samples(&weights);
    sum_samples(
        place->outputs, count, at->channel_vectors, at->channel_stride, add,
        gradient + at->last_bias);
    block_work work = {
        .self = self,
        .place = place,
        .layer = at->size.depth - 1,
        .width = width,
        .stride = at->stride,
        .gradient = gradient,
    };
    for (;;) {
        work.cosines = cosines_of(place, work.layer, width);
        work.ends = work.layer == 0 ? place->ends : NULL;
        const factor flow = place->flow[(at->size.depth - work.layer) % 2];
        work.to = place->flow[(at->size.depth - 1 - work.layer) % 2];
        if (work.layer == at->size.depth - 1) last_flow(&work, rows);
        else run_blocks(work, rows, flow, beyond(self->to_below, work.layer * square), derive_rows);
        if (work.layer == 0) break;
        work.layer--;
        weight_gradient(
            self, place, beyond(place->sines, work.layer * layer_values), rows, work.to, add,
            gradient + work.layer * square);
    }
    weights.rows = at->size.features;
    weights.depth = rows;
    weights.left = place->coordinates;
    weights.left_stride = at->size.features;
    weights.to = gradient + at->first;
    weights.start = add ? weights.to : NULL;
    multiply_over_samples(&weights);
}

/* ---- the gradient ---- */

/* Put rows of hidden weights' gradients, which lie in blocks with mixed rows and columns, in their
   order: the sum of all parts', for some neurons of one layer. */
static void order_rows(
    const layout *at, const float *gradients, long stride, long parts, long begin, long end,
    float *to, long to_stride
) {
    const long width = at->size.width, blocks = width / BLOCK;
    const __m512i one = _mm512_set_epi32(23, 22, 21, 20, 7, 6, 5, 4, 19, 18, 17, 16, 3, 2, 1, 0);
    const __m512i two = _mm512_add_epi32(one, _mm512_set1_epi32(8));
    for (long neuron = begin; neuron < end; neuron += BLOCK) {
        for (long block = 0; block < blocks; block++) {
            const float *sums = gradients + (neuron / BLOCK * blocks + block) * BLOCK_FLOATS;
            for (int row = 0; row < BLOCK; row++) {
                floats even = load(sums + row * BLOCK), odd = load(sums + row * BLOCK + 16);
                for (long each = 1; each < parts; each++) {
                    even = even + load(sums + each * stride + row * BLOCK);
                    odd = odd + load(sums + each * stride + row * BLOCK + 16);
                }
                float *place =
                    to + (neuron + mixed_column(row / 16, row % 16)) * to_stride + block * BLOCK;
                store(place, _mm512_permutex2var_ps(even, one, odd));
                store(place + 16, _mm512_permutex2var_ps(even, two, odd));
            }
        }
    }
}

static long settled_floats(const layout *at) { return at->count; }

/* Return a gradient in the order of the model's values. */
static const float *settle(const layout *at, const float *gradient, float *settled) {
    const long neurons = (at->size.depth - 1L) * at->size.width;
    order_rows(at, gradient, 0, 1, 0, neurons, settled, at->stride);
    memcpy(
        settled + at->biases, gradient + at->biases,
        (size_t)(at->count - at->biases) * sizeof(float));
    return settled;
}

/* Put the sum of the gradients of all parts into a row like that of values, for some hidden neurons. */
static void gather_hidden(
    const layout *at, float *gradients, long stride, long parts, long begin, long end, float *row
) {
    order_rows(at, gradients, stride, parts, begin, end, row, at->size.width);
}

#endif
