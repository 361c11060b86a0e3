/* Clears nothing: the size and the value of memset are swapped. */
#include <string.h>

void clear(char *bytes, size_t count) { memset(bytes, sizeof(bytes), 0); }
