/* Finds where the bss of programs and libraries ends, by their files. The kernel joins a bss with
 * an anonymous mapping that follows it, and the heap at the break can follow the bss of the
 * program. */
#include <gelf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/xalloc.h"
#include "proc/address_space.h"
#include "proc/elf_file.h"

size_t address_space_file_end(const struct address_space *space, size_t begin, bool *is_loaded) {
    const struct region *first = &space->regions[begin];
    size_t end = begin;
    *is_loaded = false;
    while (end < space->count && space->regions[end].inode == first->inode &&
           space->regions[end].device == first->device) {
        if (first->inode != 0 && space->regions[end].permissions[2] == 'x') *is_loaded = true;
        end++;
        if (first->inode == 0) break;
    }
    return end;
}

/* ---- files ---- */

static int bss_open_path(const char *path, const struct region *region) {
    struct stat file;
    int fd = elf_file_open(path);
    if (fd >= 0 && fstat(fd, &file) == 0 && file.st_ino == region->inode) return fd;
    if (fd >= 0) close(fd);
    return -1;
}

/* Only root may open files in /proc/PID/map_files. */
static int bss_open(pid_t process, const struct region *region) {
    char *path = xasprintf("/proc/%d/root%s", (int)process, region->path);
    int fd = bss_open_path(path, region);
    free(path);
    if (fd >= 0) return fd;
    path = xasprintf("/proc/%d/map_files/%lx-%lx", (int)process, region->start, region->end);
    fd = bss_open_path(path, region);
    free(path);
    return fd;
}

/* Returns the end of the memory of the file whose first region this is, or UINT64_MAX. */
static uint64_t bss_end_in(Elf *elf, const struct region *first) {
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), end = 0, bias = UINT64_MAX;
    size_t count;
    if (elf == NULL || elf_getphdrnum(elf, &count) != 0) return UINT64_MAX;
    for (size_t i = 0; i < count && i < 1024; i++) {
        GElf_Phdr header;
        if (gelf_getphdr(elf, (int)i, &header) == NULL || header.p_type != PT_LOAD) continue;
        if (bias == UINT64_MAX) {
            if (header.p_offset / page * page != first->offset) return UINT64_MAX;
            bias = first->start - header.p_vaddr / page * page;
        }
        uint64_t segment_end = header.p_vaddr + header.p_memsz;
        if (segment_end > end) end = segment_end;
    }
    return bias == UINT64_MAX ? UINT64_MAX : bias + (end + page - 1) / page * page;
}

static uint64_t bss_read_end(pid_t process, const struct region *first) {
    int fd = bss_open(process, first);
    if (fd < 0) return UINT64_MAX;
    elf_version(EV_CURRENT);
    Elf *elf = elf_begin(fd, ELF_C_READ, NULL);
    uint64_t end = bss_end_in(elf, first);
    elf_end(elf);
    close(fd);
    return end;
}

/* ---- all ---- */

uint64_t address_space_bss_end(const struct address_space *space, uint64_t start) {
    size_t low = 0, high = space->bss_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (space->bss[middle].start < start)
            low = middle + 1;
        else
            high = middle;
    }
    return low < space->bss_count && space->bss[low].start == start ? space->bss[low].end : start;
}

static void bss_add(struct address_space *space, struct bss bss) {
    space->bss = xgrow(space->bss, space->bss_count, sizeof bss);
    space->bss[space->bss_count++] = bss;
}

void address_space_find_bss(struct address_space *space) {
    bool is_loaded;
    for (size_t i = 0, end; i < space->count; i = end) {
        end = address_space_file_end(space, i, &is_loaded);
        if (!is_loaded || end == space->count) continue;
        const struct region *last = &space->regions[end - 1], *next = &space->regions[end];
        if (last->permissions[1] != 'w' || last->end != next->start || next->inode != 0) continue;
        bss_add(space, (struct bss){last->end, bss_read_end(space->process, &space->regions[i])});
    }
    uint64_t *ends = xcalloc(space->bss_count + 1, sizeof *ends);
    for (size_t i = 0; i < space->bss_count; i++) ends[i] = space->bss[i].end;
    address_space_split(space, ends, space->bss_count);
    free(ends);
}
