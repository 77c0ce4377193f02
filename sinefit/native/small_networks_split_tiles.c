#include "small_networks.h"

#if defined(KNOWS_TILES)

#include <immintrin.h>

#if defined(__clang__)
#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,fma,avx512bf16,amx-tile,amx-bf16"))), apply_to = function)
#else
#pragma GCC target("avx512f,avx512dq,avx512bw,avx512vl,fma,avx512bf16,amx-tile,amx-bf16")
#endif

#include "vectors_avx512.h"
#include "block_tiles.h"

#define SPLIT 1
#include "half_passes.h"

#define INSTRUCTION_SET sinefit_split_tiles_set
#include "small_networks_step.h"

#if defined(__clang__)
#pragma clang attribute pop
#endif

#endif
