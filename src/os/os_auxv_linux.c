/* The contract of os_auxv.h on Linux. */
#include "os/os_auxv.h"

#include <link.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/auxv.h>

#include "base/compiler.h"
#include "os/os.h"

#define AUXV_ENTRIES 64

static const unsigned char os_auxv_types[] = {AT_PHDR,   AT_PHNUM,  AT_PAGESZ,      AT_SECURE,
                                              AT_RANDOM, AT_EXECFN, AT_SYSINFO_EHDR};
#define AUXV_TYPES (sizeof os_auxv_types / sizeof *os_auxv_types)

static struct {
    _Atomic unsigned long value[AUXV_TYPES];
    _Atomic bool known, program_known;
} os_auxv_vector;

/* Racing threads store the same values. */
static void os_auxv_set(unsigned long type, unsigned long value) {
    for (size_t i = 0; i < AUXV_TYPES; i++)
        if (os_auxv_types[i] == type)
            atomic_store_explicit(&os_auxv_vector.value[i], value, memory_order_relaxed);
}

/* Asks libc if there is no /proc. The static library always asks libc, because a static program has
 * no wrappers. */
static RARE void os_auxv_read(void) {
    long bytes = 0;
#ifdef MALLOW_PRELOAD
    ElfW(auxv_t) entry[AUXV_ENTRIES];
    bytes = os_read_file("/proc/self/auxv", (char *)entry, sizeof entry);
    for (long i = 0; i < bytes / (long)sizeof *entry && entry[i].a_type != AT_NULL; i++)
        os_auxv_set(entry[i].a_type, entry[i].a_un.a_val);
#endif
    for (size_t i = 0; bytes <= 0 && i < AUXV_TYPES; i++)
        os_auxv_set(os_auxv_types[i], getauxval(os_auxv_types[i]));
    atomic_store_explicit(&os_auxv_vector.known, true, memory_order_release);
}

/* If the loader was started as a command, it replaces these two values by those of the real
 * program, which only libc knows. Few processes need them, and getauxval is in a part of libc's
 * file that small programs do not have in memory. If a wrapper of getauxval allocates here, the
 * other values are already known. */
static RARE void os_auxv_read_program(void) {
    os_auxv_set(AT_PHDR, getauxval(AT_PHDR));
    os_auxv_set(AT_PHNUM, getauxval(AT_PHNUM));
    atomic_store_explicit(&os_auxv_vector.program_known, true, memory_order_release);
}

unsigned long os_auxv(unsigned long type) {
    if (unlikely(!atomic_load_explicit(&os_auxv_vector.known, memory_order_acquire)))
        os_auxv_read();
    if (unlikely(type == AT_PHDR || type == AT_PHNUM) &&
        !atomic_load_explicit(&os_auxv_vector.program_known, memory_order_acquire))
        os_auxv_read_program();
    for (size_t i = 0; i < AUXV_TYPES; i++)
        if (os_auxv_types[i] == type)
            return atomic_load_explicit(&os_auxv_vector.value[i], memory_order_relaxed);
    return 0;
}

/* AT_RANDOM's bytes are at the upper end of the first stack, near the top of the address space. */
unsigned os_address_bits(void) {
    return 64 - (unsigned)__builtin_clzl(os_auxv(AT_RANDOM) | (uintptr_t)1 << 31);
}

/* The name of the program is the last item before the end of the first stack. Without
 * randomisation, the stack ends within a page of the end of the address space. */
static bool os_auxv_find_placing(void) {
    uintptr_t name = os_auxv(AT_EXECFN);
    if (name == 0) return false;
    uintptr_t end = name + strlen((const char *)name);
    uintptr_t address_space = (uintptr_t)1 << os_address_bits();
    return address_space - end <= 2 * os_page_size();
}

bool os_is_placed_alike(void) {
    static _Atomic int8_t answer; /* racing threads store the same value */
    int8_t alike = atomic_load_explicit(&answer, memory_order_relaxed);
    if (unlikely(alike == 0)) {
        alike = os_auxv_find_placing() ? 1 : -1;
        atomic_store_explicit(&answer, alike, memory_order_relaxed);
    }
    return alike > 0;
}

/* ---- vDSO ---- */

struct os_auxv_vdso {
    const char *strings;
    const ElfW(Sym) * symbols;
    const ElfW(Word) * hash;
    uintptr_t moved; /* difference between addresses in memory and in the object */
};

static bool os_auxv_find_tables(uintptr_t start, struct os_auxv_vdso *vdso) {
    const ElfW(Ehdr) *head = (const void *)start;
    const ElfW(Phdr) *part = (const void *)(start + head->e_phoff);
    const ElfW(Dyn) *dynamic = NULL;
    bool loaded = false;
    for (int i = 0; i < head->e_phnum; i++) {
        if (part[i].p_type == PT_DYNAMIC) dynamic = (const void *)(start + part[i].p_offset);
        if (part[i].p_type != PT_LOAD || loaded) continue;
        vdso->moved = start + part[i].p_offset - part[i].p_vaddr;
        loaded = true;
    }
    for (; dynamic != NULL && dynamic->d_tag != DT_NULL; dynamic++) {
        const void *at = (const void *)(vdso->moved + dynamic->d_un.d_ptr);
        if (dynamic->d_tag == DT_STRTAB) vdso->strings = at;
        if (dynamic->d_tag == DT_SYMTAB) vdso->symbols = at;
        if (dynamic->d_tag == DT_HASH) vdso->hash = at;
    }
    return loaded && vdso->strings != NULL && vdso->symbols != NULL && vdso->hash != NULL;
}

void *os_vdso_function(const char *name) {
    uintptr_t start = os_auxv(AT_SYSINFO_EHDR);
    struct os_auxv_vdso vdso = {0};
    if (start == 0 || !os_auxv_find_tables(start, &vdso)) return NULL;
    ElfW(Word) count = vdso.hash[1]; /* the number of chains equals that of symbols */
    for (ElfW(Word) i = 0; i < count; i++) {
        const ElfW(Sym) *symbol = &vdso.symbols[i];
        if (symbol->st_shndx != SHN_UNDEF && ELF64_ST_TYPE(symbol->st_info) == STT_FUNC &&
            strcmp(vdso.strings + symbol->st_name, name) == 0)
            return (void *)(vdso.moved + symbol->st_value);
    }
    return NULL;
}
