#include "profile/profile_file.h"

#include <errno.h>
#include <string.h>

#include "base/compiler.h"
#include "base/text.h"
#include "mallow_profile.h"
#include "os/os.h"
#include "os/os_append.h"
#include "report/log.h"

static UNTOUCHED char profile_file_base[LOG_PATH_MAX];
static UNTOUCHED char profile_file_path[LOG_PATH_MAX + 16];
static struct {
    struct os_file file;
    uint64_t end; /* of the last whole snapshot */
    bool open;
    bool of_child; /* the base belongs to the parent */
} profile_file;

RARE bool profile_file_choose(const char *path) {
    size_t length = strlen(path);
    if (length >= sizeof profile_file_base) return false;
    memcpy(profile_file_base, path, length + 1);
    return true;
}

bool profile_file_is_chosen(void) { return profile_file_base[0] != '\0'; }
bool profile_file_is_open(void) { return profile_file.open; }

/* ---- opening ---- */

static uint64_t profile_file_length(const struct mallow_profile_block *head) {
    return head->length[0] | (uint64_t)head->length[1] << 8 | (uint64_t)head->length[2] << 16;
}

/* Returns false after the last whole block. */
static bool profile_file_read_head(int fd, uint64_t at, struct mallow_profile_block *head) {
    int64_t size = os_append_size(fd);
    return size >= 0 && at + sizeof *head <= (uint64_t)size &&
           os_append_read(fd, head, sizeof *head, at) == sizeof *head &&
           memcmp(head->magic, MALLOW_PROFILE_MAGIC, sizeof head->magic) == 0 &&
           profile_file_length(head) <= (uint64_t)size - at - sizeof *head;
}

/* Reads a number and moves *at to its end. */
static uint64_t profile_file_number(const uint8_t **at, const uint8_t *end) {
    uint64_t number = 0;
    for (unsigned shift = 0; *at < end && shift < 64; shift += 7) {
        uint8_t byte = *(*at)++;
        number |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) break;
    }
    return number;
}

/* Returns true if the file is empty or this process began it. Its ID is the second number. */
static bool profile_file_is_own(int fd) {
    struct mallow_profile_block head;
    uint8_t numbers[20];
    if (os_append_size(fd) == 0) return true;
    if (!profile_file_read_head(fd, 0, &head) || head.type != MALLOW_PROFILE_PROCESS) return false;
    long count = os_append_read(fd, numbers, sizeof numbers, sizeof head);
    const uint8_t *at = numbers, *end = numbers + (count > 0 ? count : 0);
    return profile_file_number(&at, end) == MALLOW_PROFILE_VERSION &&
           profile_file_number(&at, end) == (uint64_t)os_process_id();
}

/* Counts the sections and finds the end of the last whole block. */
static void profile_file_scan(int fd, uint32_t *sections) {
    struct mallow_profile_block head;
    uint64_t end = 0;
    *sections = 0;
    while (profile_file_read_head(fd, end, &head)) {
        *sections += head.type == MALLOW_PROFILE_PROCESS;
        end += sizeof head + profile_file_length(&head);
    }
    profile_file.end = end;
}

/* Returns EWOULDBLOCK if the file belongs to another process. */
static int profile_file_try(bool guessable, uint32_t *sections) {
    int error = os_append_claim(profile_file_path, guessable, &profile_file.file);
    if (error != 0) return error;
    int fd = profile_file.file.fd;
    if (!profile_file_is_own(fd)) {
        os_close(fd);
        return EWOULDBLOCK;
    }
    profile_file_scan(fd, sections);
    os_append_truncate(fd, profile_file.end);
    return 0;
}

static void profile_file_add_process(void) {
    struct text path = {.buffer = profile_file_path, .size = sizeof profile_file_path - 1};
    text_add(&path, profile_file_base);
    text_add(&path, ".");
    text_add_number(&path, (uint64_t)os_process_id());
    profile_file_path[path.length] = '\0';
}

RARE int profile_file_open(uint32_t *sections) {
    int error = EWOULDBLOCK;
    memcpy(profile_file_path, profile_file_base, sizeof profile_file_base);
    if (!profile_file.of_child) error = profile_file_try(false, sections);
    if (error == EWOULDBLOCK) {
        profile_file_add_process();
        error = profile_file_try(true, sections);
    }
    profile_file.open = error == 0;
    return error;
}

/* ---- writing ---- */

static int profile_file_descriptor(void) {
    if (log_has_left_table()) return os_append_open(profile_file_path, &profile_file.file);
    if (os_is_file(&profile_file.file)) return profile_file.file.fd;
    int again = os_append_open(profile_file_path, &profile_file.file);
    if (again >= 0) profile_file.file.fd = again;
    return again;
}

/* An incomplete snapshot of a thread that ended while it wrote is removed. If the file has become
 * shorter, it is no longer the process's own. */
int profile_file_enter(void) {
    if (!profile_file.open) return -1;
    int fd = profile_file_descriptor();
    if (fd < 0) return -1;
    int64_t size = os_append_size(fd);
    if (size >= 0 && (uint64_t)size > profile_file.end) os_append_truncate(fd, profile_file.end);
    if (size >= 0 && (uint64_t)size >= profile_file.end) return fd;
    if (log_has_left_table()) os_close(fd);
    return -1;
}

void profile_file_leave(int fd, bool keep) {
    int64_t size = os_append_size(fd);
    if (!keep || size < 0)
        os_append_truncate(fd, profile_file.end);
    else
        profile_file.end = (uint64_t)size;
    if (log_has_left_table()) os_close(fd);
}

RARE void profile_file_after_fork(void) {
    if (profile_file.open && os_is_file(&profile_file.file)) os_close(profile_file.file.fd);
    profile_file.of_child = true;
    profile_file.open = false;
}
