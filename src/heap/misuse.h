/* The heap detects misuse. A higher layer describes it. */
#ifndef MALLOW_MISUSE_H
#define MALLOW_MISUSE_H

enum misuse { MISUSE_FREE, MISUSE_REALLOC, MISUSE_USABLE_SIZE };

/* Reports that the program called the function `what` with p, which is not the start of a block in
 * use. `caller` is the return address of that call. Returns unless errors end the process.
 * process/hooks.c defines it. */
extern void (*const misuse_report)(enum misuse what, const void *p, const void *caller);

#endif
