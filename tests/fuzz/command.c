/* Fuzz targets for everything that the command reads: answers, logs, frames, files that frames
 * name, suppressions and pages. */
#include <err.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "common/command.h"
#include "common/printable.h"
#include "driver.h"
#include "leaks/leaks.h"
#include "mallow_page.h"
#include "mallow_profile.h"
#include "process/summary_text.h"
#include "symbols/symbolize.h"
#include "symbols/symbols.h"
#include "valid.h"

/* ---- the output of the code under test ---- */

static FILE *printed;
static char *printed_text;
static size_t printed_bytes;

static void begin_printing(void) {
    if (printed != NULL) fclose(printed); /* The last input ended early. */
    free(printed_text);
    printed = stdout = open_memstream(&printed_text, &printed_bytes);
}

static void end_printing(void) {
    fclose(printed);
    printed = NULL;
}

static void expect_text(void) {
    end_printing();
    EXPECT(is_printable(printed_text, printed_bytes));
}

static void expect_json(void) {
    end_printing();
    EXPECT(is_json(printed_text, printed_bytes));
    EXPECT(is_printable(printed_text, printed_bytes));
}

/* ---- answers ---- */

static const char suppressions[] = "leak:^f*o$\nleak:lib*.so\n# none\nleak:lose.c$\n";

static struct leak_answer parse(const char *input, size_t size) {
    char *text = malloc(size + 1);
    memcpy(text, input, size + 1);
    make_printable(text, size, "\n\t");
    return leaks_parse(text);
}

static void forget(struct leak_answer *answer) {
    free(answer->groups);
    free(answer->text);
}

static void run_answer(const char *input, size_t size) {
    begin_printing();
    struct leak_answer answer = parse(input, size);
    leaks_print(&answer, 4711, 2);
    expect_text();
    leaks_suppress(&answer, input_file(suppressions, sizeof suppressions - 1));
    begin_printing();
    leaks_print_json(&answer, 4711, 0);
    expect_json();
    forget(&answer);
}

static const char *const answer_words[] = {"definitely lost: ",
                                           "indirectly lost: ",
                                           "possibly lost: ",
                                           "still reachable: ",
                                           "in all ",
                                           "100 bytes in 1 block",
                                           ", and through it ",
                                           "; one of 96 bytes at 0x10:",
                                           "; in groups for which ",
                                           "stopped 1 thread for 3 microseconds; ",
                                           " could not be stopped",
                                           "    #0 0x1234 in ",
                                           " in foo at lose.c:3 (lib.so+0x1)",
                                           "+0x",
                                           "\n",
                                           "|",
                                           "18446744073709551615",
                                           "-1",
                                           "\033[2J",
                                           "\302\233",
                                           "\"",
                                           "\\",
                                           NULL};

/* ---- suppressions ---- */

static const char known_answer[] =
    "definitely lost: 96 bytes in 2 blocks, and through them 10 bytes in 1 block; one of 48 bytes"
    " at 0x10: 61 |a|\n"
    "    #0 0x1234 in foo at src/lose.c:3 (/lib/libx.so+0x12)\n"
    "    #1 0x1235 in main (/bin/p+0x13)\n"
    "possibly lost: 7 bytes in 1 block; one of 7 bytes at 0x20: 62 |b|\n"
    "    #0 0x1236 in /lib/liby.so+0x14\n"
    "in all definitely lost: 96 bytes in 2 blocks\n"
    "in all indirectly lost: 10 bytes in 1 block\n"
    "in all possibly lost: 7 bytes in 1 block\n"
    "in all still reachable: 5 bytes in 1 block\n"
    "stopped 1 thread for 3 microseconds\n";

static void run_suppressions(const char *input, size_t size) {
    struct leak_answer answer = parse(known_answer, sizeof known_answer - 1);
    leaks_suppress(&answer, input_file(input, size));
    unsigned long long bytes = answer.suppressed.bytes;
    for (int kind = 0; kind < LEAK_KINDS; kind++) bytes += answer.totals[kind].bytes;
    EXPECT(bytes == 96 + 10 + 7 + 5);
    forget(&answer);
}

