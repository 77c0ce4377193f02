/* What the processor offers, and the sources that are written for it. */

#include "small_networks.h"

#if defined(__x86_64__)
#include <cpuid.h>
#if defined(__linux__)
#include <asm/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

static int has_avx512(void) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
}

#if defined(KNOWS_TILES)
static int has_bf16(void) {
    unsigned a, b, c, d;
    return has_avx512() && __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a & 1u << 5);
}

/* Tile registers, which the system must let the process use before its threads begin. */
static int has_tiles(void) {
#if defined(__linux__)
    unsigned a, b, c, d;
    const unsigned tiles = 1u << 22 | 1u << 24; /* AMX BF16, TILE */
    if (!has_bf16() || !__get_cpuid_count(7, 0, &a, &b, &c, &d) || (d & tiles) != tiles) return 0;
    unsigned low, high;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    const unsigned states = 3u << 17;
    if ((low & states) != states) return 0;
    enum { ASK_PERMISSION = 0x1023, TILE_DATA = 18 };
    return syscall(SYS_arch_prctl, ASK_PERMISSION, TILE_DATA) == 0;
#else
    return 0;
#endif
}
#endif
#endif

int sinefit_small_offers(int set) {
#if defined(__x86_64__)
    __builtin_cpu_init();
#endif
    switch (set) {
    case BASE_SET: return 1;
#if defined(__x86_64__)
    case AVX2_SET: return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case AVX512_SET: return has_avx512();
#endif
#if defined(KNOWS_TILES)
    case BF16_SET: return has_bf16();
    case TILES_SET:
    case SPLIT_TILES_SET: return has_tiles();
#endif
    default: return 0;
    }
}

int sinefit_prefers_bf16(void) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    return __builtin_cpu_is("amd");
#else
    return 0;
#endif
}

const instruction_set *sinefit_find_set(int set) {
    switch (set) {
#if defined(__x86_64__)
    case AVX2_SET: return &sinefit_avx2_set;
    case AVX512_SET: return &sinefit_avx512_set;
#endif
#if defined(KNOWS_TILES)
    case BF16_SET: return &sinefit_bf16_set;
    case TILES_SET: return &sinefit_tiles_set;
    case SPLIT_TILES_SET: return &sinefit_split_tiles_set;
#endif
    default: return &sinefit_base_set;
    }
}

double sinefit_peak_products(int set, long rounds) {
    return sinefit_find_set(set)->peak_products(rounds);
}

double sinefit_peak_sines(int set, long rounds) { return sinefit_find_set(set)->peak_sines(rounds); }
