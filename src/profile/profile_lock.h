/*
 * The lock that protects samples, the sums of sites and the list of threads. It is the last lock
 * that a thread takes.
 *
 * Its holders do not block signals, because two system calls cost ten times as much as recording a
 * sample. A signal handler that interrupts the holder is refused, and the samples of its blocks are
 * lost; see samples_remove.
 */
#ifndef MALLOW_PROFILE_LOCK_H
#define MALLOW_PROFILE_LOCK_H

#include "os/open_lock.h"

extern struct open_lock profile_lock;

#endif
