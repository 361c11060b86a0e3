#include "report/report.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "base/numbers.h"
#include "base/settings.h"
#include "base/text.h"
#include "os/os.h"
#include "os/os_thread.h"
#include "report/describe.h"
#include "report/fault.h"
#include "report/handler.h"
#include "report/log.h"
#include "report/mapped.h"
#include "report/symbolizer.h"
#include "stack/module.h"

/* ---- parts of a report ---- */

static void report_add_distance(struct text *t, const struct block_info *block, uintptr_t p) {
    uintptr_t start = (uintptr_t)block->start, end = start + block->size;
    if (p < start) {
        text_add_count(t, start - p, "byte");
        text_add(t, " before ");
    } else if (p >= end && p != start) {
        if (p != end) {
            text_add_count(t, p - end, "byte");
            text_add(t, " ");
        }
        text_add(t, "after the end of ");
    } else if (p != start) {
        text_add_count(t, p - start, "byte");
        text_add(t, " inside ");
    }
    text_add(t, "a block of ");
    text_add_count(t, block->size, "byte");
}

static void report_add_thread(struct text *t, int id) {
    char path[64], name[32];
    struct text p = {.buffer = path, .size = sizeof path - 1};
    text_add(&p, "/proc/self/task/");
    text_add_number(&p, (uint64_t)id);
    text_add(&p, "/comm");
    path[p.length] = '\0';
    long length = os_read_file(path, name, sizeof name);
    text_add(t, "thread ");
    text_add_number(t, (uint64_t)id);
    if (length < 1) return;
    text_add(t, " \"");
    text_add_bytes(t, name, (size_t)length - 1);
    text_add(t, "\"");
}

struct named {
    struct text *text;
    uintptr_t pc;
};

static void report_add_module(void *argument) {
    const struct named *frame = argument;
    struct module module;
    if (!module_of(frame->pc - 1, &module)) return;
    text_add(frame->text, " in ");
    const char *name = module_name(&module);
    text_add(frame->text, name[0] != '\0' ? name : mapped_program_path());
    text_add(frame->text, "+");
    text_add_hex(frame->text, frame->pc - module_base(&module));
}

/* The program may have damaged the loader's description of the module. If reading it faults, the
 * module is left out. */
static void report_add_frame(struct text *t, unsigned number, uintptr_t pc) {
    text_add(t, "    #");
    text_add_number(t, number);
    text_add(t, " ");
    text_add_hex(t, pc);
    size_t length = t->length;
    if (!fault_survive(report_add_module, &(struct named){t, pc}))
        t->length = min_size(t->length, length);
    text_add(t, "\n");
}

static void report_add_stack(struct text *t, stack_id stack, unsigned most) {
    uintptr_t frames[STACK_FRAMES_MAX];
    unsigned count = stack_frames(stack, frames);
    for (unsigned i = 0; i < count && i < most; i++) report_add_frame(t, i, frames[i]);
}

static void report_add_past(struct text *t, const char *what, stack_id stack, int thread) {
    if (stack == 0) return;
    text_add(t, what);
    report_add_thread(t, thread);
    text_add(t, ":\n");
    report_add_stack(t, stack, settings.frames);
}

#define DUMP_ROW ((size_t)16)

static void report_add_hex_byte(struct text *t, uint8_t byte) {
    static const char digits[] = "0123456789abcdef";
    text_add_bytes(t, (char[]){' ', digits[byte >> 4], digits[byte & 15]}, 3);
}

/* Adds the rows of bytes around p that can be read. */
static void report_add_bytes_around(struct text *t, uintptr_t p) {
    uintptr_t middle = p - p % DUMP_ROW;
    for (uintptr_t row = middle - 2 * DUMP_ROW; row <= middle + 2 * DUMP_ROW; row += DUMP_ROW) {
        uint8_t bytes[DUMP_ROW];
        if (!os_read_memory((void *)row, bytes, sizeof bytes)) continue;
        text_add(t, row == middle ? "  > " : "    ");
        text_add_hex(t, row);
        text_add(t, ":");
        for (unsigned i = 0; i < DUMP_ROW; i++) report_add_hex_byte(t, bytes[i]);
        text_add(t, "\n");
    }
}

/* ---- the report ---- */

static void report_add_first_line(struct text *t, const struct error *e, const char *found) {
    text_add(t, "mallow: ");
    text_add(t, e->cause);
    if ((settings.check_action & CHECK_SIMPLE) != 0) {
        text_add(t, " in ");
        text_add(t, e->function == NULL ? "free" : e->function);
        text_add(t, "\n");
        return;
    }
    text_add(t, " of ");
    text_add_hex(t, (uintptr_t)e->p);
    text_add(t, " (");
    if (e->block != NULL)
        report_add_distance(t, e->block, (uintptr_t)e->p);
    else
        text_add(t, found);
    text_add(t, ", ");
    report_add_thread(t, os_thread_id());
    text_add(t, ")");
    if (e->detail != NULL) {
        text_add(t, ", ");
        text_add(t, e->detail);
    }
    if (e->function != NULL) {
        text_add(t, ", in ");
        text_add(t, e->function);
    }
    if (e->caller != NULL) {
        text_add(t, " called from ");
        text_add_hex(t, (uintptr_t)e->caller);
    }
    text_add(t, "\n");
}

struct capture {
    const void *context;
    stack_id stack;
};

static UNTOUCHED struct stack_cache *report_cache;

