/*
 * A model of remote frees for spin: threads free blocks in slabs that they do not own
 * (src/heap/remote.c, slab*.c, heap_*.c).
 *
 * Two threads own a heap each. They end, are followed by other threads, and take over slabs from
 * the other heap while no thread holds it. OTHERS more threads free blocks of both heaps. With
 * VISITOR one more thread visits heaps whose threads are not in a slow path, collects their remote
 * frees and returns pages. Every access to shared memory is one step; accesses to memory that only
 * the owner of a heap touches belong to the same step. The steps have the names of the functions
 * that they model:
 *
 *   remote_free, remote_give, remote_announce, remote_push,
 *   remote_collect, remote_look_at                                   remote.c
 *   slab_create, slab_take, slab_give, slab_harvest, slab_retire,
 *   slab_retire_empty, slab_transfer                                 slab*.c
 *   heap_seize, heap_release, heap_reap, heap_reap_class,
 *   heap_take_orphan_slab                                            heap_*.c
 *   fast_take, fast_give                                             fast.h
 *
 * A magazine, or a quarantine, is the set of the slots that are `cached` by its heap. FRESH slots
 * and the lists of partial slabs are left out, because no other thread ever sees them (tests/unit
 * checks them). There is one size class, because an owner that finds nothing looks at the lists of
 * all classes. The memory of the model is sequentially consistent: ThreadSanitizer checks the
 * memory orders of the C code (tests/stress).
 *
 * The assertions of the steps must hold, and check_quiet whenever no thread is inside one of the
 * functions. No slot is handed out while the program has it. Without DOUBLE_FREE each block is
 * freed once, by any thread. With it several threads may free a used slot at the same time, among
 * them its owner in the fast path, which reads the state and stores the new one in two steps. With
 * HOLDING a thread may keep a slot of another heap's slab for itself, like a quarantine after the
 * slab went to another heap.
 *
 * A run with one of the PLANT_ definitions contains that mistake, and must fail.
 */

#ifndef SLABS
#define SLABS 2
#endif
#ifndef SLOTS
#define SLOTS 1
#endif
#ifndef OTHERS
#define OTHERS 2
#endif
#define HEAPS 2
#define NONE 0 /* no heap, no slab: both count from 1 */

#define FREE 0
#define USED 1
#define CACHED 2
#define REMOTE 3
#define HELD 4

typedef Slab {
    byte owner;
    bool pending;
    byte next_pending;
    byte outside;
    byte parts;  /* the number of granules, in a slab's first one */
    bool inner;  /* a granule that is not a slab's first (index != 0) */
    bool taken;  /* the page heap gave it to a slab */
    byte state[SLOTS];
    byte cached[SLOTS]; /* the heap in whose magazine the slot is */
    bool live[SLOTS];   /* the program has the block: no free of it has taken effect (or begun) */
#ifdef DOUBLE_FREE
    bool handed_out[SLOTS]; /* since its owner last read its state to free it */
#endif
};

Slab slab[SLABS + 1];
byte pending[HEAPS + 1];
byte collecting[HEAPS + 1];
bool visited[HEAPS + 1], busy[HEAPS + 1];
bool trimming[SLABS + 1]; /* the pages of one of its free slots are being returned */
byte holder[HEAPS + 1];  /* the thread that holds the heap's mutex */
byte inside;             /* the number of threads inside one of the functions */

/* ---- what must hold while no thread is inside a function ---- */

hidden byte at, n, links;
hidden byte seen[SLABS + 1];

inline check_list(first) {
    at = first;
    do
    :: at == NONE -> break
    :: else ->
        assert(seen[at] == 0); /* no slab is listed twice, no list is a cycle */
        assert(slab[at].pending);
        seen[at] = 1;
        at = slab[at].next_pending
    od
}

