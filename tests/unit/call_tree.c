/* The call tree has one node for equal stacks and different nodes for different ones, and still
 * finds its nodes when there is no memory for more. */
#include "unit.h"

#include <limits.h>

#include "failing_os.h"
#include "random.h"
#include "stack/call_tree.h"

#define NODES 20000u

static struct {
    uint32_t caller, id;
    uintptr_t pc;
} list[NODES];

static void equal_stacks_are_one_node(void **state) {
    (void)state;
    uint64_t seed = 1;
    uint32_t before = call_tree_nodes();
    for (unsigned i = 0; i < NODES; i++) {
        list[i].caller = i < 10 ? 0 : list[random_below(&seed, i)].id;
        list[i].pc = 0x555555554000 + i / 3 * 16;
        list[i].id = call_tree_node(list[i].caller, list[i].pc);
        assert_int_not_equal(list[i].id, 0);
    }
    uint32_t nodes = call_tree_nodes() - before;
    assert_in_range(nodes, NODES * 9 / 10, NODES);
    for (unsigned i = NODES; i-- > 0;) {
        assert_int_equal(call_tree_node(list[i].caller, list[i].pc), list[i].id);
        assert_int_equal(call_tree_caller(list[i].id), list[i].caller);
        assert_int_equal(call_tree_pc(list[i].id), list[i].pc);
    }
    assert_int_equal(call_tree_nodes() - before, nodes);
}

/* The addresses of these stacks are equal in most bits. */
static void different_stacks_are_different_nodes(void **state) {
    (void)state;
    uint32_t caller = 0, last = 0;
    for (unsigned i = 0; i < 3000; i++) {
        uint32_t node = call_tree_node(caller, (uintptr_t)1 << 32), other;
        assert_int_not_equal(node, last);
        other = call_tree_node(caller, ((uintptr_t)1 << 32) + 1);
        assert_int_not_equal(node, other);
        caller = last = node;
    }
}

static void existing_nodes_are_found_without_memory(void **state) {
    (void)state;
    uint32_t first = call_tree_node(0, 1), node;
    uintptr_t more = 2;
    os_fail(OS_MAP, 1, LONG_MAX);
    while ((node = call_tree_node(0, more)) != 0) more++;
    uint32_t nodes = call_tree_nodes();
    for (unsigned i = 0; i < 100; i++) assert_int_equal(call_tree_node(0, more + i), 0);
    assert_int_equal(call_tree_node(0, 1), first);
    assert_int_not_equal(call_tree_node(0, more - 1), 0);
    assert_int_equal(call_tree_nodes(), nodes);
    os_fail(OS_MAP, 1, 0);
    assert_int_equal(call_tree_node(0, more), nodes + 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_stacks_are_one_node),
        cmocka_unit_test(different_stacks_are_different_nodes),
        cmocka_unit_test(existing_nodes_are_found_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
