/* Training and evaluation of one small sine network, over the vectors of one instruction set.

   A source file includes the vectors first, names its INSTRUCTION_SET and includes this. The rows of
   all matrices are padded with zeros to whole vectors, so that no loop over neurons has a rest. The
   padding stays zero by itself: the sine of zero is zero, and no weight leads on from there.

   A batch goes through all layers in groups of samples whose activations stay in the core's cache;
   one matrix product, `multiply`, serves all layers, forward and backward. */

#include <math.h>
#include <string.h>

#include "small_networks.h"

enum {
    /* Samples that go through the layers together at most: fewer would read the weights too often,
       more would not stay where the core reads them fastest. */
    MOST_GROUP = 64,
    LINE = 16, /* floats of a cache line */
};

/* ---- sines ---- */

/* Both functions of a phase, within 2e-7 up to a few million, where float32 itself has no sense any
   more; beyond they are some numbers of at most 1.1. The phase less the nearest multiple of pi, whose
   parity gives the sign, goes through polynomials of least greatest error on [-pi/2, pi/2]. */
INLINE void sine_cosine(floats phase, floats *sine, floats *cosine) {
    const floats shift = spread(12582912.0f); /* 1.5 * 2^23: its last bit counts ones */
    const floats shifted = multiply_add(phase, spread(0.318309886f), shift);
    const floats turns = shifted - shift;
#ifdef PLAIN_PRODUCTS
    /* The products of the first two parts of pi, of few bits, are exact. */
    floats rest = subtract_product(phase, turns, spread(3.140625f));
    rest = subtract_product(rest, turns, spread(9.67502593994140625e-4f));
    rest = subtract_product(rest, turns, spread(1.509957990978376432e-7f));
#else
    floats rest = subtract_product(phase, turns, spread(3.14159274f));
    rest = subtract_product(rest, turns, spread(-8.74227766e-8f));
#endif
    rest = bounded(rest, spread(1.6f));
    const floats square = rest * rest;
    floats odd = spread(2.600024345e-6f);
    odd = multiply_add(odd, square, spread(-1.980660163e-4f));
    odd = multiply_add(odd, square, spread(8.333017118e-3f));
    odd = multiply_add(odd, square, spread(-0.1666665673f));
    floats even = spread(2.319438575e-5f);
    even = multiply_add(even, square, spread(-1.385592715e-3f));
    even = multiply_add(even, square, spread(0.04166398945f));
    even = multiply_add(even, square, spread(-0.4999993229f));
    *sine = turned(multiply_add(odd * square, rest, rest), shifted);
    *cosine = turned(multiply_add(even, square, spread(1.0f)), shifted);
}

/* ---- products ---- */

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

/* ---- the layout of a member ---- */

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

/* Put a row of values in its places. */
static void place_values(const layout *at, const float *row, float *to) {
    const long width = at->size.width, features = at->size.features, channels = at->size.channels;
    row = spread_rows(row, (at->size.depth - 1) * width + at->size.depth, width, to, at->stride);
    for (long neuron = 0; neuron < width; neuron++)
        for (long feature = 0; feature < features; feature++)
            to[at->first + feature * at->stride + neuron] = *row++;
    row = spread_rows(row, channels, width, to + at->last, at->stride);
    spread_rows(row, 1, channels, to + at->last_bias, at->channel_stride);
}

/* Take a row of values from its places. */
static void take_values(const layout *at, const float *from, float *row) {
    const long width = at->size.width, features = at->size.features, channels = at->size.channels;
    row = gather_rows(from, (at->size.depth - 1) * width + at->size.depth, width, at->stride, row);
    for (long neuron = 0; neuron < width; neuron++)
        for (long feature = 0; feature < features; feature++)
            *row++ = from[at->first + feature * at->stride + neuron];
    row = gather_rows(from + at->last, channels, width, at->stride, row);
    gather_rows(from + at->last_bias, 1, channels, at->channel_stride, row);
}

/* ---- the workspace ---- */

typedef struct {
    layout at;
    long group; /* most samples that go through the layers together */
    float *values, *averages, *squares, *rates, *bounds, *gradient; /* (at.count) */
    float *transposed;    /* hidden weights (in, out), one layer after the other */
    float *last;          /* (width, channels) weights of the last layer */
    float *sines;         /* (depth, group, width) of training, (2, group, width) of evaluation */
    float *cosines;       /* (depth, group, width), then the derivatives by the phases */
    float *coordinates;   /* (group, features) */
    float *targets;       /* (group, channels) */
    float *outputs;       /* (group, channels), then the derivatives by the outputs */
} workspace;

