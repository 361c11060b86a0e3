/* The statistics functions of <malloc.h>, as their manual pages describe them. */
#ifndef MALLOW_INFO_H
#define MALLOW_INFO_H

#include <malloc.h>
#include <stdio.h>

struct mallinfo mallow_mallinfo(void);
struct mallinfo2 mallow_mallinfo2(void);
void mallow_malloc_stats(void);
int mallow_malloc_info(int options, FILE *stream);

#endif
