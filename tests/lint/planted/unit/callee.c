/* Reads through its argument, which its caller in another file has as NULL. */
#include "helper.h"

int callee(const int *number) { return *number; }
