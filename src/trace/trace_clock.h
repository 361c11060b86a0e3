/* The times of records. The processor's counter is cheaper to read than a clock; the command knows
 * how fast it counts. */
#ifndef MALLOW_TRACE_CLOCK_H
#define MALLOW_TRACE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* Returns the processor's counter, which all processors share if the kernel uses it as its clock,
 * or 0 if there is none. It is read after the instructions before it are complete: otherwise a
 * free can have an earlier time than the allocation of the block by another thread. */
static inline uint64_t trace_counter(void) {
#if defined(__x86_64__)
    __asm__ volatile("lfence" ::: "memory");
    return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
    uint64_t count;
    __asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(count) : : "memory");
    return count;
#else
    return 0;
#endif
}

/* The name of the kernel's clock if it is the processor's counter, as in the file below. */
#define TRACE_CLOCK_FILE "/sys/devices/system/clocksource/clocksource0/current_clocksource"
#if defined(__x86_64__)
#    define TRACE_CLOCK_NAME "tsc"
#else
#    define TRACE_CLOCK_NAME "arch_sys_counter"
#endif

#endif
