/*
 * The table of all options: those of MALLOW_OPTIONS, and those that the GNU C library documents for
 * its own allocator. The table drives the parser (options.c), a unit test that tries each entry,
 * and the check of the lists in mallow(7) (tests/manual).
 */
#ifndef MALLOW_OPTION_TABLE_H
#define MALLOW_OPTION_TABLE_H

#include <stddef.h>
#include <stdint.h>

/* Where the key is used. */
enum option_source {
    OPTION_MALLOW, /* MALLOW_OPTIONS=key=value */
    OPTION_LIBC,   /* GLIBC_TUNABLES=glibc.malloc.key=value, and older names */
};

/* How the text of a value becomes a number. */
enum option_kind {
    OPTION_CHOICE,         /* one of the words in `values`; the number is its position */
    OPTION_NUMBER,         /* from 0 to `max` */
    OPTION_ONE_IN,         /* a number, 0 for none */
    OPTION_PROCESS,        /* a process ID */
    OPTION_AMOUNT,         /* bytes */
    OPTION_AUTO_OR_AMOUNT, /* bytes, or the word "auto", whose number is SIZE_MAX */
    OPTION_FILE,           /* a path, which is passed to option_set_path */
    OPTION_FILE_PATTERN,   /* a path in which %p and %% are replaced */
    OPTION_DIGIT, /* like OPTION_NUMBER, but only the first character of the variable counts */
};

/* The structure has no pointers: each would need a relocation, and relocations make pages of the
 * library private to each process. */
struct option {
    uint8_t source; /* OPTION_MALLOW or OPTION_LIBC */
    char key[22];
    char values[24]; /* the words of a choice, otherwise the name of the value in mallow(7) */
    uint8_t kind;
    size_t max;
    uint8_t target, target_size; /* offset and size in `settings`; size 0: it is not stored */
    uint8_t effect;              /* an effect besides being stored: see option_table.c */
    char help[73];
    /* Only for OPTION_LIBC: */
    char variable[23]; /* the older name in the environment; "": none */
    int8_t parameter;  /* parameter of mallopt; 0: none */
    int mallopt_bits;  /* mallopt uses these bits of a value; 0: it refuses values above `max` */
};

/* Ends with an entry whose key is empty. */
extern const struct option option_table[];

/* Stores the number and carries out the option's other effect, if it has one. */
void option_set_number(const struct option *option, size_t number);

/* Returns NULL, or why the path cannot be used. */
const char *option_set_path(const struct option *option, const char *path);

#endif
