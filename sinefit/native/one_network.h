/* One sine network, the gradient of whose batches several threads compute side by side. */

#ifndef SINEFIT_ONE_NETWORK_H
#define SINEFIT_ONE_NETWORK_H

#include "small_networks.h"

typedef struct sinefit_one sinefit_one;

/* Make room for a network whose batches have so many parts at most, and start its threads, of which
   there are no more than parts; NULL without memory for them. */
EXPORT sinefit_one *sinefit_one_open(
    int set, int features, int width, int depth, int channels, int parts, int threads);

EXPORT void sinefit_one_close(sinefit_one *self);

/* Bytes that a network holds. */
EXPORT size_t sinefit_one_bytes(const sinefit_one *self);

/* Write the gradient of the mean squared error over `count` samples by all values, a row as
   `Sine.shapes` says like them; return that error. The result does not depend on the threads. */
EXPORT double sinefit_one_gradient(
    sinefit_one *self, const float *values, const float *coordinates, const float *targets, long count,
    float *gradient);

/* Take a step of Adam on rows of values (rows, count). `pace` (2, rows) holds the factor on the rates
   over 1 - beta1^t, and 1 / sqrt(1 - beta2^t); `bounds` may be NULL. */
EXPORT void sinefit_small_update(
    int set, long rows, long count, float *values, const float *gradient, float *averages,
    float *squares, const float *rates, const float *bounds, const float *pace, double decay,
    double square_decay, double epsilon);

#endif
