/* Trains, evaluates and differentiates small sine networks by the set that every processor has, and
   prints what comes out: the same, but for rounding, on processors of all kinds. */

#include <stdio.h>
#include <stdlib.h>

#include "one_network.h"

enum { FEATURES = 2, WIDTH = 33, DEPTH = 3, CHANNELS = 3 };
enum { MEMBERS = 3, SAMPLES = 200, BATCH = 20, STEPS = 7, THREADS = 2, COLUMNS = FEATURES + CHANNELS };
enum {
    COUNT = WIDTH * FEATURES + (DEPTH - 1) * WIDTH * WIDTH + DEPTH * WIDTH + CHANNELS * WIDTH + CHANNELS
};

static float values[MEMBERS * COUNT], averages[MEMBERS * COUNT], squares[MEMBERS * COUNT];
static float tables[MEMBERS][SAMPLES * COLUMNS], coordinates[MEMBERS * SAMPLES * FEATURES];
static float rates[COUNT], factors[STEPS], losses[MEMBERS], gradient[COUNT];
static float outputs[MEMBERS * SAMPLES * CHANNELS], targets[SAMPLES * CHANNELS];

static void fill(float *numbers, long count, float range) {
    static unsigned state = 1;
    for (long at = 0; at < count; at++) {
        state = state * 1664525u + 1013904223u;
        numbers[at] = ((float)(state >> 8) / (1 << 24) - 0.5f) * range;
    }
}

static void show(const float *numbers, long count) {
    for (long at = 0; at < count; at++) printf("%.9g\n", (double)numbers[at]);
}

int main(void) {
    const float *samples[MEMBERS];
    int64_t counts[MEMBERS], seeds[MEMBERS], taken[MEMBERS];
    fill(values, MEMBERS * COUNT, 0.6f);
    fill(coordinates, MEMBERS * SAMPLES * FEATURES, 20.0f);
    fill(targets, SAMPLES * CHANNELS, 1.0f);
    for (int member = 0; member < MEMBERS; member++) {
        fill(tables[member], SAMPLES * COLUMNS, 30.0f);
        samples[member] = tables[member];
        counts[member] = SAMPLES;
        seeds[member] = 7919 * member;
        taken[member] = 0;
    }
    for (long at = 0; at < COUNT; at++) rates[at] = 1e-3f;
    for (long at = 0; at < STEPS; at++) factors[at] = 1.0f;
    const int trained = sinefit_stack_train(
        0, FEATURES, WIDTH, DEPTH, CHANNELS, MEMBERS, THREADS, values, averages, squares, rates, 0, NULL,
        0, samples, counts, NULL, 0, seeds, 0, NULL, STEPS, BATCH, 1, factors, 0, taken, 0.9, 0.99, 1e-8,
        losses);
    const int evaluated = sinefit_small_evaluate(
        0, FEATURES, WIDTH, DEPTH, CHANNELS, MEMBERS, THREADS, values, coordinates, SAMPLES, outputs);
    sinefit_one *one = sinefit_one_open(0, FEATURES, WIDTH, DEPTH, CHANNELS, 4, THREADS);
    if (trained != DONE || evaluated != DONE || one == NULL) return 1;
    printf("%.9g\n", sinefit_one_gradient(one, values, coordinates, targets, SAMPLES, gradient));
    sinefit_one_close(one);
    show(losses, MEMBERS);
    show(values, MEMBERS * COUNT);
    show(outputs, MEMBERS * SAMPLES * CHANNELS);
    show(gradient, COUNT);
    return 0;
}
