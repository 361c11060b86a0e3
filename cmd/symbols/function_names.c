#include "symbols/function_names.h"

#include <fnmatch.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"

#define SHORT_NAME_MAX 60

/* ---- parts of a C++ name ---- */

static bool function_names_begin(const char *text, const char *prefix) {
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* Returns the length of a part that does not end the name although it has a parenthesis or angle
 * bracket: "(anonymous namespace)", "operator<", "operator()", "{lambda(int)#1}", "<impl A for B>".
 */
static size_t function_names_skip(const char *at) {
    static const char anonymous[] = "(anonymous namespace)", word[] = "operator";
    if (function_names_begin(at, anonymous)) return strlen(anonymous);
    if (*at == '{') return strcspn(at, "}");
    if (!function_names_begin(at, word)) return 0;
    at += strlen(word);
    if (function_names_begin(at, "()")) return strlen(word) + 2;
    return strlen(word) + strspn(at, "<>=-+*/%&|^!~");
}

/* Finds the name between the return type and the parameters. */
static void function_names_split(const char *function, const char **start, const char **end) {
    int depth = 0;
    bool is_operator = false;
    *start = function;
    for (*end = function; **end != '\0'; ++*end) {
        size_t skipped = function_names_skip(*end);
        is_operator = is_operator || (depth == 0 && function_names_begin(*end, "operator"));
        if (skipped > 1)
            *end += skipped - 1;
        else if (**end == '<')
            depth++;
        else if (**end == '>')
            depth--;
        else if (depth > 0)
            continue;
        else if (**end == '(')
            break;
        else if (**end == ' ' && !is_operator)
            *start = *end + 1;
        if (**end == '\0') break;
    }
}

/* Copies the name, with "<...>" in place of each list of template arguments. */
static char *function_names_collapse(const char *name) {
    char *text = xcalloc(strlen(name) * 5 + 1, 1), *to = text;
    int depth = 0;
    for (const char *at = name; *at != '\0'; at++) {
        size_t skipped = depth == 0 ? function_names_skip(at) : 0;
        if (skipped > 1) {
            memcpy(to, at, skipped);
            to += skipped;
            at += skipped - 1;
        } else if (*at == '<') {
            if (depth++ == 0) to = stpcpy(to, "<...>");
        } else if (*at == '>' && depth > 0) {
            depth--;
        } else if (depth == 0) {
            *to++ = *at;
        }
    }
    return text;
}

char *function_short_name(const char *function) {
    const char *start, *end;
    function_names_split(function, &start, &end);
    if (start >= end) return xstrdup(function);
    char *name = xstrndup(start, (size_t)(end - start));
    if (strlen(name) <= SHORT_NAME_MAX) return name;
    char *text = function_names_collapse(name);
    free(name);
    return text;
}

const char *file_base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash == NULL || slash[1] == '\0' ? path : slash + 1;
}

/* ---- allocation helpers ---- */

