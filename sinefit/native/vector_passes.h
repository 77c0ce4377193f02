/* The way through a network and back by vectors, all of it in float32.

   The rows of all matrices are padded with zeros to whole vectors, so that no loop over neurons has a
   rest. The padding stays zero by itself: the sine of zero is zero, and no weight leads on from
   there. One matrix product, `multiply`, serves all layers, forward and backward. */

#ifndef SINEFIT_VECTOR_PASSES_H
#define SINEFIT_VECTOR_PASSES_H

#include "layout.h"
#include "vector_products.h"
#include "vector_sines.h"

enum {
    /* Samples that go through the layers together at most: fewer would read the weights too often,
       more would not stay where the core reads them fastest. */
    MOST_GROUP = 64,
};

/* A network's weights: as they lie, and as the way forward reads them. */
typedef struct {
    layout at;
    float *values;     /* (at.count) */
    float *transposed; /* hidden weights (in, out), one layer after the other */
    float *last;       /* (width, channels) weights of the last layer */
} model;

/* What a group of samples leaves on its way. */
typedef struct {
    long group;         /* most samples that go through the layers together */
    float *coordinates; /* (group, features) */
    float *targets;     /* (group, channels) */
    float *outputs;     /* (group, channels), then the derivatives by the outputs */
    float *sines;       /* (depth, group, width) of training, (2, group, width) of evaluation */
    float *cosines;     /* (depth, group, width), then the derivatives by the phases */
} passage;

/* Lay a model out in some memory; return how many floats it takes. */
static long arrange_model(model *self, network_size size, int training, float *memory) {
    (void)training;
    const layout at = lay_out(size);
    long used = 0;
    self->at = at;
    self->values = take(memory, &used, at.count);
    self->transposed = take(memory, &used, (size.depth - 1) * size.width * at.stride);
    self->last = take(memory, &used, size.width * at.channel_stride);
    return used;
}

static long arrange_passage(
    passage *self, network_size size, long group, int training, float *memory
) {
    const layout at = lay_out(size);
    const long layer = group * at.stride;
    long used = 0;
    self->group = group;
    self->coordinates = take(memory, &used, group * size.features);
    self->targets = take(memory, &used, training ? group * at.channel_stride : 0);
    self->outputs = take(memory, &used, group * at.channel_stride);
    self->sines = take(memory, &used, (training ? size.depth : 2) * layer);
    self->cosines = take(memory, &used, training ? size.depth * layer : 0);
    return used;
}

/* ---- forward ---- */

/* Transpose a matrix (rows, columns). */
static void transpose(
    const float *from, long rows, long columns, long stride, float *to, long to_stride
) {
    const long whole_rows = rows - rows % LANES, whole_columns = columns - columns % LANES;
    for (long row = 0; row < whole_rows; row += LANES) {
        for (long column = 0; column < whole_columns; column += LANES) {
            floats block[LANES];
            UNROLLED for (int i = 0; i < LANES; i++)
                block[i] = load(from + (row + i) * stride + column);
            /* The two blocks of `half` rows and lanes beside the diagonal change places. */
            UNROLLED for (int half = LANES / 2; half > 0; half /= 2) {
                UNROLLED for (int pair = 0; pair < LANES / 2; pair++) {
                    const int i = pair / half * 2 * half + pair % half;
                    swap_lanes(&block[i], &block[i + half], half);
                }
            }
            UNROLLED for (int i = 0; i < LANES; i++)
                store(to + (column + i) * to_stride + row, block[i]);
        }
    }
    for (long row = 0; row < rows; row++)
        for (long column = row < whole_rows ? whole_columns : 0; column < columns; column++)
            to[column * to_stride + row] = from[row * stride + column];
}

/* Bring the copies of hidden weights up to date for some neurons, counted through all layers, of one
   layer each time; and those of the last layer's. */
static void refresh_hidden(const model *self, long begin, long end) {
    const layout *at = &self->at;
    const long width = at->size.width, layer = begin / width, first = begin % width;
    transpose(
        self->values + begin * at->stride, end - begin, width, at->stride,
        self->transposed + layer * width * at->stride + first, at->stride);
}

static void refresh_last(const model *self) {
    const layout *at = &self->at;
    transpose(
        self->values + at->last, at->size.channels, at->size.width, at->stride, self->last,
        at->channel_stride);
}

/* Turn a layer's phases into their sines, and write their cosines unless NULL. */
INLINE void activate(const layout *at, long count, float *sines, float *cosines) {
    for (long row = 0; row < count; row++) {
        for (long vector = 0; vector < at->vectors; vector++) {
            const long place = row * at->stride + vector * LANES;
            floats sine, cosine;
            sine_cosine(load(sines + place), &sine, &cosine);
            store(sines + place, sine);
            if (cosines != NULL) store(cosines + place, cosine);
        }
    }
}

/* Write the outputs at a group's coordinates, and sines and cosines of every layer; without cosines only
   the sines that the next layer needs are kept. */
