/* The HTTP server: checks requests, starts the jobs that they need, and answers. */
#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/arguments.h"
#include "common/clock.h"
#include "common/command.h"
#include "common/xalloc.h"
#include "serve.h"

#define SERVE_CONNECTIONS_MAX 4096u
#define SERVE_OTHER_DESCRIPTORS 128u
#define SERVE_CONNECTION_BYTES ((size_t)16 << 10)
#define SERVE_SECONDS_MAX 3600
#define SERVE_JOB_MS 90000 /* in addition to the seconds of a difference */

static struct MHD_Daemon *serve_daemon;

/* A request. The library calls serve_http_handle() several times for each. */
struct serve_request {
    struct MHD_Connection *connection;
    struct serve_job *job; /* that runs; NULL: none */
    bool has_job_ended;
    struct serve_request *next; /* that waits for the same metrics */
    const char *type;           /* of the job's output; NULL: metrics */
    int output;                 /* of the job; -1: none */
    char *reason;               /* why there is none */
};

/* ---- answers ---- */

static const char serve_profile_type[] = "application/octet-stream";
static const char serve_report_type[] = "text/html; charset=utf-8";
static const char serve_text[] = "text/plain; charset=utf-8";
static const char serve_metrics_text[] = "text/plain; version=0.0.4; charset=utf-8";

static enum MHD_Result serve_http_queue(struct MHD_Connection *connection, unsigned status,
                                        struct MHD_Response *response, const char *type) {
    if (response == NULL) return MHD_NO;
    MHD_add_response_header(response, "Content-Type", type);
    MHD_add_response_header(response, "Cache-Control", "no-store");
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    /* The report says itself which of its scripts may run. */
    MHD_add_response_header(response, "Content-Security-Policy",
                            type == serve_report_type ? "frame-ancestors 'none'"
                                                      : "default-src 'none'");
    if (status == MHD_HTTP_UNAUTHORIZED)
        MHD_add_response_header(response, "WWW-Authenticate", "Bearer realm=\"mallow\"");
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
        MHD_add_response_header(response, "Allow", "GET, HEAD");
    if (status == MHD_HTTP_SERVICE_UNAVAILABLE)
        MHD_add_response_header(response, "Retry-After", "5");
    serve_connection_set_answering(connection);
    enum MHD_Result result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

/* Answers with a line of text. */
static enum MHD_Result serve_http_say(struct MHD_Connection *connection, unsigned status,
                                      const char *line) {
    char *text = xasprintf("%s\n", line);
    return serve_http_queue(
        connection, status,
        MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE), serve_text);
}

/* Answers with what a function writes. */
static enum MHD_Result serve_http_write(struct MHD_Connection *connection, const char *type,
                                        void (*write_text)(FILE *to, const char *reason),
                                        const char *reason) {
    char *text;
    size_t length;
    FILE *to = xopen_memstream(&text, &length);
    write_text(to, reason);
    xclose_memstream(to);
    return serve_http_queue(connection, MHD_HTTP_OK,
                            MHD_create_response_from_buffer(length, text, MHD_RESPMEM_MUST_FREE),
                            type);
}

static const char *serve_http_parameter(struct serve_request *request, const char *name) {
    return MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, name);
}

/* With "/?refresh=SECONDS", a browser loads the page again and again. */
static void serve_http_add_refresh(struct serve_request *request, struct MHD_Response *response) {
    unsigned long seconds;
    const char *refresh = serve_http_parameter(request, "refresh");
    if (request->type == serve_report_type && refresh != NULL && parse_number(refresh, &seconds) &&
        seconds > 0)
        MHD_add_response_header(response, "Refresh", refresh);
}

