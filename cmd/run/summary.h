/*
 * The summary of a program that the command has run. The program counts its calls in a page that it
 * shares with the command (mallow_page.h), so a summary is available however the program ends.
 */
#ifndef MALLOW_COMMAND_SUMMARY_H
#define MALLOW_COMMAND_SUMMARY_H

#include "launch/child.h"

/* Creates the page. */
void summary_prepare(void);

/* Called in the child before it executes the program. Passes the location of the page to the
 * program. */
void summary_announce(void);
/* Called in the child if the program could not be executed: prevents the summary. */
void summary_retract(void);

/* Prints the summary of the program that has ended, to the destination in the settings. */
void summary_print(const struct child_end *end);

#endif
