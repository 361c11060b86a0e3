#include "top/top_screen.h"

#include <curses.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/xalloc.h"
#include "top/top_keys.h"

static struct {
    struct top_ui ui;
    struct top_paper paper;
    chtype attributes[STYLES];
    bool is_open;
    int messages, standard_error; /* descriptors, or -1 */
} top_screen = {.messages = -1, .standard_error = -1};

bool top_screen_is_possible(void) {
    const char *terminal = getenv("TERM");
    return isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1 && terminal != NULL &&
           *terminal != '\0' && strcmp(terminal, "dumb") != 0;
}

/* ---- messages ---- */

/* Warnings would appear in the middle of the screen, so they are shown at the end. */
static void top_screen_hold_messages(void) {
    if (isatty(STDERR_FILENO) != 1) return;
    top_screen.messages = memfd_create("mallow", MFD_CLOEXEC);
    if (top_screen.messages < 0) return;
    top_screen.standard_error = dup(STDERR_FILENO);
    dup2(top_screen.messages, STDERR_FILENO);
}

static void top_screen_show_messages(void) {
    char text[1024];
    if (top_screen.standard_error < 0) return;
    dup2(top_screen.standard_error, STDERR_FILENO);
    close(top_screen.standard_error);
    top_screen.standard_error = -1;
    off_t at = 0;
    for (ssize_t n; (n = pread(top_screen.messages, text, sizeof text, at)) > 0; at += n)
        if (write(STDERR_FILENO, text, (size_t)n) < 0) return;
}

/* ---- the terminal ---- */

static void top_screen_close(void) {
    if (top_screen.is_open) endwin();
    top_screen.is_open = false;
    top_screen_show_messages();
}

/* Without a usable locale, UTF-8 is used if the environment asks for it. */
static void top_screen_choose_locale(void) {
    if (setlocale(LC_CTYPE, "") != NULL) return;
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *value = getenv(names[i]);
        if (value == NULL || *value == '\0') continue;
        if (strcasestr(value, "utf") != NULL) setlocale(LC_CTYPE, "C.UTF-8");
        return;
    }
}

/* The console of Linux and the terminals of the time before Unicode lack the blocks. */
static bool top_screen_has_blocks(void) {
    const char *terminal = getenv("TERM");
    return top_screen.paper.is_unicode && terminal != NULL && strcmp(terminal, "linux") != 0 &&
           strncmp(terminal, "vt", 2) != 0;
}

static void top_screen_choose_colors(void) {
    static const short colors[STYLES][2] = {
        [STYLE_TITLE] = {COLOR_BLACK, COLOR_GREEN}, [STYLE_SELECTED] = {COLOR_BLACK, COLOR_CYAN},
        [STYLE_LIVE] = {COLOR_GREEN, -1},           [STYLE_RESIDENT] = {COLOR_BLUE, -1},
        [STYLE_RATE] = {COLOR_MAGENTA, -1},         [STYLE_WARNING] = {COLOR_YELLOW, -1},
    };
    const char *none = getenv("NO_COLOR");
    if (!has_colors() || (none != NULL && *none != '\0') || start_color() == ERR) return;
    bool has_default = use_default_colors() == OK;
    for (int style = STYLE_TITLE; style < STYLES; style++) {
        short background = colors[style][1];
        if (background < 0 && !has_default) background = COLOR_BLACK;
        init_pair((short)style, colors[style][0], background);
        top_screen.attributes[style] = (chtype)COLOR_PAIR(style);
    }
}

static void top_screen_choose_attributes(void) {
    static const chtype attributes[STYLES] = {
        [STYLE_BOLD] = A_BOLD,        [STYLE_DIM] = A_DIM,   [STYLE_TITLE] = A_UNDERLINE,
        [STYLE_SELECTED] = A_REVERSE, [STYLE_LIVE] = A_BOLD, [STYLE_WARNING] = A_BOLD,
    };
    memcpy(top_screen.attributes, attributes, sizeof attributes);
    top_screen_choose_colors();
}

static bool top_screen_open(void) {
    top_screen_choose_locale();
    top_screen.paper.is_unicode = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    top_screen.paper.has_blocks = top_screen_has_blocks();
    fflush(stdout);
    if (newterm(NULL, stdout, stdin) == NULL) return false;
    top_screen.is_open = true;
    atexit(top_screen_close);
    top_screen_hold_messages();
    cbreak();
    noecho();
    nonl();
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    set_escdelay(50);
    curs_set(0);
    top_screen_choose_attributes();
    return true;
}

/* ---- drawing ---- */