inline check_slot(s, i) {
    assert((slab[s].cached[i] == NONE) ==
           (slab[s].state[i] != CACHED && slab[s].state[i] != HELD));
    assert(slab[s].state[i] != CACHED || slab[s].cached[i] == slab[s].owner);
    assert(slab[s].live[i] == (slab[s].state[i] == USED));
    /* The free is not lost: the slab's owner, or the owner's successor, finds the slab on a
     * list. */
    assert(slab[s].state[i] != REMOTE || seen[s] == 1);
    n = n + (slab[s].state[i] != FREE)
}

inline check_slab(s) {
    n = 0;
    for (links : 0 .. SLOTS - 1) { check_slot(s, links) }
    assert(slab[s].inner || slab[s].outside == n);
    assert((slab[s].owner != NONE) == slab[s].taken);
    assert(slab[s].taken || n == 0);
    assert(slab[s].pending == seen[s]); /* a flag without a list would keep it off all lists */
}

inline check_quiet() {
    for (at : 1 .. SLABS) { seen[at] = 0 }
    check_list(pending[1]);
    check_list(pending[2]);
    check_list(collecting[1]);
    check_list(collecting[2]);
    check_slab(1);
#if SLABS > 1
    check_slab(2);
#endif
    at = 0; n = 0; links = 0
}

inline enter() { inside++ }

inline leave() {
    atomic {
        inside--;
        if
        :: inside == 0 -> check_quiet()
        :: else
        fi;
        s = 0; i = 0; o = 0; h = 0
    }
}

/* Enter and leave a heap, like heap_enter, heap_seize and heap_leave. */
inline mark_busy(x) {
#ifdef VISITOR
    busy[x] = true;
#ifndef PLANT_VISITOR_NOT_AWAITED
    !visited[x];
#endif
#else
    skip
#endif
}

inline mark_idle(x) {
#ifdef VISITOR
    busy[x] = false
#else
    skip
#endif
}

/* ---- choosing ---- */

#ifdef DOUBLE_FREE
#define may_free(x, y) (slab[x].state[y] == USED)
#define begin_free(x, y)
#else
#define may_free(x, y) slab[x].live[y]
#define begin_free(x, y) slab[x].live[y] = false
#endif

/* Hands the slot to the program, which must not have it. */
inline hand_out(x, y) {
    assert(!slab[x].live[y]);
    slab[x].live[y] = true;
#ifdef DOUBLE_FREE
    slab[x].handed_out[y] = true;
#endif
    slab[x].state[y] = USED
}

#define SLOT(condition, x, y) :: condition(x, y) -> s = x; i = y
#if SLABS == 1 && SLOTS == 1
#define SOME_SLOT(condition) SLOT(condition, 1, 0)
#elif SLABS == 1
#define SOME_SLOT(condition) SLOT(condition, 1, 0) SLOT(condition, 1, 1)
#elif SLOTS == 1
#define SOME_SLOT(condition) SLOT(condition, 1, 0) SLOT(condition, 2, 0)
#else /* one slot of the first slab suffices */
#define SOME_SLOT(condition) SLOT(condition, 1, 0) SLOT(condition, 2, 0) SLOT(condition, 2, 1)
#endif

#define is_mine(x, y)      (slab[x].owner == me && !slab[x].inner)
#define may_take(x, y)     (is_mine(x, y) && slab[x].state[y] == FREE)
#define may_pop(x, y)      (slab[x].cached[y] == me)
#define may_hold(x, y)     (slab[x].owner != me && may_free(x, y))
#define may_retire_own(x, y) (is_mine(x, y) && slab[x].outside == 0)
#define may_free_own(x, y) (is_mine(x, y) && may_free(x, y))
#define may_flush(x, y)    (slab[x].cached[y] == h)
#define may_retire(x, y)   (slab[x].owner == h && !slab[x].inner && slab[x].outside == 0)
#define may_hand_over(x, y) (slab[x].owner == h && !slab[x].inner && slab[x].state[y] == FREE)

/* ---- remote.c ---- */

