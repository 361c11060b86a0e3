/* These are not misuses, but facts about the addresses of blocks that an attacker needs for a
 * misuse. */
#include <stdio.h>
#include <unistd.h>

#include "wide.h"

/* The address of a freed block is handed out again within that many frees of its size. */
static void reuse(size_t size, long frees) {
    char *p = obtain(size);
    release(p);
    for (long i = 1; i <= frees; i++) {
        char *q = obtain(size);
        if (q == p) {
            gained("the address came back");
            return;
        }
        release(q);
    }
}

static void adjacent(size_t size, long how) {
    char *a = obtain(size), *b = obtain(size);
    size_t distance = a < b ? (size_t)(b - a) : (size_t)(a - b);
    (void)how;
    if (distance <= size + 4096) gained("two allocations are neighbours");
}

static void regular(size_t size, long how) {
    char *first = obtain(size), *last = obtain(size);
    long stride = last - first;
    (void)how;
    for (size_t i = 0; i < some(size, 8); i++) {
        char *p = obtain(size);
        if (p - last != stride) return;
        last = p;
    }
    gained("the distance is always the same");
}

/* Freed blocks are handed out again in the order of their frees, or in reverse. */
static void order(size_t size, long how) {
    char *block[8];
    size_t count = some(size, 8), forward = 0, backward = 0;
    (void)how;
    for (size_t i = 0; i < count; i++) block[i] = obtain(size);
    for (size_t i = 0; i < count; i++) release(block[i]);
    for (size_t i = 0; i < count; i++) {
        char *p = obtain(size);
        forward += p == block[i];
        backward += p == block[count - 1 - i];
    }
    if (forward == count || backward == count) gained("the order is known");
}

/* Memory of freed blocks is reused for another size. */
static void other_size(size_t size, long percent) {
    char *block[256];
    size_t count = some(size, 256);
    for (size_t i = 0; i < count; i++) block[i] = obtain(size);
    for (size_t i = 0; i < count; i++) release(block[i]);
    for (size_t i = 0; i < 16; i++) {
        char *p = obtain(size / 100 * (size_t)percent + 100);
        for (size_t j = 0; j < count; j++)
            if (p >= block[j] && p < block[j] + size) {
                gained("memory of another size was handed out");
                return;
            }
    }
}

/* Returns the address of the first block of SIZE in a new process. */
static unsigned long address_in_process(size_t size) {
    char command[64];
    unsigned long address = 0;
    snprintf(command, sizeof command, "exec /proc/%d/exe address %zu", getpid(), size);
    FILE *output = popen(command, "r");
    if (output == NULL || fscanf(output, "%lx", &address) != 1) exit(2);
    pclose(output);
    return address;
}

/* The low HOW bits of the address are the same in two processes. */
static void two_processes(size_t size, long how) {
    unsigned long mask = (1ul << how) - 1;
    if ((address_in_process(size) & mask) == (address_in_process(size) & mask))
        gained("the address is known");
}

const struct misuse layouts[] = {
    {"reuse_1", reuse, 1},
    {"reuse_100", reuse, 100},
    {"reuse_200", reuse, 200},
    {"adjacent", adjacent, 0},
    {"regular", regular, 0},
    {"order", order, 0},
    {"other_size", other_size, 50},
    {"two_processes", two_processes, 28},
    {0},
};
