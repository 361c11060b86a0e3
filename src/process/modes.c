#include "process/modes.h"

#include "base/atomics.h"
#include "base/compiler.h"
#include "base/settings.h"
#include "check/counted.h"
#include "check/modes.h"
#include "check/observed.h"
#include "check/verify.h"
#include "os/open_lock.h"
#include "pages/space.h"
#include "process/calls.h"
#include "process/mtrace_log.h"
#include "trace/traced.h"

const struct mode *mode_topmost = &plain_mode;
enum mode_sees mode_sees;

/* How calls are counted exactly: by the counting path, or by an observer if another mode sees all
 * calls anyway. */
#define MODE_COUNT_FAST (1u << 30)
#define MODE_COUNT_OBSERVED (1u << 31)

/* How calls are recorded: by a mode of its own, or by an observer if there are other modes. */
#define MODE_RECORD_FAST (1u << 28)
#define MODE_RECORD_OBSERVED (1u << 29)

/* The modes from the lowest to the highest. A mode is in use while any of its bits is set. The
 * lowest passes nothing on, and resize.c expects the observers on top. */
static const struct {
    unsigned bits;
    struct mode *mode;
} modes_layers[] = {
    {MODE_FILL | MODE_ZERO | MODE_HARD, &filled_mode},
    {MODE_FULL | MODE_HARD, &guarded_large_mode},
    {MODE_FULL, &full_mode},
    {MODE_HARD, &hard_mode},
    {MODE_SEAL, &seal_mode},
    {MODE_GUARD, &guarded_sample_mode},
    {MODE_GUARD | MODE_SAMPLE | MODE_COUNT_FAST, &counted_mode},
    {MODE_RECORD_FAST, &traced_mode},
    {MODE_COUNT_OBSERVED | MODE_TRACE | MODE_PEDANTIC | MODE_RECORD_OBSERVED, &observed_mode},
};

static const struct {
    unsigned bit;
    const struct observer *observer;
} modes_observers[] = {
    {MODE_PEDANTIC, &verify_observer},
    {MODE_COUNT_OBSERVED, &calls_observer},
    {MODE_TRACE, &mtrace_observer},
    {MODE_RECORD_OBSERVED, &traced_observer},
};
_Static_assert(sizeof modes_observers / sizeof *modes_observers == OBSERVERS_MAX, "all fit");

/* Other threads may read the array at the same time, so it ends with NULL at every moment. */
static void modes_choose_observers(unsigned on) {
    unsigned count = 0;
    for (unsigned i = 0; i < OBSERVERS_MAX; i++)
        if ((on & modes_observers[i].bit) != 0)
            racy_store(&observers[count++], modes_observers[i].observer);
    while (count < OBSERVERS_MAX) racy_store(&observers[count++], NULL);
}

/* check=seal alone and recording alone use the magazines, as counting does. */
static enum mode_sees modes_seen_by(unsigned on) {
    if (on == 0) return MODE_SEES_REST;
    if (on == MODE_SEAL || on == MODE_RECORD) return MODE_SEES_COUNTED;
    return (on & ~(unsigned)MODES_COUNTED) == 0 ? MODE_SEES_COUNTED : MODE_SEES_ALL;
}

/* Returns the modes with the way in which calls are counted and recorded. */
static unsigned modes_with_ways(unsigned on) {
    bool all = modes_seen_by(on) == MODE_SEES_ALL;
    unsigned count = (on & MODE_COUNT) == 0 ? 0 : all ? MODE_COUNT_OBSERVED : MODE_COUNT_FAST;
    unsigned record = (on & MODE_RECORD) == 0 ? 0 : all ? MODE_RECORD_OBSERVED : MODE_RECORD_FAST;
    return on | count | record;
}

/* Sets what is below a mode before another thread can reach the mode. */
static void modes_stack(unsigned on) {
    const struct mode *top = &plain_mode;
    for (unsigned i = 0; i < sizeof modes_layers / sizeof *modes_layers; i++) {
        if ((on & modes_layers[i].bits) == 0) continue;
        racy_store(&modes_layers[i].mode->below, top);
        top = modes_layers[i].mode;
    }
    __atomic_store_n(&mode_topmost, top, __ATOMIC_RELEASE);
}

static bool modes_need_lock(unsigned on) {
    return (on & MODES_THAT_NEED_LOCK) != 0 ||
           ((on & MODE_GUARD) != 0 && racy_load(size_t, &settings.guard) == 1);
}

bool modes_serve_free(void) {
    return mode_sees != MODE_SEES_ALL && (settings.modes & (MODE_SEAL | MODE_RECORD)) == 0;
}

RARE void modes_set(unsigned bit, bool on) {
    unsigned modes = on ? settings.modes | bit : settings.modes & ~bit;
    racy_store(&settings.modes, modes);
    modes_choose_observers(modes_with_ways(modes));
    counted_choose(modes);
    modes_stack(modes_with_ways(modes));
    racy_store(&mode_sees, modes_seen_by(modes));
    open_lock_block_signals(modes_need_lock(modes));
    space_serve_fast(modes_serve_free());
}
