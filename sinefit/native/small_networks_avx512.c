#if defined(__x86_64__)

#include <immintrin.h>

#if defined(__clang__)
#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,fma"))), apply_to = function)
#else
#pragma GCC target("avx512f,avx512dq,avx512bw,avx512vl,fma")
#endif

#include "vectors_avx512.h"
#include "vector_passes.h"

#define INSTRUCTION_SET sinefit_avx512_set
#include "small_networks_step.h"

#if defined(__clang__)
#pragma clang attribute pop
#endif

#endif
