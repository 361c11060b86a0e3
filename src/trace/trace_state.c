#include "trace/trace_state.h"

#include <string.h>

#include "base/compiler.h"
#include "os/os.h"
#include "os/os_process.h"
#include "os/os_shared.h"
#include "trace/trace_clock.h"

static _Atomic uint32_t trace_state_off;
struct trace_state trace_state = {.session = &trace_state_off};

static int trace_own_fd; /* of the file that this process made, plus 1 */

/* ---- the memory ---- */

/* Maps as many rings as the limits on memory allow. */
static struct trace_head *trace_map(const char *path, int fd, uint32_t *rings) {
    for (*rings = TRACE_RINGS; *rings >= 16; *rings /= 2) {
        size_t bytes = TRACE_AREA_BYTES(*rings);
        void *area = path != NULL ? os_map_file(path, bytes) : os_map_shared(fd, bytes);
        if (area != NULL) return area;
    }
    return NULL;
}

static bool trace_is_known(const struct trace_head *area) {
    return area->magic == TRACE_MAGIC && area->version == TRACE_VERSION &&
           area->rings == TRACE_RINGS;
}

static bool trace_has_session_page(void) {
    if (trace_state.session != &trace_state_off) return true;
    void *page = os_map(os_page_size());
    if (page == NULL) return false;
    os_clear_in_child(page, os_page_size());
    trace_state.session = page;
    return true;
}

RARE bool trace_open(const char *path) {
    uint32_t rings;
    if (trace_state.area != NULL) return true;
    struct trace_head *area = trace_map(path, -1, &rings);
    if (area == NULL) return false;
    if (!trace_is_known(area) || !trace_has_session_page()) {
        os_unmap(area, TRACE_AREA_BYTES(rings));
        return false;
    }
    trace_state.area = area;
    trace_state.rings = rings;
    return true;
}

RARE static bool trace_has_counter(void) {
    char name[24] = "";
    size_t length = strlen(TRACE_CLOCK_NAME);
    long n = os_read_file(TRACE_CLOCK_FILE, name, sizeof name - 1);
    return n > (long)length && strncmp(name, TRACE_CLOCK_NAME, length) == 0 && name[length] == '\n';
}

RARE static bool trace_map_own(int fd) {
    uint32_t rings;
    struct trace_head *area = trace_map(NULL, fd, &rings);
    if (area == NULL) return false;
    area->ticks = trace_has_counter() ? TRACE_COUNTER : TRACE_NANOSECONDS;
    area->rings = TRACE_RINGS;
    area->version = TRACE_VERSION;
    area->magic = TRACE_MAGIC;
    trace_state.area = area;
    trace_state.rings = rings;
    return true;
}

RARE int trace_make(uint32_t frames, enum trace_full full) {
    if (trace_state.area == NULL) {
        int fd = os_memory_file();
        if (fd < 0) return -1;
        if (!os_set_length(fd, TRACE_AREA_BYTES(TRACE_RINGS)) || !trace_has_session_page() ||
            !trace_map_own(fd)) {
            os_close(fd);
            return -1;
        }
        trace_own_fd = fd + 1;
    }
    if (trace_own_fd == 0) return -1;
    trace_state.area->frames = frames;
    trace_state.area->full = full;
    return trace_own_fd - 1;
}

RARE void trace_end_session(void) {
    atomic_store_explicit(trace_state.session, 0, memory_order_relaxed);
}

void trace_lose_file(void) { trace_own_fd = 0; }
