/* JSON on standard output. */
#ifndef MALLOW_JSON_H
#define MALLOW_JSON_H

/* The string in quotes, as JSON has it; null for NULL. Bytes that are no UTF-8 stay as they are. */
void json_print_string(const char *string);

#endif