static enum MHD_Result serve_http_answer_job(struct serve_request *request) {
    struct stat file;
    int output = request->output;
    if (output < 0 || fstat(output, &file) != 0)
        return serve_http_say(request->connection, MHD_HTTP_SERVICE_UNAVAILABLE, request->reason);
    struct MHD_Response *response = MHD_create_response_from_fd((size_t)file.st_size, output);
    if (response != NULL) request->output = -1; /* the response closes it */
    if (request->type == serve_profile_type)
        MHD_add_response_header(response, "Content-Disposition",
                                "attachment; filename=\"profile.pb.gz\"");
    serve_http_add_refresh(request, response);
    return serve_http_queue(request->connection, MHD_HTTP_OK, response, request->type);
}

/* ---- jobs ---- */

static void serve_http_job_ended(struct serve_job *job, int output, const char *reason,
                                 int status) {
    struct serve_request *request = job->with;
    if (status == SERVE_OTHER_PROGRAM) serve_push_forget();
    request->job = NULL;
    request->has_job_ended = true;
    request->output = output;
    request->reason = reason == NULL ? NULL : xstrdup(reason);
    serve_connection_set_answering(request->connection);
    MHD_resume_connection(request->connection);
}

static enum MHD_Result serve_http_start_job(struct serve_request *request, struct serve_job *job,
                                            const char *type) {
    job->process = serve_target();
    if (job->process == 0)
        return serve_http_say(request->connection, MHD_HTTP_SERVICE_UNAVAILABLE,
                              serve_target_absence());
    job->deadline = clock_ms() + SERVE_JOB_MS + (int64_t)job->seconds * 1000;
    job->done = serve_http_job_ended;
    job->with = request;
    request->type = type;
    request->job = serve_job_start(job);
    if (request->job == NULL)
        return serve_http_say(
            request->connection, MHD_HTTP_SERVICE_UNAVAILABLE,
            errno == EBUSY ? "too many requests of this kind are being answered: try again later"
                           : "the system has no room for another process: try again later");
    serve_connection_set_waiting(request->connection, request->job);
    MHD_suspend_connection(request->connection);
    return MHD_YES;
}

/* ---- metrics ---- */

/* Requests that come while a job runs share its answer, so many of them neither start many jobs nor
 * keep each other waiting. */
static struct {
    bool is_running;
    struct serve_request *waiting;
    char *text; /* the answer of the last job */
    size_t length;
} serve_metrics;

static enum MHD_Result serve_http_answer_metrics(struct serve_request *request) {
    return serve_http_queue(request->connection, MHD_HTTP_OK,
                            MHD_create_response_from_buffer(
                                serve_metrics.length, serve_metrics.text, MHD_RESPMEM_MUST_COPY),
                            serve_metrics_text);
}

/* Copies the output of a job, or writes that there is none. */
static void serve_http_set_metrics(int output, const char *reason) {
    char piece[4096];
    ssize_t count = 0;
    free(serve_metrics.text);
    FILE *to = xopen_memstream(&serve_metrics.text, &serve_metrics.length);
    for (off_t at = 0; output >= 0; at += count) {
        count = pread(output, piece, sizeof piece, at);
        if (count <= 0) break;
        fwrite(piece, 1, (size_t)count, to);
    }
    if (output < 0) serve_metrics_write_absence(to, reason);
    xclose_memstream(to);
    if (output >= 0) close(output);
}

static void serve_http_metrics_ended(struct serve_job *job, int output, const char *reason,
                                     int status) {
    (void)job, (void)status;
    serve_http_set_metrics(output, reason);
    serve_metrics.is_running = false;
    for (struct serve_request *next, *at = serve_metrics.waiting; at != NULL; at = next) {
        next = at->next;
        at->has_job_ended = true;
        serve_connection_set_answering(at->connection);
        MHD_resume_connection(at->connection);
    }
    serve_metrics.waiting = NULL;
}