/* Groups of about the same size, so that no small one comes last. */
static long group_of(long batch) {
    const long groups = (batch + MOST_GROUP - 1) / MOST_GROUP;
    return groups == 0 ? 0 : ((batch + groups - 1) / groups + 3) / 4 * 4;
}

/* Lay out a workspace in some memory; return how many floats it takes. */
static long arrange(workspace *place, network_size size, long batch, int training, float *memory) {
    const layout at = lay_out(size);
    place->at = at;
    place->group = group_of(batch);
    const long layer = place->group * at.stride, square = size.width * at.stride;
    long used = 0;
#define TAKE(name, count) \
    place->name = memory + used; \
    used += ((count) + LINE - 1) / LINE * LINE
    TAKE(values, at.count);
    if (training) {
        TAKE(averages, at.count);
        TAKE(squares, at.count);
        TAKE(rates, at.count);
        TAKE(bounds, at.count);
        TAKE(gradient, at.count);
        TAKE(cosines, size.depth * layer);
        TAKE(targets, place->group * at.channel_stride);
    }
    TAKE(transposed, (size.depth - 1) * square);
    TAKE(last, size.width * at.channel_stride);
    TAKE(sines, (training ? size.depth : 2) * layer);
    TAKE(coordinates, place->group * size.features);
    TAKE(outputs, place->group * at.channel_stride);
#undef TAKE
    return used;
}

static size_t train_floats(network_size size, long batch) {
    workspace place;
    return (size_t)arrange(&place, size, batch, 1, NULL);
}

