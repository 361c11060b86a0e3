#include "launch/program_allocator.h"

#include <fcntl.h>
#include <gelf.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/xalloc.h"

static bool program_is_allocator(const char *library) {
    static const char *const known[] = {"jemalloc", "mimalloc", "tcmalloc", "hoard", "mallow"};
    for (size_t i = 0; library != NULL && i < sizeof known / sizeof known[0]; i++)
        if (strstr(library, known[i]) != NULL) return true;
    return false;
}

/* Returns the first allocator among the libraries that a dynamic section names, or NULL. */
static const char *program_allocator_in(Elf *elf, Elf_Scn *section, const GElf_Shdr *header) {
    Elf_Data *data = elf_getdata(section, NULL);
    GElf_Dyn entry;
    for (int i = 0; data != NULL && gelf_getdyn(data, i, &entry) != NULL; i++) {
        if (entry.d_tag != DT_NEEDED) continue;
        const char *library = elf_strptr(elf, header->sh_link, entry.d_un.d_val);
        if (program_is_allocator(library)) return library;
    }
    return NULL;
}

static char *program_find_allocator(Elf *elf) {
    Elf_Scn *section = NULL;
    GElf_Shdr header;
    while ((section = elf_nextscn(elf, section)) != NULL) {
        if (gelf_getshdr(section, &header) == NULL || header.sh_type != SHT_DYNAMIC) continue;
        const char *library = program_allocator_in(elf, section, &header);
        if (library != NULL) return xstrdup(library);
    }
    return NULL;
}

char *program_allocator(const char *path) {
    char *name = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    elf_version(EV_CURRENT);
    Elf *elf = fd < 0 ? NULL : elf_begin(fd, ELF_C_READ_MMAP, NULL);
    if (elf != NULL) {
        name = program_find_allocator(elf);
        elf_end(elf);
    }
    if (fd >= 0) close(fd);
    return name != NULL ? name : xstrdup("glibc");
}
