/*
 * Writes pprof's format: a gzip-compressed message (pprof.proto).
 *
 * A place without a known function has no line, so that a server which has the files can look it up
 * by the build ID of its mapping.
 */
#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "common/command.h"
#include "common/xalloc.h"
#include "pprof.pb-c.h"
#include "sites/export.h"

typedef Perftools__Profiles__Profile PprofProfile;
typedef Perftools__Profiles__ValueType PprofValueType;
typedef Perftools__Profiles__Sample PprofSample;
typedef Perftools__Profiles__Label PprofLabel;
typedef Perftools__Profiles__Mapping PprofMapping;
typedef Perftools__Profiles__Location PprofLocation;
typedef Perftools__Profiles__Line PprofLine;
typedef Perftools__Profiles__Function PprofFunction;

struct pprof {
    const struct export *from;
    PprofProfile message;
    struct texts strings; /* number 0 is "", as in the message */
    PprofLocation *locations;
    PprofMapping *mappings;
    PprofFunction **functions;
    size_t function_count;
    struct index_map function_keys; /* to IDs */
};

static int64_t pprof_string(struct pprof *pprof, const char *text) {
    return *text == '\0' ? 0 : texts_add(&pprof->strings, text);
}

/* ---- types ---- */

static PprofValueType *pprof_type(struct pprof *pprof, const char *type, const char *unit) {
    PprofValueType *made = xcalloc(1, sizeof *made);
    perftools__profiles__value_type__init(made);
    made->type = pprof_string(pprof, type);
    made->unit = pprof_string(pprof, unit);
    return made;
}

static void pprof_add_types(struct pprof *pprof, enum export_value value) {
    static const char *const types[EXPORT_VALUES][2] = {
        [EXPORT_ALLOCATED_BLOCKS] = {"alloc_objects", "count"},
        [EXPORT_ALLOCATED_BYTES] = {"alloc_space", "bytes"},
        [EXPORT_LIVE_BLOCKS] = {"inuse_objects", "count"},
        [EXPORT_LIVE_BYTES] = {"inuse_space", "bytes"},
    };
    PprofProfile *message = &pprof->message;
    message->sample_type = xcalloc(EXPORT_VALUES, sizeof *message->sample_type);
    for (size_t i = 0; i < EXPORT_VALUES; i++)
        message->sample_type[i] = pprof_type(pprof, types[i][0], types[i][1]);
    message->n_sample_type = EXPORT_VALUES;
    message->default_sample_type = pprof_string(pprof, types[value][0]);
    message->period_type = pprof_type(pprof, "space", "bytes");
    message->period = (int64_t)pprof->from->rate;
}

/* ---- mappings ---- */

static char *pprof_hexadecimal(const unsigned char *bytes, size_t count) {
    char *text = xcalloc(count * 2 + 1, 1);
    for (size_t i = 0; i < count; i++) snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    return text;
}

static void pprof_add_mappings(struct pprof *pprof) {
    PprofProfile *message = &pprof->message;
    size_t count = pprof->from->mapping_count;
    message->mapping = xcalloc(count + 1, sizeof *message->mapping);
    pprof->mappings = xcalloc(count + 1, sizeof *pprof->mappings);
    for (size_t i = 0; i < count; i++) {
        const struct profile_module *module = pprof->from->mappings[i];
        PprofMapping *mapping = message->mapping[i] = &pprof->mappings[i];
        char *id = pprof_hexadecimal(module->id, module->id_bytes);
        perftools__profiles__mapping__init(mapping);
        mapping->id = i + 1;
        mapping->memory_start = module->start;
        mapping->memory_limit = module->end;
        mapping->file_offset = module->offset;
        mapping->filename = pprof_string(pprof, module->path);
        mapping->build_id = pprof_string(pprof, id);
        /* Until a place shows that something is unknown. */
        mapping->has_functions = mapping->has_filenames = true;
        mapping->has_line_numbers = mapping->has_inline_frames = true;
        free(id);
    }
    message->n_mapping = count;
}

/* ---- functions and places ---- */