static enum MHD_Result serve_http_metrics(struct serve_request *request) {
    struct serve_job job = {.kind = SERVE_METRICS,
                            .work = serve_metrics_write,
                            .done = serve_http_metrics_ended,
                            .base = -1,
                            .process = serve_target(),
                            .deadline = clock_ms() + SERVE_JOB_MS};
    if (job.process == 0) {
        serve_http_set_metrics(-1, serve_target_absence());
        return serve_http_answer_metrics(request);
    }
    if (!serve_metrics.is_running && serve_job_start(&job) == NULL)
        return serve_http_say(request->connection, MHD_HTTP_SERVICE_UNAVAILABLE,
                              "the system has no room for another process: try again later");
    serve_metrics.is_running = true;
    request->next = serve_metrics.waiting;
    serve_metrics.waiting = request;
    serve_connection_set_waiting(request->connection, NULL);
    MHD_suspend_connection(request->connection);
    return MHD_YES;
}

/* ---- paths ---- */

static enum MHD_Result serve_http_report(struct serve_request *request) {
    struct serve_job job = {.kind = SERVE_PROFILE, .work = serve_report_write, .base = -1};
    return serve_http_start_job(request, &job, serve_report_type);
}

static enum MHD_Result serve_http_profile(struct serve_request *request,
                                          enum serve_profile profile) {
    struct serve_job job = {
        .kind = SERVE_PROFILE, .work = serve_profile_write, .base = -1, .profile = profile};
    const char *seconds = serve_http_parameter(request, "seconds");
    const char *debug = serve_http_parameter(request, "debug");
    if (seconds != NULL &&
        (!parse_number(seconds, &job.seconds) || job.seconds > SERVE_SECONDS_MAX))
        return serve_http_say(request->connection, MHD_HTTP_BAD_REQUEST,
                              "'seconds' is a whole number, at most 3600");
    if (debug != NULL && strcmp(debug, "0") != 0)
        return serve_http_say(request->connection, MHD_HTTP_BAD_REQUEST,
                              "there is no text form of profiles: leave 'debug' out");
    if (profile == SERVE_GROWTH && job.seconds == 0) {
        job.base = serve_push_base();
        if (job.base < 0 && serve_target() != 0)
            return serve_http_say(
                request->connection, MHD_HTTP_SERVICE_UNAVAILABLE,
                "no first profile has been taken yet: try again later, or with 'seconds'");
    }
    return serve_http_start_job(request, &job, serve_profile_type);
}

static void serve_http_write_index(FILE *to, const char *reason) {
    (void)reason;
    serve_index_write(to, serve_target());
}

static enum MHD_Result serve_http_route(struct serve_request *request, const char *path) {
    if (strcmp(path, "/metrics") == 0) return serve_http_metrics(request);
    if (strcmp(path, "/debug/pprof/heap") == 0) return serve_http_profile(request, SERVE_HEAP);
    if (strcmp(path, "/debug/pprof/allocs") == 0) return serve_http_profile(request, SERVE_ALLOCS);
    if (strcmp(path, "/debug/pprof/growth") == 0) return serve_http_profile(request, SERVE_GROWTH);
    if (strcmp(path, "/") == 0) return serve_http_report(request);
    if (strcmp(path, "/debug/pprof/") != 0)
        return serve_http_say(request->connection, MHD_HTTP_NOT_FOUND, "there is no such page");
    if (serve_target() == 0)
        return serve_http_say(request->connection, MHD_HTTP_SERVICE_UNAVAILABLE,
                              serve_target_absence());
    return serve_http_write(request->connection, "text/html; charset=utf-8", serve_http_write_index,
                            NULL);
}

/* ---- requests ---- */