static const char *const suppression_words[] = {"leak:", "^",   "$",      "*",    "foo",
                                                "lib",   ".so", "lose.c", "#",    "\n",
                                                "\r",    "\t",  " ",      "main", NULL};

/* ---- logs of mtrace ---- */

static void run_log(const char *input, size_t size) {
    for (int json = 0; json < 2; json++) {
        char *arguments[] = {"mtrace", (char *)(json ? "--json" : "--"),
                             (char *)input_file(input, size), NULL};
        optind = 0;
        begin_printing();
        mtrace_command(3, arguments);
        json ? expect_json() : expect_text();
    }
}

static const char *const log_words[] = {
    "= Start\n", "= End\n", "@ ",         "+ ",  "- ",      "< ",        "> ",
    "! ",        "(nil)",   "0x",         "[0x", "]",       ":(main+0x", ")",
    "\n",        "0x0",     "/bin/true:", "\"",  "\033[2J", "\\",        "0xffffffffffffffff",
    NULL};

/* ---- frames ---- */

static void run_frames(const char *input, size_t size) {
    FILE *from = fmemopen((char *)input, size == 0 ? 1 : size, "r");
    begin_printing();
    symbolize_text(&(struct symbolize_task){.from = from, .to = printed});
    fclose(from);
    end_printing();
}

static const char *const frame_words[] = {"    #", "0 0x", " in ", "+0x",      "/bin/true",
                                          "(",     ")",    "\n",   "/dev/tty", "/proc/self/maps",
                                          "-",     "x",    NULL};

/* ---- files that frames name ---- */

static void expect_names(const struct symbol_list *list) {
    EXPECT(list->count <= SYMBOLS_MAX);
    for (size_t i = 0; i < list->count; i++) {
        const char *names[] = {list->symbol[i].function, list->symbol[i].file};
        for (size_t j = 0; j < 2; j++)
            EXPECT(names[j] == NULL ||
                   (is_printable(names[j], strlen(names[j])) && strchr(names[j], '\n') == NULL));
    }
}

/* Looks up addresses from the two places where the code of a seed may begin. */
static void run_elf(const char *input, size_t size) {
    static const uint64_t begins[] = {0, 0x1000};
    const char *path = input_file(input, size);
    struct symbols *symbols = symbols_open();
    symbols_first_address(symbols, path);
    for (size_t i = 0; i < sizeof begins / sizeof begins[0]; i++)
        for (uint64_t offset = 0; offset < 0x100; offset += 5) {
            struct symbol_list list;
            symbols_find(symbols, path, begins[i] + offset, &list);
            expect_names(&list);
            symbol_list_clear(&list);
        }
    symbols_close(symbols);
}

/* ---- names ---- */

static void run_name(const char *input, size_t size) {
    (void)size;
    char *name = symbols_demangle(input);
    EXPECT(strlen(name) <= 16384);
    free(name);
}

static const char *const name_words[] = {"_Z",
                                         "_R",
                                         "N",
                                         "I",
                                         "E",
                                         "S_",
                                         "S0_",
                                         "T_",
                                         "St",
                                         "DpT",
                                         "J",
                                         "L",
                                         "17h0123456789abcdef",
                                         "B_",
                                         "C1",
                                         "9999999999",
                                         "u",
                                         "NvC",
                                         "Sa",
                                         "X",
                                         "cv",
                                         "Ul",
                                         "E_",
                                         NULL};

/* ---- the page of statistics ---- */

static void run_page(const char *input, size_t size) {
    struct mallow_page page = {.magic = MALLOW_PAGE_MAGIC}, copy;
    memcpy(&page, input, size < sizeof page ? size : sizeof page);
    page.sequence &= ~1ull; /* With an odd number the reader would wait for the writer. */
    bool is_one = page.magic == MALLOW_PAGE_MAGIC && page.size >= sizeof page;
    EXPECT(mallow_page_read(&page, &copy) == is_one);
    EXPECT(memcmp(&page, &copy, sizeof page) == 0);
}

