/* The clock for deadlines. */
#ifndef MALLOW_CLOCK_H
#define MALLOW_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Returns the time of the monotonic clock in milliseconds. */
static inline int64_t clock_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

#endif
