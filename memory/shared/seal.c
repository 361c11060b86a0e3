/*
 * The checksum is a chain: h = rotate((h ^ word) * odd). For a given word, each link is a bijection
 * of h, and for a given h, a bijection of the word. Two chains that differ in one word therefore
 * differ at the end. A block has four such chains, so that the processor works on four words at a
 * time, and their ends are links of the chain of the image, together with the position of the
 * block. One changed word in the image therefore always changes the checksum, unless the change
 * turns a block into a zero block or a zero block into another: zero blocks are skipped, because
 * the holes of a file must not be read. In this case, and if several words change, the checksum
 * stays the same with a probability of 2^-64.
 */
#include "shared/seal.h"

#include <errno.h>
#include <string.h>

#include "base/kernel_shared.h"
#include "shared/store.h"

#define WORDS (SEAL_BLOCK / sizeof(uint64_t))
#define LANES 4
_Static_assert(sizeof(struct image_header) == SEAL_BLOCK, "the header is a block");

static uint64_t seal_link(uint64_t chain, uint64_t word) {
    chain = (chain ^ word) * 0x9e3779b97f4a7c15;
    return chain << 29 | chain >> 35;
}

static uint64_t seal_block(uint64_t chain, uint64_t offset, const void *block) {
    const uint64_t *words = block;
    uint64_t lanes[LANES] = {1, 2, 3, 4};
    for (size_t i = 0; i < WORDS; i += LANES)
        for (size_t lane = 0; lane < LANES; lane++)
            lanes[lane] = seal_link(lanes[lane], words[i + lane]);
    chain = seal_link(chain, offset);
    for (size_t lane = 0; lane < LANES; lane++) chain = seal_link(chain, lanes[lane]);
    return chain;
}

static bool seal_is_zero(const void *block) {
    const uint64_t *words = block;
    uint64_t any = 0;
    for (size_t i = 0; i < WORDS && any == 0; i += 8)
        for (size_t k = 0; k < 8; k++) any |= words[i + k];
    return any == 0;
}

/* Finds the next part with data, in whole blocks. Returns false if there is none before `bytes`. */
static bool seal_next_part(const struct heap *heap, uint64_t *from, uint64_t *to, uint64_t bytes) {
    if (*from >= bytes) return false;
    int error = errno;
    uint64_t start = *from, end = bytes;
    if (!kernel_find_data(heap->fd, &start, &end)) {
        bool is_end = errno == ENXIO;
        errno = error;
        if (is_end) return false;
        start = *from;
        end = bytes;
    }
    *from = start / SEAL_BLOCK * SEAL_BLOCK;
    *to = end < bytes ? (end + SEAL_BLOCK - 1) / SEAL_BLOCK * SEAL_BLOCK : bytes;
    return *from < bytes;
}

uint64_t seal_sum(const struct heap *heap, const struct image_header *header, uint64_t bytes,
                  bool (*visit)(void *context, uint64_t offset, const void *block), void *context) {
    uint64_t chain = seal_block(bytes, 0, header);
    for (uint64_t at = SEAL_BLOCK, end; seal_next_part(heap, &at, &end, bytes);)
        for (; at < end; at += SEAL_BLOCK) {
            const void *block = heap->image + at;
            if (seal_is_zero(block)) continue;
            chain = seal_block(chain, at, block);
            if (visit != NULL && !visit(context, at, block)) return 0;
        }
    return chain;
}

struct image_header seal_header(const struct heap *heap, uint64_t bytes) {
    struct image_header header = *heap_header(heap);
    header.boot = 0;
    header.seal = 0;
    header.file_bytes = bytes;
    memset(&header.lock, 0, sizeof header.lock);
    return header;
}

/* The store to `boot` seals the image. Until then, `seal` means nothing. */
bool seal_close(struct heap *heap) {
    struct image_header *header = heap_header(heap);
    uint64_t bytes = heap_bytes(heap, buddy_now(&heap->buddy)->units);
    if (!kernel_set_file_size(heap->fd, bytes)) return false;
    struct image_header sealed = seal_header(heap, bytes);
    header->lock = sealed.lock;
    store_word(&header->file_bytes, bytes);
    store_word(&header->seal, seal_sum(heap, &sealed, bytes, NULL, NULL));
    if (!kernel_sync_file(heap->fd)) return false;
    store_word(&header->boot, 0);
    return true;
}

bool seal_is_right(const struct heap *heap) {
    struct image_header header = *heap_header(heap);
    uint64_t seal = header.seal;
    header.seal = 0;
    return seal_sum(heap, &header, header.file_bytes, NULL, NULL) == seal;
}
