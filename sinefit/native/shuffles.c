#include "shuffles.h"

enum { KEY_BITS = 24, DIGIT_BITS = 8, DIGITS = 1 << DIGIT_BITS, PASSES = KEY_BITS / DIGIT_BITS };

#define LOW_BITS 0x7fffffffu

static inline uint32_t mixed(uint32_t value) {
    value = (value ^ (value >> 15)) * 0x2c1b3c6du & LOW_BITS;
    value = (value ^ (value >> 12)) * 0x297a2d39u & LOW_BITS;
    return value ^ (value >> 15);
}

/* Sort an epoch's samples by their keys, equal ones in their order, going to and fro between two
   rooms; return where they are then. */
static const shuffled_sample *shuffle(
    shuffled_sample *from, shuffled_sample *to, long count, uint32_t seed
) {
    uint32_t places[PASSES][DIGITS] = {0};
    for (long number = 0; number < count; number++) {
        const uint32_t key = mixed(seed ^ mixed((uint32_t)number)) >> (31 - KEY_BITS);
        from[number] = (shuffled_sample){key, (int32_t)number};
    }
    for (long at = 0; at < count; at++)
        for (int pass = 0; pass < PASSES; pass++)
            places[pass][from[at].key >> pass * DIGIT_BITS & (DIGITS - 1)]++;
    for (int pass = 0; pass < PASSES; pass++) {
        uint32_t begin = 0;
        for (long digit = 0; digit < DIGITS; digit++) {
            const uint32_t found = places[pass][digit];
            places[pass][digit] = begin;
            begin += found;
        }
        for (long at = 0; at < count; at++)
            to[places[pass][from[at].key >> pass * DIGIT_BITS & (DIGITS - 1)]++] = from[at];
        shuffled_sample *sorted = to;
        to = from;
        from = sorted;
    }
    return from;
}

void sinefit_draw(
    long count, uint32_t seed, int64_t begin, long drawn, shuffled_sample *room, int32_t *indices
) {
    for (long done = 0; done < drawn;) {
        const int64_t epoch = (begin + done) / count;
        const long first = (long)((begin + done) % count), left = drawn - done;
        const long taken = count - first < left ? count - first : left;
        const uint32_t own = mixed(seed ^ mixed((uint32_t)epoch & LOW_BITS));
        const shuffled_sample *shuffled = shuffle(room, room + count, count, own) + first;
        for (long at = 0; at < taken; at++) indices[done + at] = shuffled[at].number;
        done += taken;
    }
}
