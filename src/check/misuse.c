#include "check/misuse.h"

#include <stdbool.h>
#include <stddef.h>

#include "base/compiler.h"
#include "base/settings.h"
#include "check/block_info.h"
#include "report/handler.h"
#include "report/report.h"

static const char *misuse_cause(enum misuse what, bool was_block) {
    switch (what) {
    case MISUSE_FREE:
        return was_block ? "double free" : "invalid free";
    case MISUSE_REALLOC:
        return was_block ? "use after free" : "invalid free";
    case MISUSE_USABLE_SIZE:
        break;
    }
    return was_block ? "use after free" : "invalid pointer";
}

static const char *misuse_function(enum misuse what) {
    switch (what) {
    case MISUSE_REALLOC:
        return "realloc";
    case MISUSE_USABLE_SIZE:
        return "malloc_usable_size";
    case MISUSE_FREE:
        break;
    }
    return NULL;
}

RARE void misuse_explain(enum misuse what, const void *p, const void *caller) {
    struct error error = {.p = p, .function = misuse_function(what), .caller = caller};
    struct block_info block;
    struct finding finding;
    bool was_block;
    if ((settings.check_action & (CHECK_REPORT | CHECK_ABORT)) == 0 && !handler_is_set()) return;
    if (block_info_checked(p, &block)) {
        error.block = &block;
        was_block = block.life == LIFE_FREED && block.start == p;
    } else {
        finding = report_look_up(p);
        error.words = finding.text;
        was_block = finding.was_block;
    }
    error.cause = misuse_cause(what, was_block);
    report_error(&error);
}
