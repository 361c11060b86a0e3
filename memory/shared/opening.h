/* Opens the image in a file that is already open. */
#ifndef MALLOW_OPENING_H
#define MALLOW_OPENING_H

#include "base/kernel_shared.h"
#include "shared/heap.h"

struct opening {
    const char *function; /* the public function */
    enum mallow_shared_how how;
    struct mallow_shared_options options;
    int fd;           /* a file description of its own */
    int directory;    /* of a file heap, otherwise -1 */
    const char *name; /* in the directory */
    bool needs_name;  /* the file must still have a name after it is locked */
    bool was_removed; /* result: the file was removed before it could be locked; open it again */
};

/* Opens or creates the image, and stores the heap, which has the descriptors. On failure, leaves
 * them to the caller, and returns the failure that it recorded. */
enum mallow_result opening_run(struct opening *opening, struct heap **heap);

/* Closes the heap, except its descriptors, and frees the object. */
void opening_undo(struct heap *heap);

/* The bytes of the file that are locked. */
enum {
    OPENING_LOCK, /* exclusively while a process opens or closes the image */
    USER_LOCK,    /* shared by all that have it open for writing, exclusively by the only one */
};

/* Locks OPENING_LOCK. Returns false and sets errno on failure. */
bool opening_lock(int fd, enum kernel_byte_lock lock, unsigned wait_ms);

#endif
