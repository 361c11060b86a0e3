#include "profile/profile_section.h"

#include <elf.h>
#include <string.h>

#include "base/compiler.h"
#include "base/numbers.h"
#include "base/settings.h"
#include "heap/size_class.h"
#include "os/os.h"
#include "os/os_append.h"
#include "os/os_process.h"
#include "profile/profile_block.h"
#include "profile/profile_kernel.h"
#include "profile/profile_mappings.h"
#include "profile/profile_modules.h"
#include "profile/profile_records.h"
#include "profile/profile_threads.h"
#include "profile/samples.h"
#include "profile/sites.h"
#include "report/mapped.h"
#include "stack/stack.h"

struct section_memory {
    struct profile_modules modules;
    uint8_t described[CALL_TREE_MAX / 8]; /* one bit for each node of the tree of stacks */
};

/* Mapped when sampling begins. Static memory would count towards the limits of each process. NULL:
 * there is no memory, so no section can be written. */
static struct section_memory *section_memory, *section_memory_alone;

/* Records that are copied from a table before they are written. Static, because the stack of the
 * thread may be small. */
static UNTOUCHED union {
    struct mallow_profile_site sites[16];
    struct mallow_profile_live live[32];
    struct mallow_profile_thread threads[32];
    uint64_t class_blocks[CLASSES];
} section_scratch;

size_t section_memory_bytes(void) {
    return round_up(sizeof(struct section_memory), os_page_size());
}

const void *section_memory_start(unsigned part) {
    return part == 0 ? section_memory : section_memory_alone;
}

RARE void section_prepare(void) {
    if (section_memory == NULL) section_memory = os_map(section_memory_bytes());
    if (section_memory_alone == NULL) section_memory_alone = os_map(section_memory_bytes());
    profile_block_prepare();
    mapped_program_path();
}

/* ---- the process ---- */

#if defined(__x86_64__)
#    define SECTION_MACHINE EM_X86_64
#elif defined(__aarch64__)
#    define SECTION_MACHINE EM_AARCH64
#elif defined(__i386__)
#    define SECTION_MACHINE EM_386
#elif defined(__arm__)
#    define SECTION_MACHINE EM_ARM
#elif defined(__riscv)
#    define SECTION_MACHINE EM_RISCV
#elif defined(__powerpc64__)
#    define SECTION_MACHINE EM_PPC64
#elif defined(__s390__)
#    define SECTION_MACHINE EM_S390
#else
#    define SECTION_MACHINE EM_NONE
#endif

/* The class of empty blocks has the size 0. */
static uint64_t section_class_bytes(unsigned size_class) {
    return size_class == CLASS_ZERO ? 0 : size_class_bytes(size_class);
}

/* Writes the sizes of the classes as steps. The sizes ascend, and the steps are few. */
static void section_write_classes(void) {
    uint64_t before = 0, steps[CLASSES];
    size_t times[CLASSES], count = 0;
    for (unsigned i = 0; i < CLASSES; i++) {
        uint64_t bytes = section_class_bytes(i), step = bytes - before;
        bool repeats = count != 0 && steps[count - 1] == step;
        if (!repeats) {
            steps[count] = step;
            times[count++] = 0;
        }
        times[count - 1]++;
        before = bytes;
    }
    profile_block_add_number(count);
    for (size_t i = 0; i < count; i++) {
        profile_block_add_number(times[i]);
        profile_block_add_number(steps[i]);
    }
}

bool section_write_process(int fd, struct section *section, int64_t started, uint32_t sections) {
    if (section_memory == NULL || section_memory_alone == NULL) return false;
    const char *path = mapped_program_path();
    size_t length = min_size(strlen(path), PROFILE_BLOCK_RECORD_MAX / 2);
    section->process = (struct mallow_profile_process){
        .version = MALLOW_PROFILE_VERSION,
        .pid = (uint32_t)os_process_id(),
        .ppid = (uint32_t)os_parent_id(),
        .started = (uint64_t)started,
        .started_at = (uint64_t)(os_wall_ns() - (os_exact_ns() - started)),
        .rate = settings.sample,
        .page_bytes = (uint32_t)os_page_size(),
        .machine = SECTION_MACHINE,
        .address_bytes = sizeof(void *),
        .sections = sections,
    };
    const struct mallow_profile_process *process = &section->process;
    const uint64_t numbers[] = {process->version,    process->pid,        process->ppid,
                                process->started,    process->started_at, process->rate,
                                process->page_bytes, process->machine,    process->address_bytes,
                                process->sections};
    profile_block_start(fd);
    profile_block_record(MALLOW_PROFILE_PROCESS, PROFILE_BLOCK_RECORD_MAX);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        profile_block_add_number(numbers[i]);
    profile_block_add_number(length);
    profile_block_add_bytes(path, length);
    section_write_classes();
    return profile_block_finish();
}

