/* Amounts of memory, and the resident memory of processes. */
#ifndef MALLOW_AMOUNT_H
#define MALLOW_AMOUNT_H

#include <sys/types.h>

struct amount {
    char text[32];
};

/* Returns the amount in a form for people: "17 bytes", "1.5 KiB". */
struct amount amount_of(unsigned long long bytes);

/* Returns the resident set size of the process in bytes, or 0 if it is unknown. */
unsigned long long resident_bytes(pid_t process);

#endif
