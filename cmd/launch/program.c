#include "launch/program.h"

#include <elf.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "common/command.h"
#include "common/xalloc.h"

/* An interpreter can be a script itself. The kernel has the same limit. */
#define MAX_INTERPRETERS 4

struct program_file {
    char *bytes;
    size_t size;
};

/* Returns 0, or the error number if the file cannot be executed. */
static int program_execution_error(const char *path) {
    struct stat status;
    if (stat(path, &status) != 0) return errno;
    if (!S_ISREG(status.st_mode)) return EACCES;
    return access(path, X_OK) == 0 ? 0 : errno;
}

static _Noreturn void program_refuse(const char *name, int error) {
    bool absent = error == ENOENT || error == ENOTDIR;
    errno = error;
    err(absent ? EXIT_NOT_FOUND : EXIT_CANNOT_EXECUTE, "cannot run '%s'", name);
}

static char *program_join(const char *directory, size_t length, const char *name) {
    /* An empty element of PATH means the working directory. */
    if (length == 0) directory = ".", length = 1;
    return xasprintf("%.*s/%s", (int)length, directory, name);
}

static char *program_search_path(const char *name) {
    const char *path = getenv("PATH");
    int error = ENOENT;

    for (const char *directory = path != NULL ? path : "/bin:/usr/bin"; directory != NULL;) {
        const char *end = strchrnul(directory, ':');
        char *candidate = program_join(directory, (size_t)(end - directory), name);
        int candidate_error = program_execution_error(candidate);
        if (candidate_error == 0) return candidate;
        if (candidate_error == EACCES) error = EACCES;
        free(candidate);
        directory = *end == ':' ? end + 1 : NULL;
    }
    program_refuse(name, error);
}

char *program_find(const char *name) {
    if (*name == '\0') program_refuse(name, ENOENT);
    if (strchr(name, '/') == NULL) return program_search_path(name);

    int error = program_execution_error(name);
    if (error != 0) program_refuse(name, error);
    return xstrdup(name);
}

/* Maps the file. A file that cannot be read becomes an empty one, because permission to execute a
 * file does not imply permission to read it. */
static struct program_file program_file_open(const char *path) {
    struct program_file file = {NULL, 0};
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd >= 0 && fstat(fd, &status) == 0 && status.st_size > 0) {
        void *bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (bytes != MAP_FAILED) file = (struct program_file){bytes, (size_t)status.st_size};
    }
    if (fd >= 0) close(fd);
    return file;
}

static void program_file_close(struct program_file file) {
    if (file.size != 0) munmap(file.bytes, file.size);
}

static const ElfW(Ehdr) * program_elf_header(struct program_file file) {
    if (file.size < sizeof(ElfW(Ehdr)) || memcmp(file.bytes, ELFMAG, SELFMAG) != 0) return NULL;
    return (const ElfW(Ehdr) *)(const void *)file.bytes;
}

static bool program_is_same_architecture(const ElfW(Ehdr) * header) {
    struct program_file self = program_file_open("/proc/self/exe");
    const ElfW(Ehdr) *own = program_elf_header(self);
    bool same = own == NULL || (own->e_ident[EI_CLASS] == header->e_ident[EI_CLASS] &&
                                own->e_machine == header->e_machine);
    program_file_close(self);
    return same;
}

/* Returns the program headers, or NULL if they exceed the file. */
static const ElfW(Phdr) * program_segments(struct program_file file, const ElfW(Ehdr) * header) {
    size_t table_size = (size_t)header->e_phnum * sizeof(ElfW(Phdr));
    if (header->e_phoff > file.size || table_size > file.size - header->e_phoff) return NULL;
    return (const ElfW(Phdr) *)(const void *)(file.bytes + header->e_phoff);
}

static const ElfW(Phdr) *
    program_find_segment(struct program_file file, const ElfW(Ehdr) * header, ElfW(Word) type) {
    const ElfW(Phdr) *segments = program_segments(file, header);
    for (size_t i = 0; segments != NULL && i < header->e_phnum; i++)
        if (segments[i].p_type == type) return &segments[i];
    return NULL;
}

/* ---- programs run by way of the loader ---- */

/* Returns the text at an offset of the string table, or "" if it is not in the file. The dynamic
 * section gives the table by its address. */
static const char *program_dynamic_string(struct program_file file, const ElfW(Ehdr) * header,
                                          size_t table, size_t offset) {
    const ElfW(Phdr) *segments = program_segments(file, header);
    for (size_t i = 0; i < header->e_phnum; i++) {
        if (segments[i].p_type != PT_LOAD || table < segments[i].p_vaddr ||
            table - segments[i].p_vaddr >= segments[i].p_filesz)
            continue;
        size_t at = table - segments[i].p_vaddr + segments[i].p_offset + offset;
        bool ends = at < file.size && memchr(file.bytes + at, '\0', file.size - at) != NULL;
        return ends ? file.bytes + at : "";
    }
    return "";
}

