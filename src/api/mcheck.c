/*
 * mcheck(3) and its relatives. They turn check=full on while the program runs. Blocks that were
 * allocated earlier have no redzones, so mprobe can only say whether they are in use.
 */
#include "api/cxx_api.h"
#include "base/compiler.h"
#include "base/settings.h"
#include "check/block_info.h"
#include "check/full.h"
#include "check/hard.h"
#include "check/hard_verify.h"
#include "check/seal.h"
#include "check/verify.h"
#include "guard/guard_damage.h"
#include "process/options.h"
#include "report/handler.h"
#include "report/report.h"

static int mcheck_begin(error_handler call, bool pedantic) {
    handler_set(call);
    cxx_check();
    options_check(pedantic);
    return 0;
}

EXPORT int mcheck(error_handler call) { return mcheck_begin(call, false); }

EXPORT int mcheck_pedantic(error_handler call) { return mcheck_begin(call, true); }

EXPORT void mcheck_check_all(void) { verify_all("found by mcheck_check_all"); }

/* ---- mprobe ---- */

static enum block_status mcheck_probe_slot(const struct slot_ref *ref) {
    static const enum block_status status[] = {
        [DAMAGE_NONE] = STATUS_OK,
        [DAMAGE_HEAD] = STATUS_HEAD,
        [DAMAGE_TAIL] = STATUS_TAIL,
        [DAMAGE_FREED] = STATUS_FREE,
    };
    if (settings.check == CHECK_SEAL)
        return seal_verify(ref, "found by mprobe") ? STATUS_TAIL : STATUS_OK;
    if (hard_is_known(ref)) return hard_verify(ref, "found by mprobe") ? STATUS_TAIL : STATUS_OK;
    return full_is_known(ref) ? status[full_verify(ref, "found by mprobe")] : STATUS_OK;
}

static enum block_status mcheck_probe_live(const char *p) {
    struct slot_ref ref;
    if (slot_ref_find(p, &ref)) return mcheck_probe_slot(&ref);
    const char *written = guard_damage_verify(p);
    return written == NULL ? STATUS_OK : written < p ? STATUS_HEAD : STATUS_TAIL;
}

EXPORT enum block_status mprobe(void *p) {
    struct block_info block;
    if (settings.check == CHECK_FREE) return STATUS_DISABLED;
    bool known = block_info_of(p, &block), starts = known && block.start == p;
    if (starts && block.life == LIFE_LIVE) return mcheck_probe_live(p);
    bool freed = known && block.life == LIFE_FREED;
    report_error(&(struct error){
        .cause = freed ? "use after free" : "invalid pointer",
        .p = p,
        .block = starts ? &block : NULL,
        .function = "mprobe",
        .caller = __builtin_return_address(0),
    });
    return freed ? STATUS_FREE : STATUS_HEAD;
}
