/* Stacks in a trace. A stack is a node of the call tree, and each node is recorded once. */
#include <string.h>

#include "base/numbers.h"
#include "stack/call_tree.h"
#include "stack/stack.h"
#include "trace/trace_memory.h"
#include "trace/trace_record.h"

/* Nodes of the outer frames are recorded first, a few at a time. */
#define BATCH 64

/* The record is published before the bit is set, so no thread uses a node that the command does not
 * know. Two threads may record the same node. */
static bool trace_stack_is_known(uint32_t node) {
    uint64_t bits = atomic_load_explicit(&trace_memory->known[node / 64], memory_order_acquire);
    return (bits >> node % 64 & 1) != 0;
}

static void trace_stack_note(uint32_t node) {
    atomic_fetch_or_explicit(&trace_memory->known[node / 64], (uint64_t)1 << node % 64,
                             memory_order_release);
}

/* Stores the outermost nodes of the stack that are not known, the innermost of them first. */
static unsigned trace_stack_collect(uint32_t node, uint32_t nodes[BATCH]) {
    unsigned unknown = 0;
    for (uint32_t at = node; at != 0 && !trace_stack_is_known(at); at = call_tree_caller(at))
        unknown++;
    for (; unknown > BATCH; unknown--) node = call_tree_caller(node);
    for (unsigned i = 0; i < unknown; i++, node = call_tree_caller(node)) nodes[i] = node;
    return unknown;
}

static bool trace_stack_record(struct trace_thread *thread, const uint32_t *nodes, unsigned count) {
    for (unsigned i = count; i-- > 0;) {
        if (!trace_reserve(thread)) return false;
        trace_put(thread, trace_record_head(thread, TRACE_NODE, 0, false));
        trace_put(thread, call_tree_pc(nodes[i]));
        trace_put(thread, nodes[i] | (uint64_t)call_tree_caller(nodes[i]) << 32);
    }
    trace_publish(thread);
    for (unsigned i = count; i-- > 0;) trace_stack_note(nodes[i]);
    return true;
}

NOINLINE APART uint32_t trace_stack(struct trace_thread *thread, const void *entry) {
    uint32_t nodes[BATCH];
    stack_id stack = stack_capture_from(&thread->stacks, trace_state.frames, entry);
    while (stack != 0 && !trace_stack_is_known(stack)) {
        unsigned count = trace_stack_collect(stack, nodes);
        if (!trace_stack_record(thread, nodes, count)) return 0;
    }
    return stack;
}

RARE void trace_stack_forget(void) {
    size_t words = call_tree_nodes() / 64 + 1;
    for (size_t i = 0; i < words && i < CALL_TREE_MAX / 64; i++)
        atomic_store_explicit(&trace_memory->known[i], 0, memory_order_relaxed);
}