/* Patterns of fnmatch(3) for names without return type and parameters. */
static const char *const function_names_helpers[] = {
    /* libc */
    "malloc",
    "calloc",
    "realloc",
    "reallocarray",
    "memalign",
    "aligned_alloc",
    "posix_memalign",
    "valloc",
    "pvalloc",
    "strdup",
    "__strdup",
    "strndup",
    "__strndup",
    "wcsdup",
    "asprintf",
    "vasprintf",
    "__vasprintf*",
    "__asprintf*",
    "_IO_vasprintf",
    /* C++ */
    "operator new*",
    "__gnu_cxx::*allocator<*",
    "std::allocator*",
    "std::__new_allocator<*",
    "std::__allocat*",
    "std::_Vector_base<*",
    "std::vector<*",
    "std::_Deque_base<*",
    "std::deque<*",
    "std::_Rb_tree<*",
    "std::_Hashtable<*",
    "std::__detail::*",
    "std::map<*",
    "std::set<*",
    "std::multimap<*",
    "std::multiset<*",
    "std::unordered_*",
    "std::list<*",
    "std::__cxx11::list<*",
    "std::__cxx11::basic_string<*",
    "std::basic_string<*",
    "std::string::*",
    "std::__cxx11::_List_base<*",
    "std::forward_list<*",
    "std::make_unique*",
    "std::make_shared*",
    "std::allocate_shared*",
    "std::__shared_ptr<*",
    "std::__shared_count<*",
    "std::shared_ptr<*",
    "std::_Function_base::*",
    "std::operator+*",
    "std::__cxx11::to_string*",
    "std::__uninitialized_*",
    "std::uninitialized_*",
    "std::_Construct*",
    "std::construct_at*",
    "std::__cxx11::basic_stringbuf<*",
    "std::__1::*",
    /* V8 */
    "v8::internal::Malloced::*",
    "v8::internal::AllocWithRetry*",
    "v8::internal::AlignedAlloc*",
    "v8::internal::BackingStore::Allocate*",
    "v8::internal::Heap::AllocateExternalBackingStore*",
    "node::*Malloc<*",
    "node::*Realloc<*",
    "node::NodeArrayBufferAllocator::*",
    /* Rust */
    "__rust_alloc*",
    "__rust_realloc*",
    "__rdl_alloc*",
    "__rg_alloc*",
    "alloc::alloc::*",
    "alloc::raw_vec::*",
    "alloc::vec::*",
    "alloc::string::*",
    "alloc::boxed::*",
    "<alloc::*",
    "hashbrown::*",
    "std::collections::hash::*",
    /* libraries */
    "g_malloc*",
    "g_realloc*",
    "g_try_malloc*",
    "g_slice_*",
    "g_strdup*",
    "g_strndup",
    "PyMem_*",
    "PyObject_Malloc",
    "PyObject_Calloc",
    "PyObject_Realloc",
    "_PyMem_*",
    "_PyObject_Malloc",
    "_PyObject_Realloc",
    "_PyObject_GC_*",
    "gc_alloc",
    "PyType_GenericAlloc",
    "_PyType_AllocNoTrack",
    "_PyObject_New",
    "_PyObject_NewVar",
    "_PyObject_MallocWithType",
    "sqlite3Malloc*",
    "sqlite3MemMalloc",
    "sqlite3MemRealloc",
    "sqlite3Realloc*",
    "sqlite3DbMalloc*",
    "sqlite3DbRealloc*",
    "dbMallocRawFinish",
    "sqlite3_malloc*",
    "sqlite3_realloc*",
    "mallocWithAlarm",
    "xmalloc",
    "xcalloc",
    "xrealloc",
    "xstrdup",
    "xstrndup",
    "xmemdup",
    "xnmalloc",
    "xnrealloc",
    "sh_xmalloc",
    "sh_xrealloc",
    "zmalloc*",
    "zcalloc*",
    "zrealloc*",
    "ztrymalloc*",
    "ztrycalloc*",
    "ztryrealloc*",
    "Perl_safesys*alloc",
    "Perl_sv_grow*",
    "CRYPTO_malloc",
    "CRYPTO_zalloc",
    "CRYPTO_realloc",
    "emalloc",
    "erealloc",
    "_emalloc*",
    "_erealloc*",
    "ruby_xmalloc*",
    "ruby_xrealloc*",
    "objspace_xmalloc*",
    "objspace_xrealloc*",
    "l_alloc",
    "luaM_*",
    "apr_palloc",
    "apr_pcalloc",
    "talloc_*",
    "_talloc_*",
};

bool function_helps_to_allocate(const char *function) {
    static const size_t count = sizeof function_names_helpers / sizeof function_names_helpers[0];
    const char *start, *end;
    bool found = false;
    function_names_split(function, &start, &end);
    char *name = xstrndup(start, (size_t)(end - start));
    for (size_t i = 0; i < count && !found; i++)
        found = fnmatch(function_names_helpers[i], name, FNM_NOESCAPE) == 0;
    free(name);
    return found;
}
