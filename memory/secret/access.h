/* The kind of access that caused a fault. */
#ifndef MALLOW_ACCESS_H
#define MALLOW_ACCESS_H

enum access_kind { ACCESS_READ, ACCESS_WRITE, ACCESS_UNKNOWN };

/* `context` is the third argument of the handler. Async-signal-safe. */
enum access_kind access_kind(const void *context);

#endif
