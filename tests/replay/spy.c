/*
 * An allocator that is preloaded into mallow-replay, and that appends each call that the program
 * itself makes to the file in SPY_LOG: a record of numbers. What libc calls, for example when it
 * creates a thread, is only counted.
 *
 * Blocks are never used again, so that their addresses identify them.
 */
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ROOM ((size_t)1 << 32)

struct spy_record {
    uint64_t thread, call, size, alignment, old, block, touched;
};

enum spy_call {
    SPY_MALLOC,
    SPY_CALLOC,
    SPY_REALLOC,
    SPY_FREE,
    SPY_ALIGNED,
    SPY_FREE_SIZED,
    SPY_FREE_ALIGNED
};

struct spy_block {
    uint64_t size;
    _Atomic bool is_free;
};

static _Atomic uint64_t spy_next;
static char *spy_room;
static int spy_file = -1;
static uintptr_t spy_start, spy_end; /* of the program */

static int spy_find_program(struct dl_phdr_info *info, size_t size, void *unused) {
    (void)size, (void)unused;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        if (info->dlpi_phdr[i].p_type != PT_LOAD) continue;
        uintptr_t start = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
        if (spy_start == 0) spy_start = start;
        spy_end = start + info->dlpi_phdr[i].p_memsz;
    }
    return 1; /* the program is the first */
}

static void spy_open(void) {
    const char *path = getenv("SPY_LOG");
    spy_room = mmap(NULL, ROOM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                    -1, 0);
    if (path != NULL) spy_file = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    dl_iterate_phdr(spy_find_program, NULL);
}

static void spy_log(uintptr_t caller, enum spy_call call, size_t size, size_t alignment, void *old,
                    void *block, uint64_t touched) {
    if (spy_file < 0 || caller < spy_start || caller >= spy_end) return;
    struct spy_record record = {.thread = (uint64_t)syscall(SYS_gettid),
                                .call = call,
                                .size = size,
                                .alignment = alignment,
                                .old = (uintptr_t)old,
                                .block = (uintptr_t)block,
                                .touched = touched};
    if (write(spy_file, &record, sizeof record) != sizeof record) abort();
}

static void *spy_take(size_t size, size_t alignment) {
    static _Atomic int state; /* the first call is made before there are threads */
    if (atomic_exchange(&state, 1) == 0) spy_open();
    if (alignment < 16) alignment = 16;
    uint64_t bytes = sizeof(struct spy_block) + alignment + size + 16;
    uint64_t at = atomic_fetch_add(&spy_next, (bytes + 15) & ~(uint64_t)15);
    if (size > ROOM || at + bytes > ROOM) return NULL;
    uintptr_t start = (uintptr_t)spy_room + at + sizeof(struct spy_block);
    start = (start + alignment - 1) & ~(alignment - 1);
    struct spy_block *block = (struct spy_block *)start - 1;
    block->size = size;
    return (void *)start;
}

/* Returns how many pages of the block were written: their first bytes, and the block's last. */
static uint64_t spy_touched(const char *p, size_t size) {
    uint64_t pages = 0;
    uintptr_t end = (uintptr_t)p + size;
    for (uintptr_t at = (uintptr_t)p; at < end; at = (at | 4095) + 1) {
        uintptr_t stop = (at | 4095) + 1 < end ? (at | 4095) + 1 : end;
        bool was_written = false;
        for (uintptr_t byte = at; byte < stop; byte++) was_written |= *(const char *)byte != 0;
        pages += was_written;
    }
    return pages;
}

static struct spy_block *spy_give(void *p) {
    struct spy_block *block = (struct spy_block *)p - 1;
    if (atomic_exchange(&block->is_free, true)) abort(); /* freed twice */
    return block;
}

#define CALLER ((uintptr_t)__builtin_return_address(0))

void *malloc(size_t size) {
    void *p = spy_take(size, 16);
    spy_log(CALLER, SPY_MALLOC, size, 0, NULL, p, 0);
    return p;
}

void *calloc(size_t count, size_t size) {
    void *p = spy_take(count * size, 16);
    spy_log(CALLER, SPY_CALLOC, count * size, 0, NULL, p, 0);
    return p;
}

int posix_memalign(void **block, size_t alignment, size_t size) {
    *block = spy_take(size, alignment);
    spy_log(CALLER, SPY_ALIGNED, size, alignment, NULL, *block, 0);
    return *block != NULL ? 0 : ENOMEM;
}

void free(void *p) {
    if (p == NULL) return;
    struct spy_block *block = spy_give(p);
    spy_log(CALLER, SPY_FREE, block->size, 0, p, NULL, spy_touched(p, block->size));
}

void free_sized(void *p, size_t size);
void free_sized(void *p, size_t size) {
    struct spy_block *block = spy_give(p);
    spy_log(CALLER, SPY_FREE_SIZED, size, 0, p, NULL, spy_touched(p, block->size));
}

void free_aligned_sized(void *p, size_t alignment, size_t size);
void free_aligned_sized(void *p, size_t alignment, size_t size) {
    struct spy_block *block = spy_give(p);
    spy_log(CALLER, SPY_FREE_ALIGNED, size, alignment, p, NULL, spy_touched(p, block->size));
}

void *realloc(void *old, size_t size) {
    void *p = spy_take(size, 16);
    uint64_t touched = 0;
    if (old != NULL && p != NULL) {
        struct spy_block *block = spy_give(old);
        touched = spy_touched(old, block->size);
        memcpy(p, old, block->size < size ? block->size : size);
    }
    spy_log(CALLER, SPY_REALLOC, size, 0, old, p, touched);
    return p;
}