/* Shows the cells from a column on that have the same style. Returns the column after them. */
static int top_screen_put_run(int row, int column) {
    const struct top_paper *paper = &top_screen.paper;
    char text[1024], *end = text;
    int style = top_paper_cell(paper, row, column)->style, first = column;
    for (; column < paper->columns && end < text + sizeof text - 8; column++) {
        const struct top_cell *cell = top_paper_cell(paper, row, column);
        if (cell->style != style) break;
        end = stpcpy(end, cell->text);
    }
    attrset((int)top_screen.attributes[style]);
    mvaddstr(row, first, text); /* fails in the last cell of the screen, after drawing it */
    return column;
}

static void top_screen_draw(struct top *top) {
    struct top_paper *paper = &top_screen.paper;
    int rows = LINES > 0 ? LINES : 1, columns = COLS > 0 ? COLS : 1;
    top_paper_open(paper, rows, columns);
    top_view_draw(top, &top_screen.ui, paper);
    erase();
    for (int row = 0; row < rows; row++)
        for (int column = 0; column < columns;) column = top_screen_put_run(row, column);
    refresh();
}

/* ---- keys ---- */

static int top_screen_key(int code) {
    switch (code) {
    case KEY_UP:
        return TOP_KEY_UP;
    case KEY_DOWN:
        return TOP_KEY_DOWN;
    case KEY_LEFT:
        return TOP_KEY_LEFT;
    case KEY_RIGHT:
        return TOP_KEY_RIGHT;
    case KEY_PPAGE:
        return TOP_KEY_PAGE_UP;
    case KEY_NPAGE:
        return TOP_KEY_PAGE_DOWN;
    case KEY_HOME:
        return TOP_KEY_HOME;
    case KEY_END:
        return TOP_KEY_END;
    case KEY_ENTER:
        return TOP_KEY_ENTER;
    case KEY_BACKSPACE:
    case KEY_DC:
        return TOP_KEY_ERASE;
    case KEY_BTAB:
        return TOP_KEY_BACK_TAB;
    default:
        return TOP_KEY_REDRAW;
    }
}

static int top_screen_character(wint_t character) {
    switch (character) {
    case '\r':
    case '\n':
        return TOP_KEY_ENTER;
    case '\t':
        return TOP_KEY_TAB;
    case 27:
        return TOP_KEY_ESCAPE;
    case 8:
    case 127:
        return TOP_KEY_ERASE;
    case 12: /* Ctrl-L */
        clearok(curscr, TRUE);
        return TOP_KEY_REDRAW;
    default:
        return character < 0x110000 ? (int)character : TOP_KEY_REDRAW;
    }
}

/* The terminal can go away without a signal. */
static void top_screen_check_input(struct top *top) {
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    if (poll(&input, 1, 0) > 0 && (input.revents & (POLLHUP | POLLERR | POLLNVAL)) != 0)
        top->is_finished = true;
}

static void top_screen_read(struct top *top) {
    wint_t character;
    int result, count = 0;
    while (!top->is_finished && (result = get_wch(&character)) != ERR) {
        int key = result == KEY_CODE_YES ? top_screen_key((int)character)
                                         : top_screen_character(character);
        top_keys_press(top, &top_screen.ui, key, top_screen.paper.columns);
        if (!top->is_finished) top_screen_draw(top); /* the next key is for what it shows */
        count++;
    }
    if (count == 0) top_screen_check_input(top);
}

/* ---- signals ---- */

/* The shell may have changed the terminal while the process was stopped by SIGSTOP. */
static void top_screen_resize(struct top *top) {
    struct winsize size;
    reset_prog_mode();
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0)
        resizeterm(size.ws_row, size.ws_col);
    clearok(curscr, TRUE);
    top_screen_draw(top);
}

/* Stops as the shell expects it, with the terminal as it was. */
static void top_screen_suspend(struct top *top) {
    struct sigaction stop = {.sa_handler = SIG_DFL}, caught;
    sigset_t only_stop, before;
    sigemptyset(&only_stop);
    sigaddset(&only_stop, SIGTSTP);
    endwin();
    sigaction(SIGTSTP, &stop, &caught);
    raise(SIGTSTP);
    sigprocmask(SIG_UNBLOCK, &only_stop, &before); /* stops here */
    sigprocmask(SIG_SETMASK, &before, NULL);
    sigaction(SIGTSTP, &caught, NULL);
    top_screen_resize(top);
}

int top_screen_run(struct top *top, enum top_view view) {
    const struct top_front front = {
        .input = STDIN_FILENO,
        .show = top_screen_draw,
        .read = top_screen_read,
        .resize = top_screen_resize,
        .suspend = top_screen_suspend,
    };
    if (!top_screen_open()) return -1;
    top_keys_show(top, &top_screen.ui, view);
    top_screen_draw(top);
    int number = top_loop(top, &front);
    top_screen_close();
    top_paper_close(&top_screen.paper);
    return number;
}
