#include "profile/profile_limit.h"

#include <stdint.h>

#include "base/atomics.h"
#include "base/compiler.h"
#include "base/numbers.h"
#include "base/settings.h"
#include "os/cgroup.h"
#include "os/os.h"

#define LIMIT_CALM 800 /* in thousandths of the limit */
static const unsigned profile_limit_levels[] = {900, 970};
#define LIMIT_LEVELS (sizeof profile_limit_levels / sizeof *profile_limit_levels)

#define LIMIT_LEFT_SHARE 8u /* it looks again after this part of what is left was allocated */
#define LIMIT_STEP_MAX (256 * MIB)

static UNTOUCHED struct cgroup_buffers profile_limit_buffers; /* the thread's stack may be small */
static struct {
    bool looking;      /* a thread looks */
    size_t allocated;  /* bytes since the last look; racy */
    size_t step;       /* how many may be allocated before the next look; racy */
    size_t resident;   /* at the last look */
    unsigned reached;  /* levels since it was calm */
    bool space_counts; /* RLIMIT_AS is watched */
} profile_limit = {.step = SIZE_MAX};

/* ---- what is in use ---- */

struct limit_use {
    size_t space, resident, data; /* bytes */
};

/* /proc/self/statm: SIZE RESIDENT SHARED TEXT 0 DATA 0, in pages. */
static struct limit_use profile_limit_read_use(void) {
    char text[128];
    size_t pages[6] = {0};
    long n = os_read_file("/proc/self/statm", text, sizeof text - 1);
    text[n > 0 ? n : 0] = '\0';
    const char *at = text;
    for (unsigned i = 0; i < 6 && *at != '\0'; i++) {
        for (; *at >= '0' && *at <= '9'; at++) pages[i] = pages[i] * 10 + (size_t)(*at - '0');
        if (*at == ' ') at++;
    }
    size_t page = os_page_size();
    return (struct limit_use){pages[0] * page, pages[1] * page, pages[5] * page};
}

struct limit_state {
    unsigned thousandths; /* of the nearest limit that are in use */
    size_t left;          /* bytes, below the nearest one */
};

static void profile_limit_apply(struct limit_state *state, size_t limit, size_t used) {
    if (limit == SIZE_MAX || limit < 1000) return;
    unsigned thousandths = (unsigned)min_size(used / (limit / 1000), 1000);
    if (thousandths > state->thousandths) state->thousandths = thousandths;
    state->left = min_size(state->left, limit - min_size(used, limit));
}

static struct limit_state profile_limit_read(const struct limit_use *use, size_t more) {
    struct limit_state state = {.left = SIZE_MAX};
    struct cgroup_memory group = cgroup_memory_by(&profile_limit_buffers);
    if (group.limit != SIZE_MAX)
        profile_limit_apply(&state, group.limit,
                            group.limit - min_size(group.left, group.limit) + more);
    profile_limit_apply(&state, os_data_limit(), use->data + more);
    if (profile_limit.space_counts) profile_limit_apply(&state, os_address_limit(), use->space);
    return state;
}

/* ---- levels ---- */

static bool profile_limit_rises(unsigned thousandths) {
    unsigned reached = 0;
    while (reached < LIMIT_LEVELS && thousandths >= profile_limit_levels[reached]) reached++;
    bool rises = reached > profile_limit.reached;
    if (rises || thousandths < LIMIT_CALM) profile_limit.reached = reached;
    return rises;
}

/* It looks at the files of the control group only if the process has grown. */
static bool profile_limit_look(size_t size, bool all) {
    struct limit_use use = profile_limit_read_use();
    size_t step = profile_limit.step;
    racy_store(&profile_limit.allocated, 0);
    if (!all && size < step && use.resident + size < profile_limit.resident + step) return false;
    struct limit_state state = profile_limit_read(&use, size);
    profile_limit.resident = use.resident;
    step = min_size(state.left / LIMIT_LEFT_SHARE, LIMIT_STEP_MAX);
    racy_store(&profile_limit.step, state.left == SIZE_MAX ? SIZE_MAX : step);
    return profile_limit_rises(state.thousandths);
}

/* The heap reserves address space ahead of need. If the reserve is most of the limit, the limit
 * says nothing about the memory in use, and an allocation that fails shows that it was reached. */
RARE void profile_limit_start(void) {
    struct limit_use use = profile_limit_read_use();
    profile_limit.space_counts = use.space < os_address_limit() / 4 * 3;
    profile_limit.reached = 0;
    profile_limit_look(0, true);
}

bool profile_limit_reached(size_t size, bool look) {
    size_t more = max_size(size, racy_load(size_t, &settings.sample));
    size_t allocated = racy_load(size_t, &profile_limit.allocated) + more;
    racy_store(&profile_limit.allocated, allocated);
    if (!look && allocated < racy_load(size_t, &profile_limit.step)) return false;
    if (__atomic_exchange_n(&profile_limit.looking, true, __ATOMIC_ACQUIRE)) return false;
    bool reached = profile_limit_look(size, look);
    __atomic_store_n(&profile_limit.looking, false, __ATOMIC_RELEASE);
    return reached;
}
