/* cause: heap overflow | modes: full hard guard */
#include "corpus.h"

struct message {
    int length;
    char text[];
};

/* The size of the block does not include the header. */
int main(void) {
    const char *text = "to whom it may concern";
    size_t length = strlen(text);
    size_t header = EITHER(0, sizeof(struct message));
    struct message *m = HIDDEN((struct message *)malloc(header + length)); /* ALLOCATED */
    m->length = (int)length;
    for (size_t i = 0; i < length; i++) m->text[i] = text[i]; /* BUG */
    free(m);                                                  /* FOUND */
    return 0;
}
