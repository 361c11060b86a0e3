/*
 * Libraries that are loaded with RTLD_DEEPBIND look names up in libc first and in the program
 * afterwards. They would find libc's own malloc and free, and blocks of two heaps would mix. Before
 * the first such library is loaded, this file therefore changes libc's table of symbols, so that
 * the names of its allocator lead to this library. All other names stay bound as the program asked,
 * and there is no cost for a process that never uses the flag.
 *
 * The loader adds the value in the table to the object's base address, so a value can lead to any
 * address. Each value is one word and is stored at once: other threads that look names up at the
 * same time find either the old function or the new one.
 *
 * If the table cannot be changed, the flag is dropped. A library that brings its own malloc keeps
 * it, and so does another namespace (dlmopen), which has its own libc.
 */
#include "base/compiler.h"

#ifdef MALLOW_PRELOAD

#    include <dlfcn.h>
#    include <elf.h>
#    include <gnu/lib-names.h>
#    include <link.h>
#    include <stdlib.h>
#    include <string.h>

#    include "api/info.h"
#    include "api/process_fork.h"
#    include "base/elf_symbols.h"
#    include "base/settings.h"
#    include "heap/foreign.h"
#    include "mallow.h"
#    include "os/open_lock.h"
#    include "os/os.h"
#    include "process/mtrace.h"
#    include "process/options.h"
#    include "process/program_heap.h"
#    include "report/handler.h"

/* ---- libc's table ---- */

struct libc_table {
    ElfW(Addr) base;
    struct elf_symbols symbols;
};

static bool deep_binding_read_table(const struct link_map *object, struct libc_table *of) {
    *of = (struct libc_table){object->l_addr, elf_symbols_of(object)};
    return of->symbols.list != NULL && of->symbols.names != NULL && of->symbols.gnu_hash != NULL;
}

static bool deep_binding_lead_to(const struct libc_table *of, const ElfW(Sym) * symbol,
                                 const void *function) {
    ElfW(Addr) value = (ElfW(Addr))function - of->base;
    /* The loader would call the function of a symbol of another type to learn the address. */
    if (ELF64_ST_TYPE(symbol->st_info) != STT_FUNC) return false;
    if (symbol->st_shndx == SHN_UNDEF || symbol->st_value == value) return true;
    return os_write_protected((void *)(uintptr_t)&symbol->st_value, &value, sizeof value);
}

/* Redirects all versions of the name. Also returns true if libc does not have it. */
static bool deep_binding_redirect(const struct libc_table *of, const char *name,
                                  const void *function) {
    struct elf_gnu_hash table = elf_gnu_hash_of(&of->symbols);
    uint32_t hash = elf_gnu_hash_name(name), i = table.bucket[hash % table.buckets];
    if (i < table.first) return true;
    do {
        const ElfW(Sym) *symbol = of->symbols.list + i;
        if ((table.chain[i - table.first] | 1) == (hash | 1) &&
            strcmp(of->symbols.names + symbol->st_name, name) == 0 &&
            !deep_binding_lead_to(of, symbol, function))
            return false;
    } while ((table.chain[i++ - table.first] & 1) == 0);
    return true;
}

/* ---- the names ---- */

extern void free_sized(void *, size_t), free_aligned_sized(void *, size_t, size_t);
extern int mcheck(error_handler), mcheck_pedantic(error_handler);
extern void mcheck_check_all(void);
extern enum block_status mprobe(void *);

