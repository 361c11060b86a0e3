/* Measures the need for pages in the last three ticks of 200 ms: the smallest number of dirty pages
 * and the largest number of used pages. A page that becomes free during a tick was free for 0.6 to
 * 0.8 seconds when three more ticks are over. The global lock must be held, except where a function
 * says otherwise. */
#ifndef MALLOW_PURGE_WINDOW_H
#define MALLOW_PURGE_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Notes how many pages are dirty and how many are in use. Called after each change that could be
 * the least or the most. */
void purge_window_note_dirty(size_t dirty);
void purge_window_note_used(size_t in_use);

/* True if the current tick is over. Needs no lock. */
bool purge_window_tick_is_over(int64_t now);

/* Begins the next tick, with as many pages dirty and in use as there are now. */
void purge_window_next_tick(int64_t now, size_t dirty, size_t in_use);

/* Returns the pages that were free during the last complete ticks. */
size_t purge_window_unused(void);

/* Returns the most pages that were in use at once, in this tick and in the last ones. */
size_t purge_window_peak(void);

#endif
