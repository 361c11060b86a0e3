#ifndef HELPER_H
#define HELPER_H

int callee(const int *number);
static inline int same(int x) { return x == x; }

#endif