/* Uses calls instead of a table, whose addresses would need relocations in each process. */
static bool deep_binding_redirect_all(const struct libc_table *of) {
#    define LEADS(name, function) deep_binding_redirect(of, name, (const void *)(function))
    return LEADS("malloc", mallow_malloc) && LEADS("calloc", mallow_calloc) &&
           LEADS("realloc", mallow_realloc) && LEADS("reallocarray", mallow_reallocarray) &&
           LEADS("free", mallow_free) && LEADS("cfree", mallow_free) &&
           LEADS("free_sized", free_sized) && LEADS("free_aligned_sized", free_aligned_sized) &&
           LEADS("memalign", mallow_memalign) && LEADS("aligned_alloc", mallow_aligned_alloc) &&
           LEADS("posix_memalign", mallow_posix_memalign) && LEADS("valloc", mallow_valloc) &&
           LEADS("pvalloc", mallow_pvalloc) && LEADS("malloc_usable_size", mallow_usable_size) &&
           LEADS("malloc_trim", mallow_trim) && LEADS("malloc_stats", mallow_malloc_stats) &&
           LEADS("malloc_info", mallow_malloc_info) && LEADS("mallinfo", mallow_mallinfo) &&
           LEADS("mallinfo2", mallow_mallinfo2) && LEADS("mallopt", options_mallopt) &&
           LEADS("mtrace", mtrace_begin) && LEADS("muntrace", mtrace_end) &&
           LEADS("mcheck", mcheck) && LEADS("mcheck_pedantic", mcheck_pedantic) &&
           LEADS("mcheck_check_all", mcheck_check_all) && LEADS("mprobe", mprobe) &&
           LEADS("__libc_malloc", mallow_malloc) && LEADS("__libc_calloc", mallow_calloc) &&
           LEADS("__libc_realloc", mallow_realloc) &&
           LEADS("__libc_reallocarray", mallow_reallocarray) && LEADS("__libc_free", mallow_free) &&
           LEADS("__libc_memalign", mallow_memalign) && LEADS("__libc_valloc", mallow_valloc) &&
           LEADS("__libc_pvalloc", mallow_pvalloc) && LEADS("__libc_mallinfo", mallow_mallinfo) &&
           LEADS("__libc_mallopt", options_mallopt);
#    undef LEADS
}

/* ---- once ---- */

enum state { NOT_YET, REDIRECTED, UNCHANGED, REFUSED };

/* Calls the loader without holding a lock, and never closes the handle. If the lock is refused, the
 * flag is dropped for this library, and the next one tries again. */
/* NOLINTNEXTLINE(misc-no-recursion): it opens libc without RTLD_DEEPBIND */
static enum state deep_binding_prepare(void) {
    static _Atomic enum state state;
    enum state now = atomic_load_explicit(&state, memory_order_acquire);
    if (now != NOT_YET) return now;
    struct libc_table of;
    bool ours = program_heap_is_ours();
    const struct link_map *object = ours ? dlopen(LIBC_SO, RTLD_LAZY | RTLD_NOLOAD) : NULL;
    if (object != NULL && deep_binding_read_table(object, &of)) {
        foreign_prepare();
        process_fork_register(); /* such a library may call libc's own fork */
        struct lock_hold hold;
        if (!open_lock_take(&global_lock, &hold)) return REFUSED;
        now = deep_binding_redirect_all(&of) ? REDIRECTED : REFUSED;
        open_lock_drop(&global_lock, &hold);
        /* Such a library may still find the operators of a C++ runtime, which call malloc and
         * free. */
        settings.families_mixed = true;
    } else {
        now = ours ? REFUSED : UNCHANGED;
    }
    atomic_store_explicit(&state, now, memory_order_release);
    return now;
}

/* NOLINTNEXTLINE(misc-no-recursion): see deep_binding_prepare */
static int deep_binding_mode(int mode) {
    if ((mode & RTLD_DEEPBIND) == 0 || deep_binding_prepare() != REFUSED) return mode;
    return mode & ~RTLD_DEEPBIND;
}

/* ---- the interface ---- */

/* The loader uses the address of the caller to choose the namespace and the search path, so these
 * calls must be jumps. */
#    if defined(__has_attribute) && __has_attribute(musttail)
#        define JUMP_TO __attribute__((musttail)) return
#    else
#        define JUMP_TO return
#    endif

/* NOLINTNEXTLINE(misc-no-recursion): see deep_binding_prepare */
EXPORT void *dlopen(const char *file, int mode) {
    static void *(*next)(const char *, int);
    if (unlikely(next == NULL)) *(void **)&next = dlsym(RTLD_NEXT, "dlopen");
    mode = deep_binding_mode(mode);
    JUMP_TO next(file, mode);
}

EXPORT void *dlmopen(Lmid_t namespace, const char *file, int mode) {
    static void *(*next)(Lmid_t, const char *, int);
    if (unlikely(next == NULL)) *(void **)&next = dlsym(RTLD_NEXT, "dlmopen");
    if (namespace == LM_ID_BASE) mode = deep_binding_mode(mode);
    JUMP_TO next(namespace, file, mode);
}

#endif
