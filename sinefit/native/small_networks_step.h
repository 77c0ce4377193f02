/* Training and evaluation of a sine network, over the passes of one instruction set.

   A source file includes the vectors and the passes first, names its INSTRUCTION_SET and includes
   this. A batch goes through all layers in groups of samples whose activations stay in the core's
   cache. */

#include <math.h>
#include <string.h>

#include "small_networks.h"

/* ---- one group after the other ---- */

/* The rows of a group: of whole targets, with all their points. Groups have about the same size, so
   that no small one comes last. */
static long group_of(long batch, long points) {
    if (points > 1) return points < MOST_GROUP ? MOST_GROUP / points * points : points;
    const long groups = (batch + MOST_GROUP - 1) / MOST_GROUP;
    return groups == 0 ? 0 : ((batch + groups - 1) / groups + 3) / 4 * 4;
}

/* Put the derivatives of the loss in place of the outputs at the points of `count` targets, whose
   means are to meet them; return the sum of squared differences. */
static double differentiate(
    const layout *at, const passage *place, long count, long points, float scale
) {
    const floats share = spread(1.0f / (float)points), slope = spread(scale / (float)points);
    const long stride = at->channel_stride;
    floats sum = spread(0.0f);
    for (long target = 0; target < count; target++) {
        for (long vector = 0; vector < at->channel_vectors; vector++) {
            float *outputs = place->outputs + target * points * stride + vector * LANES;
            floats mean = load(outputs);
            for (long point = 1; point < points; point++) mean = mean + load(outputs + point * stride);
            if (points > 1) mean = mean * share;
            const floats wanted = load(place->targets + target * stride + vector * LANES);
            const floats difference = mean - wanted;
            sum = multiply_add(difference, difference, sum);
            for (long point = 0; point < points; point++)
                store(outputs + point * stride, difference * slope);
        }
    }
    float lanes[LANES];
    store(lanes, sum);
    double total = 0.0;
    for (int lane = 0; lane < LANES; lane++) total += lanes[lane];
    return total;
}

/* Where the samples of a batch are: rows of a table that indices tell, or one after the other. */
typedef struct {
    const float *coordinates, *targets;
    long coordinate_stride, target_stride;
    const int32_t *indices; /* NULL for one after the other */
    const float *offsets;   /* (points, features) from coordinates, NULL for none */
    long count, points;
} batch;

static void gather_samples(
    const layout *at, const passage *place, const batch *from, long begin, long count
) {
    const long features = at->size.features, channels = at->size.channels, points = from->points;
    float *row = place->coordinates;
    for (long target = 0; target < count; target++) {
        const long number = from->indices == NULL ? begin + target : from->indices[begin + target];
        const float *coordinates = from->coordinates + number * from->coordinate_stride;
        const float *targets = from->targets + number * from->target_stride;
        const float *offsets = from->offsets;
        for (long point = 0; point < points; point++)
            for (long feature = 0; feature < features; feature++)
                *row++ = coordinates[feature] + (offsets == NULL ? 0.0f : *offsets++);
        for (long channel = 0; channel < channels; channel++)
            place->targets[target * at->channel_stride + channel] = targets[channel];
    }
}

/* Write the gradient of a batch; return the sum of squared differences. */
static double batch_gradient(
    const model *self, const passage *place, const batch *from, float scale, float *gradient
) {
    const long points = from->points, most = place->group / points;
    double squares = 0.0;
    for (long begin = 0; begin < from->count; begin += most) {
        const long left = from->count - begin, count = left < most ? left : most;
        gather_samples(&self->at, place, from, begin, count);
        forward(self, place, count * points, 1);
        squares += differentiate(&self->at, place, count, points, scale);
        backward(self, place, count * points, begin > 0, gradient);
    }
    return squares;
}

/* ---- Adam ---- */

typedef struct {
    floats decay, keep, square_decay, epsilon, pace, rise;
} adam_step;

