/*
 * Memory and string functions for the shared library. libc's functions may be wrapped by a
 * preloaded library that allocates, and compilers generate calls of them. These have hidden
 * visibility, so that other objects do not use them. The file is compiled with its own flags, so
 * that the compiler does not replace a loop here by a call of the function that contains it.
 */
#include <stddef.h>
#include <stdint.h>

#define LOCAL __attribute__((visibility("hidden"), used))

typedef uint64_t vector __attribute__((vector_size(16), aligned(1), may_alias));
typedef uint64_t word8 __attribute__((aligned(1), may_alias));
typedef uint32_t word4 __attribute__((aligned(1), may_alias));
typedef uint16_t word2 __attribute__((aligned(1), may_alias));

#define AT(type, p, offset) (*(type *)((char *)(p) + (offset)))
#define FROM(type, p, offset) (*(const type *)((const char *)(p) + (offset)))

/* From this size on, the processor's string instructions are as fast as a loop. */
#define BY_STRING_INSTRUCTION 1024

/* Both ends are read before either is written, so the two may overlap. */
#define COPY_ENDS(type)                                 \
    do {                                                \
        type first = FROM(type, from, 0);               \
        type last = FROM(type, from, n - sizeof(type)); \
        AT(type, to, 0) = first;                        \
        AT(type, to, n - sizeof(type)) = last;          \
    } while (0)

static inline void memory_copy_small(char *to, const char *from, size_t n) {
    if (n >= 16)
        COPY_ENDS(vector);
    else if (n >= 8)
        COPY_ENDS(word8);
    else if (n >= 4)
        COPY_ENDS(word4);
    else if (n >= 2)
        COPY_ENDS(word2);
    else if (n == 1)
        *to = *from;
}

static inline void memory_copy_64(char *to, const char *from, size_t n) {
    vector a = FROM(vector, from, 0), b = FROM(vector, from, 16);
    vector c = FROM(vector, from, n - 32), d = FROM(vector, from, n - 16);
    AT(vector, to, 0) = a;
    AT(vector, to, 16) = b;
    AT(vector, to, n - 32) = c;
    AT(vector, to, n - 16) = d;
}

/* Copies more than 64 bytes in ascending order; `to` may be below `from` and overlap it. */
static void memory_copy_forward(char *to, const char *from, size_t n) {
    vector last[4];
    for (size_t i = 0; i < 4; i++) last[i] = FROM(vector, from, n - 64 + 16 * i);
    for (size_t at = 0; at < n - 64; at += 64) {
        vector a = FROM(vector, from, at), b = FROM(vector, from, at + 16);
        vector c = FROM(vector, from, at + 32), d = FROM(vector, from, at + 48);
        AT(vector, to, at) = a;
        AT(vector, to, at + 16) = b;
        AT(vector, to, at + 32) = c;
        AT(vector, to, at + 48) = d;
    }
    for (size_t i = 0; i < 4; i++) AT(vector, to, n - 64 + 16 * i) = last[i];
}

/* Copies in descending order; `to` may be above `from` and overlap it. */
static void memory_copy_backward(char *to, const char *from, size_t n) {
    vector first[4];
    for (size_t i = 0; i < 4; i++) first[i] = FROM(vector, from, 16 * i);
    for (size_t at = n; at > 64; at -= 64) {
        vector a = FROM(vector, from, at - 16), b = FROM(vector, from, at - 32);
        vector c = FROM(vector, from, at - 48), d = FROM(vector, from, at - 64);
        AT(vector, to, at - 16) = a;
        AT(vector, to, at - 32) = b;
        AT(vector, to, at - 48) = c;
        AT(vector, to, at - 64) = d;
    }
    for (size_t i = 0; i < 4; i++) AT(vector, to, 16 * i) = first[i];
}

static void memory_copy_large(char *to, const char *from, size_t n) {
#if defined(__x86_64__)
    if (n >= BY_STRING_INSTRUCTION) {
        /* Aligning the destination to a cache line makes the copy twice as fast. */
        size_t lead = -(uintptr_t)to & 63;
        vector head[4];
        for (size_t i = 0; i < 4; i++) head[i] = FROM(vector, from, 16 * i);
        char *start = to;
        to += lead;
        from += lead;
        n -= lead;
        for (size_t i = 0; i < 4; i++) AT(vector, start, 16 * i) = head[i];
        __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
        return;
    }
#endif
    memory_copy_forward(to, from, n);
}

LOCAL void *memcpy(void *restrict to, const void *restrict from, size_t n) {
    if (n <= 32)
        memory_copy_small(to, from, n);
    else if (n <= 64)
        memory_copy_64(to, from, n);
    else
        memory_copy_large(to, from, n);
    return to;
}

