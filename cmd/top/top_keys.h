/* Handles the keys of mallow top. */
#ifndef MALLOW_TOP_KEYS_H
#define MALLOW_TOP_KEYS_H

#include "top/top_view.h"

/* Keys that are no characters. */
enum top_key {
    TOP_KEY_UP = 0x110000,
    TOP_KEY_DOWN,
    TOP_KEY_LEFT,
    TOP_KEY_RIGHT,
    TOP_KEY_PAGE_UP,
    TOP_KEY_PAGE_DOWN,
    TOP_KEY_HOME,
    TOP_KEY_END,
    TOP_KEY_ENTER,
    TOP_KEY_ESCAPE,
    TOP_KEY_ERASE,
    TOP_KEY_TAB,
    TOP_KEY_BACK_TAB,
    TOP_KEY_REDRAW,
};

/* Does what the key means. `key` is a character's number or one of those above, `columns` the width
 * of the sheet. */
void top_keys_press(struct top *top, struct top_ui *ui, int key, int columns);

/* Shows a message in the last row for a few seconds. */
void top_keys_say(struct top_ui *ui, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Changes the view. */
void top_keys_show(struct top *top, struct top_ui *ui, enum top_view view);

#endif
