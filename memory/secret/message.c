#include "secret/message.h"

#include <unistd.h>

void message_begin(struct message *message) {
    message->length = 0;
    message_add(message, "mallow: ");
}

/* Leaves room for the end of the line. */
void message_add(struct message *message, const char *text) {
    for (; *text != '\0' && message->length + 1 < sizeof message->text; text++)
        message->text[message->length++] = *text;
}

static void message_add_number(struct message *message, uint64_t number, unsigned base) {
    char digits[24], *first = digits + sizeof digits - 1;
    *first = '\0';
    do *--first = "0123456789abcdef"[number % base];
    while ((number /= base) != 0);
    message_add(message, first);
}

void message_add_address(struct message *message, uintptr_t address) {
    message_add(message, "0x");
    message_add_number(message, address, 16);
}

void message_add_secret(struct message *message, uintptr_t address, size_t bytes) {
    message_add(message, "a secret of ");
    message_add_number(message, bytes, 10);
    message_add(message, " bytes at ");
    message_add_address(message, address);
}

void message_write(struct message *message) {
    message->text[message->length++] = '\n';
    ssize_t written = write(STDERR_FILENO, message->text, message->length);
    (void)written; /* there is no other place for the message */
}
