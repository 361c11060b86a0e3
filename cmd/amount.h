/* Amounts of memory, and the resident memory of processes. */
#ifndef MALLOW_AMOUNT_H
#define MALLOW_AMOUNT_H

#include <sys/types.h>

struct amount {
    char text[32];
};

/* For people to read: "17 bytes", "1.5 KiB". */
struct amount amount_of(unsigned long long bytes);

/* Resident bytes of the process; 0 when that is not known. */
unsigned long long resident_bytes(pid_t process);

#endif
