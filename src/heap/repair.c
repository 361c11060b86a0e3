#include "heap/repair.h"

#include "heap/cold.h"
#include "heap/magazine.h"
#include "heap/remote.h"
#include "heap/slab.h"
#include "os/lock.h"
#include "pages/mapping.h"
#include "pages/meta.h"
#include "pages/pages.h"

RARE void repair_heap(struct heap *heap) {
    magazines_forget(heap);
    heap->empties = 0;
    for (unsigned class = 0; class < CLASSES; class ++) heap->bin[class].partial = NULL;
    size_t granules = __atomic_load_n(&space.granules, __ATOMIC_ACQUIRE);
    for (size_t granule = 1; granule < granules; granule++) {
        struct slab *slab = slab_of(granule);
        if (atomic_load_explicit(&slab->owner, memory_order_relaxed) == heap && slab->index == 0)
            slab_repair(heap, slab);
    }
    remote_collect_all(heap);
}

RARE void repair_after_fork(void) {
    bool was_held = atomic_load_explicit(&global_lock.word, memory_order_relaxed) != 0;
    atomic_store_explicit(&global_lock.word, 0, memory_order_relaxed);
    if (was_held) {
        space_after_fork();
        meta_forget_free();
        pages_rebuild();
    }
    cold_after_fork(was_held);
}
