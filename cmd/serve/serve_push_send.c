/*
 * Pushes a profile: a request to the interface /ingest of Pyroscope, a form with the profile and
 * the meaning of its values. What was allocated is a difference, and what is live is not.
 */
#include <curl/curl.h>
#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/command.h"
#include "common/xalloc.h"
#include "profiles/profile.h"
#include "profiles/profile_input.h"
#include "serve.h"
#include "serve_push.h"
#include "sites/export.h"
#include "symbols/function_names.h"

#define SERVE_PUSH_SECONDS 30L

static const char serve_push_types[] =
    "{\"alloc_objects\":{\"units\":\"objects\",\"aggregation\":\"sum\","
    "\"display-name\":\"alloc_objects\",\"sampled\":false},"
    "\"alloc_space\":{\"units\":\"bytes\",\"aggregation\":\"sum\","
    "\"display-name\":\"alloc_space\",\"sampled\":false},"
    "\"inuse_objects\":{\"units\":\"objects\",\"aggregation\":\"average\","
    "\"display-name\":\"inuse_objects\",\"sampled\":false},"
    "\"inuse_space\":{\"units\":\"bytes\",\"aggregation\":\"average\","
    "\"display-name\":\"inuse_space\",\"sampled\":false}}";

/* ---- the request ---- */

/* Returns the URL with the path /ingest, unless it has another path, and with parameters. */
static char *serve_push_url(CURL *curl, const char *program, uint64_t from, uint64_t until) {
    const char *url = serve_settings.push.url;
    const char *name = serve_settings.push.name;
    const char *scheme = strstr(url, "://");
    const char *path = scheme == NULL ? NULL : strchr(scheme + 3, '/');
    bool has_path = path != NULL && path[1] != '\0';
    char *escaped = curl_easy_escape(curl, name != NULL ? name : file_base_name(program), 0);
    if (escaped == NULL) errx(EXIT_OWN_FAILURE, "no memory for the request");
    char *whole = xasprintf("%.*s%s%cname=%s&from=%lu&until=%lu&format=pprof&spyName=mallow",
                            path != NULL && !has_path ? (int)(path - url) : (int)strlen(url), url,
                            has_path ? "" : "/ingest", strchr(url, '?') != NULL ? '&' : '?',
                            escaped, from, until);
    curl_free(escaped);
    return whole;
}

static void serve_push_add_part(curl_mime *form, const char *name, const char *file,
                                const char *type, const char *content, size_t count) {
    curl_mimepart *part = curl_mime_addpart(form);
    if (part == NULL || curl_mime_name(part, name) != CURLE_OK ||
        curl_mime_filename(part, file) != CURLE_OK || curl_mime_type(part, type) != CURLE_OK ||
        curl_mime_data(part, content, count) != CURLE_OK)
        errx(EXIT_OWN_FAILURE, "no memory for the request");
}

static struct curl_slist *serve_push_headers(void) {
    /* The server need not agree to the body first. */
    struct curl_slist *headers = curl_slist_append(NULL, "Expect:");
    if (serve_settings.push.token != NULL) {
        char *line = xasprintf("Authorization: Bearer %s", serve_settings.push.token);
        headers = curl_slist_append(headers, line);
        free(line);
    }
    return headers;
}

static size_t serve_push_ignore(char *bytes, size_t size, size_t count, void *with) {
    (void)bytes, (void)with;
    return size * count;
}

/* Ends the job with a message and a status if the server did not accept the profile. Another time
 * helps after a timeout (408), too many requests (429) and failures of the server (5xx). */
static void serve_push_check_answer(CURL *curl, CURLcode code, const char *message) {
    long status = 0;
    if (code != CURLE_OK)
        errx(EXIT_OWN_FAILURE, "%s", *message != '\0' ? message : curl_easy_strerror(code));
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    if (status >= 200 && status < 300) return;
    bool may_retry = status == 408 || status == 429 || status >= 500;
    errx(may_retry ? EXIT_OWN_FAILURE : SERVE_PUSH_REFUSED, "the server answered %ld", status);
}

static void serve_push_send(const char *program, uint64_t from, uint64_t until, const char *content,
                            size_t count) {
    char message[CURL_ERROR_SIZE] = "";
    curl_global_init(CURL_GLOBAL_DEFAULT);
    CURL *curl = curl_easy_init();
    if (curl == NULL) errx(EXIT_OWN_FAILURE, "libcurl cannot be initialized");
    curl_mime *form = curl_mime_init(curl);
    serve_push_add_part(form, "profile", "profile.pprof", "application/octet-stream", content,
                        count);
    serve_push_add_part(form, "sample_type_config", "sample_type_config.json", "application/json",
                        serve_push_types, strlen(serve_push_types));
    char *url = serve_push_url(curl, program, from, until);
    struct curl_slist *headers = serve_push_headers();
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_MIMEPOST, form);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "mallow/" MALLOW_VERSION);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, message);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, serve_push_ignore);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, SERVE_PUSH_SECONDS);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    serve_push_check_answer(curl, curl_easy_perform(curl), message);
    curl_slist_free_all(headers);
    curl_mime_free(form);
    curl_easy_cleanup(curl);
    free(url);
}

/* ---- the profile ---- */

/* Pushes the profile that is in the file, and what was allocated since the earlier one. */
static void serve_push_export(const struct serve_job *job, struct profile *now, uint64_t until) {
    static const double minus_allocated[EXPORT_VALUES] = {
        [EXPORT_ALLOCATED_BLOCKS] = -1, [EXPORT_ALLOCATED_BYTES] = -1};
    char *content;
    size_t count;
    struct export *export = export_open();
    struct profile *before = serve_profile_base(job);
    serve_profile_check(before, now);
    /* The server makes a series of each combination of labels, so threads would make many. */
    export->without_threads = true;
    export_add(export, now, export_all);
    export_add(export, before, minus_allocated);
    FILE *to = xopen_memstream(&content, &count);
    export_write_pprof(to, export, EXPORT_LIVE_BYTES);
    xclose_memstream(to);
    serve_push_send(now->sections[0]->program, job->since, until, content, count);
    free(content);
}

/* The output is the profile that was pushed, from which the next push begins. */
void serve_push_write(FILE *to, void *with) {
    const struct serve_job *job = with;
    char *bytes;
    size_t count;
    FILE *raw = xopen_memstream(&bytes, &count);
    serve_base_write(raw, with);
    xclose_memstream(raw);
    fwrite(bytes, 1, count, to);
    if (fflush(to) != 0) err(EXIT_OWN_FAILURE, "cannot keep the profile");
    struct profile *now;
    const char *reason = profile_take(job->process, dup(fileno(to)), &now);
    if (reason != NULL) errx(EXIT_OWN_FAILURE, "the profile %s", reason);
    serve_push_export(job, now, job->time);
    free(bytes);
}
