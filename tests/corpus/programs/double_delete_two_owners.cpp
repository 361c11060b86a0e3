/* cause: double free | modes: default full hard guard */
#include "corpus.h"

#include <memory>

/* Gives one object two reference counts. */
int main() {
    int *p = HIDDEN(new int(1)); /* ALLOCATED */
    {
        std::shared_ptr<int> first(p);
        std::shared_ptr<int> second(EITHER(std::shared_ptr<int>(p), first));
    }
    return 0;
}
