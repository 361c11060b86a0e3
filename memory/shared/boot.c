#include "shared/boot.h"

#include "base/kernel.h"

#define UNKNOWN 1

/* Half of the value checks the other half. */
static uint64_t boot_with_check(uint32_t id) {
    return (uint64_t)(id * 0x9e3779b1u ^ 0x5bd1e995u) << 32 | id;
}

bool boot_is_valid(uint64_t boot) { return boot == boot_with_check((uint32_t)boot); }

uint64_t boot_now(void) {
    char text[64] = "";
    uint32_t id = UNKNOWN;
    if (kernel_read_file("/proc/sys/kernel/random/boot_id", text, sizeof text) > 0)
        for (const char *at = text; *at != '\0'; at++) id = (id ^ (unsigned char)*at) * 0x01000193u;
    return boot_with_check(id);
}

bool boot_is_other(uint64_t boot) {
    uint64_t now = boot_now(), unknown = boot_with_check(UNKNOWN);
    return boot != now && boot != unknown && now != unknown;
}