/* Returns the name of a library in its own dynamic section, or "". */
static const char *program_soname(struct program_file file, const ElfW(Ehdr) * header) {
    const ElfW(Phdr) *dynamic = program_find_segment(file, header, PT_DYNAMIC);
    size_t name = 0, table = 0;
    if (dynamic == NULL || dynamic->p_offset > file.size ||
        dynamic->p_filesz > file.size - dynamic->p_offset)
        return "";
    const char *start = file.bytes + dynamic->p_offset;
    for (size_t at = 0; at + sizeof(ElfW(Dyn)) <= dynamic->p_filesz; at += sizeof(ElfW(Dyn))) {
        ElfW(Dyn) entry;
        memcpy(&entry, start + at, sizeof entry);
        if (entry.d_tag == DT_SONAME) name = entry.d_un.d_val;
        if (entry.d_tag == DT_STRTAB) table = entry.d_un.d_ptr;
    }
    return name == 0 ? "" : program_dynamic_string(file, header, table, name);
}

/* Recognizes names such as ld-linux-x86-64.so.2, ld64.so.2, ld.so.1 and libc.musl-x86_64.so.1. */
static bool program_is_loader(struct program_file file, const ElfW(Ehdr) * header) {
    const char *name = program_soname(file, header);
    return strncmp(name, "ld", 2) == 0 || strncmp(name, "libc.musl", 9) == 0;
}

/* Returns the program among the arguments of the loader, or NULL. */
static const char *program_of_loader(char **arguments) {
    static const char *const with_value[] = {
        "--library-path",         "--inhibit-rpath",     "--audit", "--preload", "--argv0",
        "--glibc-hwcaps-prepend", "--glibc-hwcaps-mask",
    };
    for (arguments++; *arguments != NULL; arguments++) {
        if (strncmp(*arguments, "--", 2) != 0) return *arguments;
        for (size_t i = 0; i < sizeof with_value / sizeof with_value[0]; i++) {
            if (strcmp(*arguments, with_value[i]) == 0 && arguments[1] != NULL) {
                arguments++;
                break;
            }
        }
    }
    return NULL;
}

/* ---- programs that ignore LD_PRELOAD ---- */

/* Returns true if execve() enables the loader's secure mode, which ignores LD_PRELOAD. */
static bool program_gains_privileges(const char *path) {
    struct stat status;
    if (stat(path, &status) != 0) return false;
    if ((status.st_mode & S_ISUID) != 0 && status.st_uid != getuid()) return true;
    if ((status.st_mode & S_ISGID) != 0 && status.st_gid != getgid()) return true;
    return getuid() != 0 && getxattr(path, "security.capability", NULL, 0) > 0;
}

/* Returns the interpreter of a script, which the caller frees, or NULL if the file is not a script.
 */
static char *program_interpreter(struct program_file file) {
    static const char blanks[] = " \t";
    if (file.size < 2 || memcmp(file.bytes, "#!", 2) != 0) return NULL;
    const char *line_end = memchr(file.bytes, '\n', file.size);
    size_t length = (line_end != NULL ? (size_t)(line_end - file.bytes) : file.size) - 2;
    char *line = xstrndup(file.bytes + 2, length);
    size_t start = strspn(line, blanks);
    size_t interpreter_length = strcspn(line + start, blanks);
    memmove(line, line + start, interpreter_length);
    line[interpreter_length] = '\0';
    return line;
}

static void program_require_same_architecture(const char *path, const ElfW(Ehdr) * header) {
    if (!program_is_same_architecture(header))
        errx(EXIT_OWN_FAILURE,
             "'%s' is built for a different architecture than " MALLOW_LIBRARY
             ": build Mallow for that architecture",
             path);
}

static _Noreturn void program_refuse_static(const char *path) {
    errx(EXIT_OWN_FAILURE,
         "'%s' is statically linked, so nothing can be preloaded into it:"
         " link it with libmallow.a instead",
         path);
}

static void program_require_no_privileges(const char *path) {
    if (program_gains_privileges(path))
        errx(EXIT_OWN_FAILURE,
             "'%s' gains privileges (setuid, setgid or capabilities), so the loader ignores"
             " LD_PRELOAD: run it as the user that it switches to, or run a copy without the"
             " privileges",
             path);
}

/* Returns the program that the loader runs if the file is the loader, or NULL. */
static const char *program_require_preloadable_elf(const char *path, struct program_file file,
                                                   const ElfW(Ehdr) * header, char **arguments) {
    program_require_same_architecture(path, header);
    program_require_no_privileges(path);
    if (program_find_segment(file, header, PT_INTERP) != NULL) return NULL;
    if (!program_is_loader(file, header)) program_refuse_static(path);
    return arguments != NULL ? program_of_loader(arguments) : NULL;
}

/* `arguments` is NULL for an interpreter, whose arguments are not examined. */
/* NOLINTNEXTLINE(misc-no-recursion): files_left counts down */
static void program_require_preloadable_file(const char *path, char **arguments, int files_left) {
    struct program_file file = program_file_open(path);
    const ElfW(Ehdr) *header = program_elf_header(file);
    char *interpreter = program_interpreter(file);

    if (header != NULL) {
        const char *loaded = program_require_preloadable_elf(path, file, header, arguments);
        if (loaded != NULL && files_left > 0)
            program_require_preloadable_file(loaded, NULL, files_left - 1);
    } else if (interpreter != NULL && files_left > 0) {
        program_require_preloadable_file(interpreter, NULL, files_left - 1);
    }
    free(interpreter);
    program_file_close(file);
}

void program_require_preloadable(const char *path, char **arguments) {
    program_require_preloadable_file(path, arguments, MAX_INTERPRETERS);
}