/* The factor on the rates over 1 - beta1^t, and 1 / sqrt(1 - beta2^t). */
static adam_step adam_of(
    double decay, double square_decay, double epsilon, double pace, double rise
) {
    return (adam_step){
        .decay = spread((float)(1.0 - decay)),
        .keep = spread((float)square_decay),
        .square_decay = spread((float)(1.0 - square_decay)),
        .epsilon = spread((float)epsilon),
        .pace = spread((float)pace),
        .rise = spread((float)rise),
    };
}

/* Take a step (Kingma & Ba, 2015, algorithm 1) on a vector of values; NULL for no bounds. */
INLINE void adam_vector(
    const adam_step *step, const float *from, const float *rates, const float *bounds, float *averages,
    float *squares, float *values
) {
    const floats gradient = load(from);
    floats average = load(averages), square = load(squares);
    average = multiply_add(gradient - average, step->decay, average);
    square = multiply_add(step->square_decay * gradient, gradient, step->keep * square);
    store(averages, average);
    store(squares, square);
    const floats size = multiply_add(square_root(square), step->rise, step->epsilon);
    const floats rate = load(rates) * step->pace;
    floats value = subtract_product(load(values), quotient(average, size), rate);
    if (bounds != NULL) value = bounded(value, load(bounds));
    store(values, value);
}

/* The same on a row of any length. */
static void update_row(const row_update *work) {
    const adam_step step = adam_of(
        work->decay, work->square_decay, work->epsilon, (double)work->pace, (double)work->rise);
    long at = 0;
    for (; at + LANES <= work->count; at += LANES)
        adam_vector(
            &step, work->gradient + at, work->rates + at,
            work->bounds == NULL ? NULL : work->bounds + at, work->averages + at, work->squares + at,
            work->values + at);
    if (at == work->count) return;
    const size_t bytes = (size_t)(work->count - at) * sizeof(float);
    float gradient[LANES] = {0}, rates[LANES] = {0}, bounds[LANES] = {0}, averages[LANES] = {0};
    float squares[LANES] = {0}, values[LANES] = {0};
    memcpy(gradient, work->gradient + at, bytes);
    memcpy(rates, work->rates + at, bytes);
    if (work->bounds != NULL) memcpy(bounds, work->bounds + at, bytes);
    memcpy(averages, work->averages + at, bytes);
    memcpy(squares, work->squares + at, bytes);
    memcpy(values, work->values + at, bytes);
    adam_vector(
        &step, gradient, rates, work->bounds == NULL ? NULL : bounds, averages, squares, values);
    memcpy(work->averages + at, averages, bytes);
    memcpy(work->squares + at, squares, bytes);
    memcpy(work->values + at, values, bytes);
}

/* ---- a member of a stack ---- */

typedef struct {
    model model;
    passage passage;
    float *averages, *squares, *rates, *bounds; /* laid out like the model's values */
    float *gradient, *settled;
} workspace;

static long arrange_member(
    workspace *place, network_size size, long batch, long points, float *memory
) {
    long used = arrange_model(&place->model, size, 1, memory);
    used += arrange_passage(
        &place->passage, size, group_of(batch, points), 1, memory == NULL ? NULL : memory + used);
    const long count = place->model.at.count;
    place->averages = take(memory, &used, count);
    place->squares = take(memory, &used, count);
    place->rates = take(memory, &used, count);
    place->bounds = take(memory, &used, count);
    place->gradient = take(memory, &used, count);
    place->settled = take(memory, &used, settled_floats(&place->model.at));
    return used;
}

static size_t train_floats(network_size size, long batch, long points) {
    workspace place;
    return (size_t)arrange_member(&place, size, batch, points, NULL);
}

