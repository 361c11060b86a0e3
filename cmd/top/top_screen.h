/* mallow top in a terminal: the only part that uses curses. */
#ifndef MALLOW_TOP_SCREEN_H
#define MALLOW_TOP_SCREEN_H

#include "top/top_view.h"

/* Returns true if the user can see a screen and press keys. */
bool top_screen_is_possible(void);

/* Shows the processes until the user quits. Returns the number of the signal that has ended it, or
 * 0. Returns -1 if the terminal is not known or cannot do it. */
int top_screen_run(struct top *top, enum top_view view);

#endif
