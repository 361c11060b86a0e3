#include "leak/leak_print.h"

#include <string.h>

#include "base/compiler.h"
#include "base/settings.h"
#include "leak/leak_memory.h"
#include "os/os.h"

static const char *const leak_print_class_names[] = {
    [LEAK_DEFINITE] = "definitely lost",
    [LEAK_INDIRECT] = "indirectly lost",
    [LEAK_POSSIBLE] = "possibly lost",
    [LEAK_REACHABLE] = "still reachable",
};

/* ---- frames ---- */

#define EXECUTABLE_TYPE_AT 16u /* e_type in the header of a file */
#define TYPE_FIXED 2u          /* ET_EXEC: loaded at the addresses in its headers */

/* Returns the difference between addresses in memory and in the headers of the file. */
static uintptr_t leak_print_load_bias(const struct leak_region *region) {
    size_t count, length = strcspn(region->name, "\n") + 1;
    const struct leak_region *first = leak_regions(&count);
    while (first < region && strncmp(first->name, region->name, length) != 0) first++;
    uint16_t type = 0;
    leak_read(first->start + EXECUTABLE_TYPE_AT, &type, sizeof type);
    return type == TYPE_FIXED ? 0 : first->start;
}

static void leak_print_frame(struct text *text, unsigned number, uintptr_t address) {
    const struct leak_region *region = leak_region_of(address - 1);
    text_add(text, "    #");
    text_add_number(text, number);
    text_add(text, " ");
    text_add_hex(text, address);
    if (region != NULL) {
        text_add(text, " in ");
        text_add_bytes(text, region->name, strcspn(region->name, "\n"));
        text_add(text, "+");
        text_add_hex(text, address - leak_print_load_bias(region));
    }
    text_add(text, "\n");
}

static void leak_print_stack(struct text *text, stack_id stack) {
    static UNTOUCHED uintptr_t frames[STACK_FRAMES_MAX];
    unsigned count = stack == 0 ? 0 : stack_frames(stack, frames);
    for (unsigned i = 0; i < count && i < settings.frames; i++)
        leak_print_frame(text, i, frames[i]);
}

/* ---- groups ---- */

static void leak_print_amount(struct text *text, struct leak_amount amount) {
    text_add_count(text, amount.bytes, "byte");
    text_add(text, " in ");
    text_add_count(text, amount.blocks, "block");
}

/* Prints the first bytes as hexadecimal numbers and as characters. */
static void leak_print_head(struct text *text, const struct leak_group *group) {
    static const char digits[] = "0123456789abcdef";
    char shown[LEAK_HEAD];
    text_add(text, ":");
    for (unsigned i = 0; i < group->head_bytes; i++) {
        unsigned char c = group->head[i];
        char byte[] = {' ', digits[c >> 4], digits[c & 15]};
        text_add_bytes(text, byte, sizeof byte);
        shown[i] = (char)(c >= ' ' && c <= '~' ? c : '.');
    }
    text_add(text, " |");
    text_add_bytes(text, shown, group->head_bytes);
    text_add(text, "|");
}

static void leak_print_group(struct text *text, const struct leak_group *group) {
    text_add(text, leak_print_class_names[group->kind]);
    text_add(text, ": ");
    leak_print_amount(text, group->own);
    if (group->led.blocks != 0) {
        text_add(text, group->own.blocks == 1 ? ", and through it " : ", and through them ");
        leak_print_amount(text, group->led);
    }
    if (group->is_rest) {
        text_add(text, "; in groups for which the leak check had no room\n");
        return;
    }
    text_add(text, "; one of ");
    text_add_count(text, group->size, "byte");
    text_add(text, " at ");
    text_add_hex(text, (uintptr_t)group->example);
    leak_print_head(text, group);
    text_add(text, "\n");
    leak_print_stack(text, group->stack);
}

static void leak_print_omitted(struct text *text, enum leak_class kind, size_t omitted) {
    text_add(text, leak_print_class_names[kind]);
    text_add(text, ": ");
    text_add_count(text, omitted, "more group");
    text_add(text, "\n");
}

/* Returns the number of the first group of the next class. */
static size_t leak_print_class(struct text *text, const struct leak_groups *groups, size_t first,
                               size_t limit) {
    enum leak_class kind = groups->list[first].kind;
    size_t at = first;
    for (; at < groups->count && groups->list[at].kind == kind; at++) {
        if (at - first >= limit && kind != LEAK_DEFINITE) continue;
        leak_print_group(text, &groups->list[at]);
        text_flush(text);
    }
    if (kind != LEAK_DEFINITE && at - first > limit)
        leak_print_omitted(text, kind, at - first - limit);
    return at;
}

void leak_print(struct text *text, const struct leak_groups *groups, size_t limit) {
    for (size_t at = 0; at < groups->count;) at = leak_print_class(text, groups, at, limit);
    for (unsigned i = 0; i < LEAK_CLASSES; i++) {
        text_add(text, "in all ");
        text_add(text, leak_print_class_names[i]);
        text_add(text, ": ");
        leak_print_amount(text, groups->totals[i]);
        text_add(text, "\n");
    }
}
