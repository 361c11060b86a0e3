/*
 * All captured stacks as one tree. A node is a return address together with the node of its caller.
 * Stacks share their outer frames, and equal stacks have the same node.
 *
 * Nodes are found by a hash of (caller, return address): its first bits select a root in a table,
 * and the following bits select one of four children at each level of a trie. A node is complete
 * before one compare-and-swap links it; afterwards it never changes or disappears. The tree is
 * therefore consistent at any time: it needs no lock, and neither a fork nor a thread that stops in
 * the middle of an insertion can damage it. All functions are thread-safe.
 */
#ifndef MALLOW_CALL_TREE_H
#define MALLOW_CALL_TREE_H

#include <stddef.h>
#include <stdint.h>

/* An interned stack: the node of its innermost frame; 0: none. Equal stacks have equal IDs. */
typedef uint32_t stack_id;

#define CALL_TREE_MAX ((uint32_t)1 << 23) /* maximum number of nodes, of 32 bytes each */

/* Returns the node of the return address `pc` below the node `caller` (0: no caller), and creates
 * it if necessary. Returns 0 if there is no memory. */
uint32_t call_tree_node(uint32_t caller, uintptr_t pc);

/* Return the parts of a node; `node` must not be 0. */
uint32_t call_tree_caller(uint32_t node);
uintptr_t call_tree_pc(uint32_t node);

/* Calls `call` for each range of memory that the tree has mapped. */
void call_tree_each_range(void (*call)(void *to, const void *start, size_t bytes), void *to);

/* Returns the number of nodes. */
uint32_t call_tree_nodes(void);

#endif
