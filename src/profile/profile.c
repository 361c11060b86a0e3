#include "profile/profile.h"

#include <errno.h>

#include "base/atomics.h"
#include "base/compiler.h"
#include "base/numbers.h"
#include "base/settings.h"
#include "os/open_lock.h"
#include "os/os.h"
#include "os/os_process.h"
#include "profile/profile_file.h"
#include "profile/profile_limit.h"
#include "profile/profile_lock.h"
#include "profile/profile_section.h"
#include "profile/samples.h"
#include "profile/sites.h"
#include "report/log.h"

#define PROFILE_FIRST_NS ((int64_t)100000000)
#define PROFILE_INTERVAL_NS ((int64_t)250000000)
#define PROFILE_AGE_SHARE 20   /* an interval is at least this fraction of the age of the section */
#define PROFILE_COST_SHARE 200 /* and this many times as long as the snapshot took */

static struct {
    struct section section;
    int process;        /* that these data are about */
    uint32_t sections;  /* in the file */
    int64_t started;    /* when the section was begun, by os_coarse_ns */
    int64_t sums;       /* when the sums of all sites began, by os_exact_ns */
    int64_t next;       /* when the next periodic snapshot is due; racy */
    bool begun;         /* the PROCESS block was written */
    bool forked;        /* the process is the child of a fork and has executed no program since */
    bool sampled;       /* the process has recorded a sample */
    bool had_no_memory; /* an allocation failed before */
} profile = {.next = INT64_MAX};

/* The next snapshot describes everything again: profile_file_enter removes an incomplete one. */
static void profile_repair(void) { section_discard(&profile.section); }

/* Protects the data above, the file and the buffers. A thread that holds it may take
 * profile_lock. */
static struct open_lock profile_snapshot_lock = {.repair = profile_repair, .kind = SNAPSHOT_LOCK};

/* ---- sections ---- */

static void profile_schedule(int64_t ns) { racy_store(&profile.next, os_coarse_ns() + ns); }

/* The number of descriptors of a thread with a table of its own means nothing to other threads, so
 * such a thread opens no file. */
static int profile_begin(void) {
    int error = 0;
    if (log_has_left_table() && !profile_file_is_open()) return 0;
    if (!profile_file_is_open()) error = profile_file_open(&profile.sections);
    if (error != 0) return error;
    int fd = profile_file_enter();
    if (fd < 0) return 0;
    profile.section = section_begin();
    profile.started = os_coarse_ns();
    profile.begun = section_write_process(fd, &profile.section, os_exact_ns(), profile.sections);
    profile_file_leave(fd, profile.begun);
    if (profile.begun) profile.sections++;
    return 0;
}

/* A child of a fork for which libc calls no handlers, such as _Fork(2), finds its parent's data. */
static void profile_notice_fork(void) {
    if (profile.process != os_process_id()) profile_after_fork();
}

static void profile_write(struct snapshot_kind kind) {
    profile_notice_fork();
    if (!profile.begun) profile_begin();
    int fd = profile.begun ? profile_file_enter() : -1;
    if (fd < 0) {
        profile_schedule(PROFILE_INTERVAL_NS);
        return;
    }
    int64_t begun = os_exact_ns();
    uint64_t described = profile.section.described;
    bool written = section_write_snapshot(fd, &profile.section, kind);
    profile_file_leave(fd, written);
    if (!written) section_discard(&profile.section);
    int64_t interval = PROFILE_INTERVAL_NS;
    int64_t age = (os_coarse_ns() - profile.started) / PROFILE_AGE_SHARE;
    int64_t cost = os_exact_ns() - begun;
    if (profile.section.described != described) cost -= (int64_t)profile.section.describe_ns;
    cost *= PROFILE_COST_SHARE; /* descriptions are rare by their own rule */
    if (interval < age) interval = age;
    if (interval < cost) interval = cost;
    profile_schedule(interval);
}

static bool profile_is_written(void) {
    return racy_load(size_t, &settings.sample) != 0 && profile_file_is_chosen();
}

