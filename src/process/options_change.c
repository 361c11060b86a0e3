#include "process/options_change.h"

#include "base/atomics.h"
#include "check/redzone.h"
#include "process/modes.h"
#include "trace/trace_session.h"
#include "trace/trace_state.h"
#include "trace/trace_system.h"

void options_change_magazines(void) { racy_store(&settings.generation, settings.generation + 1); }

void options_change_mode(unsigned bit, bool on) {
    modes_set(bit, on);
    options_change_magazines();
}

void options_change_check(enum check_mode mode) {
    if (mode == CHECK_FREE || settings.check != CHECK_FREE) return;
    redzone_choose_secret();
    settings.check = mode;
    settings.guard_large = mode != CHECK_SEAL;
    options_change_mode(mode == CHECK_FULL   ? MODE_FULL
                        : mode == CHECK_HARD ? MODE_HARD
                                             : MODE_SEAL,
                        true);
}

RARE void options_change_recording(bool on) {
    if (on && !trace_begin_session()) return;
    options_change_mode(MODE_RECORD, on);
    trace_system_calls(on);
    if (!on) trace_end_session();
}
