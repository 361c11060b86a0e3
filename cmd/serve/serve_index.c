/* The page at "/debug/pprof/": a list of the others. */
#include <string.h>

#include "common/command.h"
#include "serve.h"

static const struct {
    const char *path, *what;
} serve_index_links[] = {
    {"/", "the report; /?refresh=30 loads it again every 30 seconds"},
    {"/metrics", "figures for Prometheus"},
    {"/debug/pprof/heap", "pprof profile: live blocks first"},
    {"/debug/pprof/allocs", "pprof profile: allocated blocks first"},
    {"/debug/pprof/growth", "pprof profile: what became larger since this server started"},
    {"/debug/pprof/heap?seconds=10", "what changes in ten seconds"},
};

void serve_index_write(FILE *to, pid_t process) {
    fputs(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
        "<meta name=\"color-scheme\" content=\"light dark\">\n<title>Mallow</title>\n",
        to);
    fprintf(to, "<h1>Memory of process %d</h1>\n<ul>\n", (int)process);
    for (size_t i = 0; i < sizeof serve_index_links / sizeof serve_index_links[0]; i++)
        fprintf(to, "<li><a href=\"%s\">%s</a>: %s\n", serve_index_links[i].path,
                serve_index_links[i].path, serve_index_links[i].what);
    fputs("</ul>\n<p>mallow " MALLOW_VERSION "\n</html>\n", to);
}
