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
#include "profile/profile_modules.h"
#include "profile/profile_threads.h"
#include "profile/samples.h"
#include "profile/sites.h"
#include "report/mapped.h"
#include "stack/stack.h"

#define DESCRIBED_BYTES (CALL_TREE_MAX / 8)

/* Mapped when sampling begins. Static memory would count towards the limits of each process. NULL:
 * there is no memory, so no section can be written. */
static uint8_t *section_described, *section_described_alone;

RARE void section_prepare(void) {
    if (section_described == NULL) section_described = os_map(DESCRIBED_BYTES);
    if (section_described_alone == NULL) section_described_alone = os_map(DESCRIBED_BYTES);
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

bool section_write_process(int fd, uint32_t sections) {
    if (section_described == NULL || section_described_alone == NULL) return false;
    const char *path = mapped_program_path();
    size_t records, path_bytes = strlen(path), classes = CLASSES * sizeof(uint64_t);
    size_t bytes = round_up(sizeof(struct mallow_profile_process) + classes + path_bytes + 1, 8);
    profile_block_start(fd);
    char *room = profile_block_room(MALLOW_PROFILE_PROCESS, bytes, &records);
    memset(room, 0, bytes);
    struct mallow_profile_process process = {
        .version = MALLOW_PROFILE_VERSION,
        .size = sizeof process,
        .pid = (uint32_t)os_process_id(),
        .ppid = (uint32_t)os_parent_id(),
        .started = (uint64_t)os_exact_ns(),
        .started_at = (uint64_t)os_wall_ns(),
        .rate = settings.sample,
        .page_bytes = (uint32_t)os_page_size(),
        .machine = SECTION_MACHINE,
        .address_bytes = sizeof(void *),
        .class_count = CLASSES,
        .sections = sections,
    };
    memcpy(room, &process, sizeof process);
    for (unsigned i = 0; i < CLASSES; i++) {
        uint64_t class_bytes = section_class_bytes(i);
        memcpy(room + sizeof process + i * sizeof class_bytes, &class_bytes, sizeof class_bytes);
    }
    memcpy(room + sizeof process + classes, path, path_bytes + 1);
    profile_block_add(bytes);
    return profile_block_finish();
}

RARE struct section section_begin(void) {
    if (section_described != NULL) memset(section_described, 0, call_tree_nodes() / 8 + 1);
    sites_mark_all();
    return (struct section){.described = section_described};
}

RARE struct section section_alone(void) {
    if (section_described_alone != NULL)
        memset(section_described_alone, 0, call_tree_nodes() / 8 + 1);
    return (struct section){.described = section_described_alone, .is_alone = true};
}

RARE void section_discard(struct section *section) { *section = section_begin(); }

/* ---- stacks ---- */

static bool section_describes(const struct section *section, uint32_t node) {
    return (section->described[node / 8] >> node % 8 & 1) != 0;
}

static void section_write_node(struct section *section, uint32_t node) {
    size_t records;
    struct mallow_profile_node *record =
        profile_block_room(MALLOW_PROFILE_STACKS, sizeof *record, &records);
    *record = (struct mallow_profile_node){
        .node = node, .caller = call_tree_caller(node), .pc = call_tree_pc(node)};
    profile_block_add(sizeof *record);
    section->described[node / 8] |= (uint8_t)(1 << node % 8);
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

static void section_write_threads(struct section *section) {
    size_t count;
    do {
        size_t records;
        struct mallow_profile_thread *room =
            profile_block_room(MALLOW_PROFILE_THREADS, sizeof *room, &records);
        count = profile_threads_read(&section->threads, room, records);
        profile_block_add(count * sizeof *room);
    } while (count != 0);
}

static void section_write_sites(struct sites_chosen chosen) {
    uint32_t next = 0;
    do {
        size_t records;
        struct mallow_profile_site *room =
            profile_block_room(MALLOW_PROFILE_SITES, sizeof *room, &records);
        profile_block_add(sites_read(&next, chosen, room, records) * sizeof *room);
    } while (next != 0);
}

static void section_write_live(uint32_t last_site) {
    uint32_t next = 0;
    do {
        size_t records;
        struct mallow_profile_live *room =
            profile_block_room(MALLOW_PROFILE_LIVE, sizeof *room, &records);
        profile_block_add(samples_read(&next, last_site, room, records) * sizeof *room);
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

static void section_write_totals(struct snapshot_kind kind) {
    struct mallow_profile_snapshot snapshot = {.size = sizeof snapshot,
                                               .reason = kind.reason,
                                               .time = (uint64_t)os_exact_ns(),
                                               .resident_bytes = section_resident(),
                                               .samples_lost = samples_lost()};
    size_t records, classes = CLASSES * sizeof(uint64_t);
    char *room = profile_block_room(MALLOW_PROFILE_SNAPSHOT, sizeof snapshot + classes, &records);
    memset(room + sizeof snapshot, 0, classes);
    profile_read_totals(&snapshot, (uint64_t *)(void *)(room + sizeof snapshot));
    memcpy(room, &snapshot, sizeof snapshot);
    profile_block_add(sizeof snapshot + classes);
}

bool section_write_snapshot(int fd, struct section *section, struct snapshot_kind kind) {
    struct sites_chosen chosen = {.last = sites_last(), .all = section->is_alone};
    profile_block_start(fd);
    profile_modules_write(&section->modules);
    section_write_stacks(section, chosen);
    section_write_threads(section);
    section_write_totals(kind);
    section_write_sites(chosen);
    if (kind.live) section_write_live(chosen.last);
    profile_block_mark(MALLOW_PROFILE_DONE);
    return profile_block_finish();
}
