/* Ends the process because secret memory was written to at an address that belongs to no secret. */
#ifndef MALLOW_DAMAGE_H
#define MALLOW_DAMAGE_H

#include <stddef.h>
#include <stdint.h>

/* Reports that bytes `where` ("before", "after") a secret were overwritten. */
_Noreturn void damage_near(const char *where, uintptr_t address, size_t bytes);

/* Reports that a freed secret was written to. */
_Noreturn void damage_in_free(uintptr_t address);

#endif
