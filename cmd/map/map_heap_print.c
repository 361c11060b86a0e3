/* Draws the heap of a process that runs on Mallow: a character for each page, or for several. */
#include <stdio.h>
#include <string.h>

#include "common/json.h"
#include "map/map.h"

#define COLUMNS 64u
#define ROWS_SHORT 8u

static const char heap_print_characters[PAGE_USES] = {
    [PAGE_FULL] = '#',   [PAGE_PARTIAL] = '+', [PAGE_FREE] = '-',
    [PAGE_ABSENT] = '.', [PAGE_SWAPPED] = 's', [PAGE_FOREIGN] = 'x',
};

static const struct {
    const char *text; /* for people */
    const char *name; /* in JSON */
} heap_print_names[PAGE_USES] = {
    [PAGE_FULL] = {"full", "full_bytes"},
    [PAGE_PARTIAL] = {"partly used", "partly_used_bytes"},
    [PAGE_FREE] = {"free but resident", "free_resident_bytes"},
    [PAGE_ABSENT] = {"not resident", "not_resident_bytes"},
    [PAGE_SWAPPED] = {"swapped", "swapped_bytes"},
    [PAGE_FOREIGN] = {"not the heap's", "foreign_bytes"},
};

/* Returns the character for several pages: that of most of them, or '+' if some are full and others
 * are not. */
static char heap_print_character(const struct map_heap *heap, size_t from, size_t count) {
    size_t of[PAGE_USES] = {0}, most = 0;
    for (size_t i = from; i < from + count && i < heap->count; i++) of[heap->pages[i]]++;
    for (size_t use = 1; use < PAGE_USES; use++)
        if (of[use] > of[most]) most = use;
    if (most == PAGE_FULL && of[PAGE_FULL] < count && of[PAGE_PARTIAL] + of[PAGE_FREE] != 0)
        most = PAGE_PARTIAL;
    return heap_print_characters[most];
}

/* Prints rows of characters. Rows that repeat the previous one are left out, like those of
 * hexdump(1). */
static void heap_print_rows(const struct map_heap *heap, size_t scale) {
    char row[COLUMNS + 1], before[COLUMNS + 1] = "";
    bool is_repeated = false;
    for (size_t at = 0; at < heap->count; at += COLUMNS * scale) {
        size_t columns = 0;
        for (; columns < COLUMNS && at + columns * scale < heap->count; columns++)
            row[columns] = heap_print_character(heap, at + columns * scale, scale);
        row[columns] = '\0';
        bool is_same = strcmp(row, before) == 0;
        if (is_same && !is_repeated) puts("           *");
        if (!is_same) printf("%12lx %s\n", heap->start + at * heap->page_bytes, row);
        is_repeated = is_same;
        memcpy(before, row, sizeof row);
    }
    printf("%12lx\n", heap->start + heap->count * heap->page_bytes);
}

/* Prints words in lines that fit. */
static void heap_print_wrapped(const char *text) {
    size_t column = 0, width = (size_t)map_width();
    while (*text != '\0') {
        size_t length = strcspn(text, " ");
        if (column != 0) {
            bool fits = column + 1 + length <= width;
            putchar(fits ? ' ' : '\n');
            column = fits ? column + 1 : 0;
        }
        fwrite(text, 1, length, stdout);
        column += length;
        text += length + strspn(text + length, " ");
    }
    putchar('\n');
}

static void heap_print_absence(const struct map_heap *heap, bool whole) {
    if (!heap->is_mallow) return;
    if (!whole) putchar('\n');
    puts("The heap of Mallow is not shown:");
    heap_print_wrapped(heap->reason != NULL ? heap->reason : "it is empty");
}

void map_heap_print(const struct map_heap *heap, bool whole) {
    size_t scale = 1;
    if (heap->count == 0) {
        heap_print_absence(heap, whole);
        return;
    }
    while (!whole && heap->count > scale * COLUMNS * ROWS_SHORT) scale *= 2;
    printf("%sheap of Mallow: %s in pages of %s; a character is %s%s\n", whole ? "" : "\n",
           map_amount_of(heap->count * heap->page_bytes).text, map_amount_of(heap->page_bytes).text,
           scale == 1 ? "a page" : "",
           scale == 1 ? "" : map_amount_of(scale * heap->page_bytes).text);
    heap_print_rows(heap, scale);
    for (size_t use = 0; use < PAGE_USES; use++)
        if (heap->count_of[use] != 0)
            printf("%c %-18s %6s\n", heap_print_characters[use], heap_print_names[use].text,
                   map_amount_of(heap->count_of[use] * heap->page_bytes).text);
}

/* Adds the pages to JSON as characters, each followed by how often it repeats if that is more than
 * once. */
static void heap_print_json_pages(const struct map_heap *heap) {
    for (size_t i = 0, next; i < heap->count; i = next) {
        for (next = i; next < heap->count && heap->pages[next] == heap->pages[i];) next++;
        putchar(heap_print_characters[heap->pages[i]]);
        if (next - i > 1) printf("%zu", next - i);
    }
}

void map_heap_print_json(const struct map_heap *heap) {
    if (heap->reason != NULL) {
        printf(",\"heap\":null,\"heap_reason\":");
        json_print_string(heap->reason, strlen(heap->reason));
        return;
    }
    printf(",\"heap\":{\"start\":\"0x%lx\",\"page_bytes\":%lu", heap->start, heap->page_bytes);
    for (size_t use = 0; use < PAGE_USES; use++)
        printf(",\"%s\":%lu", heap_print_names[use].name, heap->count_of[use] * heap->page_bytes);
    printf(",\"pages\":\"");
    heap_print_json_pages(heap);
    printf("\"}");
}
