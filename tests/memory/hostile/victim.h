/*
 * Victims of the test that kills a process at each instruction, and the heap that they change.
 */
#ifndef VICTIM_H
#define VICTIM_H

#include "unit.h"

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

#include <mallow/shared.h>

enum { TEXT = 4096, DONE = SIGUSR1 };

#define assert_ok(call)                                                                  \
    do {                                                                                 \
        enum mallow_result ok_result = (call);                                           \
        if (ok_result != MALLOW_OK)                                                      \
            fail_msg("%s: %d, %s", #call, (int)ok_result, mallow_error_text(ok_result)); \
    } while (0)

/* Returns the descriptor of an empty image, and copies an image. */
int new_image(void);
void copy_image(int from, int to);

/* Opens an image, which is created if it is empty. */
struct mallow_shared *open_image(int fd, unsigned wait_ms);

/* Allocates and names some blocks in a new heap. */
void prepare(struct mallow_shared *heap);

/* Checks the heap, and describes what the program knows about it. */
void describe(struct mallow_shared *heap, char text[TEXT]);

/* Uses the heap, and leaves it as it was. */
void exercise(struct mallow_shared *heap);

/* The functions that change a prepared heap. */
typedef void (*action)(struct mallow_shared *heap);
enum { FUNCTIONS = 19 };
struct function {
    const char *name;
    action call;
};
extern const struct function functions[FUNCTIONS];

/* Returns the function with this name. */
action function_of(const char *name);

/* Looks up the data that the functions need in a prepared heap, so that a victim does not have to
 * do it. */
void prepare_call(struct mallow_shared *heap);

/* Starts a victim that stops before the call. Its heap is a copy of the parent's object. If `call`
 * is NULL, it opens the image instead. */
pid_t start_victim(struct mallow_shared *heap, int fd, action call);

/* Lets the victim do one instruction. Returns false if it has finished the call. */
bool step_victim(pid_t victim);

void kill_victim(pid_t victim);

#endif