/* The loop around the compare-and-swap is one step: no other thread reads next_pending before
 * it. */
inline remote_push(owner, x) {
    atomic {
        assert(owner != NONE);
        slab[x].next_pending = pending[owner];
        pending[owner] = x
    }
}

inline remote_announce(owner, x) {
    if
    :: slab[x].pending
    :: else ->
#ifdef PLANT_NO_EXCHANGE
        slab[x].pending = true;
        remote_push(owner, x)
#else
        if
        :: atomic { slab[x].pending -> skip }
        :: atomic { !slab[x].pending -> slab[x].pending = true }; remote_push(owner, x)
        fi
#endif
    fi
}

/* Only a block that is freed twice can have a slab that retires meanwhile. */
#ifdef PLANT_RETIRED_OWNER
#define retired(owner) false
#else
#define retired(owner) (owner == NONE)
#endif

inline remote_free() {
    o = slab[s].owner;
#ifdef PLANT_PENDING_BEFORE_CAS
    was_pending = slab[s].pending;
#endif
    if
    :: atomic { slab[s].state[i] != USED || retired(o) -> skip }
#ifdef PLANT_STORE_FOR_CAS
    :: slab[s].state[i] == USED && !retired(o) ->
        slab[s].live[i] = false; slab[s].state[i] = REMOTE; i = 0;
#else
    :: atomic {
            slab[s].state[i] == USED && !retired(o) ->
            slab[s].live[i] = false;
            slab[s].state[i] = REMOTE;
            i = 0
        };
#endif
#ifdef PLANT_OWNER_AFTER_CAS
        o = slab[s].owner;
#endif
#ifdef PLANT_PENDING_BEFORE_CAS
        if
        :: was_pending
        :: else -> remote_announce(o, s)
        fi
#else
        remote_announce(o, s)
#endif
    fi
}

inline remote_give() {
    atomic {
        assert(slab[s].state[i] == HELD);
        slab[s].cached[i] = NONE;
        slab[s].state[i] = REMOTE;
        i = 0
    };
#ifdef PLANT_OWNER_AFTER_GIVING
    o = slab[s].owner;
#endif
    remote_announce(o, s);
    o = 0
}

inline remote_look_at() {
    o = slab[s].owner;
    if
    :: o != h && o != NONE ->
#ifdef PLANT_NO_FORWARDING
        skip
#else
        remote_announce(o, s)
#endif
#ifdef PLANT_INNER_AS_HEAD
    :: o == h -> slab_harvest()
#else
    :: o == h && !slab[s].inner -> slab_harvest()
#endif
    :: else
    fi
}

inline take_list() {
    if
    :: collecting[h] == NONE -> collecting[h] = pending[h]; pending[h] = NONE
    :: else
    fi
}

inline remote_collect() {
    atomic { take_list() };
    do
    :: collecting[h] == NONE -> break
    :: else ->
#ifdef PLANT_NEXT_AFTER_CLEARING
        s = collecting[h];
        slab[s].pending = false;
        collecting[h] = slab[s].next_pending;
        remote_look_at()
#else
        atomic {
            s = collecting[h];
            assert(slab[s].pending);
            collecting[h] = slab[s].next_pending
        }
#ifdef PLANT_CLEAR_AFTER_HARVEST
        remote_look_at();
        slab[s].pending = false
#else
        slab[s].pending = false;
        remote_look_at()
#endif
#endif
    od;
    s = 0; o = 0
}

/* ---- slab.c ---- */

inline create(x, count) {
    slab[x].taken = true;
    slab[x].parts = count;
    slab[x].inner = false;
    slab[x].owner = me;
    if
    :: count == 2 ->
        slab[x + 1].taken = true;
        slab[x + 1].inner = true;
        slab[x + 1].owner = me
    :: else
    fi
}

inline pages_free(x) {
    slab[x].taken = false;
    slab[x].parts = 0
}