static void section_forget(struct section_memory *memory) {
    if (memory == NULL) return;
    memset(memory->described, 0, call_tree_nodes() / 8 + 1);
    profile_modules_forget(&memory->modules);
}

RARE struct section section_begin(void) {
    section_forget(section_memory);
    sites_mark_all();
    return (struct section){.memory = section_memory};
}

RARE struct section section_alone(void) {
    section_forget(section_memory_alone);
    return (struct section){.memory = section_memory_alone, .is_alone = true};
}

RARE void section_discard(struct section *section) {
    struct mallow_profile_process process = section->process;
    *section = section_begin();
    section->process = process;
}

/* ---- stacks ---- */

static bool section_describes(const struct section *section, uint32_t node) {
    return (section->memory->described[node / 8] >> node % 8 & 1) != 0;
}

static void section_write_node(struct section *section, uint32_t node) {
    struct mallow_profile_node record = {
        .node = node, .caller = call_tree_caller(node), .pc = call_tree_pc(node)};
    profile_write_node(&record);
    profile_modules_need(&section->memory->modules, (uintptr_t)record.pc);
    section->memory->described[node / 8] |= (uint8_t)(1 << node % 8);
}

/* Writes the nodes of a stack that are not described yet, the outermost first. */
static void section_write_stack(struct section *section, stack_id stack) {
    uint32_t chain[STACK_FRAMES_MAX];
    while (stack != 0 && !section_describes(section, stack)) {
        size_t count = 0;
        for (uint32_t node = stack; node != 0 && !section_describes(section, node);
             node = call_tree_caller(node))
            chain[count++ % STACK_FRAMES_MAX] = node;
        for (size_t n = min_size(count, STACK_FRAMES_MAX); n > 0; n--)
            section_write_node(section, chain[--count % STACK_FRAMES_MAX]);
    }
}

static void section_write_stacks(struct section *section, struct sites_chosen chosen) {
    stack_id some[32];
    uint32_t next = 0;
    do {
        size_t count = sites_read_nodes(&next, chosen, some, sizeof some / sizeof *some);
        for (size_t i = 0; i < count; i++) section_write_stack(section, some[i]);
    } while (next != 0);
}

/* ---- threads, sites and samples ---- */

#define SCRATCH(kind) (sizeof section_scratch.kind / sizeof *section_scratch.kind)

static void section_write_threads(struct section *section) {
    struct mallow_profile_thread *some = section_scratch.threads;
    size_t count;
    do {
        count = profile_threads_read(&section->threads, some, SCRATCH(threads));
        for (size_t i = 0; i < count; i++) profile_write_thread(&some[i]);
    } while (count != 0);
}

static void section_write_sites(struct sites_chosen chosen) {
    struct mallow_profile_site *some = section_scratch.sites;
    uint32_t next = 0;
    do {
        size_t count = sites_read(&next, chosen, some, SCRATCH(sites));
        for (size_t i = 0; i < count; i++) profile_write_site(&some[i]);
    } while (next != 0);
}

static void section_write_live(const struct section *section, uint32_t last_site) {
    struct mallow_profile_live *some = section_scratch.live;
    uint32_t next = 0;
    do {
        size_t count = samples_read(&next, last_site, some, SCRATCH(live));
        for (size_t i = 0; i < count; i++) profile_write_live(&some[i], &section->process);
    } while (next != 0);
}

/* ---- a snapshot ---- */

static uint64_t section_resident(void) {
    char text[128];
    long n = os_read_file("/proc/self/statm", text, sizeof text - 1);
    text[n > 0 ? n : 0] = '\0';
    const char *at = text;
    uint64_t pages = 0;
    while (*at != ' ' && *at != '\0') at++;
    for (at += *at == ' '; *at >= '0' && *at <= '9'; at++)
        pages = pages * 10 + (uint64_t)(*at - '0');
    return pages * os_page_size();
}

