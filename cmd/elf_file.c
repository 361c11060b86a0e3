#include "elf_file.h"

#include <elf.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool has_elf_magic(int fd) {
    char magic[SELFMAG];
    return pread(fd, magic, sizeof magic, 0) == (ssize_t)sizeof magic &&
           memcmp(magic, ELFMAG, sizeof magic) == 0;
}

int elf_file_open(const char *path) {
    struct stat file;
    if (stat(path, &file) != 0 || !S_ISREG(file.st_mode)) return -1;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) return -1;
    /* Another file may have taken the name meanwhile. */
    if (fstat(fd, &file) == 0 && S_ISREG(file.st_mode) && has_elf_magic(fd)) return fd;
    close(fd);
    return -1;
}

bool is_harmless_file(const char *directory, const char *name) {
    char path[PATH_MAX];
    struct stat file;
    int length = *name == '/' ? snprintf(path, sizeof path, "%s", name)
                              : snprintf(path, sizeof path, "%s/%s", directory, name);
    if (length < 0 || (size_t)length >= sizeof path) return false;
    return stat(path, &file) != 0 || S_ISREG(file.st_mode);
}
