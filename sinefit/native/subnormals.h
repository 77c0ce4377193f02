/* Numbers so small that processors are slow with them. */

#ifndef SINEFIT_SUBNORMALS_H
#define SINEFIT_SUBNORMALS_H

#include <stdint.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* A weight that is no longer in use has averages that fade for ever, and below the smallest ordinary
   number a processor is a hundred times slower: such numbers count as zero. They are far below
   anything that changes a result. */
#if defined(__x86_64__)
typedef unsigned float_mode;
static float_mode drop_subnormals(void) {
    const float_mode before = _mm_getcsr();
    _mm_setcsr(before | 0x8040);
    return before;
}
static void restore_mode(float_mode before) { _mm_setcsr(before); }
#elif defined(__aarch64__)
typedef uint64_t float_mode;
static void restore_mode(float_mode before) { __asm__ volatile("msr fpcr, %0" : : "r"(before)); }
static float_mode drop_subnormals(void) {
    float_mode before;
    __asm__ volatile("mrs %0, fpcr" : "=r"(before));
    restore_mode(before | 1u << 24);
    return before;
}
#else
typedef int float_mode;
static float_mode drop_subnormals(void) { return 0; }
static void restore_mode(float_mode before) { (void)before; }
#endif

#endif