static void report_capture(void *argument) {
    struct capture *capture = argument;
    capture->stack = capture->context != NULL ? stack_capture_interrupted(capture->context)
                                              : stack_capture(&report_cache);
}

/* Returns the stack of the error. The capture can fault if pages of the stack have disappeared
 * since they were last read. It is then repeated with an empty cache. */
static stack_id report_stack(const struct error *e) {
    struct capture capture = {.context = e->context};
    if (fault_survive(report_capture, &capture)) return capture.stack;
    report_cache = NULL;
    fault_survive(report_capture, &capture);
    return capture.stack;
}

static void report_add_details(struct text *t, const struct error *e) {
    fault_watch();
    report_add_stack(t, report_stack(e), STACK_FRAMES_MAX);
    if (e->block == NULL) return;
    report_add_past(t, "  allocated by ", e->block->allocated, e->block->allocated_by);
    report_add_past(t, "  freed by ", e->block->freed, e->block->freed_by);
    if (e->block->exact && settings.check == CHECK_FULL)
        report_add_bytes_around(t, (uintptr_t)e->p);
    if (e->advice == NULL) return;
    text_add(t, "  ");
    text_add(t, e->advice);
    text_add(t, "\n");
}

/* The id of the thread that is writing a report; 0: there is none. The text is static, because the
 * stack may be tiny, so only one thread at a time writes one. If a thread dies while it writes, the
 * whole process ends, so the others do not wait for ever. */
static _Atomic int report_thread;
static UNTOUCHED char report_text[16 * KIB];

static uint64_t report_begin(void) {
    uint64_t mask = os_block_signals();
    for (int other = 0, self = os_thread_id(); !atomic_compare_exchange_strong_explicit(
             &report_thread, &other, self, memory_order_acquire, memory_order_relaxed);
         other = 0)
        os_wait(&report_thread, other);
    return mask;
}

/* Returns true if the calling thread is writing a report. A function that is called for a report
 * may find an error itself, and must not wait for the end of that report. */
static bool report_is_within(void) {
    return atomic_load_explicit(&report_thread, memory_order_relaxed) == os_thread_id();
}

static void report_end(uint64_t mask) {
    atomic_store_explicit(&report_thread, 0, memory_order_release);
    os_wake_one(&report_thread);
    os_restore_signals(mask);
}

RARE void report_after_fork(void) {
    atomic_store_explicit(&report_thread, 0, memory_order_relaxed);
}

/* The report that is being written. */
static struct {
    struct text text;
    int file;
    bool interrupted; /* by an error within it */
} report_now;

static void report_write(const struct error *e, const char *found) {
    report_now.file = symbolizer_begin();
    report_now.text = (struct text){.buffer = report_text,
                                    .size = sizeof report_text,
                                    .sink = symbolizer_write,
                                    .to = &report_now.file};
    report_add_first_line(&report_now.text, e, found);
    if ((settings.check_action & CHECK_SIMPLE) == 0) report_add_details(&report_now.text, e);
    text_flush(&report_now.text);
    symbolizer_end(report_now.file);
}

/* Unblocks SIGABRT, for which the program may have a handler. From glibc 2.41 on, abort does not
 * call it while the signal is blocked, and a report blocks all signals. */
static void report_unblock_abort(void) {
    uint64_t mask = os_block_signals();
    os_restore_signals(mask & ~((uint64_t)1 << (SIGABRT - 1)));
}

static void report_end_process(void) {
    report_before_abort();
    report_unblock_abort();
    abort();
}

/* Writes one line about an error within a report. If this error ends the process (`last`), the part
 * of the report that exists so far is written first. A further error during this call is
 * ignored. */
static void report_write_within(const struct error *e, const char *found, bool last) {
    char line[512];
    struct text t = {.buffer = line, .size = sizeof line};
    if (report_now.interrupted) return;
    report_now.interrupted = true;
    if (last && report_now.text.sink != NULL) {
        text_flush(&report_now.text);
        symbolizer_give_up(report_now.file);
    }
    report_add_first_line(&t, e, found);
    t.length -= t.length > 0 && line[t.length - 1] == '\n';
    log_line(&t);
    report_now.interrupted = false;
}

RARE struct finding report_look_up(const void *p) {
    if (report_is_within()) return (struct finding){false, "found during another report"};
    uint64_t mask = report_begin();
    struct finding f = describe_pointer(p);
    report_end(mask);
    return f;
}

static void report_act(const struct error *e, const char *found) {
    uint8_t action = settings.check_action;
    if (handler_take(e->cause)) return;
    if (report_is_within()) {
        if ((action & CHECK_REPORT) != 0)
            report_write_within(e, found, (action & CHECK_ABORT) != 0);
    } else if ((action & CHECK_REPORT) != 0) {
        uint64_t mask = report_begin();
        report_write(e, found);
        report_end(mask);
    }
    if ((action & CHECK_ABORT) != 0) report_end_process();
}

RARE void report_error(const struct error *e) {
    if (e->block != NULL || e->words != NULL)
        report_act(e, e->words);
    else
        report_act(e, report_look_up(e->p).text);
}

RARE void report_warning(const char *before, const char *name, unsigned long name_length,
                         const char *after) {
    char line[256];
    struct text t = {.buffer = line, .size = sizeof line};
    text_add(&t, "mallow: ");
    text_add(&t, before);
    text_add_visible(&t, name, min_size(name_length, 100));
    text_add(&t, after);
    log_line(&t);
}