static const char *serve_http_header(struct MHD_Connection *connection, const char *name) {
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

/* Returns the status with which the request is refused, or 0. */
static unsigned serve_http_refuse(struct MHD_Connection *connection, const char *method,
                                  const char **line) {
    const char *host = serve_http_header(connection, "Host");
    *line = "this name is not one of this machine: use localhost";
    if (serve_settings.is_loopback && host != NULL && !serve_address_is_local_name(host))
        return MHD_HTTP_FORBIDDEN;
    *line = "the header 'Authorization: Bearer TOKEN' is missing or wrong";
    if (serve_settings.token != NULL &&
        !serve_token_is_valid(serve_http_header(connection, "Authorization")))
        return MHD_HTTP_UNAUTHORIZED;
    *line = "only GET and HEAD are known here";
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
        return MHD_HTTP_METHOD_NOT_ALLOWED;
    return 0;
}

static enum MHD_Result serve_http_begin(struct MHD_Connection *connection, const char *method,
                                        void **context) {
    const char *line;
    unsigned status = serve_http_refuse(connection, method, &line);
    if (status != 0) return serve_http_say(connection, status, line);
    struct serve_request *request = xcalloc(1, sizeof *request);
    request->connection = connection;
    request->output = -1;
    *context = request;
    return MHD_YES;
}

static enum MHD_Result serve_http_handle(void *with, struct MHD_Connection *connection,
                                         const char *path, const char *method, const char *version,
                                         const char *body, size_t *body_bytes, void **context) {
    (void)with, (void)version, (void)body;
    struct serve_request *request = *context;
    if (request == NULL) return serve_http_begin(connection, method, context);
    if (*body_bytes != 0) return MHD_NO; /* a GET has none */
    if (request->has_job_ended)
        return request->type == NULL ? serve_http_answer_metrics(request)
                                     : serve_http_answer_job(request);
    return serve_http_route(request, path);
}

static void serve_http_completed(void *with, struct MHD_Connection *connection, void **context,
                                 enum MHD_RequestTerminationCode code) {
    struct serve_request *request = *context;
    (void)with, (void)code;
    serve_connection_set_idle(connection);
    if (request == NULL) return;
    if (request->output >= 0) close(request->output);
    free(request->reason);
    free(request);
    *context = NULL;
}

/* Without a token, only this machine is answered, whatever address the server listens on. */
static enum MHD_Result serve_http_accept(void *with, const struct sockaddr *address,
                                         socklen_t bytes) {
    (void)with, (void)bytes;
    return serve_settings.token != NULL || serve_address_is_local(address) ? MHD_YES : MHD_NO;
}

/* ---- the server ---- */

/* Returns how many connections the limit on descriptors leaves room for. */
static unsigned serve_http_connections(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return SERVE_OTHER_DESCRIPTORS;
    limit.rlim_cur = SERVE_CONNECTIONS_MAX + SERVE_OTHER_DESCRIPTORS;
    if (limit.rlim_cur > limit.rlim_max) limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < (rlim_t)2 * SERVE_OTHER_DESCRIPTORS)
        errx(EXIT_OWN_FAILURE, "the limit on open files is too low (ulimit -n)");
    return (unsigned)(limit.rlim_cur - SERVE_OTHER_DESCRIPTORS);
}

void serve_http_start(void) {
    unsigned connections = serve_http_connections();
    serve_daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, serve_http_accept, NULL, serve_http_handle,
        NULL, MHD_OPTION_LISTEN_SOCKET, serve_address_listen(), MHD_OPTION_CONNECTION_LIMIT,
        connections, MHD_OPTION_CONNECTION_MEMORY_LIMIT, SERVE_CONNECTION_BYTES,
        MHD_OPTION_NOTIFY_COMPLETED, serve_http_completed, NULL, MHD_OPTION_NOTIFY_CONNECTION,
        serve_connection_notify, NULL, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
    if (serve_daemon == NULL) errx(EXIT_OWN_FAILURE, "cannot start the server");
}

int serve_http_descriptor(void) {
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(serve_daemon, MHD_DAEMON_INFO_EPOLL_FD);
    if (info == NULL) errx(EXIT_OWN_FAILURE, "the server has no epoll descriptor");
    return info->epoll_fd;
}

int serve_http_timeout(int limit) {
    MHD_UNSIGNED_LONG_LONG milliseconds;
    if (MHD_get_timeout(serve_daemon, &milliseconds) != MHD_YES) return limit;
    return milliseconds < (MHD_UNSIGNED_LONG_LONG)limit ? (int)milliseconds : limit;
}

void serve_http_run(void) { MHD_run(serve_daemon); }
