/* The programs of a profile, for its report. */
#include <string.h>

#include "common/json.h"
#include "html/report.h"
#include "html/report_columns.h"

static void report_programs_text(FILE *to, const char *text) {
    json_write_string(to, text, strlen(text));
}

static void report_programs_modules(FILE *to, const struct profile_section *section) {
    fputs(",\"modules\":[", to);
    for (size_t i = 0; i < section->module_count; i++) {
        const struct profile_module *module = &section->modules[i];
        /* Addresses are texts, because not every one is a number that a browser represents. */
        fprintf(to, "%s[\"%lx\",\"%lx\",\"%lx\",\"", i == 0 ? "" : ",", module->start, module->end,
                module->offset);
        for (size_t j = 0; j < module->id_bytes; j++) fprintf(to, "%02x", module->id[j]);
        fputs("\",", to);
        report_programs_text(to, module->path);
        putc(']', to);
    }
    putc(']', to);
}

static void report_programs_threads(FILE *to, const struct profile_section *section) {
    fputs(",\"threads\":[", to);
    for (size_t i = 0; i < section->thread_count; i++) {
        fprintf(to, "%s[%u,", i == 0 ? "" : ",", section->threads[i].id);
        report_programs_text(to, section->threads[i].name);
        putc(']', to);
    }
    putc(']', to);
}

static void report_programs_process(FILE *to, const struct profile *profile,
                                    const struct profile_section *section) {
    const struct mallow_profile_process *process = &section->process;
    uint64_t start = profile_first_moment(profile);
    fprintf(to, "{\"pid\":%u,\"parent\":%u,\"start\":%.6f,\"program\":", process->pid,
            process->ppid, (double)(process->started_at - start) / 1e9);
    report_programs_text(to, section->program);
    fprintf(to,
            ",\"rate\":%lu,\"pageBytes\":%u,\"machine\":%u,\"addressBytes\":%u,\"sections\":%u,"
            "\"classes\":[",
            process->rate, process->page_bytes, process->machine, process->address_bytes,
            process->sections);
    for (size_t i = 0; i < section->class_count; i++)
        fprintf(to, "%s%ld", i == 0 ? "" : ",", report_clamp(section->class_bytes[i]));
    putc(']', to);
    report_programs_threads(to, section);
    report_programs_modules(to, section);
    report_system_write(to, profile, section);
    putc('}', to);
}

void report_programs_write(FILE *to, const struct profile *profile) {
    const char *slash = strrchr(profile->name, '/');
    fputs("{\"name\":", to);
    report_programs_text(to, slash == NULL ? profile->name : slash + 1);
    fprintf(to, ",\"damaged\":%zu,\"truncated\":%s,\"startedAt\":%.3f,\"processes\":[",
            profile->damaged, profile->truncated ? "true" : "false",
            (double)profile_first_moment(profile) / 1e6);
    for (size_t i = 0; i < profile->count; i++) {
        if (i != 0) putc(',', to);
        report_programs_process(to, profile, profile->sections[i]);
    }
    fputs("]}", to);
}
