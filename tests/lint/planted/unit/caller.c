#include "helper.h"

int caller(int x) { return same(x) ? callee(0) : 0; }
