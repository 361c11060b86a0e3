/*
 * The summary of a program that the command has run. The program counts its calls in a page that it
 * shares with the command (mallow_page.h), so there is a summary however the program ends.
 */
#ifndef MALLOW_COMMAND_SUMMARY_H
#define MALLOW_COMMAND_SUMMARY_H

#include "child.h"

/* Makes the page. */
void summary_prepare(void);

/* In the child, before it executes the program: lets the program find the page. */
void summary_announce(void);
/* In the child: there is no program, and so no summary. */
void summary_retract(void);

/* Prints the summary of the program that has ended, where the settings want it. */
void summary_print(const struct child_end *end);

#endif
