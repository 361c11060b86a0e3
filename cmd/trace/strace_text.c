/* mallow strace: system calls in the notation of strace(1). */
#include <inttypes.h>
#include <linux/mman.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "sites/site_print.h"
#include "trace/strace.h"

struct strace_name {
    uint32_t value;
    const char *name;
};

#define STRACE_NAME(value) {value, #value}

static const struct strace_name strace_protections[] = {
    STRACE_NAME(PROT_READ),
    STRACE_NAME(PROT_WRITE),
    STRACE_NAME(PROT_EXEC),
    {0, NULL},
};

/* MAP_SHARED_VALIDATE has the bits of two others. */
static const struct strace_name strace_map_flags[] = {
    STRACE_NAME(MAP_SHARED_VALIDATE),
    STRACE_NAME(MAP_SHARED),
    STRACE_NAME(MAP_PRIVATE),
    STRACE_NAME(MAP_FIXED),
    STRACE_NAME(MAP_ANONYMOUS),
    STRACE_NAME(MAP_GROWSDOWN),
    STRACE_NAME(MAP_LOCKED),
    STRACE_NAME(MAP_NORESERVE),
    STRACE_NAME(MAP_POPULATE),
    STRACE_NAME(MAP_STACK),
    STRACE_NAME(MAP_HUGETLB),
    STRACE_NAME(MAP_FIXED_NOREPLACE),
    {0, NULL},
};

static const struct strace_name strace_remap_flags[] = {
    STRACE_NAME(MREMAP_MAYMOVE),
    STRACE_NAME(MREMAP_FIXED),
    STRACE_NAME(MREMAP_DONTUNMAP),
    {0, NULL},
};

static const struct strace_name strace_advice[] = {
    STRACE_NAME(MADV_NORMAL),
    STRACE_NAME(MADV_RANDOM),
    STRACE_NAME(MADV_SEQUENTIAL),
    STRACE_NAME(MADV_WILLNEED),
    STRACE_NAME(MADV_DONTNEED),
    STRACE_NAME(MADV_FREE),
    STRACE_NAME(MADV_DONTFORK),
    STRACE_NAME(MADV_DOFORK),
    STRACE_NAME(MADV_HUGEPAGE),
    STRACE_NAME(MADV_NOHUGEPAGE),
    STRACE_NAME(MADV_DONTDUMP),
    STRACE_NAME(MADV_DODUMP),
    STRACE_NAME(MADV_WIPEONFORK),
    STRACE_NAME(MADV_KEEPONFORK),
    STRACE_NAME(MADV_COLD),
    STRACE_NAME(MADV_PAGEOUT),
    STRACE_NAME(MADV_POPULATE_READ),
    STRACE_NAME(MADV_POPULATE_WRITE),
    {25, "MADV_COLLAPSE"} /* Linux 6.1 */,
    {0, NULL},
};

const char *strace_error_name(int error) {
    static char number[16];
    const char *name = strerrorname_np(error);
    if (name != NULL) return name;
    snprintf(number, sizeof number, "%d", error);
    return number;
}

static void strace_write_flags(FILE *to, uint32_t flags, const struct strace_name *names,
                               const char *none) {
    const char *separator = "";
    if (flags == 0) fputs(none, to);
    for (; names->name != NULL; names++) {
        if ((flags & names->value) != names->value) continue;
        fprintf(to, "%s%s", separator, names->name);
        separator = "|";
        flags &= ~names->value;
    }
    if (flags != 0) fprintf(to, "%s0x%" PRIx32, separator, flags);
}

static void strace_write_advice(FILE *to, uint32_t advice) {
    const struct strace_name *name = strace_advice;
    while (name->name != NULL && name->value != advice) name++;
    if (name->name != NULL)
        fputs(name->name, to);
    else
        fprintf(to, "%" PRIu32, advice);
}

static void strace_write_address(FILE *to, uint64_t address) {
    if (address == 0)
        fputs("NULL", to);
    else
        fprintf(to, "0x%" PRIx64, address);
}

static void strace_write_arguments(FILE *to, const struct mallow_trace_event *event) {
    switch (event->kind) {
    case MALLOW_TRACE_MMAP:
        strace_write_address(to, event->old_address);
        fprintf(to, ", %" PRIu64 ", ", event->size);
        strace_write_flags(to, event->protection, strace_protections, "PROT_NONE");
        fputs(", ", to);
        strace_write_flags(to, event->flags, strace_map_flags, "0");
        if ((event->flags & MAP_ANONYMOUS) == 0) fprintf(to, ", ..., 0x%" PRIx64, event->count);
        break;
    case MALLOW_TRACE_MREMAP:
        strace_write_address(to, event->old_address);
        fprintf(to, ", %" PRIu64 ", %" PRIu64 ", ", event->count, event->size);
        strace_write_flags(to, event->flags, strace_remap_flags, "0");
        break;
    case MALLOW_TRACE_BRK:
        strace_write_address(to, event->old_address);
        break;
    case MALLOW_TRACE_MPROTECT:
        strace_write_address(to, event->address);
        fprintf(to, ", %" PRIu64 ", ", event->size);
        strace_write_flags(to, event->protection, strace_protections, "PROT_NONE");
        break;
    case MALLOW_TRACE_MADVISE:
        strace_write_address(to, event->address);
        fprintf(to, ", %" PRIu64 ", ", event->size);
        strace_write_advice(to, event->flags);
        break;
    default: /* munmap */
        strace_write_address(to, event->address);
        fprintf(to, ", %" PRIu64, event->size);
    }
}

void strace_write_call(FILE *to, const struct mallow_trace_event *event) {
    bool returns_address = event->kind == MALLOW_TRACE_MMAP || event->kind == MALLOW_TRACE_MREMAP ||
                           event->kind == MALLOW_TRACE_BRK;
    fprintf(to, "%s(", mallow_trace_kind_name(event->kind));
    strace_write_arguments(to, event);
    fputs(") = ", to);
    if (event->error != 0)
        fprintf(to, "-1 %s", strace_error_name(event->error));
    else if (returns_address)
        strace_write_address(to, event->address);
    else
        putc('0', to);
}

char *strace_site(const struct strace *strace, uint32_t frame) {
    const struct stacks *tree = trace_stacks_tree(strace->stacks);
    const struct stack_frame *headline =
        stacks_headline(tree, trace_stacks_number(strace->stacks, frame));
    return headline == NULL ? NULL : site_frame_title(tree, headline, false);
}
