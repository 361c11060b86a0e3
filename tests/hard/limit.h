/* Limits the address space, and uses up the rest of it. */
#ifndef LIMIT_H
#define LIMIT_H

#include "check.h"

#include <errno.h>
#include <sys/resource.h>

static inline void limit_address_space(size_t bytes) {
    struct rlimit limit = {bytes, bytes};
    CHECK_EQUAL(setrlimit(RLIMIT_AS, &limit), 0);
}

/* Blocks are linked by their first word, so a list needs no extra memory. */
struct list {
    struct list *next;
};

/* Adds blocks to the list until no memory is left for another one. Returns how many it added. */
static inline size_t allocate_until_exhausted(struct list **list, size_t size) {
    size_t count = 0;
    struct list *block;
    errno = 0;
    while ((block = (struct list *)malloc(size)) != NULL) {
        block->next = *list;
        *list = block;
        count++;
    }
    CHECK_EQUAL(errno, ENOMEM);
    return count;
}

static inline void free_list(struct list **list) {
    while (*list != NULL) {
        struct list *block = *list;
        *list = block->next;
        free(block);
    }
}

#endif
