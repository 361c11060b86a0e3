/* The FILES blocks of a profile: what the kernel's files say of the limits of the process. Only one
 * thread at a time may call it. */
#ifndef MALLOW_PROFILE_KERNEL_H
#define MALLOW_PROFILE_KERNEL_H

void profile_kernel_write(void);

#endif