INLINE void forward(const model *self, const passage *place, long count, const int training) {
    const layout *at = &self->at;
    const long layer_floats = place->group * at->stride, square = at->size.width * at->stride;
    const float *below = place->coordinates;
    for (long layer = 0; layer < at->size.depth; layer++) {
        float *sines = place->sines + (training ? layer : layer % 2) * layer_floats;
        const product phases = {
            .rows = count,
            .vectors = at->vectors,
            .depth = layer == 0 ? at->size.features : at->size.width,
            .left = below,
            .left_stride = layer == 0 ? at->size.features : at->stride,
            .right = layer == 0 ? self->values + at->first : self->transposed + (layer - 1) * square,
            .right_stride = at->stride,
            .start = self->values + at->biases + layer * at->stride,
            .to = sines,
            .to_stride = at->stride,
        };
        multiply(&phases);
        activate(at, count, sines, training ? place->cosines + layer * layer_floats : NULL);
        below = sines;
    }
    const product outputs = {
        .rows = count,
        .vectors = at->channel_vectors,
        .depth = at->size.width,
        .left = below,
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

/* Write the gradient of a group of samples, or add it to that of those before, from the derivatives
   by the outputs. What flows back is multiplied with a layer's cosines, whose place it takes. */
static void backward(
    const model *self, const passage *place, long count, int add, float *gradient
) {
    const layout *at = &self->at;
    const long layer_floats = place->group * at->stride, square = at->size.width * at->stride;
    const long top = at->size.depth - 1;
    product weights = {
        .rows = at->size.channels,
        .vectors = at->vectors,
        .depth = count,
        .left = place->outputs,
        .left_stride = at->channel_stride,
        .right = place->sines + top * layer_floats,
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
    product flow = {
        .rows = count,
        .vectors = at->vectors,
        .depth = at->size.channels,
        .left = place->outputs,
        .left_stride = at->channel_stride,
        .right = self->values + at->last,
        .right_stride = at->stride,
        .times = place->cosines + top * layer_floats,
        .to = place->cosines + top * layer_floats,
        .to_stride = at->stride,
    };
    for (long layer = top;; layer--) {
        multiply(&flow);
        const float *derivative = flow.to;
        sum_samples(
            derivative, count, at->vectors, at->stride, add,
            gradient + at->biases + layer * at->stride);
        weights.rows = layer == 0 ? at->size.features : at->size.width;
        weights.left = layer == 0 ? place->coordinates : derivative;
        weights.left_stride = layer == 0 ? at->size.features : at->stride;
        weights.right = layer == 0 ? derivative : place->sines + (layer - 1) * layer_floats;
        weights.to = gradient + (layer == 0 ? at->first : (layer - 1) * square);
        weights.start = add ? weights.to : NULL;
        multiply_over_samples(&weights);
        if (layer == 0) break;
        flow.depth = at->size.width;
        flow.left = derivative;
        flow.left_stride = at->stride;
        flow.right = self->values + (layer - 1) * square;
        flow.times = flow.to = place->cosines + (layer - 1) * layer_floats;
    }
}

/* ---- the gradient ---- */

/* Gradients lie like the model's values, from the first group on. */
static long settled_floats(const layout *at) {
    (void)at;
    return 0;
}
static const float *settle(const layout *at, const float *gradient, float *settled) {
    (void)at, (void)settled;
    return gradient;
}

/* Add the gradients of all parts to that of the first, for some hidden neurons of one layer, and put
   them into a row like that of values. */
static void gather_hidden(
    const layout *at, float *gradients, long stride, long parts, long begin, long end, float *row
) {
    add_parts(gradients, stride, parts, begin * at->stride, end * at->stride);
    take_hidden(at, gradients, begin, end, row);
}

/* What a thread does before passes and after them: nothing, by vectors. */
static void begin_passes(void) {}
static void end_passes(void) {}

/* ---- what a core does at best ---- */

/* Multiply and add in registers alone, as fast as a core does; return how many operations that is. */
static double peak_products(long rounds) {
    enum { SUMS = 12 };
    static volatile float kept;
    floats sums[SUMS];
    const floats factor = spread(0.999f), addend = spread(0.001f);
    UNROLLED for (int at = 0; at < SUMS; at++) sums[at] = spread((float)at);
    for (long round = 0; round < rounds; round++) {
        UNROLLED for (int at = 0; at < SUMS; at++)
            sums[at] = multiply_add(sums[at], factor, addend);
        __asm__ volatile("");
    }
    float lanes[LANES];
    UNROLLED for (int at = 1; at < SUMS; at++) sums[0] = sums[0] + sums[at];
    store(lanes, sums[0]);
    kept = lanes[0];
    (void)kept;
    return 2.0 * LANES * SUMS * (double)rounds;
}

/* Sine and cosine as the passes take them. */
INLINE void activation(floats phase, floats *sine, floats *cosine) {
    sine_cosine(phase, sine, cosine);
}

#endif
