// The stacks of all profiles: frames, functions, and one tree in which the calls of a function
// from the same place are one node, whatever the line.
import type { Decoded } from "./decode";

const HELPER = 2, JIT = 4;
export const INLINED = 1, UNNAMED = 8;

export interface FunctionOf {
    name: string;
    module: string; // the whole path
    file: string;
    line: number;
}

/** Nodes have larger numbers than their callers. Node 0 is the root. */
export interface Tree {
    count: number;
    parent: Uint32Array;
    fn: Uint32Array;
    depth: Uint16Array;
    firstChild: Uint32Array; // in `children`; the last entry is the end
    children: Uint32Array;
}

export interface Stacks {
    texts: string[];
    functions: FunctionOf[];
    frameFunction: Uint32Array;
    frameFile: Float64Array;
    frameLine: Float64Array;
    frameModule: Float64Array;
    frameFlags: Float64Array;
    nodeCaller: Float64Array; // node 0 is unknown
    nodeFrame: Float64Array;
    tree: Tree;
    treeNode: Uint32Array; // of each node
    /** The function, or the frame, that a stack stands for: the one that does not just allocate. */
    headline: Uint32Array;
    headlineFrame: Uint32Array;
}

export const UNKNOWN_FUNCTION = 0;

/** Functions are the same if their names and modules are. Number 0 stands for unknown stacks. */
function functionsOf(texts: string[], columns: (name: string) => Float64Array): { functions: FunctionOf[]; frameFunction: Uint32Array } {
    const names = columns("frame.function"), modules = columns("frame.module");
    const files = columns("frame.file"), lines = columns("frame.line");
    const functions: FunctionOf[] = [{ name: "(unknown stack)", module: "", file: "", line: 0 }];
    const numbers = new Map<number, number>();
    const frameFunction = new Uint32Array(names.length);
    for (let i = 0; i < names.length; i++) {
        const key = names[i]! * 0x4000000 + modules[i]!;
        let number = numbers.get(key);
        if (number === undefined) {
            number = functions.length;
            numbers.set(key, number);
            functions.push({
                name: texts[names[i]!] || "(unknown function)", module: texts[modules[i]!]!,
                file: texts[files[i]!]!, line: lines[i]!,
            });
        }
        frameFunction[i] = number;
    }
    return { functions, frameFunction };
}

function buildTree(caller: Float64Array, frame: Float64Array, frameFunction: Uint32Array): { tree: Tree; treeNode: Uint32Array } {
    const count = caller.length;
    const parent = new Uint32Array(count + 1), fn = new Uint32Array(count + 1);
    const depth = new Uint16Array(count + 1), treeNode = new Uint32Array(count);
    const numbers = new Map<number, number>();
    let used = 1;
    for (let i = 1; i < count; i++) {
        const above = treeNode[caller[i]!]!, callee = frameFunction[frame[i]!]!;
        const key = above * 0x4000000 + callee;
        let number = numbers.get(key);
        if (number === undefined) {
            number = used++;
            numbers.set(key, number);
            parent[number] = above;
            fn[number] = callee;
            depth[number] = depth[above]! + 1;
        }
        treeNode[i] = number;
    }
    // Node 0 of the stacks is an unknown stack, a node of its own.
    fn[used] = UNKNOWN_FUNCTION;
    depth[used] = 1;
    treeNode[0] = used++;
    return { tree: withChildren({ count: used, parent, fn, depth }), treeNode };
}

function withChildren(tree: Omit<Tree, "firstChild" | "children">): Tree {
    const firstChild = new Uint32Array(tree.count + 1), children = new Uint32Array(tree.count);
    for (let i = 1; i < tree.count; i++) firstChild[tree.parent[i]! + 1]!++;
    for (let i = 0; i < tree.count; i++) firstChild[i + 1]! += firstChild[i]!;
    const next = firstChild.slice();
    for (let i = 1; i < tree.count; i++) children[next[tree.parent[i]!]!++] = i;
    return { ...tree, firstChild, children };
}

/** A just-in-time compiled function counts more than the interpreter in front of it. */
function headlines(caller: Float64Array, frame: Float64Array, flags: Float64Array): Uint32Array {
    const result = new Uint32Array(caller.length);
    const above = new Uint8Array(caller.length); // 1: a function, 2: a compiled one
    for (let i = 1; i < caller.length; i++) {
        const flag = flags[frame[i]!]!, up = caller[i]!;
        const own = flag & JIT ? 2 : flag & HELPER ? 0 : 1;
        const inherits = own < 2 && above[up]! > own;
        above[i] = Math.max(own, above[up]!);
        result[i] = inherits ? result[up]! : frame[i]!;
    }
    return result;
}

export function stacksOf(decoded: Decoded): Stacks {
    const { texts } = decoded.description;
    const columns = (name: string) => decoded.columns.get(`frame.${name.replace("frame.", "")}`)!;
    const node = (name: string) => {
        const column = decoded.columns.get(`node.${name}`)!;
        const shifted = new Float64Array(column.length + 1);
        shifted.set(column, 1);
        return shifted;
    };
    const { functions, frameFunction } = functionsOf(texts, columns);
    const nodeCaller = node("caller"), nodeFrame = node("frame");
    const { tree, treeNode } = buildTree(nodeCaller, nodeFrame, frameFunction);
    const headlineFrame = headlines(nodeCaller, nodeFrame, columns("flags"));
    const headline = headlineFrame.map((frame, i) => (i === 0 ? UNKNOWN_FUNCTION : frameFunction[frame]!));
    return {
        texts, functions, frameFunction, nodeCaller, nodeFrame, tree, treeNode, headline, headlineFrame,
        frameFile: columns("file"), frameLine: columns("line"), frameModule: columns("module"), frameFlags: columns("flags"),
    };
}

/** Returns the last part of a path. */
export function baseName(path: string): string {
    return path.slice(path.lastIndexOf("/") + 1);
}
