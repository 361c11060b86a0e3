/* The lock that protects samples, the sums of sites and the list of threads. While it is held
 * because blocks are sampled, signals are blocked (MODES_THAT_NEED_LOCK). It is the last lock that
 * a thread takes. */
#ifndef MALLOW_PROFILE_LOCK_H
#define MALLOW_PROFILE_LOCK_H

#include "os/open_lock.h"

extern struct open_lock profile_lock;

#endif
