/* Stacks of small sine networks: each member is trained by one thread, in its core's own cache, for
   as many steps as are asked for at once. */

#ifndef SINEFIT_SMALL_NETWORKS_H
#define SINEFIT_SMALL_NETWORKS_H

#include <stddef.h>
#include <stdint.h>

#define EXPORT __attribute__((visibility("default")))

/* Of bfloat16, the sources of which are `half_passes.h`, by vectors and by tiles; SPLIT ones take two. */
enum { BASE_SET, AVX2_SET, AVX512_SET, BF16_SET, TILES_SET, SPLIT_TILES_SET };
enum { DONE, OUTSIDE, NO_MEMORY };

/* Whether the compiler knows the instructions of bfloat16 and of tile registers. */
#if defined(__x86_64__) && \
    ((defined(__clang__) && __clang_major__ >= 13) || (!defined(__clang__) && __GNUC__ >= 11))
#define KNOWS_TILES
#endif

/* Networks of `depth` layers h <- sin(W h + b) of `width` neurons, and a linear one. */
typedef struct {
    int features, width, depth, channels;
} network_size;

/* What training does to one member. Its rows of values are laid out as `Sine.shapes` says. */
typedef struct {
    network_size size;
    float *values, *averages, *squares;
    const float *rates, *bounds; /* peak learning rates; largest magnitudes, or NULL */
    const float *samples;        /* (samples, features + channels) */
    const int32_t *indices;      /* (steps, batch) samples of each step */
    const float *offsets;        /* (points, features) from coordinates, or NULL */
    long steps, batch, points;   /* points per sample, 1 without offsets */
    const float *factors; /* (steps) on the rates */
    long taken;           /* steps before these */
    double decay, square_decay, epsilon;
    float *loss; /* sum over the steps of the mean squared error before each */
} training;

/* Where one member is evaluated. */
typedef struct {
    network_size size;
    const float *values;
    const float *coordinates; /* (count, features) */
    long count;
    float *outputs; /* (count, channels) */
} evaluation;

/* Adam's step on a row of values, at `pace` times its rates; `rise` makes up for the beginning of the
   averages of squares. */
typedef struct {
    long count;
    float *values;
    const float *gradient;
    float *averages, *squares;
    const float *rates, *bounds; /* largest magnitudes, or NULL */
    float pace, rise;
    double decay, square_decay, epsilon;
} row_update;

/* A part of one network's batch, and what the derivative of its squared errors is multiplied with. */
typedef struct {
    network_size size;
    const float *model;
    const float *coordinates; /* (count, features) */
    const float *targets;     /* (count, channels) */
    long count;
    float scale;
} part;

/* The same arithmetic written in the vectors of a kind of processor. All memory is aligned to 64
   bytes.

   A workspace serves any number of members of one size in turn. One network has a model, which all
   threads read, each of them memory for its parts, and each part a gradient; they begin as zeros.
   Work on all weights goes by slices. */
typedef struct {
    size_t (*train_floats)(network_size size, long batch, long points);
    size_t (*evaluate_floats)(network_size size);
    void (*train)(const training *work, float *workspace);
    void (*evaluate)(const evaluation *work, float *workspace);
    void (*update)(const row_update *work);

    size_t (*model_floats)(network_size size);
    size_t (*part_floats)(network_size size);
    size_t (*gradient_floats)(network_size size);
    void (*load)(
        network_size size, const float *values, float *model, long slice, long slices);
    double (*differentiate)(const part *work, float *memory, float *gradient); /* sum of squares */
    void (*gather)(
        network_size size, float *gradients, long parts, long slice, long slices, float *gradient);

    /* What a core does at best, to be timed: operations, phases of which it takes sine and cosine. */
    double (*peak_products)(long rounds);
    double (*peak_sines)(long rounds);
} instruction_set;

extern const instruction_set sinefit_base_set;
#if defined(__x86_64__)
extern const instruction_set sinefit_avx2_set, sinefit_avx512_set;
#endif
#if defined(KNOWS_TILES)
extern const instruction_set sinefit_bf16_set, sinefit_tiles_set, sinefit_split_tiles_set;
#endif

/* One of them by its number. */
const instruction_set *sinefit_find_set(int set);

/* Whether this processor has an instruction set, and the system saves its registers. Those of
   bfloat16 serve widths of whole blocks of 32. */
EXPORT int sinefit_small_offers(int set);

/* Whether this processor adds products of bfloat16 by vectors faster than those of float32. AMD's
   do twice as many of them; Intel's have half as many units for them. */
EXPORT int sinefit_prefers_bf16(void);

/* Multiply and add in registers alone, `rounds` times some; return how many operations that was. */
EXPORT double sinefit_peak_products(int set, long rounds);

/* Take sines and cosines in the core's own cache; return of how many phases. */
EXPORT double sinefit_peak_sines(int set, long rounds);

/* Train every member of a stack; `values`, `averages` and `squares` are (members, count) and change
   in place, `losses` (members) are written. Of `rates`, `bounds`, `indices` and `factors` there is
   one for each member, or with a stride of zero one for all. With `offsets` (members, points,
   features) a target is to be met by the mean of the outputs at so many points around its sample;
   they are NULL for one `points`. With `seeds` (members) the indices, which are NULL then,
   are drawn: the samples from `begin` on of each member's shuffled epochs. The result does not
   depend on `threads`.
   Return DONE, or without a change OUTSIDE for an index that no sample has, or NO_MEMORY. */
EXPORT int sinefit_stack_train(
    int set, int features, int width, int depth, int channels, long members, int threads, float *values,
    float *averages, float *squares, const float *rates, long rates_stride, const float *bounds,
    long bounds_stride, const float *const *samples, const int64_t *sample_counts,
    const int32_t *indices, long indices_stride, const int64_t *seeds, int64_t begin,
    const float *offsets, long steps, long batch, long points, const float *factors,
    long factors_stride, const int64_t *taken, double decay, double square_decay, double epsilon,
    float *losses
);

/* Write every member's outputs (members, count, channels) at its coordinates (members, count,
   features). Return DONE or NO_MEMORY. */
EXPORT int sinefit_small_evaluate(
    int set, int features, int width, int depth, int channels, long members, int threads,
    const float *values, const float *coordinates, long count, float *outputs
);

#endif
