/* A mutation fuzzer: each target gets inputs that are made from seeds, in a process that may die.
 */
#ifndef FUZZ_DRIVER_H
#define FUZZ_DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct target {
    const char *name; /* of the target, and of the folder with its seeds */
    void (*run)(const char *input, size_t size);
    const char *const
        *words; /* what is put into a text, ended by NULL; NULL: the input is binary */
};

/* The targets of this program, ended by an empty one. */
extern const struct target targets[];

/* Ends the input that is being run: the code under test has called exit() or err(). */
_Noreturn void end_input(void);

/* Ends the process with the message: the code under test did something wrong. */
#define EXPECT(condition) ((condition) ? (void)0 : wrong(__FILE__, __LINE__, #condition))
_Noreturn void wrong(const char *file, int line, const char *what);

/* The path of a file with these bytes, until the next input. */
const char *input_file(const char *bytes, size_t size);

/* Random numbers of the driver, for a target that makes choices: below the limit. */
uint64_t choose(uint64_t limit);

#endif