LOCAL void *memmove(void *to, const void *from, size_t n) {
    if (n <= 32)
        memory_copy_small(to, from, n);
    else if (n <= 64)
        memory_copy_64(to, from, n);
    else if ((uintptr_t)to - (uintptr_t)from < n)
        memory_copy_backward(to, from, n);
    else if ((uintptr_t)from - (uintptr_t)to < n)
        memory_copy_forward(to, from, n);
    else
        memory_copy_large(to, from, n);
    return to;
}

static inline void memory_set_64(char *to, vector value) {
    AT(vector, to, 0) = value;
    AT(vector, to, 16) = value;
    AT(vector, to, 32) = value;
    AT(vector, to, 48) = value;
}

static void memory_set_large(char *to, vector value, size_t n) {
#if defined(__x86_64__)
    if (n >= BY_STRING_INSTRUCTION) {
        memory_set_64(to, value);
        size_t lead = -(uintptr_t)to & 63;
        to += lead;
        n -= lead;
        __asm__ volatile("rep stosb" : "+D"(to), "+c"(n) : "a"(value[0]) : "memory");
        return;
    }
#endif
    for (size_t at = 0; at < n - 64; at += 64) memory_set_64(to + at, value);
    memory_set_64(to + n - 64, value);
}

#define SET_ENDS(type, value)                     \
    do {                                          \
        AT(type, to, 0) = (value);                \
        AT(type, to, n - sizeof(type)) = (value); \
    } while (0)

static inline void memory_set_small(char *to, uint64_t word, size_t n) {
    if (n >= 8)
        SET_ENDS(word8, word);
    else if (n >= 4)
        SET_ENDS(word4, (uint32_t)word);
    else if (n >= 2)
        SET_ENDS(word2, (uint16_t)word);
    else if (n == 1)
        *to = (char)word;
}

LOCAL void *memset(void *start, int byte, size_t n) {
    char *to = start;
    uint64_t word = (unsigned char)byte * 0x0101010101010101u;
    vector value = {word, word};
    if (n < 16) {
        memory_set_small(to, word, n);
    } else if (n <= 64) {
        SET_ENDS(vector, value);
        if (n <= 32) return start;
        AT(vector, to, 16) = value;
        AT(vector, to, n - 32) = value;
    } else {
        memory_set_large(to, value, n);
    }
    return start;
}

LOCAL int memcmp(const void *a, const void *b, size_t n) {
    size_t at = 0;
    while (n - at >= 8 && FROM(word8, a, at) == FROM(word8, b, at)) at += 8;
    for (; at < n; at++) {
        int difference = FROM(unsigned char, a, at) - FROM(unsigned char, b, at);
        if (difference != 0) return difference;
    }
    return 0;
}

/* Clang calls bcmp if only the equality of two ranges matters. */
LOCAL int bcmp(const void *a, const void *b, size_t n) { return memcmp(a, b, n); }

LOCAL void *memchr(const void *start, int byte, size_t n) {
    for (const unsigned char *at = start; n-- > 0; at++)
        if (*at == (unsigned char)byte) return (void *)(uintptr_t)at;
    return NULL;
}

LOCAL size_t strlen(const char *s) {
    size_t n = 0;
    while (s[n] != '\0') n++;
    return n;
}

LOCAL char *strchr(const char *s, int byte) {
    for (;; s++) {
        if (*s == (char)byte) return (char *)(uintptr_t)s;
        if (*s == '\0') return NULL;
    }
}

LOCAL int strcmp(const char *a, const char *b) {
    while (*a != '\0' && *a == *b) a++, b++;
    return (unsigned char)*a - (unsigned char)*b;
}

LOCAL int strncmp(const char *a, const char *b, size_t n) {
    while (n > 0 && *a != '\0' && *a == *b) a++, b++, n--;
    return n == 0 ? 0 : (unsigned char)*a - (unsigned char)*b;
}

LOCAL char *strcpy(char *restrict to, const char *restrict from) {
    memcpy(to, from, strlen(from) + 1);
    return to;
}

LOCAL size_t strcspn(const char *s, const char *any) {
    size_t n = 0;
    while (s[n] != '\0' && strchr(any, s[n]) == NULL) n++;
    return n;
}

LOCAL char *strstr(const char *s, const char *part) {
    size_t n = strlen(part);
    for (;; s++) {
        if (strncmp(s, part, n) == 0) return (char *)(uintptr_t)s;
        if (*s == '\0') return NULL;
    }
}
