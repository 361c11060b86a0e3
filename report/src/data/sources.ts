// Trees that an icicle graph shows: from callers to callees, or inverted.
import type { Tree } from "./stacks";

/** A tree with two values for each node: of the profile, and of the one it is compared with. */
export interface Source {
    children(node: number): ArrayLike<number>;
    parent(node: number): number;
    fn(node: number): number;
    depth(node: number): number;
    value(node: number): number;
    base(node: number): number;
    /** Replaces the values of the sites. */
    update(sites: Uint32Array, values: Float64Array, bases: Float64Array | null): void;
    /** Returns the node that a path of functions leads to, or the root. */
    find(path: readonly number[]): number;
    /** Returns the innermost nodes below a node: tree nodes in which sites allocate. */
    covers(node: number, treeNode: number): boolean;
}

export function pathOf(source: Source, node: number): number[] {
    const path: number[] = [];
    for (; node !== 0; node = source.parent(node)) path.unshift(source.fn(node));
    return path;
}

function findPath(source: Source, path: readonly number[]): number {
    let node = 0;
    for (const fn of path) {
        const next = Array.from(source.children(node)).find((child) => source.fn(child) === fn);
        if (next === undefined) return node;
        node = next;
    }
    return node;
}

/** The tree as it is. Children are ordered by a value that does not depend on the range. */
export class TopDown implements Source {
    private total: Float64Array;
    private totalBase: Float64Array | null = null;

    constructor(private tree: Tree, weight: Float64Array) {
        this.total = new Float64Array(tree.count);
        for (let i = 0; i < tree.count; i++)
            if (tree.firstChild[i + 1]! - tree.firstChild[i]! > 1)
                tree.children.subarray(tree.firstChild[i]!, tree.firstChild[i + 1]!)
                    .sort((a, b) => weight[b]! - weight[a]! || a - b);
    }

    children(node: number): Uint32Array {
        return this.tree.children.subarray(this.tree.firstChild[node]!, this.tree.firstChild[node + 1]!);
    }
    parent(node: number): number { return this.tree.parent[node]!; }
    fn(node: number): number { return this.tree.fn[node]!; }
    depth(node: number): number { return this.tree.depth[node]!; }
    value(node: number): number { return this.total[node]!; }
    base(node: number): number { return this.totalBase === null ? 0 : this.totalBase[node]!; }

    update(sites: Uint32Array, values: Float64Array, bases: Float64Array | null): void {
        this.total = sumUp(this.tree, sites, values);
        this.totalBase = bases === null ? null : sumUp(this.tree, sites, bases);
    }
    find(path: readonly number[]): number { return findPath(this, path); }
    covers(node: number, treeNode: number): boolean {
        while (treeNode > node) treeNode = this.tree.parent[treeNode]!;
        return treeNode === node;
    }
}

/** Returns the sums over the nodes below each node. `sites` has the tree node of each value. */
export function sumUp(tree: Tree, sites: Uint32Array, values: Float64Array): Float64Array {
    const total = new Float64Array(tree.count);
    for (let i = 0; i < sites.length; i++) total[sites[i]!]! += values[i]!;
    for (let i = tree.count - 1; i > 0; i--) total[tree.parent[i]!]! += total[i]!;
    return total;
}

/**
 * The tree of callers. A node is a range of the list of all innermost nodes, ordered so that the
 * nodes with the same innermost functions are adjacent. Ranges are divided when they are visible.
 */
export class Inverted implements Source {
    private order: Uint32Array; // tree nodes
    private start: number[] = [0];
    private end: number[];
    private up: number[] = [0];
    private functions: number[] = [0];
    private depths: number[] = [0];
    private kids: (number[] | undefined)[] = [undefined];
    private self: Float64Array;
    private selfBase: Float64Array | null = null;
    private prefix: Float64Array;
    private prefixBase: Float64Array | null = null;

    constructor(private tree: Tree, sites: Uint32Array) {
        this.order = Uint32Array.from(new Set(sites));
        this.end = [this.order.length];
        this.self = new Float64Array(tree.count);
        this.prefix = new Float64Array(this.order.length + 1);
    }

    parent(node: number): number { return this.up[node]!; }
    fn(node: number): number { return this.functions[node]!; }
    depth(node: number): number { return this.depths[node]!; }
    value(node: number): number { return this.prefix[this.end[node]!]! - this.prefix[this.start[node]!]!; }
    base(node: number): number {
        const sums = this.prefixBase;
        return sums === null ? 0 : sums[this.end[node]!]! - sums[this.start[node]!]!;
    }
    find(path: readonly number[]): number { return findPath(this, path); }
    covers(node: number, treeNode: number): boolean {
        for (let i = this.start[node]!; i < this.end[node]!; i++) if (this.order[i] === treeNode) return true;
        return false;
    }

    update(sites: Uint32Array, values: Float64Array, bases: Float64Array | null): void {
        this.self.fill(0);
        for (let i = 0; i < sites.length; i++) this.self[sites[i]!]! += values[i]!;
        this.selfBase = bases === null ? null : new Float64Array(this.tree.count);
        this.prefixBase = bases === null ? null : new Float64Array(this.order.length + 1);
        if (bases !== null) for (let i = 0; i < sites.length; i++) this.selfBase![sites[i]!]! += bases[i]!;
        this.sumUp(0, this.order.length);
    }

    private sumUp(from: number, to: number): void {
        for (let i = from; i < to; i++) {
            this.prefix[i + 1] = this.prefix[i]! + this.self[this.order[i]!]!;
            if (this.prefixBase !== null)
                this.prefixBase[i + 1] = this.prefixBase[i]! + this.selfBase![this.order[i]!]!;
        }
    }

    children(node: number): number[] { return (this.kids[node] ??= this.divide(node)); }

    /** Orders the range of a node by the caller at its depth, and adds a node for each caller. */
    private divide(node: number): number[] {
        const from = this.start[node]!, to = this.end[node]!, depth = this.depths[node]!;
        const parts = new Map<number, number[]>();
        const done: number[] = []; // stacks that end here
        for (let i = from; i < to; i++) {
            let at = this.order[i]!;
            for (let up = 0; up < depth && at !== 0; up++) at = this.tree.parent[at]!;
            if (at === 0) {
                done.push(this.order[i]!);
                continue;
            }
            const fn = this.tree.fn[at]!, part = parts.get(fn);
            if (part === undefined) parts.set(fn, [this.order[i]!]);
            else part.push(this.order[i]!);
        }
        const weight = (part: number[]) => part.reduce((sum, at) => sum + this.self[at]!, 0);
        const sorted = [...parts].map(([fn, part]) => ({ fn, part, weight: weight(part) }))
            .sort((a, b) => b.weight - a.weight);
        const nodes: number[] = [];
        let place = from;
        for (const { fn, part } of sorted) {
            nodes.push(this.start.length);
            this.start.push(place);
            this.order.set(part, place);
            place += part.length;
            this.end.push(place);
            this.up.push(node);
            this.functions.push(fn);
            this.depths.push(depth + 1);
            this.kids.push(undefined);
        }
        this.order.set(done, place);
        this.sumUp(from, to);
        return nodes;
    }
}
