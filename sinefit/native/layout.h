/* Where the parameters of a network lie while it is worked on. */

#ifndef SINEFIT_LAYOUT_H
#define SINEFIT_LAYOUT_H

#include <string.h>

#include "small_networks.h"

enum { LINE = 16 /* floats of a cache line */ };

/* Where a member's parameters lie in a workspace: rows of whole vectors, in the order of the rows of
   values. The first layer's weights are transposed, as the products of samples want them; those of
   the other layers lie as they are, for the way back. */
typedef struct {
    network_size size;
    long vectors, stride;                 /* of a row of neurons */
    long channel_vectors, channel_stride; /* of a row of channels */
    long biases, first, last, last_bias;  /* where they begin; the hidden weights are at 0 */
    long count;
} layout;

/* Rows whose distance is many whole lines meet in few places of a cache. */
static long stride_of(long vectors) {
    long floats = (vectors * LANES + LINE - 1) / LINE * LINE;
    return floats % (8 * LINE) == 0 ? floats + LINE : floats;
}

static layout lay_out(network_size size) {
    layout at = {.size = size};
    at.vectors = (size.width + LANES - 1) / LANES;
    at.stride = stride_of(at.vectors);
    at.channel_vectors = (size.channels + LANES - 1) / LANES;
    at.channel_stride = stride_of(at.channel_vectors);
    at.biases = (long)(size.depth - 1) * size.width * at.stride;
    at.first = at.biases + size.depth * at.stride;
    at.last = at.first + size.features * at.stride;
    at.last_bias = at.last + size.channels * at.stride;
    at.count = at.last_bias + at.channel_stride;
    return at;
}

/* Copy rows of `count` values to rows of another length. */
static const float *spread_rows(const float *from, long rows, long count, float *to, long stride) {
    for (long row = 0; row < rows; row++)
        memcpy(to + row * stride, from + row * count, (size_t)count * sizeof(float));
    return from + rows * count;
}

static float *gather_rows(const float *from, long rows, long count, long stride, float *to) {
    for (long row = 0; row < rows; row++)
        memcpy(to + row * count, from + row * stride, (size_t)count * sizeof(float));
    return to + rows * count;
}

/* Put the hidden weights of some neurons, counted through all layers, in their places. */
static void place_hidden(const layout *at, const float *row, long begin, long end, float *to) {
    const long width = at->size.width;
    spread_rows(row + begin * width, end - begin, width, to + begin * at->stride, at->stride);
}

/* Put all but the hidden weights of a row of values in its places. */
static void place_rest(const layout *at, const float *row, float *to) {
    const long width = at->size.width, features = at->size.features, channels = at->size.channels;
    row += (at->size.depth - 1) * width * width;
    row = spread_rows(row, at->size.depth, width, to + at->biases, at->stride);
    for (long neuron = 0; neuron < width; neuron++)
        for (long feature = 0; feature < features; feature++)
            to[at->first + feature * at->stride + neuron] = *row++;
    row = spread_rows(row, channels, width, to + at->last, at->stride);
    spread_rows(row, 1, channels, to + at->last_bias, at->channel_stride);
}

static void place_values(const layout *at, const float *row, float *to) {
    place_hidden(at, row, 0, (at->size.depth - 1L) * at->size.width, to);
    place_rest(at, row, to);
}

/* The other way: take a row of values from its places. */
static void take_hidden(const layout *at, const float *from, long begin, long end, float *row) {
    const long width = at->size.width;
    gather_rows(from + begin * at->stride, end - begin, width, at->stride, row + begin * width);
}

static void take_rest(const layout *at, const float *from, float *row) {
    const long width = at->size.width, features = at->size.features, channels = at->size.channels;
    row += (at->size.depth - 1) * width * width;
    row = gather_rows(from + at->biases, at->size.depth, width, at->stride, row);
    for (long neuron = 0; neuron < width; neuron++)
        for (long feature = 0; feature < features; feature++)
            *row++ = from[at->first + feature * at->stride + neuron];
    row = gather_rows(from + at->last, channels, width, at->stride, row);
    gather_rows(from + at->last_bias, 1, channels, at->channel_stride, row);
}

static void take_values(const layout *at, const float *from, float *row) {
    take_hidden(at, from, 0, (at->size.depth - 1L) * at->size.width, row);
    take_rest(at, from, row);
}

/* ---- memory ---- */

/* Lay `count` floats out in whole cache lines after those that are `used`. */
static float *take(float *memory, long *used, long count) {
    float *here = memory == NULL ? NULL : memory + *used;
    *used += (count + LINE - 1) / LINE * LINE;
    return here;
}

#endif
