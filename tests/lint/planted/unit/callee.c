/* Reads through its argument. Its caller, in another file, passes NULL. */
#include "helper.h"

int callee(const int *number) { return *number; }