static uint64_t pprof_function(struct pprof *pprof, const struct stack_frame *frame) {
    const struct texts *texts = &pprof->from->stacks->texts;
    uint64_t key = index_map_pair(frame->function, frame->file);
    uint32_t *id = index_map_add(&pprof->function_keys, key);
    if (*id != 0) return *id;
    PprofFunction *function = xcalloc(1, sizeof *function);
    perftools__profiles__function__init(function);
    pprof->functions = xgrow(pprof->functions, pprof->function_count, sizeof(PprofFunction *));
    pprof->functions[pprof->function_count++] = function;
    function->id = pprof->function_count;
    function->name = pprof_string(pprof, texts_get(texts, frame->function));
    function->system_name = function->name;
    function->filename = pprof_string(pprof, texts_get(texts, frame->file));
    return *id = (uint32_t)pprof->function_count;
}

static void pprof_note_unknown(PprofMapping *mapping, const struct stack_frame *frame) {
    if (frame->is_unnamed) mapping->has_functions = false;
    if (frame->file == 0) mapping->has_filenames = false;
    if (frame->line == 0) mapping->has_line_numbers = mapping->has_inline_frames = false;
}

static void pprof_add_line(struct pprof *pprof, PprofLocation *location,
                           const struct stack_frame *frame) {
    if (frame->is_unnamed) return;
    PprofLine *line = xcalloc(1, sizeof *line);
    perftools__profiles__line__init(line);
    line->function_id = pprof_function(pprof, frame);
    line->line = frame->line;
    location->line = xgrow(location->line, location->n_line, sizeof(PprofLine *));
    location->line[location->n_line++] = line;
}

static void pprof_add_locations(struct pprof *pprof) {
    const struct stacks *stacks = pprof->from->stacks;
    PprofProfile *message = &pprof->message;
    size_t count = pprof->from->place_count;
    message->location = xcalloc(count + 1, sizeof *message->location);
    pprof->locations = xcalloc(count + 1, sizeof *pprof->locations);
    for (size_t i = 0; i < count; i++) {
        const struct export_place *place = &pprof->from->places[i];
        PprofLocation *location = message->location[i] = &pprof->locations[i];
        perftools__profiles__location__init(location);
        location->id = i + 1;
        location->mapping_id = place->mapping;
        location->address = place->address;
        for (uint32_t stack = place->first_stack; stack != place->past_stack;
             stack = stacks->list[stack].caller) {
            const struct stack_frame *frame = &stacks->frames[stacks->list[stack].frame];
            pprof_add_line(pprof, location, frame);
            if (place->mapping != 0)
                pprof_note_unknown(&pprof->mappings[place->mapping - 1], frame);
        }
    }
    message->n_location = count;
    message->function = pprof->functions;
    message->n_function = pprof->function_count;
}

/* ---- samples ---- */

static void pprof_add_label(struct pprof *pprof, PprofSample *sample, const char *key,
                            const char *text, int64_t number) {
    PprofLabel *label = xcalloc(1, sizeof *label);
    perftools__profiles__label__init(label);
    label->key = pprof_string(pprof, key);
    label->str = pprof_string(pprof, text);
    label->num = number;
    sample->label = xgrow(sample->label, sample->n_label, sizeof(PprofLabel *));
    sample->label[sample->n_label++] = label;
}

static void pprof_label(struct pprof *pprof, PprofSample *sample,
                        const struct export_sample *from) {
    const struct export_process *process = &pprof->from->processes[from->process];
    if (pprof->from->process_count > 1) {
        pprof_add_label(pprof, sample, "program", process->program, 0);
        pprof_add_label(pprof, sample, "pid", "", process->pid);
    }
    if (from->thread == 0) return;
    if (*from->thread_name != '\0') pprof_add_label(pprof, sample, "thread", from->thread_name, 0);
    pprof_add_label(pprof, sample, "thread_id", "", from->thread);
}

