/* The shortest lifetime: each block is freed before the next one is allocated. */
#include "bench.h"
#include "workloads.h"

void pairs(size_t steps) {
    static const size_t sizes[] = {16, 24, 32, 48, 64, 128, 256, 1024};
    size_t kinds = sizeof sizes / sizeof *sizes;
    for (size_t kind = 0; kind < kinds; kind++)
        for (size_t i = 0; i < steps / kinds; i++) block_drop(block_new(sizes[kind]));
}
