/* Prints an address space as JSON. */
#include <stdio.h>
#include <string.h>

#include "common/json.h"
#include "map/map.h"

static void map_json_text(const char *name, const char *value) {
    printf("\"%s\":", name);
    json_print_string(value, strlen(value));
}

static void map_json_address(const char *name, uint64_t address) {
    printf("\"%s\":\"0x%lx\"", name, address);
}

static void map_json_figures(const struct address_space *space, const struct figures *figures) {
    for (enum figure i = 0; i < FIGURES; i++)
        if (space->has_figures || i == FIGURE_SIZE)
            printf(",\"%s_bytes\":%lu", figure_name(i), figures->of[i]);
}

static void map_json_flags(const struct region *region) {
    fputs(",\"flags\":[", stdout);
    for (const char *at = region->flags; *at != '\0';) {
        size_t length = strcspn(at, " ");
        if (at != region->flags) putchar(',');
        json_print_string(at, length);
        at += length;
        at += strspn(at, " ");
    }
    putchar(']');
}

static void map_json_thread(const struct address_space *space, const struct region *region) {
    const struct thread *thread = address_space_thread(space, region->thread);
    if (region->thread == 0) return;
    printf(",\"thread\":%d", (int)region->thread);
    if (thread == NULL) return;
    putchar(',');
    map_json_text("thread_name", thread->name);
}

static void map_json_region(const struct address_space *space, const struct region *region) {
    putchar('{');
    map_json_address("start", region->start);
    putchar(',');
    map_json_address("end", region->end);
    putchar(',');
    map_json_text("kind", region_kind_name(region->kind));
    putchar(',');
    map_json_text("permissions", region->permissions);
    putchar(',');
    map_json_text("path", region->path);
    if (region->anonymous_name != NULL) {
        putchar(',');
        map_json_text("name", region->anonymous_name);
    }
    if (region->inode != 0)
        printf(",\"offset\":%lu,\"inode\":%lu,\"device\":\"%x:%x\",\"deleted\":%s", region->offset,
               region->inode, region->device >> 20, region->device & 0xfffff,
               region->is_deleted ? "true" : "false");
    map_json_thread(space, region);
    if (space->has_figures) {
        printf(",\"page_bytes\":%lu,\"huge_eligible\":%s", region->page_size,
               region->is_huge_eligible ? "true" : "false");
        map_json_flags(region);
    }
    map_json_figures(space, &region->figures);
    putchar('}');
}

static void map_json_kinds(const struct address_space *space) {
    struct region_sum kinds[REGION_KINDS];
    address_space_sum_kinds(space, kinds);
    bool is_first = true;
    for (int i = 0; i < REGION_KINDS; i++) {
        if (kinds[i].regions == 0) continue;
        fputs(is_first ? "{" : ",{", stdout);
        is_first = false;
        map_json_text("kind", region_kind_name(kinds[i].kind));
        printf(",\"mappings\":%zu", kinds[i].regions);
        map_json_figures(space, &kinds[i].figures);
        putchar('}');
    }
}

void map_print_json(const struct address_space *space, const char *program) {
    printf("{\"pid\":%d,", (int)space->process);
    map_json_text("program", program);
    if (space->break_start != 0) {
        putchar(',');
        map_json_address("break_start", space->break_start);
        putchar(',');
        map_json_address("program_break", space->break_end);
    }
    printf(",\"mappings\":[");
    for (size_t i = 0; i < space->count; i++) {
        if (i != 0) putchar(',');
        map_json_region(space, &space->regions[i]);
    }
    printf("],\"kinds\":[");
    map_json_kinds(space);
    printf("],\"total\":{\"mappings\":%zu", space->mapping_count);
    map_json_figures(space, &space->total);
    putchar('}');
}
