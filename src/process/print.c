#include "process/print.h"

#include "base/compiler.h"

/* ---- malloc_stats ---- */

static void print_stat(struct text *t, const char *label, uint64_t value) {
    text_add(t, label);
    text_add_column(t, value, 10);
    text_add(t, "\n");
}

RARE void print_stats(struct text *t, const struct mallow_stats *s) {
    text_add(t, "Arena 0:\n");
    print_stat(t, "system bytes     = ", s->heap_bytes);
    print_stat(t, "in use bytes     = ", s->live_bytes);
    text_add(t, "Total (incl. mmap):\n");
    print_stat(t, "system bytes     = ", s->heap_bytes + s->mapping_bytes);
    print_stat(t, "in use bytes     = ", s->live_bytes + s->mapping_bytes);
    print_stat(t, "max mmap regions = ", s->mappings_highest);
    print_stat(t, "max mmap bytes   = ", s->mapping_bytes_highest);
}

/* ---- malloc_info ---- */

/* Adds name="value" after a space. */
static void print_attribute(struct text *t, const char *name, uint64_t value) {
    text_add(t, " ");
    text_add(t, name);
    text_add(t, "=\"");
    text_add_number(t, value);
    text_add(t, "\"");
}

static void print_pair(struct text *t, const char *element, const char *first, uint64_t first_value,
                       const char *second, uint64_t second_value) {
    text_add(t, element);
    print_attribute(t, first, first_value);
    print_attribute(t, second, second_value);
    text_add(t, "/>\n");
}

static void print_sizes(struct text *t, const struct mallow_stats *s) {
    text_add(t, "<sizes>\n");
    for (unsigned i = 1; i < CLASSES; i++) {
        const struct mallow_class_stats *counts = &s->classes[i];
        uint64_t free = counts->free_slots + counts->cached_slots;
        if (free == 0) continue;
        text_add(t, "  <size");
        print_attribute(t, "from", i == 1 ? 1 : s->classes[i - 1].slot_bytes + 1);
        print_attribute(t, "to", counts->slot_bytes);
        print_attribute(t, "total", free * counts->slot_bytes);
        print_attribute(t, "count", free);
        text_add(t, "/>\n");
    }
    text_add(t, "</sizes>\n");
}

static void print_totals(struct text *t, const struct mallow_stats *s) {
    print_pair(t, "<total type=\"fast\"", "count", s->cached_blocks, "size", s->cached_bytes);
    print_pair(t, "<total type=\"rest\"", "count", s->free_runs + s->free_blocks, "size",
               s->heap_bytes - s->live_bytes - s->cached_bytes);
}

static void print_system(struct text *t, const struct mallow_stats *s) {
    static const char *const types[] = {"<system type=\"current\"", "<system type=\"max\"",
                                        "<aspace type=\"total\"", "<aspace type=\"mprotect\""};
    for (unsigned i = 0; i < 4; i++) { /* the heap's address space never shrinks */
        text_add(t, types[i]);
        print_attribute(t, "size", s->heap_bytes);
        text_add(t, "/>\n");
    }
}

static void print_class(struct text *t, const struct mallow_class_stats *counts) {
    text_add(t, "  <class");
    print_attribute(t, "size", counts->slot_bytes);
    print_attribute(t, "used", counts->used_slots);
    print_attribute(t, "cached", counts->cached_slots);
    print_attribute(t, "free", counts->free_slots);
    print_attribute(t, "fresh", counts->fresh_slots);
    print_attribute(t, "slabs", counts->slabs);
    text_add(t, "/>\n");
}

static bool print_class_is_idle(const struct mallow_class_stats *counts) {
    return (counts->used_slots | counts->cached_slots | counts->free_slots | counts->slabs) == 0;
}

/* Adds the figures for which libc's format has no element. */
static void print_mallow_element(struct text *t, const struct mallow_stats *s) {
    text_add(t, "<mallow>\n<classes>\n");
    for (unsigned i = 0; i < CLASSES; i++)
        if (!print_class_is_idle(&s->classes[i])) print_class(t, &s->classes[i]);
    text_add(t, "</classes>\n<mappings");
    print_attribute(t, "highest_count", s->mappings_highest);
    print_attribute(t, "highest_size", s->mapping_bytes_highest);
    text_add(t, ">\n");
    for (unsigned i = 0; i < MALLOW_STATS_DOUBLINGS; i++)
        if (s->mappings_of_doubling[i] != 0)
            print_pair(t, "  <mapping", "from", (uint64_t)1 << i, "count",
                       s->mappings_of_doubling[i]);
    text_add(t, "</mappings>\n");
    print_pair(t, "<blocks", "count", s->live_blocks, "size", s->live_bytes);
    print_pair(t, "<runs", "count", s->run_blocks, "size", s->run_bytes);
    print_pair(t, "<slabs", "size", s->slab_bytes, "fresh", s->fresh_bytes);
    print_pair(t, "<pages", "dirty", s->dirty_bytes, "clean", s->clean_bytes);
    print_pair(t, "<memory", "metadata", s->metadata_bytes, "purged", s->purged_bytes);
    print_pair(t, "<heaps", "with_thread", s->heaps_with_thread, "without_thread",
               s->heaps_without_thread);
    text_add(t, "</mallow>\n");
}

