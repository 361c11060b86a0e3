/* Emulates larger pages: checks sizes and addresses, and aligns new mappings. */
#include "paged_os.h"

#include <stdint.h>
#include <string.h>

#include "base/numbers.h"
#include "check.h"
#include "os/os.h"

/* ld --wrap */
size_t __real_os_page_size(void);
size_t __wrap_os_page_size(void);
void *__real_os_map(size_t bytes);
bool __real_os_unmap(void *start, size_t bytes);
void *__real_os_remap(void *start, size_t old_bytes, size_t new_bytes);

size_t __wrap_os_page_size(void) {
    static size_t page;
    if (page == 0) {
        const char *text = getenv("MALLOW_TEST_PAGE");
        page = text != NULL ? strtoul(text, NULL, 10) : __real_os_page_size();
        CHECK(page >= __real_os_page_size());
    }
    return page;
}

void paged_check(const void *start, size_t bytes) {
    size_t page = os_page_size();
    if ((uintptr_t)start % page != 0 || bytes == 0 || bytes % page != 0)
        check_failed("%#zx bytes at %p are not whole pages of %#zx\n", bytes, start, page);
}

void *paged_map(size_t bytes) {
    size_t room = os_page_size() - __real_os_page_size();
    paged_check(NULL, bytes);
    char *start = __real_os_map(bytes + room);
    if (start == NULL || room == 0) return start;
    char *first = (char *)round_up((uintptr_t)start, os_page_size());
    size_t before = (size_t)(first - start);
    if (before != 0) __real_os_unmap(start, before);
    if (before != room) __real_os_unmap(first + bytes, room - before);
    return first;
}

void *paged_remap(void *start, size_t old_bytes, size_t new_bytes) {
    paged_check(start, old_bytes);
    paged_check(NULL, new_bytes);
    if (os_page_size() == __real_os_page_size())
        return __real_os_remap(start, old_bytes, new_bytes);
    void *moved = paged_map(new_bytes);
    if (moved == NULL) return NULL;
    memcpy(moved, start, min_size(old_bytes, new_bytes));
    __real_os_unmap(start, old_bytes);
    return moved;
}
