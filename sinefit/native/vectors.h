/* What the vectors of all instruction sets share. */

#ifndef SINEFIT_VECTORS_H
#define SINEFIT_VECTORS_H

#define INLINE static inline __attribute__((always_inline))

/* Sums stay in registers only if the loops over them are gone. */
#if defined(__clang__)
#define UNROLLED _Pragma("clang loop unroll(full)")
#else
#define UNROLLED _Pragma("GCC unroll 16")
#endif

#endif