inline owner_none(x) {
    for (i : 0 .. SLOTS - 1) { assert(slab[x].state[i] == FREE) }
    i = 0;
#ifdef PLANT_RETIRING_CLEARS_PENDING
    slab[x].pending = false;
#endif
    slab[x].owner = NONE
}

inline slab_retire(x) {
    if
    :: atomic { slab[x].parts == 1 -> owner_none(x); pages_free(x) }
    :: atomic { slab[x].parts == 2 -> owner_none(x) };
        atomic { slab[x + 1].owner = NONE; slab[x + 1].taken = false; pages_free(x) }
    fi
}

inline slab_harvest() {
    assert(!slab[s].inner);
    count = 0;
    i = 0;
    do
    :: atomic {
            i < SLOTS ->
            if
            :: slab[s].state[i] == REMOTE -> slab[s].state[i] = FREE; count++
            :: else
            fi;
            i++
        }
    :: atomic {
            i == SLOTS ->
            assert(slab[s].outside >= count);
            slab[s].outside = slab[s].outside - count;
            i = 0;
            break
        }
    od;
    count = 0
}

inline slab_give() {
    if
    :: atomic {
            slab[s].owner == h ->
            assert(slab[s].state[i] == CACHED || slab[s].state[i] == HELD);
            slab[s].cached[i] = NONE;
            slab[s].state[i] = FREE;
            slab[s].outside--;
            i = 0
        }
    :: atomic { slab[s].owner != h -> o = slab[s].owner }; remote_give()
    fi
}

inline slab_transfer() {
    slab[s].owner = me;
    if
    :: slab[s].parts == 2 -> slab[s + 1].owner = me
    :: else
    fi
}

/* ---- heap_*.c ---- */

inline flush_all() {
    do
    :: atomic {
            if
            SOME_SLOT(may_flush)
            :: else -> break
            fi
        };
        slab_give()
    od
}

inline retire_all_empty() {
    do
    :: atomic {
            if
            SOME_SLOT(may_retire)
            :: else -> break
            fi
        };
        slab_retire(s)
    od
}

/* heap_reap_class, or heap_reap, which also retires slabs */
inline heap_take_orphan_slab() {
    mark_busy(h);
    remote_collect();
#ifndef PLANT_TAKEN_UNFLUSHED
    flush_all();
#endif
    if
    :: true -> retire_all_empty()
    :: true
    fi;
    if
    SOME_SLOT(may_hand_over); slab_transfer()
    :: else
    fi;
    mark_idle(h);
    holder[h] = NONE
}

