/* The functions that allocate a block and that free it must belong to the same family. */
#ifndef MALLOW_FAMILY_H
#define MALLOW_FAMILY_H

enum family {
    FAMILY_MALLOC,    /* malloc, calloc, realloc, memalign...; free */
    FAMILY_NEW,       /* operator new; operator delete */
    FAMILY_NEW_ARRAY, /* operator new[]; operator delete[] */
};

#endif
