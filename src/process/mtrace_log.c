#include "process/mtrace_log.h"

#include "base/compiler.h"
#include "base/numbers.h"
#include "base/settings.h"
#include "base/text.h"
#include "os/lock.h"
#include "os/os.h"
#include "report/symbol.h"

static UNTOUCHED char unwritten[4 * KIB];

/* One thread at a time writes. It holds this lock and no other meanwhile. */
static struct lock trace_lock;
static struct {
    struct text text;
    struct os_file file;
    bool open;
    bool began;     /* there has been a log */
    bool of_parent; /* and it is our parent's */
    bool ending;    /* nothing comes after us that would write what is left in the buffer */
} trace;

/* ---- the file ---- */

/* A program that closes all descriptors, as daemons do, may have another file there by now. */
static void write_log(void *to, const char *bytes, size_t count) {
    (void)to;
    if (!os_is_file(&trace.file)) trace.open = false;
    if (trace.open) os_write(trace.file.fd, bytes, count);
}

/* FILE, or FILE.PID when FILE is the log of a process that lives, or was our parent's. */
static enum os_opened open_log(const char *name) {
    enum os_opened opened = trace.of_parent ? OS_IN_USE : os_create_log(name, false, &trace.file);
    struct text path = {.buffer = unwritten, .size = sizeof unwritten};
    if (opened != OS_IN_USE) return opened;
    text_add(&path, name);
    text_add(&path, ".");
    text_add_number(&path, (uint64_t)os_process_id());
    if (path.length == path.size) return OS_REFUSED;
    unwritten[path.length] = '\0';
    return os_create_log(unwritten, true, &trace.file);
}

static void begin_log(const char *name) {
    trace.open = open_log(name) == OS_OPENED;
    trace.text = (struct text){.buffer = unwritten, .size = sizeof unwritten, .sink = write_log};
    if (!trace.open) return;
    trace.began = true;
    text_add(&trace.text, "= Start\n");
}

static void end_log(void) {
    text_add(&trace.text, "= End\n");
    text_flush(&trace.text);
    if (trace.open) os_close(trace.file.fd);
    trace.open = false;
}

RARE bool mtrace_log_open(const char *name) {
    lock_take(&trace_lock);
    if (!trace.open) begin_log(name);
    bool open = trace.open;
    lock_drop(&trace_lock);
    return open;
}

RARE void mtrace_log_close(void) {
    lock_take(&trace_lock);
    if (trace.open) end_log();
    lock_drop(&trace_lock);
}

RARE void mtrace_log_flush(void) {
    lock_take(&trace_lock);
    if (trace.open) text_flush(&trace.text);
    lock_drop(&trace_lock);
}

RARE void mtrace_log_write_at_once(void) { trace.ending = true; }

RARE void mtrace_log_after_fork(void) {
    trace.of_parent = trace.began;
    atomic_store_explicit(&trace_lock.word, 0, memory_order_relaxed);
    if (trace.open && os_is_file(&trace.file)) os_close(trace.file.fd);
    trace.open = false;
}

/* ---- lines ---- */

/* "@ OBJECT:(NAME+0xINSIDE)[0xOFFSET] "; without an object the address. */
static void add_caller(const void *caller) {
    struct text *t = &trace.text;
    struct symbol symbol;
    if (symbol_find(caller, &symbol)) {
        text_add(t, "@ ");
        text_add(t, symbol.object);
        text_add(t, ":");
        if (symbol.name != NULL) {
            text_add(t, "(");
            text_add(t, symbol.name);
            text_add(t, "+");
            text_add_bare_hex(t, symbol.inside);
            text_add(t, ")");
        }
    } else {
        text_add(t, "@ ");
        symbol.offset = (uintptr_t)caller;
    }
    text_add(t, "[");
    text_add_hex(t, symbol.offset);
    text_add(t, "] ");
}

/* As printf has it: %p. */
static void add_pointer(const void *p) {
    if (p == NULL)
        text_add(&trace.text, "(nil)");
    else
        text_add_hex(&trace.text, (uintptr_t)p);
}

/* As printf has it: %#lx. */
static void add_size(size_t size) {
    text_add(&trace.text, " ");
    if (size == 0)
        text_add(&trace.text, "0");
    else
        text_add_hex(&trace.text, size);
}

static void add_line(const void *caller, const char *sign, const void *p, const size_t *size) {
    add_caller(caller);
    text_add(&trace.text, sign);
    add_pointer(p);
    if (size != NULL) add_size(*size);
    text_add(&trace.text, "\n");
    if (trace.ending) text_flush(&trace.text);
}

static void write_line(const void *caller, const char *sign, const void *p, const size_t *size) {
    lock_take(&trace_lock);
    if (trace.open) add_line(caller, sign, p, size);
    lock_drop(&trace_lock);
}

static RARE void mtrace_alloc(const void *p, size_t size, const void *caller) {
    write_line(caller, "+ ", p, &size);
}

static RARE void mtrace_free(const void *p, const void *caller) {
    write_line(caller, "- ", p, NULL);
}

static void write_move(const void *old, const void *p, size_t size, const void *caller) {
    lock_take(&trace_lock);
    if (trace.open) {
        add_line(caller, "< ", old, NULL);
        add_line(caller, "> ", p, &size);
    }
    lock_drop(&trace_lock);
}

static RARE void mtrace_realloc(const void *old, const void *p, size_t size, const void *caller) {
    if (p == NULL)
        write_line(caller, "! ", old, &size);
    else if (old == NULL)
        mtrace_alloc(p, size, caller);
    else
        write_move(old, p, size, caller);
}

/* ---- the calls ---- */

static void trace_allocated(const void *p, const struct alloc_request *request) {
    size_t size = request->has_logged ? request->logged : request->size;
    if (p == NULL && request->by_realloc)
        mtrace_realloc(NULL, NULL, size, request->caller);
    else
        mtrace_alloc(p, size, request->caller);
}

static void trace_freeing(void *p, const struct free_request *request) {
    mtrace_free(p, request->caller);
}

static void trace_resized(const struct resize_event *event) {
    mtrace_realloc(event->old, event->p, event->size, event->caller);
}

const struct observer mtrace_observer = {
    .allocated = trace_allocated,
    .freeing = trace_freeing,
    .resized = trace_resized,
    .needs_old_address = true,
};
