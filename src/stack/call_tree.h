/*
 * All stacks that were ever asked for, as one tree: a node is a return address in the context of
 * its caller's node. Stacks share their outer frames, and equal stacks are one node.
 *
 * Nodes are found by a hash of (caller, return address): a table of roots, and below each a trie of
 * four children a node, by the further bits. A node is complete before one compare-and-swap links
 * it, and nothing changes or goes afterwards; so there is no lock, a fork copies a whole tree, and
 * whoever is stopped in the middle leaves one.
 */
#ifndef MALLOW_CALL_TREE_H
#define MALLOW_CALL_TREE_H

#include <stdint.h>

#define CALL_TREE_MAX ((uint32_t)1 << 23) /* nodes, of 32 bytes */

/* The node of pc called from the node `caller` (0: nobody). 0 when there is no memory. */
uint32_t call_tree_node(uint32_t caller, uintptr_t pc);

uint32_t call_tree_caller(uint32_t node);
uintptr_t call_tree_pc(uint32_t node);

/* How many there are. */
uint32_t call_tree_nodes(void);

#endif
