/* The shuffled epochs of small networks, as `Shuffles` in Python says them. */

#ifndef SINEFIT_SHUFFLES_H
#define SINEFIT_SHUFFLES_H

#include <stdint.h>

/* A sample of an epoch and the key that it is sorted by. */
typedef struct {
    uint32_t key;
    int32_t number;
} shuffled_sample;

/* Write the samples begin, begin + 1, ... of a network's epochs, one behind the other, `drawn` of
   them. There is room for twice its samples. */
void sinefit_draw(
    long count, uint32_t seed, int64_t begin, long drawn, shuffled_sample *room, int32_t *indices);

#endif
