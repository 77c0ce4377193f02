#ifndef SINEFIT_SINE_NETWORK_H
#define SINEFIT_SINE_NETWORK_H

#include <stddef.h>

enum { MOST_DEPTH = 32 };

typedef struct sinefit_network sinefit_network;

#define EXPORT __attribute__((visibility("default")))

/* Whether this processor has the tile registers and the system lets the process use them. */
EXPORT int sinefit_supported(void);

/* Whether networks of this size are provided for. */
EXPORT int sinefit_fits(int features, int width, int depth, int channels);

/* Make room for a network and start its threads; NULL without memory for them. */
EXPORT sinefit_network *sinefit_open(
    int features, int width, int depth, int channels, int members, int split, int training);

EXPORT void sinefit_close(sinefit_network *self);

/* Bytes that a network holds. */
EXPORT size_t sinefit_bytes(const sinefit_network *self);

/* Take the weights, (out, in) of each layer, and biases; the arrays must stay until the next call. */
EXPORT void sinefit_load(
    sinefit_network *self, const float *const *weights, const float *const *biases);

/* Write the gradients of the mean squared error over `count` samples; return that error. */
EXPORT double sinefit_train(
    sinefit_network *self, const float *coordinates, const float *targets, long count,
    float *const *weight_gradients, float *const *bias_gradients);

/* Write the outputs (count, channels) for coordinates (count, features). */
EXPORT void sinefit_evaluate(
    sinefit_network *self, const float *coordinates, long count, float *outputs);

#endif
