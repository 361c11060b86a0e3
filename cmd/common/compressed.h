/* Opens a file that may be compressed with gzip or zstd. */
#ifndef MALLOW_COMPRESSED_H
#define MALLOW_COMPRESSED_H

#include <stdio.h>

/* Returns a stream of the decompressed content, or NULL and errno. Reading fails with EBADMSG if
 * the compressed content is damaged. A file that was cut off ends where the cut is. */
FILE *compressed_open(const char *path);

#endif
