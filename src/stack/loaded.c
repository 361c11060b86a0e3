#include "stack/loaded.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

#include "base/compiler.h"
#include "base/numbers.h"
#include "os/os_auxv.h"
#include "stack/module.h"

#define FIRST_PAGE ((uintptr_t)4 * KIB)

/* ---- the build ID ---- */

static const uint8_t *loaded_id_in_notes(const uint8_t *note, const uint8_t *end) {
    while ((size_t)(end - note) > sizeof(ElfW(Nhdr)) + 4) {
        const ElfW(Nhdr) *head = (const void *)note;
        const uint8_t *name = note + sizeof *head, *id = name + round_up(head->n_namesz, 4);
        if (head->n_namesz > (size_t)(end - name) || head->n_descsz > (size_t)(end - name)) break;
        if (head->n_type == NT_GNU_BUILD_ID && head->n_namesz == 4 && memcmp(name, "GNU", 4) == 0)
            return head->n_descsz >= 16 && id + 16 <= end ? id : NULL;
        note = id + round_up(head->n_descsz, 4);
        if (note > end) break;
    }
    return NULL;
}

/* Searches only the first page of the object: that page can be read again even if another object
 * has taken its place. */
static const uint8_t *loaded_find_id(uintptr_t start) {
    const ElfW(Ehdr) *head = (const void *)start;
    if (memcmp(head->e_ident, ELFMAG, SELFMAG) != 0) return NULL;
    if (head->e_phoff + head->e_phnum * sizeof(ElfW(Phdr)) > FIRST_PAGE) return NULL;
    const ElfW(Phdr) *part = (const void *)(start + head->e_phoff);
    for (unsigned i = 0; i < head->e_phnum; i++) {
        if (part[i].p_type != PT_NOTE || part[i].p_offset + part[i].p_filesz > FIRST_PAGE) continue;
        const uint8_t *notes = (const uint8_t *)start + part[i].p_offset;
        const uint8_t *id = loaded_id_in_notes(notes, notes + part[i].p_filesz);
        if (id != NULL) return id;
    }
    return NULL;
}

static void loaded_read_id(const uint8_t *id, uint64_t word[2]) { memcpy(word, id, 16); }

/* ---- without libc's help ---- */

/* Describes an object by its program headers. `head` is the address of its ELF header. */
static bool loaded_describe(const ElfW(Phdr) * part, size_t count, uintptr_t head,
                            struct loaded *object) {
    uintptr_t bias = 0;
    *object = (struct loaded){.stays = true};
    for (size_t i = 0; i < count; i++)
        if (part[i].p_type == PT_LOAD && part[i].p_offset == 0) bias = head - part[i].p_vaddr;
    object->start = head;
    for (size_t i = 0; i < count; i++) {
        uintptr_t start = bias + part[i].p_vaddr;
        if (part[i].p_type == PT_LOAD) object->end = max_size(object->end, start + part[i].p_memsz);
        if (part[i].p_type == PT_GNU_EH_FRAME) object->table = (const void *)start;
    }
    return true;
}

#pragma weak __ehdr_start
extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

static bool loaded_find_own(struct loaded *object) {
    const ElfW(Ehdr) *head = &__ehdr_start;
    return head != NULL && loaded_describe((const void *)((uintptr_t)head + head->e_phoff),
                                           head->e_phnum, (uintptr_t)head, object);
}

bool loaded_is_own(uintptr_t pc) {
#ifdef MALLOW_PRELOAD
    extern const char _end[] __attribute__((visibility("hidden")));
    uintptr_t start = (uintptr_t)&__ehdr_start;
    return pc - start < (uintptr_t)_end - start;
#else
    (void)pc;
    return false;
#endif
}

static bool loaded_find_program(struct loaded *object) {
    uintptr_t parts = os_auxv(AT_PHDR);
    return parts != 0 && loaded_describe((const void *)parts, os_auxv(AT_PHNUM),
                                         parts - sizeof(ElfW(Ehdr)), object);
}

static RARE bool loaded_find_without_libc(uintptr_t pc, struct loaded *object) {
    return (loaded_find_own(object) && pc - object->start < object->end - object->start) ||
           (loaded_find_program(object) && pc - object->start < object->end - object->start);
}

/* ---- with libc's help ---- */

static bool loaded_module_has(const struct module *module, uintptr_t address) {
    return address - module->start < module->end - module->start;
}

/* Returns true for the program, libc and Mallow. */
static bool loaded_module_stays(const struct module *module) {
    return (module->listing != NULL && module->listing->l_name != NULL &&
            module->listing->l_name[0] == '\0') ||
           loaded_module_has(module, (uintptr_t)__errno_location) ||
           loaded_module_has(module, (uintptr_t)loaded_find);
}

bool loaded_find(uintptr_t pc, struct loaded *object) {
    struct module module;
    if (!module_can_be_told()) return loaded_find_without_libc(pc, object);
    if (!module_of(pc, &module)) return false;
    *object = (struct loaded){.start = module.start,
                              .end = module.end,
                              .table = module.unwind_table,
                              .stays = loaded_module_stays(&module)};
    if (!object->stays) object->id = loaded_find_id(object->start);
    if (object->id != NULL) loaded_read_id(object->id, object->id_word);
    return true;
}

bool loaded_is(const struct loaded *object) {
    struct module now;
    uint64_t id[2];
    if (object->stays) return true;
    if (object->id == NULL || !module_of(object->start, &now) || now.start != object->start ||
        now.end != object->end || now.unwind_table != object->table)
        return false;
    loaded_read_id(object->id, id);
    return id[0] == object->id_word[0] && id[1] == object->id_word[1];
}