proctype thread(byte me) {
    byte s, i, o, h, count;
    do
    :: atomic { holder[me] == NONE -> holder[me] = me }  /* heap_seize */
    :: atomic { holder[me] == me -> holder[me] = NONE }  /* the thread ends */
    :: atomic { holder[me] == me && !slab[1].taken -> create(1, 1) }
#if SLABS > 1
    :: atomic { holder[me] == me && !slab[2].taken -> create(2, 1) }
    :: atomic { holder[me] == me && !slab[1].taken && !slab[2].taken -> create(1, 2) }
#endif
#ifdef VISITOR
    :: atomic { /* slab_take in several steps, because a visitor may be at work */
            holder[me] == me && (is_mine(1, 0)
#if SLABS > 1
            || is_mine(2, 0)
#endif
            );
            enter()
        };
        mark_busy(me);
        atomic {
            if
            SOME_SLOT(may_take);
                assert(!trimming[s]);
                hand_out(s, i);
                slab[s].outside++
            :: else
            fi
        };
        mark_idle(me);
        leave()
#else
    :: atomic { /* slab_take, and fast_take from an empty magazine */
            holder[me] == me;
            if
            SOME_SLOT(may_take)
            fi;
            hand_out(s, i);
            slab[s].outside++;
            s = 0; i = 0
        }
#endif
    :: atomic { /* fast_take */
            holder[me] == me;
            if
            SOME_SLOT(may_pop)
            fi;
            assert(slab[s].state[i] == CACHED || slab[s].state[i] == HELD);
            slab[s].cached[i] = NONE;
            hand_out(s, i);
            s = 0; i = 0
        }
    :: atomic { /* fast_give: reads the state */
            holder[me] == me;
            if
            SOME_SLOT(may_free_own)
            fi;
            begin_free(s, i);
            enter()
#ifdef DOUBLE_FREE
            ;
            slab[s].handed_out[i] = false
        };
        atomic { /* stores the new state: another thread's compare-and-swap may come between */
            slab[s].live[i] = slab[s].live[i] && slab[s].handed_out[i];
#endif
            assert(slab[s].cached[i] == NONE);
            slab[s].state[i] = CACHED;
            slab[s].cached[i] = me;
            leave()
        }
#if defined(HOLDING) || defined(PLANT_KEPT_BY_STRANGER)
    :: atomic { /* full_free, quarantine_put: reads the state */
            holder[me] == me;
            if
            SOME_SLOT(may_hold)
            fi;
            begin_free(s, i);
            enter()
        };
        atomic {
            if
            :: slab[s].state[i] == USED ->
                slab[s].live[i] = false;
                slab[s].state[i] = HELD;
                slab[s].cached[i] = me
            :: else
            fi;
            leave()
        }
#endif
    :: atomic {
            holder[me] == me;
            if
            SOME_SLOT(may_pop)
            fi;
            h = me;
            enter()
        };
        mark_busy(me);
        slab_give();
        mark_idle(me);
        leave()
    :: atomic { /* slab_retire_empty */
            holder[me] == me;
            if
            SOME_SLOT(may_retire_own)
            fi;
            i = 0;
            enter()
        };
        mark_busy(me);
        slab_retire(s);
        mark_idle(me);
        leave()
    :: atomic { holder[me] == me && (pending[me] != NONE || collecting[me] != NONE) ->
            h = me;
            enter()
        };
        mark_busy(me);
        remote_collect();
        mark_idle(me);
        leave()
#ifdef PLANT_HELD_HEAP_REAPED
    :: atomic { holder[me] == me -> h = 3 - me; enter() };
#else
    :: atomic {
            holder[me] == me && holder[3 - me] == NONE ->
            h = 3 - me;
            holder[h] = me;
            enter()
        };
#endif
        heap_take_orphan_slab();
        leave()
    od
}

proctype other() {
    byte s, i, o, h;
#ifdef PLANT_PENDING_BEFORE_CAS
    bool was_pending;
#endif
    do
    :: atomic {
            if
            SOME_SLOT(may_free)
            fi;
            begin_free(s, i);
            enter()
        };
        remote_free();
        leave()
    od
}

#ifdef VISITOR
/* ---- heap_visit_begin, and the visits of decay.c and trim.c ---- */

#define may_trim(x, y) (slab[x].owner == h && !slab[x].inner && slab[x].state[y] == FREE)

/* Returns the pages of a free slot, which no thread may take meanwhile. */
inline trim_slot() {
    if
    :: atomic {
            if
            SOME_SLOT(may_trim)
            fi;
            trimming[s] = true
        };
        atomic {
            assert(slab[s].owner == h && slab[s].state[i] == FREE);
            trimming[s] = false
        }
    :: else
    fi;
    s = 0; i = 0
}

proctype visitor() {
    byte s, i, o, h, count;
    do
    :: atomic {
            if
            :: h = 1
            :: h = 2
            fi;
            enter();
            visited[h] = true
        };
        if
#ifndef PLANT_VISITOR_INTRUDES
        :: busy[h]
#endif
        :: else -> remote_collect(); trim_slot()
        fi;
        visited[h] = false;
        leave()
    od
}
#endif

init {
    atomic {
#ifdef VISITOR
        run visitor();
#endif
        run thread(1);
        run thread(2);
        for (n : 1 .. OTHERS) { run other() }
        n = 0
    }
}
