// Places the visible nodes of an icicle graph.
import type { Source } from "../data/sources";

export interface Box {
    node: number;
    x: number;
    width: number;
    row: number;
    parent: number; // its index; -1: the root
}

/** Nodes that are narrower are not shown, nor what is below them. */
const WIDTH_MIN = 0.8;

/** The width of a node is its value or, in a comparison, the larger one of both. */
export function weight(source: Source, node: number): number {
    return Math.max(source.value(node), source.base(node));
}

/** Returns the boxes of the callers of the node, which are as wide as the graph, and all below it. */
export function layout(source: Source, zoom: number, width: number): Box[] {
    const boxes: Box[] = [], path: number[] = [];
    for (let node = zoom; ; node = source.parent(node)) {
        path.unshift(node);
        if (node === 0) break;
    }
    path.forEach((node, i) => boxes.push({ node, x: 0, width, row: i, parent: i - 1 }));
    // Breadth first: the boxes of a row are adjacent.
    for (let at = boxes.length - 1; at < boxes.length; at++) placeChildren(source, boxes, at);
    return boxes;
}

function placeChildren(source: Source, boxes: Box[], at: number): void {
    const box = boxes[at]!, total = weight(source, box.node);
    if (total <= 0) return;
    const children = source.children(box.node);
    // In a comparison, the larger values of the children can exceed that of their caller.
    let sum = 0;
    for (let i = 0; i < children.length; i++) sum += weight(source, children[i]!);
    const scale = box.width / Math.max(total, sum);
    let x = box.x;
    for (let i = 0; i < children.length; i++) {
        const wide = weight(source, children[i]!) * scale;
        if (wide >= WIDTH_MIN) boxes.push({ node: children[i]!, x, width: wide, row: box.row + 1, parent: at });
        x += wide;
    }
}

/** Returns the index of the box at the place, or -1. */
export function boxAt(boxes: Box[], x: number, row: number): number {
    return boxes.findIndex((box) => box.row === row && x >= box.x && x < box.x + box.width);
}

/** Returns the box to which an arrow key leads. */
export function boxNextTo(boxes: Box[], at: number, key: string): number {
    const box = boxes[at]!;
    if (key === "ArrowUp") return box.parent < 0 ? at : box.parent;
    if (key === "ArrowDown") {
        let widest = at;
        boxes.forEach((other, i) => {
            if (other.parent === at && (widest === at || other.width > boxes[widest]!.width)) widest = i;
        });
        return widest;
    }
    const next = key === "ArrowRight" ? at + 1 : at - 1;
    return boxes[next] !== undefined && boxes[next].row === box.row ? next : at;
}