RARE void print_info(struct text *t, const struct mallow_stats *s) {
    text_add(t, "<malloc version=\"1\">\n<heap nr=\"0\">\n");
    print_sizes(t, s);
    print_totals(t, s);
    print_system(t, s);
    text_add(t, "</heap>\n");
    print_totals(t, s);
    print_pair(t, "<total type=\"mmap\"", "count", s->mappings, "size", s->mapping_bytes);
    print_system(t, s);
    print_mallow_element(t, s);
    text_add(t, "</malloc>\n");
}

/* ---- JSON ---- */

void print_json_field(struct text *t, const char *name, uint64_t value) {
    text_add(t, "\"");
    text_add(t, name);
    text_add(t, "\":");
    text_add_number(t, value);
}

struct named_field {
    char name[24]; /* an array, because a pointer would need a relocation in each process */
    size_t offset;
};

#define FIELD(type, name) {#name, offsetof(type, name)}
#define STAT(name) FIELD(struct mallow_stats, name)
#define CLASS_STAT(name) FIELD(struct mallow_class_stats, name)

static const struct named_field print_stat_fields[] = {
    STAT(page_bytes),        STAT(heap_bytes),
    STAT(live_blocks),       STAT(live_bytes),
    STAT(cached_blocks),     STAT(cached_bytes),
    STAT(free_blocks),       STAT(free_bytes),
    STAT(fresh_bytes),       STAT(unused_bytes),
    STAT(slab_bytes),        STAT(mixed_slabs),
    STAT(run_blocks),        STAT(run_bytes),
    STAT(dirty_bytes),       STAT(clean_bytes),
    STAT(free_runs),         STAT(top_dirty_bytes),
    STAT(mappings),          STAT(mapping_bytes),
    STAT(mappings_highest),  STAT(mapping_bytes_highest),
    STAT(metadata_bytes),    STAT(purged_bytes),
    STAT(heaps_with_thread), STAT(heaps_without_thread),
};
_Static_assert(sizeof print_stat_fields / sizeof print_stat_fields[0] * sizeof(uint64_t) ==
                   offsetof(struct mallow_stats, mappings_of_doubling),
               "every figure has its name here");

static const struct named_field print_resident_fields[] = {
    STAT(resident_live_bytes),    STAT(resident_cached_bytes),   STAT(resident_held_bytes),
    STAT(pinned_bytes),           STAT(trimmable_bytes),         STAT(surplus_bytes),
    STAT(guarded_blocks),         STAT(guarded_bytes),           STAT(resident_guarded_bytes),
    STAT(resident_mapping_bytes), STAT(resident_metadata_bytes),
};
_Static_assert(sizeof print_resident_fields / sizeof print_resident_fields[0] * sizeof(uint64_t) ==
                   offsetof(struct mallow_stats, class_pages) -
                       offsetof(struct mallow_stats, resident_live_bytes),
               "every figure has its name here");

static const struct named_field print_class_fields[] = {
    CLASS_STAT(slot_bytes), CLASS_STAT(used_slots),  CLASS_STAT(cached_slots),
    CLASS_STAT(free_slots), CLASS_STAT(fresh_slots), CLASS_STAT(slabs),
};
_Static_assert(sizeof print_class_fields / sizeof print_class_fields[0] * sizeof(uint64_t) ==
                   sizeof(struct mallow_class_stats),
               "every figure has its name here");

static const struct named_field print_pages_fields[] = {
    FIELD(struct mallow_class_pages, resident_live_bytes),
    FIELD(struct mallow_class_pages, pinned_bytes),
};

static void print_json_fields(struct text *t, const void *from, const struct named_field *fields,
                              size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (i != 0) text_add(t, ",");
        print_json_field(t, fields[i].name,
                         *(const uint64_t *)(const void *)((const char *)from + fields[i].offset));
    }
}

#define print_json_all(t, from, fields) \
    print_json_fields(t, from, fields, sizeof(fields) / sizeof(fields)[0])

RARE void print_json(struct text *t, const struct mallow_stats *s) {
    const char *separator = "";
    text_add(t, "{");
    print_json_all(t, s, print_stat_fields);
    text_add(t, ",");
    print_json_all(t, s, print_resident_fields);
    text_add(t, ",\"mappings_of_doubling\":[");
    for (unsigned i = 0; i < MALLOW_STATS_DOUBLINGS; i++) {
        if (i != 0) text_add(t, ",");
        text_add_number(t, s->mappings_of_doubling[i]);
    }
    text_add(t, "],\"classes\":[");
    for (unsigned i = 0; i < CLASSES; i++) {
        if (print_class_is_idle(&s->classes[i])) continue;
        text_add(t, separator);
        text_add(t, "{");
        print_json_all(t, &s->classes[i], print_class_fields);
        text_add(t, ",");
        print_json_all(t, &s->class_pages[i], print_pages_fields);
        text_add(t, "}");
        separator = ",";
    }
    text_add(t, "]}\n");
}
