/*
 * The stacks of profiles with functions and lines in place of addresses.
 *
 * All stacks form one tree, in which equal stacks of different processes and profiles are the same
 * node. A call of a function that is inlined has a node of its own.
 */
#ifndef MALLOW_STACKS_H
#define MALLOW_STACKS_H

#include "common/texts.h"
#include "profiles/profile.h"

/* A hostile file could have millions of callers. Only these are looked at. */
#define STACK_DEPTH_MAX 1000

struct stack_frame {
    uint32_t function, file, module; /* numbers of texts; 0: unknown */
    int line;                        /* 0: unknown */
    bool inlined;
    bool is_helper;  /* helps to allocate, so its caller is more interesting */
    bool is_jit;     /* a just-in-time compiler has generated it from the program's source */
    bool is_unnamed; /* `function` is an address */
};

/* A node; its number is its index. Number 0 is the caller of the outermost functions. */
struct stack {
    uint32_t caller, frame;
};

struct stacks {
    struct texts texts;
    struct stack_frame *frames;
    struct stack *list;
    size_t frame_count, count;
    struct index_map frame_numbers, numbers, pairs;
    uint32_t pair_count;
};

struct stacks *stacks_open(void);
void stacks_free(struct stacks *stacks);

/* Looks up all addresses of the profile, each only once, and adds its stacks to the tree. Stores
 * their numbers in the `stacks` of the sections. */
void stacks_add(struct stacks *stacks, const struct profile *profile);

/* Returns the frame that a stack stands for: the innermost function of a just-in-time compiler, in
 * front of which is the interpreter, or else the innermost one that does not merely help to
 * allocate. Returns NULL if the stack is unknown. */
const struct stack_frame *stacks_headline(const struct stacks *stacks, uint32_t stack);

#endif
