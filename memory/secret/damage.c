#include "secret/damage.h"

#include <stdlib.h>

#include "secret/message.h"

void damage_near(const char *where, uintptr_t address, size_t bytes) {
    struct message message;
    message_begin(&message);
    message_add(&message, "the bytes ");
    message_add(&message, where);
    message_add(&message, " ");
    message_add_secret(&message, address, bytes);
    message_add(&message, " were overwritten");
    message_write(&message);
    abort();
}

void damage_in_free(uintptr_t address) {
    struct message message;
    message_begin(&message);
    message_add(&message, "a freed secret at ");
    message_add_address(&message, address);
    message_add(&message, " was written to");
    message_write(&message);
    abort();
}