/* Take the step number `number`, counted from 1. */
static void update(const workspace *place, const training *work, float factor, long number) {
    const adam_step step = adam_of(
        work->decay, work->square_decay, work->epsilon,
        factor / (1.0 - pow(work->decay, (double)number)),
        1.0 / sqrt(1.0 - pow(work->square_decay, (double)number)));
    const float *gradient = settle(&place->model.at, place->gradient, place->settled);
    for (long at = 0; at < place->model.at.count; at += LANES)
        adam_vector(
            &step, gradient + at, place->rates + at,
            work->bounds == NULL ? NULL : place->bounds + at, place->averages + at,
            place->squares + at, place->model.values + at);
}

/* Bring all copies of the weights up to date. */
static void refresh(const model *self) {
    const long width = self->at.size.width;
    for (long layer = 0; layer < self->at.size.depth - 1; layer++)
        refresh_hidden(self, layer * width, (layer + 1) * width);
    refresh_last(self);
}

/* Zero the padding: what another member has left there need not be finite. */
static void clear(float *memory, long floats) { memset(memory, 0, (size_t)floats * sizeof(float)); }

static void train(const training *work, float *memory) {
    workspace place;
    clear(memory, arrange_member(&place, work->size, work->batch, work->points, memory));
    const layout *at = &place.model.at;
    const long features = work->size.features, row = features + work->size.channels;
    place_values(at, work->values, place.model.values);
    place_values(at, work->averages, place.averages);
    place_values(at, work->squares, place.squares);
    place_values(at, work->rates, place.rates);
    if (work->bounds != NULL) place_values(at, work->bounds, place.bounds);
    const double share = 1.0 / ((double)work->batch * (double)work->size.channels);
    double loss = 0.0;
    begin_passes();
    for (long step = 0; step < work->steps; step++) {
        const batch samples = {
            .coordinates = work->samples,
            .targets = work->samples + features,
            .coordinate_stride = row,
            .target_stride = row,
            .indices = work->indices + step * work->batch,
            .offsets = work->offsets,
            .count = work->batch,
            .points = work->points,
        };
        refresh(&place.model);
        loss += share * batch_gradient(
                            &place.model, &place.passage, &samples, (float)(2.0 * share),
                            place.gradient);
        update(&place, work, work->factors[step], work->taken + step + 1);
    }
    end_passes();
    take_values(at, place.model.values, work->values);
    take_values(at, place.averages, work->averages);
    take_values(at, place.squares, work->squares);
    *work->loss = (float)loss;
}

/* ---- evaluation ---- */

static long arrange_evaluation(model *self, passage *place, network_size size, float *memory) {
    const long used = arrange_model(self, size, 0, memory);
    return used + arrange_passage(
                      place, size, MOST_GROUP, 0, memory == NULL ? NULL : memory + used);
}

static size_t evaluate_floats(network_size size) {
    model self;
    passage place;
    return (size_t)arrange_evaluation(&self, &place, size, NULL);
}

static void evaluate(const evaluation *work, float *memory) {
    model self;
    passage place;
    clear(memory, arrange_evaluation(&self, &place, work->size, memory));
    const long features = work->size.features, channels = work->size.channels;
    place_values(&self.at, work->values, self.values);
    refresh(&self);
    begin_passes();
    for (long begin = 0; begin < work->count; begin += place.group) {
        const long left = work->count - begin, count = left < place.group ? left : place.group;
        memcpy(
            place.coordinates, work->coordinates + begin * features,
            (size_t)(count * features) * sizeof(float));
        forward(&self, &place, count, 0);
        gather_rows(
            place.outputs, count, channels, self.at.channel_stride, work->outputs + begin * channels);
    }
    end_passes();
}

/* ---- one network, by several threads ---- */

static size_t model_floats(network_size size) {
    model self;
    return (size_t)arrange_model(&self, size, 1, NULL);
}

static size_t part_floats(network_size size) {
    passage place;
    return (size_t)arrange_passage(&place, size, MOST_GROUP, 1, NULL);
}

