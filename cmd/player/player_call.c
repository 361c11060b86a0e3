/* Calls the malloc family. */
#include <malloc.h>
#include <stddef.h>
#include <stdlib.h>

#include "player/player.h"

/* The C++ operators, and free_sized of C23, exist if the allocator has them. Without them the
 * operators of libstdc++ would call malloc and free. */
#define WEAK __attribute__((weak))
void *operator_new(size_t size) __asm__("_Znwm") WEAK;
void *operator_new_array(size_t size) __asm__("_Znam") WEAK;
void *operator_new_aligned(size_t size, size_t alignment) __asm__("_ZnwmSt11align_val_t") WEAK;
void *operator_new_array_aligned(size_t, size_t) __asm__("_ZnamSt11align_val_t") WEAK;
void operator_delete(void *block) __asm__("_ZdlPv") WEAK;
void operator_delete_array(void *block) __asm__("_ZdaPv") WEAK;
void operator_delete_sized(void *block, size_t size) __asm__("_ZdlPvm") WEAK;
void operator_delete_array_sized(void *block, size_t size) __asm__("_ZdaPvm") WEAK;
void operator_delete_aligned(void *block, size_t alignment) __asm__("_ZdlPvSt11align_val_t") WEAK;
void operator_delete_array_aligned(void *, size_t) __asm__("_ZdaPvSt11align_val_t") WEAK;
void free_of_size(void *block, size_t size) __asm__("free_sized") WEAK;
void free_of_aligned_size(void *, size_t, size_t) __asm__("free_aligned_sized") WEAK;

static void *player_call_aligned(const struct player_call *call) {
    void *block;
    if (call->op == REPLAY_NEW && operator_new_aligned != NULL)
        return operator_new_aligned(call->size, call->alignment);
    if (call->op == REPLAY_NEW_ARRAY && operator_new_array_aligned != NULL)
        return operator_new_array_aligned(call->size, call->alignment);
    size_t alignment = call->alignment < sizeof(void *) ? sizeof(void *) : call->alignment;
    return posix_memalign(&block, alignment, call->size) == 0 ? block : NULL;
}

static void player_call_delete(void *block, const struct player_call *call) {
    if (operator_delete == NULL)
        free(block);
    else if (call->alignment != 0 && operator_delete_aligned != NULL)
        operator_delete_aligned(block, call->alignment);
    else if (call->size != 0 && operator_delete_sized != NULL)
        operator_delete_sized(block, call->size);
    else
        operator_delete(block);
}

static void player_call_delete_array(void *block, const struct player_call *call) {
    if (operator_delete_array == NULL)
        free(block);
    else if (call->alignment != 0 && operator_delete_array_aligned != NULL)
        operator_delete_array_aligned(block, call->alignment);
    else if (call->size != 0 && operator_delete_array_sized != NULL)
        operator_delete_array_sized(block, call->size);
    else
        operator_delete_array(block);
}

static void *player_call_allocate(const struct player_call *call) {
    if (call->alignment != 0) return player_call_aligned(call);
    if (call->op == REPLAY_CALLOC) return calloc(1, call->size);
    if (call->op == REPLAY_NEW && operator_new != NULL) return operator_new(call->size);
    if (call->op == REPLAY_NEW_ARRAY && operator_new_array != NULL)
        return operator_new_array(call->size);
    return malloc(call->size);
}

static void player_call_release(void *block, const struct player_call *call) {
    if (call->op == REPLAY_DELETE)
        player_call_delete(block, call);
    else if (call->op == REPLAY_DELETE_ARRAY)
        player_call_delete_array(block, call);
    else if (call->op == REPLAY_FREE_SIZED && call->alignment != 0 && free_of_aligned_size != NULL)
        free_of_aligned_size(block, call->alignment, call->size);
    else if (call->op == REPLAY_FREE_SIZED && call->alignment == 0 && free_of_size != NULL)
        free_of_size(block, call->size);
    else
        free(block);
}

void *player_call(const struct player_call *call, void *block) {
    switch (call->op) {
    case REPLAY_MALLOC:
    case REPLAY_CALLOC:
    case REPLAY_NEW:
    case REPLAY_NEW_ARRAY:
        return player_call_allocate(call);
    case REPLAY_REALLOC:
        return realloc(block, call->size);
    case REPLAY_TRIM:
        malloc_trim(call->size);
        return NULL;
    default:
        player_call_release(block, call);
        return NULL;
    }
}
