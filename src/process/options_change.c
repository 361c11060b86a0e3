#include "process/options_change.h"

#include "base/atomics.h"
#include "check/redzone.h"
#include "os/open_lock.h"
#include "pages/space.h"

void options_change_magazines(void) { racy_store(&settings.generation, settings.generation + 1); }

void options_change_special(unsigned bit, bool on) {
    unsigned special = on ? settings.special | bit : settings.special & ~bit;
    racy_store(&settings.special, special); /* only slow paths look at it */
    open_lock_block_signals((special & SPECIAL_NEEDS_LOCK) != 0);
    space_serve_fast(settings_allow_fast_path());
    options_change_magazines();
}

void options_change_check(enum check_mode mode) {
    if (mode == CHECK_FREE || settings.check != CHECK_FREE) return;
    redzone_choose_secret();
    settings.check = mode;
    settings.guard_large = true;
    options_change_special(mode == CHECK_FULL ? SPECIAL_FULL : SPECIAL_HARD, true);
}
