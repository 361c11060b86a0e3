/* A mutation fuzzer: each target gets inputs that are made from seeds, in a child process. */
#ifndef FUZZ_DRIVER_H
#define FUZZ_DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct target {
    const char *name; /* of the target, and of the folder with its seeds */
    void (*run)(const char *input, size_t size);
    const char *const *words; /* inserted into a text, ended by NULL; NULL if the input is binary */
};

/* The targets of this program. The last one is empty. */
extern const struct target targets[];

/* Ends the current input, because the code under test has called exit() or err(). */
_Noreturn void end_input(void);

/* Ends the process with a message, because the code under test has violated the condition. */
#define EXPECT(condition) ((condition) ? (void)0 : wrong(__FILE__, __LINE__, #condition))
_Noreturn void wrong(const char *file, int line, const char *what);

/* Returns the path of a file with these bytes, which exists until the next call. */
const char *input_file(const char *bytes, size_t size);

/* Returns a random number below the limit, for a target that makes choices. */
uint64_t choose(uint64_t limit);

#endif