/* Returns NULL if all values are zero. */
static PprofSample *pprof_sample(struct pprof *pprof, const struct export_sample *from) {
    int64_t values[EXPORT_VALUES], any = 0;
    const struct export_call *calls = pprof->from->calls;
    for (size_t i = 0; i < EXPORT_VALUES; i++) any |= values[i] = export_round(from->values[i]);
    if (any == 0) return NULL;
    PprofSample *sample = xcalloc(1, sizeof *sample);
    perftools__profiles__sample__init(sample);
    sample->n_value = EXPORT_VALUES;
    sample->value = xcalloc(EXPORT_VALUES, sizeof *sample->value);
    memcpy(sample->value, values, sizeof values);
    for (uint32_t call = from->call; call != 0 && sample->n_location_id < STACK_DEPTH_MAX;
         call = calls[call].caller) {
        sample->location_id = xgrow(sample->location_id, sample->n_location_id, sizeof(uint64_t));
        sample->location_id[sample->n_location_id++] = calls[call].place + 1;
    }
    pprof_label(pprof, sample, from);
    return sample;
}

static void pprof_add_samples(struct pprof *pprof) {
    PprofProfile *message = &pprof->message;
    message->sample = xcalloc(pprof->from->sample_count + 1, sizeof *message->sample);
    for (size_t i = 0; i < pprof->from->sample_count; i++) {
        PprofSample *sample = pprof_sample(pprof, &pprof->from->samples[i]);
        if (sample != NULL) message->sample[message->n_sample++] = sample;
    }
}

static void pprof_add_comment(struct pprof *pprof) {
    PprofProfile *message = &pprof->message;
    size_t count = pprof->from->process_count;
    message->comment = xcalloc(count + 1, sizeof *message->comment);
    message->comment[message->n_comment++] = pprof_string(pprof, "mallow " MALLOW_VERSION);
    for (size_t i = 0; i < count; i++) {
        const struct export_process *process = &pprof->from->processes[i];
        char *text = xasprintf("process %u (%s)", process->pid, process->program);
        message->comment[message->n_comment++] = pprof_string(pprof, text);
        free(text);
    }
}

/* ---- the file ---- */

/* Points the message to its strings, which must be complete. */
static void pprof_set_strings(struct pprof *pprof) {
    static char nothing[] = "";
    if (pprof->strings.count > 0) pprof->strings.list[0] = nothing;
    pprof->message.string_table = pprof->strings.list;
    pprof->message.n_string_table = pprof->strings.count;
}

static void pprof_compress(FILE *to, unsigned char *bytes, size_t count) {
    unsigned char out[65536];
    z_stream stream = {.next_in = bytes};
    /* 15: the largest window; 16 more: a header and trailer of gzip. */
    if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) !=
        Z_OK)
        errx(EXIT_OWN_FAILURE, "zlib cannot be initialized");
    int state = Z_OK;
    while (state != Z_STREAM_END) {
        size_t step = count < 1u << 30 ? count : 1u << 30;
        if (stream.avail_in == 0) {
            stream.avail_in = (uInt)step;
            count -= step;
        }
        stream.next_out = out;
        stream.avail_out = sizeof out;
        state = deflate(&stream, count == 0 ? Z_FINISH : Z_NO_FLUSH);
        fwrite(out, 1, sizeof out - stream.avail_out, to);
    }
    deflateEnd(&stream);
}

void export_write_pprof(FILE *to, const struct export *from, enum export_value value) {
    struct pprof pprof = {.from = from};
    perftools__profiles__profile__init(&pprof.message);
    pprof_add_types(&pprof, value);
    pprof_add_mappings(&pprof);
    pprof_add_locations(&pprof);
    pprof_add_samples(&pprof);
    pprof_add_comment(&pprof);
    pprof.message.time_nanos = (int64_t)from->last_moment;
    if (from->first_moment < from->last_moment)
        pprof.message.duration_nanos = (int64_t)(from->last_moment - from->first_moment);
    pprof_set_strings(&pprof);
    size_t count = perftools__profiles__profile__get_packed_size(&pprof.message);
    unsigned char *bytes = xcalloc(count, 1);
    perftools__profiles__profile__pack(&pprof.message, bytes);
    pprof_compress(to, bytes, count);
    free(bytes);
}