static void section_write_class_blocks(const uint64_t *blocks) {
    size_t count = CLASSES;
    while (count > 0 && blocks[count - 1] == 0) count--;
    profile_block_add_number(count);
    for (size_t i = 0; i < count; i++) profile_block_add_number(blocks[i]);
}

static void section_write_totals(const struct section *section, struct snapshot_kind kind) {
    struct mallow_profile_snapshot snapshot = {.reason = kind.reason,
                                               .time = (uint64_t)os_exact_ns(),
                                               .resident_bytes = section_resident(),
                                               .samples_lost = samples_lost()};
    uint64_t *blocks = section_scratch.class_blocks;
    profile_read_totals(&snapshot, blocks);
    const uint64_t numbers[] = {snapshot.reason,         snapshot.time - section->process.started,
                                snapshot.resident_bytes, snapshot.live_blocks,
                                snapshot.live_bytes,     snapshot.large_blocks,
                                snapshot.large_bytes,    snapshot.heap_bytes,
                                snapshot.metadata_bytes, snapshot.samples_lost};
    size_t count = sizeof numbers / sizeof *numbers;
    profile_block_record(MALLOW_PROFILE_SNAPSHOT, (count + 1 + CLASSES) * PROFILE_NUMBER_MAX);
    for (size_t i = 0; i < count; i++) profile_block_add_number(numbers[i]);
    section_write_class_blocks(blocks);
}

/* ---- the whole process ---- */

/* A look at a block's page takes less than a microsecond, so this takes 50 ms. */
#define PINNED_SAMPLES 65536u
#define MEASURED_BYTES ((uint64_t)1 << 30) /* see profile_mappings_write */

static void section_write_setting(void *to, const char *key, const char *value) {
    (void)to;
    profile_write_setting(key, value);
}

static void section_write_pinned(uint32_t last_site, uint32_t most_samples) {
    struct mallow_profile_pinned some[16];
    uint32_t next = 0;
    if (!samples_count_pinned(most_samples)) return;
    do {
        size_t count = sites_read_pinned(&next, last_site, some, sizeof some / sizeof *some);
        for (size_t i = 0; i < count; i++) profile_write_pinned(&some[i]);
    } while (next != 0);
}

/* A description may take this part of the time since the last one. */
#define DESCRIBE_COST_SHARE 200

/* A process that is killed has written periodic snapshots only. The last description in them is at
 * least two thirds as old as the section, mostly, and a long run has few. The profile of a short
 * run is small, so it has only that of the last snapshot. */
#define DESCRIBE_FIRST_NS 1000000000u

static bool section_is_described(const struct section *section, struct snapshot_kind kind,
                                 uint64_t now) {
    if (kind.whole || section->is_alone) return kind.whole;
    uint64_t age = now - section->process.started;
    if (section->described == 0) return age >= DESCRIBE_FIRST_NS;
    uint64_t before = section->described - section->process.started;
    return age / 3 >= before / 2 && age - before >= section->describe_ns * DESCRIBE_COST_SHARE;
}

static void section_describe(struct section *section, struct snapshot_kind kind,
                             uint32_t last_site) {
    section->described = (uint64_t)os_exact_ns();
    section_write_pinned(last_site, kind.live ? UINT32_MAX : PINNED_SAMPLES);
    profile_each_setting(section_write_setting, NULL);
    profile_kernel_write();
    profile_mappings_write(kind.live || section_resident() <= MEASURED_BYTES);
    profile_ranges_write();
    profile_pages_write();
    section->describe_ns = (uint64_t)os_exact_ns() - section->described;
}

bool section_write_snapshot(int fd, struct section *section, struct snapshot_kind kind) {
    struct sites_chosen chosen = {.last = sites_last(), .all = section->is_alone};
    struct profile_modules *modules = &section->memory->modules;
    bool is_described = section_is_described(section, kind, (uint64_t)os_exact_ns());
    profile_block_start(fd);
    profile_modules_look(modules);
    section_write_stacks(section, chosen);
    section_write_threads(section);
    profile_modules_write(modules);
    section_write_totals(section, kind);
    section_write_sites(chosen);
    if (kind.live) section_write_live(section, chosen.last);
    if (is_described) section_describe(section, kind, chosen.last);
    profile_block_mark(MALLOW_PROFILE_DONE);
    return profile_block_finish();
}
