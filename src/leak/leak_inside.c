#include "leak/leak_inside.h"

#include "leak/leak_memory.h"

static uintptr_t leak_inside_word_at(uintptr_t address) {
    uintptr_t word = 0;
    leak_read(address, &word, sizeof word);
    return word;
}

/* The block may be larger than requested, because sizes are rounded up to a size class. */
static bool leak_inside_is_after_count(const struct leak_block *block) {
    uintptr_t count = leak_inside_word_at((uintptr_t)block->start);
    size_t bytes = block->size - sizeof count;
    return count != 0 && count <= bytes && bytes % count <= block->size / 4;
}

/* Code that aligns a block by hand stores the block's start next to the aligned part, to free it.
 */
static bool leak_inside_is_next_to_start(const struct leak_block *block, uintptr_t address) {
    uintptr_t start = (uintptr_t)block->start;
    return leak_inside_word_at(address - sizeof start) == start ||
           leak_inside_word_at(address + sizeof start) == start;
}

/* A virtual table is constant data of a file that begins with the address of code. */
static bool leak_inside_is_virtual_table(uintptr_t address) {
    if (address % sizeof(uintptr_t) != 0) return false;
    const struct leak_region *region = leak_region_around(address);
    if (region == NULL || !region->readable || region->writable || *region->name != '/')
        return false;
    const struct leak_region *code = leak_region_around(leak_inside_word_at(address));
    return code != NULL && code->executable;
}

bool leak_is_as_start(const struct leak_block *block, uintptr_t address) {
    size_t offset = address - (uintptr_t)block->start;
    if (offset % sizeof(uintptr_t) != 0 || block->size - offset < sizeof(uintptr_t)) return false;
    if (offset == sizeof(uintptr_t) && leak_inside_is_after_count(block)) return true;
    if (leak_inside_is_next_to_start(block, address)) return true;
    return leak_inside_is_virtual_table(leak_inside_word_at(address)) &&
           leak_inside_is_virtual_table(leak_inside_word_at((uintptr_t)block->start));
}
