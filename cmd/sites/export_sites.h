/* The allocation sites of a section with all their figures. */
#ifndef MALLOW_EXPORT_SITES_H
#define MALLOW_EXPORT_SITES_H

#include "profiles/profile.h"

/* The live blocks of a site that one thread allocated, by the live samples. */
struct export_site_thread {
    uint32_t thread, next; /* next: an index + 1; 0: none */
    double blocks, bytes;
};

struct export_site_state {
    struct mallow_profile_site *sites; /* at the last snapshot */
    double *lost_bytes;                /* of each site */
    uint32_t *first;                   /* of each site: the index of a thread + 1; 0: none */
    struct export_site_thread *threads;
    size_t count, thread_count;
    struct index_map thread_numbers;
};

struct export_site_state export_sites_open(const struct profile_section *section);
void export_sites_close(struct export_site_state *state);

/* Returns true if the site has never had a sample. */
static inline bool export_site_is_empty(const struct mallow_profile_site *site) {
    return site->allocated.samples == 0 && site->live.samples == 0;
}

#endif
