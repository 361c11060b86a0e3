/* Messages about secret memory on standard error. All functions are async-signal-safe. */
#ifndef MALLOW_MESSAGE_H
#define MALLOW_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

struct message {
    char text[256];
    size_t length;
};

/* Begins a message with "mallow: ". */
void message_begin(struct message *message);

/* Add a string, and a number in hexadecimal digits with "0x". */
void message_add(struct message *message, const char *text);
void message_add_address(struct message *message, uintptr_t address);

/* Adds "a secret of N bytes at 0xADDRESS". */
void message_add_secret(struct message *message, uintptr_t address, size_t bytes);

/* Ends the line and writes it. */
void message_write(struct message *message);

#endif
