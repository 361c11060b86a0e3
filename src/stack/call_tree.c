#include "stack/call_tree.h"

#include <stdatomic.h>

#include "base/assert.h"
#include "base/compiler.h"
#include "base/numbers.h"
#include "os/os.h"

struct call_tree_node {
    uintptr_t pc;
    uint32_t caller;
    _Atomic uint32_t child[4];
};

#define CHUNK_SHIFT 12
#define CHUNK_NODES ((uint32_t)1 << CHUNK_SHIFT)
#define ROOT_BITS 14

static UNTOUCHED struct call_tree_node *_Atomic call_tree_chunks[CALL_TREE_MAX >> CHUNK_SHIFT];
static UNTOUCHED _Atomic uint32_t call_tree_roots[1 << ROOT_BITS];
static _Atomic uint32_t call_tree_count;

static struct call_tree_node *call_tree_at(uint32_t id) {
    MALLOW_ASSERT(id != 0 && id < CALL_TREE_MAX);
    struct call_tree_node *chunk =
        atomic_load_explicit(&call_tree_chunks[id >> CHUNK_SHIFT], memory_order_acquire);
    MALLOW_ASSERT(chunk != NULL);
    return &chunk[id & (CHUNK_NODES - 1)];
}

static size_t call_tree_chunk_bytes(void) {
    return round_up(CHUNK_NODES * sizeof(struct call_tree_node), os_page_size());
}

RARE void call_tree_each_range(void (*call)(void *to, const void *start, size_t bytes), void *to) {
    for (uint32_t i = 0; i < CALL_TREE_MAX >> CHUNK_SHIFT; i++) {
        const void *chunk = atomic_load_explicit(&call_tree_chunks[i], memory_order_acquire);
        if (chunk == NULL) return;
        call(to, chunk, call_tree_chunk_bytes());
    }
}

static RARE struct call_tree_node *call_tree_new_chunk(uint32_t id) {
    size_t bytes = call_tree_chunk_bytes();
    struct call_tree_node *fresh = os_map(bytes), *there = NULL;
    if (fresh == NULL) return NULL;
    if (atomic_compare_exchange_strong(&call_tree_chunks[id >> CHUNK_SHIFT], &there, fresh))
        return fresh;
    os_unmap(fresh, bytes);
    return there;
}

/* Returns the memory of the node `id`, or NULL if there is none. */
static struct call_tree_node *call_tree_next_node(uint32_t id) {
    if (id >= CALL_TREE_MAX) return NULL;
    struct call_tree_node *chunk =
        atomic_load_explicit(&call_tree_chunks[id >> CHUNK_SHIFT], memory_order_acquire);
    if (unlikely(chunk == NULL)) chunk = call_tree_new_chunk(id);
    return chunk == NULL ? NULL : &chunk[id & (CHUNK_NODES - 1)];
}

/* Creates a node that is not linked yet. Returns 0 if there is no memory. */
static uint32_t call_tree_new_node(uint32_t caller, uintptr_t pc) {
    uint32_t last = atomic_load_explicit(&call_tree_count, memory_order_relaxed);
    struct call_tree_node *node;
    do {
        node = call_tree_next_node(last + 1);
        if (node == NULL) return 0;
    } while (!atomic_compare_exchange_weak_explicit(&call_tree_count, &last, last + 1,
                                                    memory_order_relaxed, memory_order_relaxed));
    MALLOW_ASSERT(caller <= last);
    node->pc = pc;
    node->caller = caller;
    return last + 1;
}

static uint64_t call_tree_hash(uint32_t caller, uintptr_t pc) {
    uint64_t mixed = (pc ^ (uint64_t)caller << 40) * 0x9e3779b97f4a7c15u;
    mixed ^= mixed >> 32;
    return (mixed + caller) * 0xd6e8feb86659fd93u;
}

uint32_t call_tree_node(uint32_t caller, uintptr_t pc) {
    uint64_t bits = call_tree_hash(caller, pc);
    _Atomic uint32_t *place = &call_tree_roots[bits >> (64 - ROOT_BITS)];
    uint32_t fresh = 0;
    bits <<= ROOT_BITS;
    for (;;) {
        uint32_t id = atomic_load_explicit(place, memory_order_acquire);
        if (id == 0) {
            if (fresh == 0) fresh = call_tree_new_node(caller, pc);
            if (fresh == 0) return 0;
            if (atomic_compare_exchange_strong_explicit(place, &id, fresh, memory_order_acq_rel,
                                                        memory_order_acquire))
                return fresh;
        }
        /* If another thread has linked an equal node meanwhile, the new one stays unused. */
        struct call_tree_node *node = call_tree_at(id);
        if (node->pc == pc && node->caller == caller) return id;
        place = &node->child[bits >> 62];
        bits = bits << 2 | bits >> 62;
    }
}

uint32_t call_tree_caller(uint32_t node) { return call_tree_at(node)->caller; }
uintptr_t call_tree_pc(uint32_t node) { return call_tree_at(node)->pc; }

uint32_t call_tree_nodes(void) {
    return atomic_load_explicit(&call_tree_count, memory_order_relaxed);
}
