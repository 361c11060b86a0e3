/*
 * What lower layers call without knowing it: each declares a pointer to a function of a layer above
 * it, and this file says which function that is. So no lower layer includes a header of a higher
 * one, and all calls that climb are listed here, except those of the modes (modes.c).
 */
#include "base/compiler.h"
#include "pages/space.h"
#include "process/options.h"

bool (*const space_wants_break)(void) = options_backend_is_break;
