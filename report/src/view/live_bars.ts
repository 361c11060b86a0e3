// The live samples of a selection by size and by thread, at the last snapshot that lists them.
import type { App } from "../app";
import { h } from "../dom";
import { bytes, percent } from "../format";
import { barTable, type Bar } from "./bars";

const ROWS = 8;

/** Returns a bar for each sum of bytes, in the order of the map. */
function barsOf<T>(sums: Map<T, number>, name: (key: T) => string): Bar[] {
    const total = [...sums.values()].reduce((sum, value) => sum + value, 0);
    return [...sums].map(([key, value]) => ({ name: name(key), value, text: percent(value, total) }));
}

function threadNames(app: App): Map<number, string> {
    return new Map(app.main.processes.flatMap((process) => process.threads));
}

export function liveBars(app: App, sites: number[]): HTMLElement {
    const { lives } = app.main, chosen = new Set(sites);
    const sizes = new Map<number, number>(), threads = new Map<number, number>();
    for (let i = 0; i < lives.count; i++) {
        if (!chosen.has(lives.site[i]!)) continue;
        const sum = lives.bytes[i]! * lives.blocks[i]!, size = Math.floor(Math.log2(Math.max(lives.bytes[i]!, 1)));
        sizes.set(size, (sizes.get(size) ?? 0) + sum);
        threads.set(lives.thread[i]!, (threads.get(lives.thread[i]!) ?? 0) + sum);
    }
    if (sizes.size === 0) return h("p.hint", {}, "No sampled block is listed as live.");
    const bySize = new Map([...sizes].sort((a, b) => a[0] - b[0]));
    const byThread = new Map([...threads].sort((a, b) => b[1] - a[1]).slice(0, ROWS)), names = threadNames(app);
    return h("div", {}, barTable("Live bytes by the size of the block", barsOf(bySize, (size) => `≥ ${bytes(2 ** size)}`)),
        h("h3", {}, threads.size > ROWS ? `Live bytes by thread (${ROWS} of ${threads.size})` : "Live bytes by thread"),
        barTable("Live bytes by thread", barsOf(byThread, (thread) => `${thread} ${names.get(thread) ?? ""}`.trim())));
}
