/*
 * Limits on the time of connections. The library's own limit begins again with each byte, so a
 * client that sends or reads one byte a second could stay for ever.
 *
 * A connection has SERVE_REQUEST_MS for each request and SERVE_ANSWER_MS for each answer. While a
 * job runs, it has no limit, because the job has one; but the job ends with the connection.
 */
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "common/clock.h"
#include "common/xalloc.h"
#include "serve.h"

#define SERVE_REQUEST_MS 10000
#define SERVE_ANSWER_MS 60000

struct serve_connection {
    int fd;
    int64_t deadline;      /* 0: none */
    struct serve_job *job; /* that the client waits for */
    struct serve_connection *next, *previous;
};

static struct serve_connection *serve_connections;

static void serve_connection_remove(struct serve_connection *connection) {
    if (connection->next != NULL) connection->next->previous = connection->previous;
    if (connection->previous != NULL)
        connection->previous->next = connection->next;
    else
        serve_connections = connection->next;
    free(connection);
}

void serve_connection_notify(void *with, struct MHD_Connection *of, void **context,
                             enum MHD_ConnectionNotificationCode code) {
    (void)with;
    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        if (*context != NULL) serve_connection_remove(*context);
        return;
    }
    struct serve_connection *connection = xcalloc(1, sizeof *connection);
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(of, MHD_CONNECTION_INFO_CONNECTION_FD);
    connection->fd = info == NULL ? -1 : info->connect_fd;
    connection->deadline = clock_ms() + SERVE_REQUEST_MS;
    connection->next = serve_connections;
    if (serve_connections != NULL) serve_connections->previous = connection;
    serve_connections = connection;
    *context = connection;
}

static struct serve_connection *serve_connection_of(struct MHD_Connection *of) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(of, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info == NULL ? NULL : info->socket_context;
}

void serve_connection_set_waiting(struct MHD_Connection *of, struct serve_job *job) {
    struct serve_connection *connection = serve_connection_of(of);
    if (connection == NULL) return;
    connection->job = job;
    connection->deadline = 0;
}

void serve_connection_set_answering(struct MHD_Connection *of) {
    struct serve_connection *connection = serve_connection_of(of);
    if (connection == NULL) return;
    connection->job = NULL;
    connection->deadline = clock_ms() + SERVE_ANSWER_MS;
}

void serve_connection_set_idle(struct MHD_Connection *of) {
    struct serve_connection *connection = serve_connection_of(of);
    if (connection == NULL) return;
    connection->job = NULL;
    connection->deadline = clock_ms() + SERVE_REQUEST_MS;
}

static bool serve_connection_is_gone(const struct serve_connection *connection) {
    struct pollfd look = {.fd = connection->fd, .events = POLLRDHUP};
    return poll(&look, 1, 0) > 0;
}

void serve_connection_check(void) {
    int64_t now = clock_ms();
    for (struct serve_connection *at = serve_connections; at != NULL; at = at->next) {
        if (at->job != NULL && serve_connection_is_gone(at)) {
            serve_job_cancel(at->job);
            at->job = NULL;
        }
        /* The library then sees the end of the connection. */
        if (at->deadline != 0 && now >= at->deadline) shutdown(at->fd, SHUT_RDWR);
    }
}
