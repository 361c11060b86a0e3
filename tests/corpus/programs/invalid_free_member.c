/* cause: invalid free | modes: default full hard guard */
#include "corpus.h"

struct person {
    int age;
    char name[60];
};

/* Frees an embedded array as if it were a separate block. */
int main(void) {
    struct person *person = HIDDEN((struct person *)malloc(sizeof *person)); /* ALLOCATED */
    strcpy(person->name, "Ada");
    MISUSE(free(HIDDEN((char *)person->name))); /* BUG */
    free(person);
    return 0;
}
