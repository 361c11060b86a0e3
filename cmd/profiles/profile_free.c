/* Frees profiles, for commands that read one after the other. */
#include <stdlib.h>

#include "profiles/profile.h"

static void profile_free_section(struct profile_section *section) {
    for (size_t i = 0; i < section->module_count; i++) free(section->modules[i].path);
    for (size_t i = 0; i < section->snapshot_count; i++) free(section->snapshots[i].class_blocks);
    if (section->has_next) free(section->next.class_blocks);
    index_map_clear(&section->node_numbers);
    index_map_clear(&section->site_numbers);
    index_map_clear(&section->thread_numbers);
    free(section->program);
    free(section->modules);
    free(section->mapped);
    free(section->nodes);
    free(section->threads);
    free(section->records);
    free(section->snapshots);
    free(section->sites);
    free(section->stacks);
    for (size_t i = 0; i < section->name_count; i++) {
        free(section->names[i].function);
        free(section->names[i].file);
        free(section->names[i].module);
    }
    free(section->names);
    free(section->node_names);
    free(section);
}

void profile_free(struct profile *profile) {
    if (profile == NULL) return;
    for (size_t i = 0; i < profile->count; i++) profile_free_section(profile->sections[i]);
    free(profile->sections);
    free(profile->bytes);
    free(profile->name);
    free(profile);
}
