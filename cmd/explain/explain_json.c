/* Prints the result of mallow explain as JSON. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/command.h"
#include "common/json.h"
#include "explain/explain.h"

static void explain_json_text(const char *name, const char *value) {
    printf(",\"%s\":", name);
    if (value == NULL)
        printf("null");
    else
        json_print_string(value, strlen(value));
}

static void explain_json_number(const char *name, uint64_t value) {
    printf(",\"%s\":%" PRIu64, name, value);
}

static void explain_json_flag(const char *name, bool value) {
    printf(",\"%s\":%s", name, value ? "true" : "false");
}

static void explain_json_look(const struct explain_look *look) {
    printf("{\"seconds\":%.3f,\"resident_bytes\":%" PRIu64, look->seconds, look->resident);
    for (int part = 0; part < PARTS; part++)
        printf(",\"%s_bytes\":%" PRIu64, explain_part_names[part].name, look->parts[part]);
    printf(",\"unexplained_bytes\":%" PRId64, look->unexplained);
    explain_json_number("swapped_bytes", look->swapped);
    explain_json_number("shared_dirty_bytes", look->shared_dirty);
    explain_json_number("private_dirty_bytes", look->private_dirty);
    explain_json_number("huge_page_bytes", look->huge);
    explain_json_number("mappings", look->mappings);
    explain_json_number("threads", look->threads);
    explain_json_number("live_blocks", look->live_blocks);
    explain_json_number("live_block_bytes", look->live_bytes);
    putchar('}');
}

static void explain_json_sites(const char *name, const struct explain_site *sites, size_t count) {
    printf(",\"%s\":[", name);
    for (size_t i = 0; i < count; i++) {
        printf("%s{\"bytes\":%.0f,\"error_bytes\":%.0f", i == 0 ? "" : ",", sites[i].bytes,
               sites[i].error);
        explain_json_text("function", sites[i].function);
        explain_json_text("place", sites[i].place);
        explain_json_text("module", sites[i].module);
        putchar('}');
    }
    putchar(']');
}

static void explain_json_classes(const struct explanation *explanation) {
    printf(",\"classes\":[");
    for (size_t i = 0; i < explanation->class_count; i++) {
        const struct explain_class *of = &explanation->classes[i];
        printf("%s{\"slot_bytes\":%" PRIu64, i == 0 ? "" : ",", of->slot_bytes);
        explain_json_number("live_slots", of->live_slots);
        explain_json_number("resident_live_bytes", of->live_bytes);
        explain_json_number("pinned_bytes", of->pinned_bytes);
        putchar('}');
    }
    putchar(']');
}

static void explain_json_lost(const struct explain_lost *lost) {
    if (!lost->is_known) {
        printf(",\"lost\":null");
        return;
    }
    printf(",\"lost\":{\"blocks\":%" PRIu64, lost->blocks);
    explain_json_number("bytes", lost->bytes);
    explain_json_text("site", lost->site);
    putchar('}');
}

static void explain_json_verdicts(const struct verdict *verdicts, size_t count) {
    printf(",\"verdicts\":[");
    for (size_t i = 0; i < count; i++) {
        printf("%s{\"name\":\"%s\"", i == 0 ? "" : ",", verdicts[i].name);
        explain_json_text("text", verdicts[i].text);
        putchar('}');
    }
    putchar(']');
}

int explain_print_json(const struct explanation *explanation, const struct verdict *verdicts,
                       size_t count) {
    printf("{\"pid\":%d", (int)explanation->process);
    explain_json_text("program", explanation->program);
    explain_json_flag("on_mallow", explanation->is_on_mallow);
    explain_json_text("not_on_mallow_reason", explanation->why_not);
    explain_json_flag("readable", explanation->is_readable);
    explain_json_flag("rounding_is_upper_bound", explanation->is_rounding_bound);
    explain_json_flag("was_sampling", explanation->was_sampling);
    explain_json_text("no_sites_reason", explanation->why_no_sites);
    explain_json_number("resident_peak_bytes", explanation->peak);
    explain_json_number("mapping_limit", explanation->mapping_limit);
    explain_json_text("largest_file", explanation->file.path);
    explain_json_text("largest_shared_memory", explanation->shared.path);
    printf(",\"looks\":[");
    for (size_t i = 0; i < explanation->count; i++) {
        if (i != 0) putchar(',');
        explain_json_look(&explanation->looks[i]);
    }
    putchar(']');
    explain_json_classes(explanation);
    explain_json_sites("growing", explanation->growing, explanation->growing_count);
    explain_json_sites("pinning", explanation->surviving, explanation->surviving_count);
    explain_json_lost(&explanation->lost);
    explain_json_verdicts(verdicts, count);
    return print_text("}\n");
}