static size_t gradient_floats(network_size size) {
    const layout at = lay_out(size);
    return (size_t)(at.count + LINE - 1) / LINE * LINE;
}

/* The hidden neurons of a slice of all work on weights: whole blocks of `SLICE_ROWS` of a layer. */
enum { SLICE_ROWS = 32 };

typedef struct {
    long begin, end;
} rows;

static long slice_blocks(const layout *at) {
    return (at->size.depth - 1L) * ((at->size.width + SLICE_ROWS - 1) / SLICE_ROWS);
}

static rows block_rows(const layout *at, long block) {
    const long width = at->size.width, blocks = (width + SLICE_ROWS - 1) / SLICE_ROWS;
    const long begin = block % blocks * SLICE_ROWS, layer = block / blocks * width;
    const long end = begin + SLICE_ROWS < width ? begin + SLICE_ROWS : width;
    return (rows){layer + begin, layer + end};
}

static void load_slice(network_size size, const float *values, float *memory, long slice, long slices) {
    model self;
    arrange_model(&self, size, 1, memory);
    const long blocks = slice_blocks(&self.at);
    for (long block = blocks * slice / slices; block < blocks * (slice + 1) / slices; block++) {
        const rows own = block_rows(&self.at, block);
        place_hidden(&self.at, values, own.begin, own.end, self.values);
        refresh_hidden(&self, own.begin, own.end);
    }
    if (slice > 0) return;
    place_rest(&self.at, values, self.values);
    refresh_last(&self);
}

static double part_gradient(const part *work, float *memory, float *gradient) {
    model self;
    passage place;
    arrange_model(&self, work->size, 1, (float *)work->model);
    arrange_passage(&place, work->size, MOST_GROUP, 1, memory);
    place.group = group_of(work->count, 1);
    const batch samples = {
        .coordinates = work->coordinates,
        .targets = work->targets,
        .coordinate_stride = work->size.features,
        .target_stride = work->size.channels,
        .count = work->count,
        .points = 1,
    };
    begin_passes();
    const double squares = batch_gradient(&self, &place, &samples, work->scale, gradient);
    end_passes();
    return squares;
}

static void gather_slice(
    network_size size, float *gradients, long parts, long slice, long slices, float *gradient
) {
    const layout at = lay_out(size);
    const long stride = (long)gradient_floats(size), blocks = slice_blocks(&at);
    for (long block = blocks * slice / slices; block < blocks * (slice + 1) / slices; block++) {
        const rows own = block_rows(&at, block);
        gather_hidden(&at, gradients, stride, parts, own.begin, own.end, gradient);
    }
    if (slice > 0) return;
    add_parts(gradients, stride, parts, at.biases, at.count);
    take_rest(&at, gradients, gradient);
}

/* Take sines and cosines of phases in the core's own cache; return of how many. */
static double peak_sines(long rounds) {
    enum { PHASES = 512 };
    float phases[PHASES], sines[PHASES], cosines[PHASES];
    for (int at = 0; at < PHASES; at++) phases[at] = (float)at * 0.07f - 18.0f;
    for (long round = 0; round < rounds; round++) {
        for (int at = 0; at < PHASES; at += LANES) {
            floats sine, cosine;
            activation(load(phases + at), &sine, &cosine);
            store(sines + at, sine);
            store(cosines + at, cosine);
        }
        __asm__ volatile("" : : "r"(phases), "r"(sines), "r"(cosines) : "memory");
    }
    return (double)PHASES * (double)rounds;
}

const instruction_set INSTRUCTION_SET = {
    .train_floats = train_floats,
    .evaluate_floats = evaluate_floats,
    .train = train,
    .evaluate = evaluate,
    .update = update_row,
    .model_floats = model_floats,
    .part_floats = part_floats,
    .gradient_floats = gradient_floats,
    .load = load_slice,
    .differentiate = part_gradient,
    .gather = gather_slice,
    .peak_products = peak_products,
    .peak_sines = peak_sines,
};
