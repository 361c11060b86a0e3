/*
 * The system calls for secret memory. The rules of base/kernel.h apply: a function that fails
 * returns false or NULL, and errno has the reason. Ranges are whole pages.
 */
#ifndef MALLOW_KERNEL_SECRET_H
#define MALLOW_KERNEL_SECRET_H

#include <stdbool.h>
#include <stddef.h>

/* Reserves inaccessible addresses. */
void *kernel_fence(size_t bytes);

/* Replaces what is mapped there by inaccessible addresses. */
bool kernel_fence_again(void *p, size_t bytes);

/* Makes addresses inaccessible if nothing is mapped there, and does nothing otherwise. */
void kernel_fence_gap(void *p, size_t bytes);

/* Replaces reserved addresses by memory of memfd_secret(2), which is locked and not in dumps. */
bool kernel_map_secret(void *p, size_t bytes);

/* Makes reserved addresses readable and writable private memory. */
bool kernel_map_private(void *p, size_t bytes);

/* Exclude memory from core dumps, and from children. */
bool kernel_omit_from_dump(void *p, size_t bytes);
bool kernel_omit_from_fork(void *p, size_t bytes);

/* Sets the protection to PROT_NONE, PROT_READ, or PROT_READ | PROT_WRITE. */
bool kernel_guard(void *p, size_t bytes, int protection);

/* Fills at most 256 bytes with random bits. */
bool kernel_fill_random(void *p, size_t bytes);

#endif