static NOINLINE void profile_snapshot(struct snapshot_kind kind, bool wait) {
    struct lock_hold hold;
    if (!profile_is_written()) return;
    if (!(wait ? open_lock_take : open_lock_try)(&profile_snapshot_lock, &hold)) return;
    profile_write(kind);
    open_lock_drop(&profile_snapshot_lock, &hold);
}

/* ---- the occasions ---- */

RARE int profile_start(void) {
    profile.process = os_process_id();
    if (settings.sample == 0) return 0;
    section_prepare();
    profile_limit_start();
    profile_schedule(PROFILE_FIRST_NS);
    profile.sums = os_exact_ns();
    return profile_file_is_chosen() ? profile_begin() : 0;
}

void profile_tick(size_t size) {
    racy_store(&profile.sampled, true);
    if (!profile_file_is_chosen()) return;
    bool due = os_coarse_ns() >= racy_load(int64_t, &profile.next);
    if (profile_limit_reached(size, due))
        profile_snapshot((struct snapshot_kind){MALLOW_PROFILE_LIMIT, true, true}, true);
    else if (due)
        profile_snapshot((struct snapshot_kind){MALLOW_PROFILE_PERIODIC, false, false}, false);
}

RARE void profile_no_memory(void) {
    if (racy_load(bool, &profile.had_no_memory)) return;
    racy_store(&profile.had_no_memory, true);
    profile_snapshot((struct snapshot_kind){MALLOW_PROFILE_NO_MEMORY, true, true}, true);
}

RARE void profile_error(void) {
    profile_snapshot((struct snapshot_kind){MALLOW_PROFILE_ERROR, true, true}, false);
}

/* A child that has sampled nothing would only describe its parent's blocks again. A copy made by
 * vfork shares the memory of its parent, which does not end. */
RARE void profile_ends(void) {
    if (!profile_is_written() || (profile.forked && !racy_load(bool, &profile.sampled))) return;
    if (profile.process != os_process_id()) return;
    int error = errno;
    profile_snapshot((struct snapshot_kind){MALLOW_PROFILE_EXIT, true, true}, true);
    errno = error;
}

/* Runs after the program's own destructors, which free blocks. */
__attribute__((destructor(101))) static void profile_at_exit(void) { profile_ends(); }

RARE bool profile_write_to(int fd, bool whole) {
    struct snapshot_kind kind = {MALLOW_PROFILE_REQUEST, true, whole};
    struct lock_hold hold;
    if (!open_lock_take(&profile_snapshot_lock, &hold)) return false;
    profile_notice_fork();
    struct section section = section_alone();
    bool written = section_write_process(fd, &section, profile.sums, 0) &&
                   section_write_snapshot(fd, &section, kind);
    open_lock_drop(&profile_snapshot_lock, &hold);
    return written;
}

/* ---- changes ---- */

/* The sums begin anew. The section is begun by the next thread that writes a snapshot. */
static void profile_begin_sums(void) {
    struct lock_hold hold, inner;
    if (!open_lock_take(&profile_snapshot_lock, &hold)) return;
    profile.begun = false;
    if (open_lock_take(&profile_lock, &inner)) {
        sites_begin();
        profile.sums = os_exact_ns();
        open_lock_drop(&profile_lock, &inner);
    }
    open_lock_drop(&profile_snapshot_lock, &hold);
}

RARE void profile_set_rate(size_t rate) {
    if (rate == settings.sample) return;
    if (settings.sample != 0) {
        profile_snapshot((struct snapshot_kind){MALLOW_PROFILE_OFF, true, true}, true);
        racy_store(&settings.sample, 0);
        profile_turn_mode(false);
    }
    if (rate == 0) return;
    profile_begin_sums();
    section_prepare();
    profile_limit_start();
    profile_schedule(PROFILE_FIRST_NS);
    racy_store(&settings.sample, rate);
    profile_turn_mode(true);
}

RARE void profile_after_fork(void) {
    open_lock_after_fork(&profile_snapshot_lock);
    samples_after_fork();
    profile_file_after_fork();
    profile.process = os_process_id();
    profile.begun = profile.sampled = profile.had_no_memory = false;
    profile.forked = true;
    profile.sums = os_exact_ns();
    if (settings.sample != 0) profile_schedule(PROFILE_FIRST_NS);
}
