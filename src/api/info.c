/* mallinfo, malloc_stats and malloc_info: the statistics functions of <malloc.h>. */
#include "api/info.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>

#include "base/compiler.h"
#include "base/text.h"
#include "os/os.h"
#include "process/print.h"
#include "process/stats.h"

struct mallinfo2 mallow_mallinfo2(void) {
    struct mallow_stats s;
    stats_collect(&s);
    return (struct mallinfo2){
        .arena = s.heap_bytes,
        .ordblks = s.free_runs + s.free_blocks + s.cached_blocks,
        .smblks = s.cached_blocks,
        .hblks = s.mappings,
        .hblkhd = s.mapping_bytes,
        .fsmblks = s.cached_bytes,
        .uordblks = s.live_bytes,
        .fordblks = s.heap_bytes - s.live_bytes,
        .keepcost = s.top_dirty_bytes,
    };
}

struct mallinfo mallow_mallinfo(void) {
    struct mallinfo2 full = mallow_mallinfo2();
    return (struct mallinfo){
        .arena = (int)full.arena,
        .ordblks = (int)full.ordblks,
        .smblks = (int)full.smblks,
        .hblks = (int)full.hblks,
        .hblkhd = (int)full.hblkhd,
        .usmblks = (int)full.usmblks,
        .fsmblks = (int)full.fsmblks,
        .uordblks = (int)full.uordblks,
        .fordblks = (int)full.fordblks,
        .keepcost = (int)full.keepcost,
    };
}

#define PIECE 512 /* size of a buffer in bytes */

/* Writes without a stream, so there is no lock and no cancellation point. */
static void info_write_to_stderr(void *unused, const char *bytes, size_t count) {
    (void)unused;
    os_write(2, bytes, count);
}

RARE void mallow_malloc_stats(void) {
    struct mallow_stats s;
    char buffer[PIECE];
    struct text t = {.buffer = buffer, .size = sizeof buffer, .sink = info_write_to_stderr};
    stats_collect(&s);
    print_stats(&t, &s);
    text_flush(&t);
}

static void info_write_to_stream(void *stream, const char *bytes, size_t count) {
    fwrite(bytes, 1, count, stream);
}

RARE int mallow_malloc_info(int options, FILE *stream) {
    if (options != 0) return EINVAL;
    struct mallow_stats s;
    char buffer[PIECE];
    struct text t = {
        .buffer = buffer, .size = sizeof buffer, .sink = info_write_to_stream, .to = stream};
    int cancel;
    stats_collect(&s);
    /* A thread that is cancelled while it holds the stream's lock would never release it. */
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
    print_info(&t, &s);
    text_flush(&t);
    pthread_setcancelstate(cancel, NULL);
    return 0;
}