/* ---- the page for the summary ---- */

static void to_printed(void *unused, const char *bytes, size_t count) {
    (void)unused;
    fwrite(bytes, 1, count, printed);
}

/* The command checks the number of rows and nothing else before it reads the page. */
static void run_calls(const char *input, size_t size) {
    char buffer[256];
    struct text text = {.buffer = buffer, .size = sizeof buffer, .sink = to_printed};
    struct mallow_call_page page = {.magic = 0};
    memcpy(&page, input, size < sizeof page ? size : sizeof page);
    if (page.row_count > MALLOW_STATS_CLASSES + 1) page.row_count = 0;
    const struct summary summary = {
        .page = &page,
        .resident_bytes = page.resident_bytes,
        .resident_peak_bytes = page.resident_peak_bytes,
        .ended_as = "other",
        .still_running = page.last_child,
    };
    begin_printing();
    summary_add_text(&text, &summary);
    text_flush(&text);
    expect_text();
    begin_printing();
    summary_add_json(&text, &summary);
    text_flush(&text);
    expect_json();
}

/* ---- profiles ---- */

/* Corrects the checksums, so that the damage reaches the readers of the blocks. */
static void repair_profile(char *bytes, size_t size) {
    struct mallow_profile_block block;
    for (size_t at = 0, length; size - at >= sizeof block; at += sizeof block + length) {
        memcpy(&block, bytes + at, sizeof block);
        length = block.length[0] | (size_t)block.length[1] << 8 | (size_t)block.length[2] << 16;
        if (length > size - at - sizeof block) return;
        size_t from = offsetof(struct mallow_profile_block, length);
        uLong sum = crc32_z(0, (Bytef *)bytes + at + from, sizeof block - from + length);
        for (int i = 0; i < 4; i++)
            bytes[at + offsetof(struct mallow_profile_block, checksum) + (size_t)i] =
                (char)(sum >> 8 * i);
    }
}

static void run_profile(const char *input, size_t size) {
    static const struct {
        int (*command)(int, char **);
        void (*expect)(void);
        char *words[4];
    } runs[] = {
        {sites_command, expect_text, {"sites", "--stacks", "--by=stack", "--top=0"}},
        {sites_command, expect_json, {"sites", "--json", "--by=thread", "--sort=peak"}},
        {diff_command, expect_json, {"diff", "--json", "--top=0", "--from=0"}},
        {leaks_command, expect_json, {"leaks", "--json", "--limit=0", "--"}},
        {export_command, expect_text, {"export", "--to=collapsed", "--value=live-blocks", "--"}},
        {export_command, expect_json, {"export", "--to=json", "--process=1", "--process=0"}},
        {export_command, expect_json, {"export", "--to=speedscope", "--value=live-bytes", "--"}},
        {export_command, end_printing, {"export", "--to=csv", "--value=live-bytes", "--"}},
        {report_command, expect_text, {"report", "-o", "/dev/null", "--"}},
        {export_command, end_printing, {"export", "--to=pprof", "--output=/dev/null", "--"}},
    };
    char *text = malloc(size + 1);
    unsetenv("HOME");
    unsetenv("XDG_CACHE_HOME");
    memcpy(text, input, size);
    if (size % 2 == 0) repair_profile(text, size);
    const char *path = input_file(text, size);
    free(text);
    for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++) {
        char *const *of = runs[i].words;
        char *words[] = {of[0], of[1], of[2], of[3], (char *)path, NULL};
        optind = 0;
        begin_printing();
        runs[i].command(5, words);
        runs[i].expect();
    }
}

const struct target targets[] = {
    {"answer", run_answer, answer_words},
    {"suppressions", run_suppressions, suppression_words},
    {"log", run_log, log_words},
    {"frames", run_frames, frame_words},
    {"elf", run_elf, NULL},
    {"name", run_name, name_words},
    {"page", run_page, NULL},
    {"calls", run_calls, NULL},
    {"profile", run_profile, NULL},
    {NULL, NULL, NULL},
};
