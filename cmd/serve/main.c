/* mallow-serve: the subcommand mallow serve. */
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "common/arguments.h"
#include "common/clock.h"
#include "common/command.h"
#include "common/xalloc.h"
#include "control/target.h"
#include "proc/symbol_root.h"
#include "serve.h"

static const char main_help[] =
    "Usage: mallow serve [OPTION...] [PID]\n"
    "Serves the memory of a process by HTTP: /debug/pprof/heap, allocs and growth for\n"
    "profilers such as Parca, Pyroscope and Grafana Alloy, and /metrics for Prometheus.\n"
    "Without PID, serves the oldest process on Mallow, and the next one when it ends.\n"
    "\n"
    "Options:\n"
    "  --listen=ADDRESS:PORT\n"
    "                    default: 127.0.0.1:6070. Other addresses than those of this\n"
    "                    machine need a token\n"
    "  --token-file=FILE  answer only requests with the token in FILE; default: the\n"
    "                    variable MALLOW_SERVE_TOKEN\n"
    "  --sample[=N]      make the process sample one allocation in N bytes (512k)\n"
    "  --linger=SECONDS  continue that long after the process has ended; default: 300\n"
    "  --push=URL        push profiles to a Pyroscope server, too\n"
    "  --push-name=NAME  as this application; default: the name of the program\n"
    "  --push-every=SECONDS\n"
    "                    default: 15\n"
    "  --push-token-file=FILE\n"
    "                    with the token in FILE; default: the variable\n"
    "                    MALLOW_PUSH_TOKEN\n"
    "  --sysroot=DIR     look for the program's files in DIR first\n"
    "  --help            print this text\n"
    "  --version         print the version\n"
    "\n"
    "The process must have been started by 'mallow run --sample', or with\n"
    "MALLOW_OPTIONS=control=on,sample=512k. The exit status is 0 after a signal or the end\n"
    "of the process, or 125.\n";

#define MAIN_LISTEN_DEFAULT "127.0.0.1:6070"
#define MAIN_SAMPLE_DEFAULT "512k"

struct serve_settings serve_settings = {.linger = 300, .push.seconds = 15};

/* ---- waiting ---- */

/* Returns a descriptor of the signals that end this process, and of the ends of jobs. */
static int main_open_signals(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    signal(SIGPIPE, SIG_IGN);
    sigprocmask(SIG_BLOCK, &set, NULL);
    int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0) err(EXIT_OWN_FAILURE, "signalfd");
    return fd;
}

/* Returns true if a signal ends this process. */
static bool main_take_signals(int fd) {
    struct signalfd_siginfo signal;
    bool ends = false;
    while (read(fd, &signal, sizeof signal) == (ssize_t)sizeof signal)
        ends = ends || signal.ssi_signo != SIGCHLD;
    serve_job_reap();
    return ends;
}

static bool main_has_lingered(void) {
    static bool has_said_so;
    if (serve_settings.process == 0 || serve_target() != 0) return false;
    if (!has_said_so)
        warnx("%s: this server ends in %lu seconds", serve_target_absence(), serve_settings.linger);
    has_said_so = true;
    return clock_ms() >= serve_target_end() + (int64_t)serve_settings.linger * 1000;
}

#define MAIN_CHECK_MS 500

static void main_loop(int signals) {
    struct pollfd wait_for[] = {{.fd = serve_http_descriptor(), .events = POLLIN},
                                {.fd = signals, .events = POLLIN}};
    int64_t next_check = 0;
    for (;;) {
        int64_t now = clock_ms();
        if (now >= next_check) {
            next_check = now + MAIN_CHECK_MS;
            serve_job_check();
            serve_connection_check();
            serve_push_check();
            if (main_has_lingered()) return;
        }
        poll(wait_for, 2, serve_http_timeout((int)(next_check - now)));
        if (main_take_signals(signals)) return;
        serve_http_run();
    }
}

/* ---- arguments ---- */

static unsigned long main_seconds(const char *option, const char *value, unsigned long min) {
    unsigned long seconds = number_value(option, value);
    if (seconds < min || seconds > 1000000) usage_error("%s='%s' is out of range", option, value);
    return seconds;
}

enum {
    OPTION_LISTEN = OPTION_OWN,
    OPTION_TOKEN_FILE,
    OPTION_SAMPLE,
    OPTION_LINGER,
    OPTION_PUSH,
    OPTION_PUSH_NAME,
    OPTION_PUSH_EVERY,
    OPTION_PUSH_TOKEN_FILE,
};

struct main_files {
    const char *token, *push_token, *listen;
};

static void main_set_push_url(const char *url) {
    if (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0)
        usage_error("--push='%s' is not the URL of a server", url);
    serve_settings.push.url = url;
}

static void main_set_option(struct main_files *files, int option) {
    switch (option) {
    case OPTION_LISTEN:
        files->listen = optarg;
        break;
    case OPTION_TOKEN_FILE:
        files->token = optarg;
        break;
    case OPTION_SAMPLE:
        serve_settings.sample = optarg == NULL ? MAIN_SAMPLE_DEFAULT : optarg;
        break;
    case OPTION_LINGER:
        serve_settings.linger = main_seconds("--linger", optarg, 0);
        break;
    case OPTION_PUSH:
        main_set_push_url(optarg);
        break;
    case OPTION_PUSH_NAME:
        serve_settings.push.name = optarg;
        break;
    case OPTION_PUSH_EVERY:
        serve_settings.push.seconds = main_seconds("--push-every", optarg, 1);
        break;
    case OPTION_PUSH_TOKEN_FILE:
        files->push_token = optarg;
        break;
    case OPTION_SYSROOT:
        symbol_root_set(optarg);
        break;
    }
}

static void main_read_options(int argc, char **argv) {
    static const struct option options[] = {
        {"listen", required_argument, NULL, OPTION_LISTEN},
        {"token-file", required_argument, NULL, OPTION_TOKEN_FILE},
        {"sample", optional_argument, NULL, OPTION_SAMPLE},
        {"linger", required_argument, NULL, OPTION_LINGER},
        {"push", required_argument, NULL, OPTION_PUSH},
        {"push-name", required_argument, NULL, OPTION_PUSH_NAME},
        {"push-every", required_argument, NULL, OPTION_PUSH_EVERY},
        {"push-token-file", required_argument, NULL, OPTION_PUSH_TOKEN_FILE},
        {"sysroot", required_argument, NULL, OPTION_SYSROOT},
        COMMON_OPTIONS,
    };
    struct main_files files = {.listen = MAIN_LISTEN_DEFAULT};
    int option;
    while ((option = next_option(argc, argv, options, main_help)) != -1)
        main_set_option(&files, option);
    operands(argc, argv, 0, 1, "PID");
    serve_address_set(files.listen);
    serve_settings.token = serve_token_read(files.token, "MALLOW_SERVE_TOKEN");
    serve_settings.push.token = serve_token_read(files.push_token, "MALLOW_PUSH_TOKEN");
    if (!serve_settings.is_loopback && serve_settings.token == NULL)
        usage_error("--listen='%s' can be reached by others: it needs --token-file", files.listen);
}

int main(int argc, char **argv) {
    program_invocation_short_name = (char *)"mallow serve";
    main_read_options(argc, argv);
    if (optind < argc) serve_settings.process = target_process(argc, argv);
    int signals = main_open_signals();
    serve_http_start();
    srandom((unsigned)(getpid() ^ time(NULL)));
    char *address = serve_address_text();
    fprintf(stderr, "mallow serve: listening on http://%s/\n", address);
    free(address);
    main_loop(signals);
    return 0;
}
