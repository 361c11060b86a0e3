#include "process/mtrace_log.h"

#include "base/compiler.h"
#include "base/numbers.h"
#include "base/settings.h"
#include "base/text.h"
#include "os/lock.h"
#include "os/os.h"
#include "report/symbol.h"

static UNTOUCHED char mtrace_log_buffer[4 * KIB];

/* Held while a thread writes. That thread holds no other lock. */
static struct lock mtrace_log_lock;
static struct {
    struct text text;
    struct os_file file;
    bool open;
    bool began;     /* a log has been opened */
    bool of_parent; /* the parent had opened a log */
    bool ending;    /* nothing will flush the buffer: each line is written at once */
} mtrace_log;

/* ---- the file ---- */

/* A program that closes all descriptors, as daemons do, may have reused the log's descriptor for
 * another file. */
static void mtrace_log_write(void *to, const char *bytes, size_t count) {
    (void)to;
    if (!os_is_file(&mtrace_log.file)) mtrace_log.open = false;
    if (mtrace_log.open) os_write(mtrace_log.file.fd, bytes, count);
}

/* Opens FILE, or FILE.PID if FILE is the log of a running process or belongs to the parent. */
static enum os_opened mtrace_log_open_file(const char *name) {
    enum os_opened opened =
        mtrace_log.of_parent ? OS_IN_USE : os_create_log(name, false, &mtrace_log.file);
    struct text path = {.buffer = mtrace_log_buffer, .size = sizeof mtrace_log_buffer};
    if (opened != OS_IN_USE) return opened;
    text_add(&path, name);
    text_add(&path, ".");
    text_add_number(&path, (uint64_t)os_process_id());
    if (path.length == path.size) return OS_REFUSED;
    mtrace_log_buffer[path.length] = '\0';
    return os_create_log(mtrace_log_buffer, true, &mtrace_log.file);
}

static void mtrace_log_begin(const char *name) {
    mtrace_log.open = mtrace_log_open_file(name) == OS_OPENED;
    mtrace_log.text = (struct text){
        .buffer = mtrace_log_buffer, .size = sizeof mtrace_log_buffer, .sink = mtrace_log_write};
    if (!mtrace_log.open) return;
    mtrace_log.began = true;
    text_add(&mtrace_log.text, "= Start\n");
}

static void mtrace_log_end(void) {
    text_add(&mtrace_log.text, "= End\n");
    text_flush(&mtrace_log.text);
    if (mtrace_log.open) os_close(mtrace_log.file.fd);
    mtrace_log.open = false;
}

RARE bool mtrace_log_open(const char *name) {
    lock_take(&mtrace_log_lock);
    if (!mtrace_log.open) mtrace_log_begin(name);
    bool open = mtrace_log.open;
    lock_drop(&mtrace_log_lock);
    return open;
}

RARE void mtrace_log_close(void) {
    lock_take(&mtrace_log_lock);
    if (mtrace_log.open) mtrace_log_end();
    lock_drop(&mtrace_log_lock);
}

RARE void mtrace_log_flush(void) {
    lock_take(&mtrace_log_lock);
    if (mtrace_log.open) text_flush(&mtrace_log.text);
    lock_drop(&mtrace_log_lock);
}

RARE void mtrace_log_write_at_once(void) { mtrace_log.ending = true; }

RARE void mtrace_log_after_fork(void) {
    mtrace_log.of_parent = mtrace_log.began;
    atomic_store_explicit(&mtrace_log_lock.word, 0, memory_order_relaxed);
    if (mtrace_log.open && os_is_file(&mtrace_log.file)) os_close(mtrace_log.file.fd);
    mtrace_log.open = false;
}

/* ---- lines ---- */

/* Adds "@ OBJECT:(NAME+0xINSIDE)[0xOFFSET] ", or "@ [0xADDRESS] " if no object is known. */
static void mtrace_log_add_caller(const void *caller) {
    struct text *t = &mtrace_log.text;
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

/* Formats like %p of printf. */
static void mtrace_log_add_pointer(const void *p) {
    if (p == NULL)
        text_add(&mtrace_log.text, "(nil)");
    else
        text_add_hex(&mtrace_log.text, (uintptr_t)p);
}

/* Formats like %#lx of printf. */
static void mtrace_log_add_size(size_t size) {
    text_add(&mtrace_log.text, " ");
    if (size == 0)
        text_add(&mtrace_log.text, "0");
    else
        text_add_hex(&mtrace_log.text, size);
}

static void mtrace_log_add_line(const void *caller, const char *sign, const void *p,
                                const size_t *size) {
    mtrace_log_add_caller(caller);
    text_add(&mtrace_log.text, sign);
    mtrace_log_add_pointer(p);
    if (size != NULL) mtrace_log_add_size(*size);
    text_add(&mtrace_log.text, "\n");
    if (mtrace_log.ending) text_flush(&mtrace_log.text);
}

static void mtrace_log_write_line(const void *caller, const char *sign, const void *p,
                                  const size_t *size) {
    lock_take(&mtrace_log_lock);
    if (mtrace_log.open) mtrace_log_add_line(caller, sign, p, size);
    lock_drop(&mtrace_log_lock);
}

static RARE void mtrace_log_write_alloc(const void *p, size_t size, const void *caller) {
    mtrace_log_write_line(caller, "+ ", p, &size);
}

static RARE void mtrace_log_write_free(const void *p, const void *caller) {
    mtrace_log_write_line(caller, "- ", p, NULL);
}

static void mtrace_log_write_move(const void *old, const void *p, size_t size, const void *caller) {
    lock_take(&mtrace_log_lock);
    if (mtrace_log.open) {
        mtrace_log_add_line(caller, "< ", old, NULL);
        mtrace_log_add_line(caller, "> ", p, &size);
    }
    lock_drop(&mtrace_log_lock);
}

static RARE void mtrace_log_write_realloc(const void *old, const void *p, size_t size,
                                          const void *caller) {
    if (p == NULL)
        mtrace_log_write_line(caller, "! ", old, &size);
    else if (old == NULL)
        mtrace_log_write_alloc(p, size, caller);
    else
        mtrace_log_write_move(old, p, size, caller);
}

/* ---- the calls ---- */

static void mtrace_log_allocated(const void *p, const struct alloc_request *request) {
    size_t size = request->has_logged ? request->logged : request->size;
    if (p == NULL && request->by_realloc)
        mtrace_log_write_realloc(NULL, NULL, size, request->caller);
    else
        mtrace_log_write_alloc(p, size, request->caller);
}

static void mtrace_log_freeing(void *p, const struct free_request *request) {
    mtrace_log_write_free(p, request->caller);
}

static void mtrace_log_resized(const struct resize_event *event) {
    mtrace_log_write_realloc(event->old, event->p, event->size, event->caller);
}

const struct observer mtrace_observer = {
    .allocated = mtrace_log_allocated,
    .freeing = mtrace_log_freeing,
    .resized = mtrace_log_resized,
    .needs_old_address = true,
};
