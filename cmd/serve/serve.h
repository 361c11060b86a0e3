/*
 * mallow serve: the memory of a process by HTTP, for fleet profilers and Prometheus.
 *
 * This process has one thread and waits in one place (serve_loop.c). It never reads what the target
 * writes: each request that needs the target is a job, which runs in a copy of this process
 * (attempt.h) and ends with a file in memory. A target that is slow, hostile or dead therefore
 * affects only that request.
 */
#ifndef MALLOW_SERVE_H
#define MALLOW_SERVE_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "common/attempt.h"

struct serve_push_settings {
    const char *url;       /* NULL: nothing is pushed */
    const char *name;      /* of the application; NULL: that of the program */
    char *token;           /* NULL: none */
    unsigned long seconds; /* between two pushes */
};

struct serve_settings {
    struct sockaddr_storage address;
    socklen_t address_bytes;
    bool is_loopback;
    char *token;          /* NULL: none */
    unsigned long linger; /* seconds that this process goes on after the target has ended */
    const char *sample;   /* the rate at which the target is to be sampled; NULL: as it is */
    pid_t process;        /* 0: the oldest process on Mallow at the time */
    struct serve_push_settings push;
};

extern struct serve_settings serve_settings;

/* ---- addresses (serve_address.c) ---- */

/* Stores the address ADDR:PORT in the settings. Ends the command if it is none. */
void serve_address_set(const char *text);

/* Returns a listening socket, and stores the address that it has. Ends the command if there is
 * none. */
int serve_address_listen(void);

/* Returns the address as it is written in a URL, which the caller frees. */
char *serve_address_text(void);

/* True if the address is that of this machine, and not visible from others. */
bool serve_address_is_local(const struct sockaddr *address);

/* True if the value of a Host header is a name of this machine. Another name can be that of an
 * attacker's site, which leads a browser on this machine here (DNS rebinding). */
bool serve_address_is_local_name(const char *host);

/* ---- tokens (serve_token.c) ---- */

/* Returns the token in a file, or in an environment variable if `file` is NULL; NULL if there is
 * none. Removes the variable. Ends the command if the token is unusable. */
char *serve_token_read(const char *file, const char *variable);

/* True if the value of an Authorization header has the token. */
bool serve_token_is_valid(const char *header);

/* ---- the target (serve_target.c) ---- */

/* Returns the process that is served, or 0 if there is none or it has ended. */
pid_t serve_target(void);

/* Returns why there is no process, as a sentence. */
const char *serve_target_absence(void);

/* Returns when the target ended, by clock_ms(), or 0. */
int64_t serve_target_end(void);

/* Makes the target take samples if it does not. Called at the beginning of a job. */
void serve_target_sample(pid_t process);

/* ---- jobs (serve_job.c) ---- */

enum serve_kind { SERVE_METRICS, SERVE_PROFILE, SERVE_BASE, SERVE_PUSH };

enum serve_profile { SERVE_HEAP, SERVE_ALLOCS, SERVE_GROWTH };

struct serve_job {
    enum serve_kind kind;
    enum serve_profile profile;
    unsigned long seconds; /* of a difference between two profiles; 0: none */
    pid_t process;
    int base;         /* an earlier profile, or -1 */
    uint64_t since;   /* when that was taken, in seconds since 1970 */
    uint64_t time;    /* when this job was started */
    int64_t deadline; /* by clock_ms() */
    void (*work)(FILE *to, void *with);
    /* Receives the output, or else a reason, and a status. */
    void (*done)(struct serve_job *job, int output, const char *reason, int status);
    void *with;
    struct attempt attempt;
    struct serve_job *next;
};

/* The exit status of a job whose earlier profile is that of another program. */
#define SERVE_OTHER_PROGRAM 77

/* Starts a copy of the job. Returns NULL and sets errno if that is not possible: EBUSY if too many
 * of its kind run. */
struct serve_job *serve_job_start(const struct serve_job *job);

/* Ends a job. Its function `done` is called. */
void serve_job_cancel(struct serve_job *job);

/* Calls the functions `done` of the jobs that have ended. */
void serve_job_reap(void);

/* Ends the jobs whose deadlines have passed. */
void serve_job_check(void);

/* ---- what jobs write ---- */

void serve_profile_write(FILE *to, void *job); /* serve_profile.c */
void serve_base_write(FILE *to, void *job);    /* the profile in Mallow's own format */
void serve_report_write(FILE *to, void *job);  /* serve_report.c */
void serve_metrics_write(FILE *to, void *job); /* serve_metrics.c */
void serve_metrics_write_absence(FILE *to, const char *reason);
void serve_push_write(FILE *to, void *job); /* serve_push_send.c */

struct profile;

/* Ends the job if the profiles are of different programs. */
void serve_profile_check(const struct profile *before, const struct profile *now);

/* Return the target's profile, and that of an earlier moment. End the command with a message if
 * they cannot. */
struct profile *serve_profile_request(const struct serve_job *job);
struct profile *serve_profile_base(const struct serve_job *job);

/* Writes the page at "/debug/pprof/". */
void serve_index_write(FILE *to, pid_t process);

/* ---- the server (serve_http.c, serve_connection.c) ---- */

void serve_http_start(void);

/* Returns a descriptor that is readable when serve_http_run() has something to do. */
int serve_http_descriptor(void);
void serve_http_run(void);

/* Returns the milliseconds until serve_http_run() must be called, at most `limit`. */
int serve_http_timeout(int limit);

/* Callbacks of the library, and the limits of time: see serve_connection.c. */
void serve_connection_notify(void *with, struct MHD_Connection *connection, void **context,
                             enum MHD_ConnectionNotificationCode code);
void serve_connection_set_waiting(struct MHD_Connection *connection, struct serve_job *job);
void serve_connection_set_answering(struct MHD_Connection *connection);
void serve_connection_set_idle(struct MHD_Connection *connection);
void serve_connection_check(void);

/* ---- pushing, and the profile from which differences begin (serve_push.c) ---- */

void serve_push_check(void);

/* Returns the first profile that was taken, or -1. It is not closed. */
int serve_push_base(void);

/* Forgets it: another program runs now. */
void serve_push_forget(void);

#endif
