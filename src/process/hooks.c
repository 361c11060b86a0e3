/*
 * Connects lower layers to higher ones. A lower layer that must call a higher one declares a
 * pointer to a function, and this file defines the pointer. No lower layer therefore includes a
 * header of a higher one, and this file lists all calls to higher layers, except those of the modes
 * (modes.c).
 */
#include "base/compiler.h"
#include "check/guard_fault.h"
#include "check/misuse.h"
#include "pages/space.h"
#include "process/mtrace.h"
#include "process/options.h"
#include "process/summary.h"
#include "report/fault.h"
#include "report/report.h"

bool (*const space_wants_break)(void) = options_backend_is_break;

void (*const misuse_report)(enum misuse, const void *, const void *) = misuse_explain;

bool (*const fault_report)(const char *, const ucontext_t *) = guard_fault_report;

static void hooks_before_abort(void) {
    mtrace_flush();
    summary_before_abort();
}
void (*const report_before_abort)(void) = hooks_before_abort;
