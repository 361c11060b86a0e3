/*
 * Connects lower layers to higher ones. A lower layer that must call a higher one declares a
 * pointer to a function, and this file defines the pointer. No lower layer therefore includes a
 * header of a higher one, and this file lists all calls to higher layers, except those of the modes
 * (modes.c).
 */
#include "base/compiler.h"
#include "check/guard_fault.h"
#include "check/misuse.h"
#include "heap/sampled.h"
#include "pages/space.h"
#include "process/heap_map.h"
#include "process/mtrace.h"
#include "process/option_given.h"
#include "process/options.h"
#include "process/page_pins.h"
#include "process/profile_totals.h"
#include "process/summary.h"
#include "profile/profile.h"
#include "profile/profile_mappings.h"
#include "profile/profile_section.h"
#include "profile/samples.h"
#include "report/fault.h"
#include "report/report.h"

bool (*const space_wants_break)(void) = options_backend_is_break;

bool (*const sampled_forget)(const void *) = samples_remove;

void (*const misuse_report)(enum misuse, const void *, const void *) = misuse_explain;

bool (*const fault_report)(const char *, const ucontext_t *) = guard_fault_report;

void (*const profile_read_totals)(struct mallow_profile_snapshot *,
                                  uint64_t *) = profile_totals_read;

size_t (*const samples_pinned_by)(const void *) = page_pins_of;

void (*const profile_each_setting)(void (*)(void *, const char *, const char *),
                                   void *) = option_given_each;

void (*const profile_each_range)(void (*)(void *, enum mallow_profile_range_use, uintptr_t,
                                          uintptr_t),
                                 void *) = heap_map_each_range;

static void hooks_each_page(size_t most,
                            void (*call)(void *, enum mallow_profile_page_use, uintptr_t, size_t),
                            void *to) {
    static UNTOUCHED struct heap_map_slice slice; /* for the thread that writes the snapshot */
    heap_map_each_page(&slice, most, call, to);
}
void (*const profile_each_page)(size_t,
                                void (*)(void *, enum mallow_profile_page_use, uintptr_t, size_t),
                                void *) = hooks_each_page;

static void hooks_forget_sample(const void *p, bool large) {
    if (!large) sampled_unmark(p);
}

static void hooks_turn_sampling(bool on) {
    options_sample(on);
    if (!on) samples_forget_all(hooks_forget_sample);
}
void (*const profile_turn_mode)(bool) = hooks_turn_sampling;

static void hooks_before_abort(void) {
    mtrace_flush();
    profile_error();
    summary_before_abort();
}
void (*const report_before_abort)(void) = hooks_before_abort;
