#if defined(__x86_64__)

#include <immintrin.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC target("avx2,fma")
#endif

#include "vectors_avx2.h"
#include "vector_passes.h"

#define INSTRUCTION_SET sinefit_avx2_set
#include "small_networks_step.h"

#if defined(__clang__)
#pragma clang attribute pop
#endif

#endif
