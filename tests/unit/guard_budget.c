/* The memory, the mappings and the kernel's page tables of guarded blocks stay within the
 * budget. */
#include "guard_blocks.h"

static size_t mappings(void) {
    static char maps[8 * MIB];
    long length = os_read_file("/proc/self/maps", maps, sizeof maps);
    size_t lines = 0;
    for (long i = 0; i < length; i++) lines += maps[i] == '\n';
    return lines;
}

static void a_sample_stays_within_its_budget(void) {
    static char *blocks[10000];
    settings.guard = 5000;
    unsigned count = 0;
    while (count < 10000 && (blocks[count] = guard_alloc(1, UNIT, FAMILY_MALLOC, 0)) != NULL)
        count++;
    CHECK(count * page_bytes <= MIB / 2 && (count + 1) * page_bytes > MIB / 2);
    CHECK(guard_alloc(MIB / 8, UNIT, FAMILY_MALLOC, 0) == NULL);
    give(blocks[0]);
    CHECK(guard_alloc(2 * MIB, UNIT, FAMILY_MALLOC, 0) == NULL);
    CHECK(guard_alloc(1, UNIT, FAMILY_MALLOC, 0) != NULL);
    settings.guard_budget = 16 * MIB;
    CHECK(guard_alloc(1, UNIT, FAMILY_MALLOC, 0) != NULL);
}

static void large_blocks_are_guarded_in_addition_to_samples(void) {
    settings.guard = 5000;
    settings.guard_large = true;
    CHECK(guard_alloc(64 * MIB, UNIT, FAMILY_MALLOC, 0) != NULL);
}

static size_t amount(const char *file, const char *name) {
    char text[8192] = {0};
    CHECK(os_read_file(file, text, sizeof text - 1) > 0);
    return strtoul(strstr(text, name) + strlen(name), NULL, 10) * KIB;
}

static size_t kernel_tables(void) { return amount("/proc/self/status", "VmPTE:"); }

/* The kernel counts these figures page by page, unlike others, which are approximate. */
static size_t own_memory(void) {
    return kernel_tables() + amount("/proc/self/smaps_rollup", "\nRss:");
}

static void memory_for_freed_blocks_is_in_the_budget(void) {
    settings.guard = 5000;
    give_others(10);
    size_t before = own_memory();
    for (size_t i = 1; i < MIB / 2 / page_bytes; i++) take(100, UNIT);
    for (int i = 0; i < 2000; i++) give(take(100, UNIT));
    size_t taken = own_memory() - before;
    if (taken > MIB + 64 * KIB) check_failed("%zu KiB are taken\n", taken / KIB);
}

static void page_tables_go_back(void) {
    if (page_bytes != (size_t)sysconf(_SC_PAGESIZE)) return;
    char *stays = take(100, UNIT);
    give_others(1000);
    size_t before = kernel_tables();
    give_others(16000);
    CHECK(kernel_tables() - before < page_bytes * 16000 / 512 / 2);
    give(stays);
}

static void half_of_the_mappings_are_left(void) {
    if (page_bytes != (size_t)sysconf(_SC_PAGESIZE)) return;
    size_t before = mappings(), most = os_mapping_limit(), count = 0;
    if (most > 100000) return;
    static char *blocks[100000];
    while ((blocks[count] = guard_alloc(100, UNIT, FAMILY_MALLOC, 0)) != NULL) count++;
    size_t taken = mappings() - before;
    CHECK(taken <= most / 2 + 10 && taken >= most / 2 - 10);
    for (size_t i = 0; i < count; i++) give(blocks[i]);
    CHECK(mappings() <= before + 10);
}

static struct body bodies[] = {
    BODY(a_sample_stays_within_its_budget),
    BODY(large_blocks_are_guarded_in_addition_to_samples),
    BODY(memory_for_freed_blocks_is_in_the_budget),
    BODY(page_tables_go_back),
    BODY(half_of_the_mappings_are_left),
};

int main(void) {
    page_bytes = os_page_size();
    return run_bodies(bodies);
}
