/*
 * Writes trace files. mallow/trace.h declares events and tables, and mallow-trace(5) describes the
 * format. The writer keeps the set of live blocks, for the checkpoints. A writer is used by one
 * thread at a time.
 *
 * After a failure, such as a full disk, every call returns false or 0 and trace_writer_error() says
 * why. The part of the file that is written stays readable.
 */
#ifndef MALLOW_TRACE_WRITER_H
#define MALLOW_TRACE_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mallow/trace.h"

struct trace_writer;

/* Begins a trace in an open file that is empty. The writer closes the descriptor. Returns NULL if
 * there is no memory. */
struct trace_writer *trace_writer_open(int fd, const struct mallow_trace_facts *facts);

/* Does the same and creates the file, or empties it, for the user alone. If that fails, the
 * returned writer has failed. */
struct trace_writer *trace_writer_create(const char *path, const struct mallow_trace_facts *facts);

/* ---- tables ---- */

/* Add an entry, and return its number, which is at least 1, or 0 after a failure. The entry's texts
 * are copied. The entries that it refers to must exist. */
uint32_t trace_writer_process(struct trace_writer *writer,
                              const struct mallow_trace_process *process);
uint32_t trace_writer_thread(struct trace_writer *writer, const struct mallow_trace_thread *thread);

/* Where modules of one process overlap, the newest counts. */
uint32_t trace_writer_module(struct trace_writer *writer, const struct mallow_trace_module *module);

/* Returns the number of a frame: `pc` is the return address in the process, and `caller` the number
 * of the next outer frame, or 0. Equal frames have one number, also in a process and the processes
 * that it forks. Add a module before the frames in it. The call takes tens of nanoseconds or more,
 * so a caller that has numbers of its own for frames keeps a table. */
uint32_t trace_writer_frame(struct trace_writer *writer, uint32_t process, uint32_t caller,
                            uint64_t pc);

/* Adds the name of frames whose module does not have it, such as those of an imported file. */
uint32_t trace_writer_symbol(struct trace_writer *writer, const struct mallow_trace_symbol *symbol);

/* Returns the number of a frame whose module and symbol are known. */
uint32_t trace_writer_named_frame(struct trace_writer *writer,
                                  const struct mallow_trace_frame *frame);

/* Changes the name of a thread. */
bool trace_writer_name_thread(struct trace_writer *writer, uint32_t thread, const char *name);

/* ---- events ---- */

/* Adds an event. Only the members that its kind uses count; `process` follows from `thread`, which
 * must exist. Add the events of a thread in their order, and a free of a block before the
 * allocation that reuses its address; apart from that, in the order of time if possible. */
bool trace_writer_add(struct trace_writer *writer, const struct mallow_trace_event *event);

/* Writes what was added so that a kill of this process loses nothing of it. Small pieces take more
 * space, so call it no more than twice a second. */
bool trace_writer_sync(struct trace_writer *writer);

/* Sets how many events are between checkpoints at least, before the first event. */
void trace_writer_checkpoint_every(struct trace_writer *writer, uint64_t events);

/* Returns the number of events so far, and the size of the file in bytes. */
uint64_t trace_writer_events(const struct trace_writer *writer);
uint64_t trace_writer_bytes(const struct trace_writer *writer);

/* Returns what failed, or NULL. "out of memory" if the writer is NULL. */
const char *trace_writer_error(const struct trace_writer *writer);

/* Completes the file, and frees the writer. Returns NULL, or what failed, which the caller frees.
 */
char *trace_writer_close(struct trace_writer *writer);

#endif
