/* Numbers in bytes: seven bits in each byte, the lowest first; bit 7 is set if another follows. */
#ifndef MALLOW_TRACE_BYTES_H
#define MALLOW_TRACE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define TRACE_NUMBER_MAX 10 /* bytes of the longest number */

/* Bytes that grow. Initialized to zero. */
struct trace_bytes {
    uint8_t *data;
    size_t count, room;
};

/* Makes room for more bytes. Returns false if there is no memory. */
static inline bool trace_bytes_reserve(struct trace_bytes *bytes, size_t more) {
    if (bytes->room - bytes->count >= more) return true;
    size_t room = (bytes->count + more) * 2;
    uint8_t *data = realloc(bytes->data, room);
    if (data == NULL) return false;
    bytes->data = data;
    bytes->room = room;
    return true;
}

static inline void trace_bytes_free(struct trace_bytes *bytes) {
    free(bytes->data);
    *bytes = (struct trace_bytes){.data = NULL};
}

/* Adds a number. There must be room for TRACE_NUMBER_MAX bytes. */
static inline void trace_bytes_put(struct trace_bytes *bytes, uint64_t number) {
    uint8_t *at = bytes->data + bytes->count;
    for (; number >= 0x80; number >>= 7) *at++ = (uint8_t)(number | 0x80);
    *at++ = (uint8_t)number;
    bytes->count = (size_t)(at - bytes->data);
}

/* Does the same, and makes the room. Returns false if there is no memory. */
static inline bool trace_bytes_add(struct trace_bytes *bytes, uint64_t number) {
    if (!trace_bytes_reserve(bytes, TRACE_NUMBER_MAX)) return false;
    trace_bytes_put(bytes, number);
    return true;
}

/* Adds the number of bytes, and the bytes. */
static inline bool trace_bytes_add_text(struct trace_bytes *bytes, const void *text, size_t count) {
    if (!trace_bytes_reserve(bytes, TRACE_NUMBER_MAX + count)) return false;
    trace_bytes_put(bytes, count);
    if (count != 0) memcpy(bytes->data + bytes->count, text, count);
    bytes->count += count;
    return true;
}

/* A difference as a number: small ones are small, whatever their sign. */
static inline uint64_t trace_fold(uint64_t difference) {
    return difference << 1 ^ (uint64_t)((int64_t)difference >> 63);
}
static inline uint64_t trace_unfold(uint64_t number) { return number >> 1 ^ -(number & 1); }

/* Returns a copy of the bytes that ends with '\0' and that the caller frees, or NULL: there is no
 * memory. */
char *trace_copy_text(const void *text, size_t count);

/* A place in bytes that are read. */
struct trace_cursor {
    const uint8_t *at, *end;
    bool failed; /* the bytes ended, or a number is too long */
};

/* Returns the next number, or 0 if there is none. */
static inline uint64_t trace_cursor_number(struct trace_cursor *cursor) {
    uint64_t number = 0;
    if (cursor->at < cursor->end && *cursor->at < 0x80) return *cursor->at++;
    for (unsigned shift = 0; shift < 64 && cursor->at < cursor->end; shift += 7) {
        uint8_t byte = *cursor->at++;
        number |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) return number;
    }
    cursor->failed = true;
    return 0;
}

/* Returns the next byte, or 0 if there is none. */
static inline uint8_t trace_cursor_byte(struct trace_cursor *cursor) {
    if (cursor->at < cursor->end) return *cursor->at++;
    cursor->failed = true;
    return 0;
}

/* Returns bytes that begin with their number, and stores it. Returns NULL if they are missing. */
static inline const uint8_t *trace_cursor_text(struct trace_cursor *cursor, size_t *count) {
    uint64_t length = trace_cursor_number(cursor);
    const uint8_t *text = cursor->at;
    *count = 0;
    if (cursor->failed || length > (size_t)(cursor->end - cursor->at)) {
        cursor->failed = true;
        return NULL;
    }
    *count = (size_t)length;
    cursor->at += length;
    return text;
}

#endif
