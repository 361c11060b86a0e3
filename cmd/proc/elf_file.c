#include "proc/elf_file.h"

#include <elf.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Returns true for a program or a shared object, in either byte order. libdwfl would also accept
 * compressed files of any size, and relocatable files, whose relocations it would apply. */
static bool elf_file_is_loadable(int fd) {
    Elf32_Ehdr header; /* the 64-bit header begins with the same fields */
    if (pread(fd, &header, sizeof header, 0) != (ssize_t)sizeof header) return false;
    if (memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) return false;
    unsigned type = header.e_type < 0x100 ? header.e_type : header.e_type >> 8;
    return type == ET_EXEC || type == ET_DYN;
}

int elf_file_open(const char *path) {
    struct stat file;
    if (stat(path, &file) != 0 || !S_ISREG(file.st_mode)) return -1;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) return -1;
    /* The name may refer to another file by now. */
    if (fstat(fd, &file) == 0 && S_ISREG(file.st_mode) && elf_file_is_loadable(fd)) return fd;
    close(fd);
    return -1;
}

bool elf_file_cannot_block(const char *directory, const char *name) {
    char path[PATH_MAX];
    struct stat file;
    int length = *name == '/' ? snprintf(path, sizeof path, "%s", name)
                              : snprintf(path, sizeof path, "%s/%s", directory, name);
    if (length < 0 || (size_t)length >= sizeof path) return false;
    return stat(path, &file) != 0 || S_ISREG(file.st_mode);
}
