#include "trace/trace_site.h"

/* The log has the distance from the object's first byte. Before libc 2.26, it had the address in
 * memory, which for a program at a fixed address is also the address in the file. */
void trace_site_find_symbols(struct symbols *symbols, const char *module,
                             const struct trace_site *site, struct symbol_list *list) {
    uint64_t first = symbols_first_address(symbols, module);
    symbols_find(symbols, module, first + site->offset - 1, list);
    if (list->count == 0 && first != 0) symbols_find(symbols, module, site->offset - 1, list);
}
