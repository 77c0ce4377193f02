#include "small_networks.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "shuffles.h"
#include "subnormals.h"

enum { PART = 4096 }; /* samples of a member that a thread evaluates before it takes other work */

/* ---- threads ---- */

typedef struct stack {
    const instruction_set *set;
    void (*work)(const struct stack *stack, long item, float *workspace);
    long items;
    atomic_long next;
    /* What the items have in common. */
    training training;
    evaluation evaluation;
    long values_stride, rates_stride, bounds_stride, indices_stride, factors_stride, parts;
    const float *const *samples;
    const int64_t *taken;
    /* Where batches are drawn beside the training: the networks' seeds, the first sample of their
       epochs, and where in a workspace there is room for that. */
    const int64_t *sample_counts, *seeds;
    int64_t begin;
    size_t room;
} stack;

typedef struct {
    stack *stack;
    float *workspace;
    pthread_t thread;
} worker;

static void *take_items(void *argument) {
    worker *self = argument;
    stack *stack = self->stack;
    const float_mode before = drop_subnormals();
    for (;;) {
        const long item = atomic_fetch_add(&stack->next, 1);
        if (item >= stack->items) break;
        stack->work(stack, item, self->workspace);
    }
    restore_mode(before);
    return NULL;
}

/* Work on all items, each by whichever thread is free; return whether there was memory for it. */
static int run(stack *stack, int threads, size_t floats) {
    const int count = threads < stack->items ? threads : (int)stack->items;
    if (count == 0) return 1;
    worker *workers = calloc((size_t)count, sizeof *workers);
    if (workers == NULL) return 0;
    int ready = 0;
    for (; ready < count; ready++) {
        void *memory = NULL;
        if (posix_memalign(&memory, 64, floats * sizeof(float)) != 0) break;
        workers[ready] = (worker){.stack = stack, .workspace = memory};
    }
    int started = 1;
    /* The threads that the system denies are not needed: the others take their items. */
    while (started < ready &&
           pthread_create(&workers[started].thread, NULL, take_items, &workers[started]) == 0)
        started++;
    if (ready > 0) take_items(&workers[0]);
    for (int at = 1; at < started && ready > 0; at++) pthread_join(workers[at].thread, NULL);
    for (int at = 0; at < ready; at++) free(workers[at].workspace);
    free(workers);
    return ready > 0;
}

/* ---- training ---- */

static long count_values(network_size size) {
    const long width = size.width;
    return (size.depth - 1) * width * width + size.depth * width + width * size.features +
           size.channels * width + size.channels;
}

static void train_item(const stack *stack, long item, float *workspace) {
    training work = stack->training;
    work.values += item * stack->values_stride;
    work.averages += item * stack->values_stride;
    work.squares += item * stack->values_stride;
    work.rates += item * stack->rates_stride;
    if (work.bounds != NULL) work.bounds += item * stack->bounds_stride;
    work.samples = stack->samples[item];
    if (stack->seeds == NULL) {
        work.indices += item * stack->indices_stride;
    } else {
        const long drawn = work.steps * work.batch;
        int32_t *indices = (int32_t *)(workspace + stack->room);
        shuffled_sample *room = (shuffled_sample *)(workspace + stack->room + (drawn + 1) / 2 * 2);
        sinefit_draw(
            (long)stack->sample_counts[item], (uint32_t)stack->seeds[item], stack->begin, drawn, room,
            indices);
        work.indices = indices;
    }
    if (work.offsets != NULL)
        work.offsets += item * work.points * work.size.features;
    work.factors += item * stack->factors_stride;
    work.taken = (long)stack->taken[item];
    work.loss += item;
    stack->set->train(&work, workspace);
}

/* Whether every index is that of a sample. */
static int all_inside(const int32_t *indices, long count, int64_t samples) {
    int32_t least = 0, greatest = -1;
    for (long at = 0; at < count; at++) {
        least = indices[at] < least ? indices[at] : least;
        greatest = indices[at] > greatest ? indices[at] : greatest;
    }
    return least >= 0 && greatest < samples;
}

int sinefit_stack_train(
    int set, int features, int width, int depth, int channels, long members, int threads, float *values,
    float *averages, float *squares, const float *rates, long rates_stride, const float *bounds,
    long bounds_stride, const float *const *samples, const int64_t *sample_counts,
    const int32_t *indices, long indices_stride, const int64_t *seeds, int64_t begin,
    const float *offsets, long steps, long batch, long points, const float *factors,
    long factors_stride, const int64_t *taken, double decay, double square_decay, double epsilon,
    float *losses
) {
    const network_size size = {features, width, depth, channels};
    int64_t most = 0;
    for (long member = 0; member < members; member++) {
        const int64_t count = sample_counts[member];
        if (seeds == NULL ? !all_inside(indices + member * indices_stride, steps * batch, count) : count < 1)
            return OUTSIDE;
        if (count > most) most = count;
    }
    stack stack = {
        .set = sinefit_find_set(set),
        .work = train_item,
        .items = members,
        .training =
            {.size = size,
             .values = values,
             .averages = averages,
             .squares = squares,
             .rates = rates,
             .bounds = bounds,
             .indices = indices,
             .offsets = offsets,
             .steps = steps,
             .batch = batch,
             .points = points,
             .factors = factors,
             .decay = decay,
             .square_decay = square_decay,
             .epsilon = epsilon,
             .loss = losses},
        .values_stride = count_values(size),
        .rates_stride = rates_stride,
        .bounds_stride = bounds_stride,
        .indices_stride = indices_stride,
        .factors_stride = factors_stride,
        .samples = samples,
        .taken = taken,
        .sample_counts = sample_counts,
        .seeds = seeds,
        .begin = begin,
    };
    stack.room = (stack.set->train_floats(size, batch, points) + 1) / 2 * 2;
    /* Indices, and twice an epoch's samples with their keys. */
    const size_t drawing = seeds == NULL ? 0 : (size_t)(steps * batch + 1 + 4 * most);
    return run(&stack, threads, stack.room + drawing) ? DONE : NO_MEMORY;
}

/* ---- evaluation ---- */

static void evaluate_item(const stack *stack, long item, float *workspace) {
    evaluation work = stack->evaluation;
    const long member = item / stack->parts, begin = item % stack->parts * PART;
    const long row = member * work.count + begin;
    work.values += member * stack->values_stride;
    work.coordinates += row * work.size.features;
    work.outputs += row * work.size.channels;
    work.count = work.count - begin < PART ? work.count - begin : PART;
    stack->set->evaluate(&work, workspace);
}

int sinefit_small_evaluate(
    int set, int features, int width, int depth, int channels, long members, int threads,
    const float *values, const float *coordinates, long count, float *outputs
) {
    const network_size size = {features, width, depth, channels};
    const long parts = (count + PART - 1) / PART;
    stack stack = {
        .set = sinefit_find_set(set),
        .work = evaluate_item,
        .items = members * parts,
        .evaluation =
            {.size = size,
             .values = values,
             .coordinates = coordinates,
             .count = count,
             .outputs = outputs},
        .values_stride = count_values(size),
        .parts = parts,
    };
    return run(&stack, threads, stack.set->evaluate_floats(size)) ? DONE : NO_MEMORY;
}
