/* A batch is cut into parts, whatever the number of threads: each part has a gradient of its own, and
   they are added in their order, so that threads, which take the parts as they come, change no bit. */

#include "one_network.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "crew.h"
#include "subnormals.h"

enum {
    /* Samples of a part at least: fewer would have the gradients cost more than they. */
    PART_SAMPLES = 256,
    MOST_PARTS = 64,
    /* Memory of all gradients at most, as far as there are FEWEST_PARTS for threads to take. */
    MOST_GRADIENT_FLOATS = 1 << 25,
    FEWEST_PARTS = 4,
};

struct sinefit_one {
    const instruction_set *set;
    network_size size;
    int threads;
    crew *crew;
    float *model, *places, *gradients;
    size_t place_floats, gradient_floats, bytes;
    long most_parts;
    /* The batch at hand. */
    const float *values, *coordinates, *targets;
    long count, parts;
    float *gradient;
    double squares[MOST_PARTS];
    atomic_long next;
};

static float *zeros(sinefit_one *self, size_t floats) {
    void *memory = NULL;
    if (posix_memalign(&memory, 64, (floats + 1) * sizeof(float)) != 0) return NULL;
    memset(memory, 0, floats * sizeof(float));
    self->bytes += floats * sizeof(float);
    return memory;
}

void sinefit_one_close(sinefit_one *self) {
    if (self->crew != NULL) crew_dismiss(self->crew);
    free(self->model);
    free(self->places);
    free(self->gradients);
    free(self);
}

sinefit_one *sinefit_one_open(
    int set, int features, int width, int depth, int channels, int parts, int threads
) {
    sinefit_one *self = calloc(1, sizeof *self);
    if (self == NULL) return NULL;
    self->set = sinefit_find_set(set);
    self->size = (network_size){features, width, depth, channels};
    self->place_floats = self->set->part_floats(self->size);
    self->gradient_floats = self->set->gradient_floats(self->size);
    self->most_parts = MOST_GRADIENT_FLOATS / (long)self->gradient_floats;
    if (self->most_parts < FEWEST_PARTS) self->most_parts = FEWEST_PARTS;
    if (self->most_parts > parts) self->most_parts = parts;
    if (self->most_parts > MOST_PARTS) self->most_parts = MOST_PARTS;
    self->threads = threads < self->most_parts ? threads : (int)self->most_parts;
    self->model = zeros(self, self->set->model_floats(self->size));
    self->places = zeros(self, (size_t)self->threads * self->place_floats);
    self->gradients = zeros(self, (size_t)self->most_parts * self->gradient_floats);
    if (self->model != NULL && self->places != NULL && self->gradients != NULL)
        self->crew = crew_start(self->threads);
    if (self->crew == NULL) {
        sinefit_one_close(self);
        return NULL;
    }
    return self;
}

size_t sinefit_one_bytes(const sinefit_one *self) { return self->bytes; }

/* ---- tasks of the crew ---- */

static void load_weights(void *context, int member, int members) {
    sinefit_one *self = context;
    const float_mode before = drop_subnormals();
    self->set->load(self->size, self->values, self->model, member, members);
    restore_mode(before);
}

static void take_parts(void *context, int member, int members) {
    (void)members;
    sinefit_one *self = context;
    const float_mode before = drop_subnormals();
    for (;;) {
        const long number = atomic_fetch_add(&self->next, 1);
        if (number >= self->parts) break;
        const long begin = self->count * number / self->parts;
        const part work = {
            .size = self->size,
            .model = self->model,
            .coordinates = self->coordinates + begin * self->size.features,
            .targets = self->targets + begin * self->size.channels,
            .count = self->count * (number + 1) / self->parts - begin,
            .scale = (float)(2.0 / ((double)self->count * self->size.channels)),
        };
        self->squares[number] = self->set->differentiate(
            &work, self->places + (size_t)member * self->place_floats,
            self->gradients + (size_t)number * self->gradient_floats);
    }
    restore_mode(before);
}

static void gather_gradients(void *context, int member, int members) {
    sinefit_one *self = context;
    const float_mode before = drop_subnormals();
    self->set->gather(
        self->size, self->gradients, self->parts, member, members, self->gradient);
    restore_mode(before);
}

double sinefit_one_gradient(
    sinefit_one *self, const float *values, const float *coordinates, const float *targets, long count,
    float *gradient
) {
    self->values = values;
    self->coordinates = coordinates;
    self->targets = targets;
    self->count = count;
    self->gradient = gradient;
    self->parts = (count + PART_SAMPLES - 1) / PART_SAMPLES;
    if (self->parts > self->most_parts) self->parts = self->most_parts;
    atomic_store(&self->next, 0);
    crew_run(self->crew, load_weights, self);
    crew_run(self->crew, take_parts, self);
    crew_run(self->crew, gather_gradients, self);
    double squares = 0.0;
    for (long number = 0; number < self->parts; number++) squares += self->squares[number];
    return squares / ((double)count * self->size.channels);
}

void sinefit_small_update(
    int set, long rows, long count, float *values, const float *gradient, float *averages,
    float *squares, const float *rates, const float *bounds, const float *pace, double decay,
    double square_decay, double epsilon
) {
    const float_mode before = drop_subnormals();
    for (long row = 0; row < rows; row++) {
        const long at = row * count;
        const row_update work = {
            .count = count,
            .values = values + at,
            .gradient = gradient + at,
            .averages = averages + at,
            .squares = squares + at,
            .rates = rates + at,
            .bounds = bounds == NULL ? NULL : bounds + at,
            .pace = pace[row],
            .rise = pace[rows + row],
            .decay = decay,
            .square_decay = square_decay,
            .epsilon = epsilon,
        };
        sinefit_find_set(set)->update(&work);
    }
    restore_mode(before);
}
