#include "report/describe.h"

#include <string.h>

#include "base/layout.h"
#include "base/numbers.h"
#include "base/text.h"
#include "heap/shared.h"
#include "heap/slab.h"
#include "os/os.h"
#include "pages/mapping.h"
#include "pages/pages.h"
#include "report/mapped.h"

static struct text describe_text(struct finding *f) {
    return (struct text){.buffer = f->text, .size = sizeof f->text - 1};
}

static void describe_add_slot(struct text *t, size_t inside, uint64_t slot, size_t size) {
    if (inside != 0) {
        text_add_count(t, inside, "byte");
        text_add(t, " inside ");
    }
    text_add(t, "slot ");
    text_add_number(t, slot);
    text_add(t, " of a ");
    text_add_number(t, size);
    text_add(t, "-byte slab");
}

static void describe_slot(struct slab *slab, uintptr_t p, struct finding *f) {
    struct slab *head = slab_head(slab);
    struct text t = describe_text(f);
    uint32_t offset = (uint32_t)p - slab->start;
    uint32_t size = slab->slot_size;
    uint32_t slot = (uint32_t)(slab->state - head->state) + offset / size;
    uint8_t state = slot < head->slots ? slot_state_get(&head->state[slot]) : SLOT_NONE;
    f->was_block = offset % size == 0 && (state == SLOT_CACHED || state == SLOT_FREE ||
                                          state == SLOT_REMOTE || state == SLOT_HELD);
    if (state == SLOT_NONE) {
        text_add(&t, "outside the slots of a ");
        text_add_number(&t, size);
        text_add(&t, "-byte slab");
        return;
    }
    describe_add_slot(&t, offset % size, slot, size);
    if (offset % size != 0) return;
    if (state == SLOT_FRESH || state == SLOT_CACHED_FRESH || state == SLOT_HELD_FRESH)
        text_add(&t, ", never allocated");
}

static void describe_shared(struct slab *granule, uintptr_t p, struct finding *f) {
    struct text t = describe_text(f);
    uint32_t start = shared_find_start(granule, shared_unit((void *)p));
    if (start == UINT32_MAX) {
        text_add(&t, "outside the slots of a slab of mixed sizes, never allocated");
        return;
    }
    size_t inside = p % GRANULE - (size_t)start * UNIT;
    describe_add_slot(&t, inside, start, size_class_bytes(shared_class(granule, start)));
    f->was_block = inside == 0;
}

/* ---- foreign memory and runs ---- */

static void describe_foreign(uintptr_t p, struct finding *f) {
    struct text t = describe_text(f);
    uintptr_t here = (uintptr_t)&t;
    struct mapped mapping;
    if (!mapped_at(p, &mapping)) {
        text_add(&t, "never allocated: nothing is mapped there");
    } else if (here >= mapping.start && here < mapping.end) {
        text_add(&t, "on the stack");
    } else if (mapping.name_length == 0) {
        text_add(&t, "in a mapping");
    } else {
        text_add(&t, "in a mapping of ");
        text_add_bytes(&t, mapping.name, min_size(mapping.name_length, 100));
    }
}

static void describe_run(uintptr_t p, struct finding *f) {
    struct text t = describe_text(f);
    struct page_counts counts = pages_count();
    uint32_t page = page_of((void *)p);
    if (page < GRANULE_PAGES || page >= counts.top) {
        text_add(&t, "in memory that was never allocated");
        return;
    }
    uint32_t start = pages_find_start(page);
    uint64_t tag = run_tag(start);
    if (tag_kind(tag) == RUN_FOREIGN) {
        describe_foreign(p, f);
        return;
    }
    if (tag_kind(tag) != RUN_BLOCK) {
        text_add(&t, "in memory that was freed");
        f->was_block = p % UNIT == 0;
        return;
    }
    text_add_count(&t, p - (uintptr_t)page_start(start), "byte");
    text_add(&t, " inside a block of ");
    text_add_count(&t, (uint64_t)tag_pages(tag) << RUN_SHIFT, "byte");
}

struct finding describe_pointer(const void *pointer) {
    struct finding f = {0};
    uintptr_t p = (uintptr_t)pointer;
    struct mapping around;
    size_t granule = granule_of(pointer);
    if (granule < space.granules) {
        struct slab *slab = slab_of(granule);
        if (slab->kind == GRANULE_SLAB)
            describe_slot(slab, p, &f);
        else if (slab->kind == GRANULE_SHARED)
            describe_shared(slab, p, &f);
        else
            describe_run(p, &f);
    } else if (mapping_around(pointer, &around)) {
        struct text t = describe_text(&f);
        text_add_count(&t, p - (uintptr_t)around.block, "byte");
        text_add(&t, " inside a block of ");
        text_add_count(&t, around.bytes, "byte");
        text_add(&t, " with a mapping of its own");
    } else {
        describe_foreign(p, &f);
    }
    return f;
}