static size_t evaluate_floats(network_size size) {
    workspace place;
    return (size_t)arrange(&place, size, MOST_GROUP, 0, NULL);
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

/* Bring the copies of the weights that the way forward reads up to date. */
static void refresh(const workspace *place) {
    const layout *at = &place->at;
    const long width = at->size.width, square = width * at->stride;
    for (long layer = 0; layer < at->size.depth - 1; layer++)
        transpose(
            place->values + layer * square, width, width, at->stride,
            place->transposed + layer * square, at->stride);
    transpose(
        place->values + at->last, at->size.channels, width, at->stride, place->last,
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

/* Write the outputs at some coordinates, and sines and cosines of every layer; without cosines only
   the sines that the next layer needs are kept. */
INLINE void forward(
    const workspace *place, const float *coordinates, long count, const int training
) {
    const layout *at = &place->at;
    const long layer_floats = place->group * at->stride, square = at->size.width * at->stride;
    const float *below = coordinates;
    for (long layer = 0; layer < at->size.depth; layer++) {
        float *sines = place->sines + (training ? layer : layer % 2) * layer_floats;
        const product phases = {
            .rows = count,
            .vectors = at->vectors,
            .depth = layer == 0 ? at->size.features : at->size.width,
            .left = below,
            .left_stride = layer == 0 ? at->size.features : at->stride,
            .right = layer == 0 ? place->values + at->first : place->transposed + (layer - 1) * square,
            .right_stride = at->stride,
            .start = place->values + at->biases + layer * at->stride,
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
        .right = place->last,
        .right_stride = at->channel_stride,
        .start = place->values + at->last_bias,
        .to = place->outputs,
        .to_stride = at->channel_stride,
    };
    multiply(&outputs);
}

/* ---- backward ---- */

/* Put the derivatives of the loss in place of the outputs; return the sum of squared differences. */
static double differentiate(const workspace *place, long count, float scale) {
    const layout *at = &place->at;
    floats sum = spread(0.0f);
    for (long row = 0; row < count; row++) {
        for (long vector = 0; vector < at->channel_vectors; vector++) {
            const long where = row * at->channel_stride + vector * LANES;
            const floats difference = load(place->outputs + where) - load(place->targets + where);
            sum = multiply_add(difference, difference, sum);
            store(place->outputs + where, difference * spread(scale));
        }
    }
    float lanes[LANES];
    store(lanes, sum);
    double total = 0.0;
    for (int lane = 0; lane < LANES; lane++) total += lanes[lane];
    return total;
}

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

/* Write the gradient of a group of samples, or add it to that of those before, from the derivatives
   by the outputs. What flows back is multiplied with a layer's cosines, whose place it takes. */
static void backward(const workspace *place, const float *coordinates, long count, int add) {
    const layout *at = &place->at;
    const long layer_floats = place->group * at->stride, square = at->size.width * at->stride;
    const long top = at->size.depth - 1;
    float *gradient = place->gradient;
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
        .right = place->values + at->last,
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
        weights.left = layer == 0 ? coordinates : derivative;
        weights.left_stride = layer == 0 ? at->size.features : at->stride;
        weights.right = layer == 0 ? derivative : place->sines + (layer - 1) * layer_floats;
        weights.to = gradient + (layer == 0 ? at->first : (layer - 1) * square);
        weights.start = add ? weights.to : NULL;
        multiply_over_samples(&weights);
        if (layer == 0) break;
        flow.depth = at->size.width;
        flow.left = derivative;
        flow.left_stride = at->stride;
        flow.right = place->values + (layer - 1) * square;
        flow.times = flow.to = place->cosines + (layer - 1) * layer_floats;
    }
}

/* ---- Adam ---- */

/* Take the step number `step`, counted from 1 (Kingma & Ba, 2015, algorithm 1). */
static void update(const workspace *place, const training *work, float factor, long step) {
    const floats decay = spread((float)(1.0 - work->decay));
    const floats keep = spread((float)work->square_decay);
    const floats square_decay = spread((float)(1.0 - work->square_decay));
    const floats pace = spread((float)(factor / (1.0 - pow(work->decay, (double)step))));
    const floats rise = spread((float)(1.0 / sqrt(1.0 - pow(work->square_decay, (double)step))));
    const floats epsilon = spread((float)work->epsilon);
    const int limited = work->bounds != NULL;
    for (long at = 0; at < place->at.count; at += LANES) {
        const floats gradient = load(place->gradient + at);
        floats average = load(place->averages + at), square = load(place->squares + at);
        average = multiply_add(gradient - average, decay, average);
        square = multiply_add(square_decay * gradient, gradient, keep * square);
        store(place->averages + at, average);
        store(place->squares + at, square);
        const floats size = multiply_add(square_root(square), rise, epsilon);
        const floats rate = load(place->rates + at) * pace;
        floats value = subtract_product(load(place->values + at), quotient(average, size), rate);
        if (limited) value = bounded(value, load(place->bounds + at));
        store(place->values + at, value);
    }
}

/* ---- a member ---- */

/* Zero the padding: what another member has left there need not be finite. */
static void clear(float *memory, long floats) { memset(memory, 0, (size_t)floats * sizeof(float)); }

static void train(const training *work, float *memory) {
    workspace place;
    clear(memory, arrange(&place, work->size, work->batch, 1, memory));
    const layout *at = &place.at;
    const long features = work->size.features, channels = work->size.channels;
    place_values(at, work->values, place.values);
    place_values(at, work->averages, place.averages);
    place_values(at, work->squares, place.squares);
    place_values(at, work->rates, place.rates);
    if (work->bounds != NULL) place_values(at, work->bounds, place.bounds);
    const double share = 1.0 / ((double)work->batch * (double)channels);
    double loss = 0.0;
    for (long step = 0; step < work->steps; step++) {
        const int32_t *indices = work->indices + step * work->batch;
        double squares = 0.0;
        refresh(&place);
        for (long begin = 0; begin < work->batch; begin += place.group) {
            const long left = work->batch - begin, count = left < place.group ? left : place.group;
            for (long row = 0; row < count; row++) {
                const float *sample = work->samples + indices[begin + row] * (features + channels);
                for (long feature = 0; feature < features; feature++)
                    place.coordinates[row * features + feature] = *sample++;
                for (long channel = 0; channel < channels; channel++)
                    place.targets[row * at->channel_stride + channel] = *sample++;
            }
            forward(&place, place.coordinates, count, 1);
            squares += differentiate(&place, count, (float)(2.0 * share));
            backward(&place, place.coordinates, count, begin > 0);
        }
        update(&place, work, work->factors[step], work->taken + step + 1);
        loss += squares * share;
    }
    take_values(at, place.values, work->values);
    take_values(at, place.averages, work->averages);
    take_values(at, place.squares, work->squares);
    *work->loss = (float)loss;
}

static void evaluate(const evaluation *work, float *memory) {
    workspace place;
    clear(memory, arrange(&place, work->size, MOST_GROUP, 0, memory));
    const long features = work->size.features, channels = work->size.channels;
    place_values(&place.at, work->values, place.values);
    refresh(&place);
    for (long begin = 0; begin < work->count; begin += place.group) {
        const long left = work->count - begin, count = left < place.group ? left : place.group;
        forward(&place, work->coordinates + begin * features, count, 0);
        gather_rows(
            place.outputs, count, channels, place.at.channel_stride, work->outputs + begin * channels);
    }
}

const instruction_set INSTRUCTION_SET = {train_floats, evaluate_floats, train, evaluate};
