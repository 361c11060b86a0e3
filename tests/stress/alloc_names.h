/*
 * Names the functions under test: the names of libc, which a preloaded library defines, or with
 * STRESS_DIRECT the core's own names, next to the system's malloc. A sanitizer defines the names of
 * libc itself, so a core that is compiled with one is tested by its own names.
 */
#ifndef ALLOC_NAMES_H
#define ALLOC_NAMES_H

#ifdef STRESS_DIRECT

#    include <mallow.h>

#    define heap_malloc mallow_malloc
#    define heap_calloc mallow_calloc
#    define heap_realloc mallow_realloc
#    define heap_memalign mallow_memalign
#    define heap_free mallow_free
#    define heap_usable_size mallow_usable_size
#    define heap_trim mallow_trim

#else

#    include <malloc.h>
#    include <stdlib.h>

#    define heap_malloc malloc
#    define heap_calloc calloc
#    define heap_realloc realloc
#    define heap_memalign memalign
#    define heap_free free
#    define heap_usable_size malloc_usable_size
#    define heap_trim malloc_trim

#endif

#endif
