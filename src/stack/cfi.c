/* Finds the call frame information of a function, by the search table of its object. */
#include "stack/cfi.h"

#include <stddef.h>
#include <string.h>

#include "base/numbers.h"
#include "stack/cfi_program.h"
#include "stack/cfi_reader.h"

/* The sorted table contains pairs of offsets from its start: that of a function and that of its
 * entry. */
struct cfi_search_table {
    uint8_t version, frame_encoding, count_encoding, table_encoding;
};
enum { TABLE_COUNT = 0x03, TABLE_OFFSETS = 0x3b }; /* all linkers write these encodings */

struct cfi_search_pair {
    int32_t function, entry;
};

static const uint8_t *cfi_search_entry(const void *sorted, uintptr_t pc) {
    const struct cfi_search_table *head = sorted;
    if (head->version != 1 || head->count_encoding != TABLE_COUNT ||
        head->table_encoding != TABLE_OFFSETS)
        return NULL;
    struct cfi_reader reader = {(const uint8_t *)(head + 1), (const uint8_t *)UINTPTR_MAX, false};
    cfi_pointer(&reader, head->frame_encoding, (uintptr_t)sorted);
    size_t low = 0, high = cfi_fixed(&reader, 4);
    if (reader.failed) return NULL;
    const struct cfi_search_pair *pairs = (const void *)reader.at;
    int64_t wanted = (int64_t)(pc - (uintptr_t)sorted);
    while (low < high) { /* invariant: low <= index of the first function after pc <= high */
        size_t middle = low + (high - low) / 2;
        if (pairs[middle].function <= wanted)
            low = middle + 1;
        else
            high = middle;
    }
    return low == 0 ? NULL : (const uint8_t *)sorted + pairs[low - 1].entry;
}

/* Returns a reader for the rest of an entry, after its length. */
static struct cfi_reader cfi_entry_at(const uint8_t *entry) {
    struct cfi_reader reader = {entry, (const uint8_t *)UINTPTR_MAX, false};
    uint64_t length = cfi_fixed(&reader, 4);
    if (length == 0xffffffff) length = cfi_fixed(&reader, 8);
    if (length == 0 || length > GIB) reader.failed = true;
    if (!reader.failed) reader.end = reader.at + length;
    return reader;
}

/* Reads the data of one letter of the augmentation. Returns false if the letter is unknown. */
static bool cfi_read_letter(struct cfi *cfi, struct cfi_reader *reader, char letter) {
    switch (letter) {
    case 'R':
        cfi->encoding = (uint8_t)cfi_fixed(reader, 1);
        break;
    case 'P':
        cfi_pointer(reader, (uint8_t)cfi_fixed(reader, 1) & 0x7f, 0);
        break;
    case 'L':
        cfi_fixed(reader, 1);
        break;
    case 'S':
        cfi->signal_frame = true;
        break;
    case 'B':
        break; /* return addresses are signed with key B */
    default:
        return false;
    }
    return true;
}

/* Reads the rest of the entry's head. If the augmentation begins with 'z', its length is known even
 * if it has unknown letters. */
static void cfi_read_augmentation(struct cfi *cfi, struct cfi_reader *reader, const char *letters) {
    const uint8_t *rest = NULL;
    cfi->encoding = 0;
    cfi->augmented = *letters == 'z';
    if (cfi->augmented) {
        letters++;
        uint64_t length = cfi_uleb(reader);
        if (length > (size_t)(reader->end - reader->at))
            reader->failed = true;
        else
            rest = reader->at + length;
    }
    while (*letters != '\0' && !reader->failed && cfi_read_letter(cfi, reader, *letters)) letters++;
    if (*letters != '\0' && rest == NULL) reader->failed = true;
    if (rest != NULL) reader->at = rest;
}

/* Reads the common information entry (CIE), which the entries of several functions share. */
static bool cfi_read_common(struct cfi *cfi, const uint8_t *entry) {
    struct cfi_reader reader = cfi_entry_at(entry);
    if (reader.failed || cfi_fixed(&reader, 4) != 0) return false;
    uint64_t version = cfi_fixed(&reader, 1);
    if (version != 1 && version != 3 && version != 4) return false;
    const char *letters = (const char *)reader.at;
    while (cfi_fixed(&reader, 1) != 0) {
    }
    if (version == 4) {
        uint64_t address_bytes = cfi_fixed(&reader, 1), segment_bytes = cfi_fixed(&reader, 1);
        if (address_bytes != sizeof(uintptr_t) || segment_bytes != 0) return false;
    }
    cfi->code_factor = cfi_uleb(&reader);
    cfi->data_factor = cfi_sleb(&reader);
    uint64_t column = version == 1 ? cfi_fixed(&reader, 1) : cfi_uleb(&reader);
    if (reader.failed || column >= REGISTERS) return false;
    cfi->return_register = (uint8_t)column;
    cfi_read_augmentation(cfi, &reader, letters);
    cfi->program[0] = reader.at;
    cfi->program_end[0] = reader.end;
    return !reader.failed;
}

static bool cfi_read_function(struct cfi *cfi, const uint8_t *entry, uintptr_t pc) {
    struct cfi_reader reader = cfi_entry_at(entry);
    if (reader.failed) return false;
    const uint8_t *here = reader.at;
    uint64_t back = cfi_fixed(&reader, 4);
    if (back == 0 || !cfi_read_common(cfi, here - back)) return false;
    cfi->start = cfi_pointer(&reader, cfi->encoding, 0);
    uintptr_t length = (uintptr_t)cfi_number(&reader, cfi->encoding);
    if (reader.failed || pc - cfi->start >= length) return false;
    if (cfi->augmented) {
        uint64_t skipped = cfi_uleb(&reader);
        if (skipped > (size_t)(reader.end - reader.at)) return false;
        reader.at += skipped;
    }
    cfi->program[1] = reader.at;
    cfi->program_end[1] = reader.end;
    return !reader.failed;
}

bool cfi_find(struct cfi *cfi, const void *sorted, uintptr_t pc) {
    const uint8_t *entry = cfi_search_entry(sorted, pc);
    memset(&cfi->row, 0, sizeof cfi->row);
    cfi->signal_frame = false;
    cfi->remembered = 0;
    if (entry == NULL || !cfi_read_function(cfi, entry, pc)) return false;
    if (!cfi_run(cfi, 0, UINTPTR_MAX)) return false;
    cfi->initial = cfi->row;
    return cfi_run(cfi, 1, pc);
}
