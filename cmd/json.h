/* JSON on standard output. */
#ifndef MALLOW_JSON_H
#define MALLOW_JSON_H

#include <stddef.h>

/* The bytes in quotes, as JSON has them; those that are no UTF-8 stay as they are. */
void json_print_string(const char *bytes, size_t count);

#endif
