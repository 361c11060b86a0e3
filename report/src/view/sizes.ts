// The live blocks by size: exact numbers of each size class at the end of the time.
import type { App, ViewPart } from "../app";
import { choice, fill, h } from "../dom";
import { bytes, change, count, percent } from "../format";
import type { Profile } from "../data/profile";

interface Class {
    size: number; // Infinity: too large for a slot
    blocks: number;
    bytes: number;
}

/** Returns the classes of all processes at the end of the time. */
function classesAt(app: App, profile: Profile, end: number): Map<number, Class> {
    const { events } = profile, last = new Map<number, number>(), classes = new Map<number, Class>();
    for (let i = 0; i < end; i++)
        if (app.isDiff || app.state.process < 0 || events.process[i] === app.state.process) last.set(events.process[i]!, i);
    const add = (size: number, blocks: number, sum: number) => {
        if (blocks === 0) return;
        const entry = classes.get(size) ?? { size, blocks: 0, bytes: 0 };
        classes.set(size, { size, blocks: entry.blocks + blocks, bytes: entry.bytes + sum });
    };
    last.forEach((event, process) => {
        const sizes = profile.processes[process]!.classes, first = events.firstClass[event]!;
        for (let i = first; i < events.firstClass[event + 1]!; i++) add(sizes[i - first]!, events.classBlocks[i]!, events.classBlocks[i]! * sizes[i - first]!);
        add(Infinity, events.figures.largeBlocks[event]!, events.figures.largeBytes[event]!);
    });
    return classes;
}

export function sizes(app: App): ViewPart {
    let by: "bytes" | "blocks" = "bytes";
    const toggle = choice<"bytes" | "blocks">("Measure", [["bytes", "Bytes"], ["blocks", "Blocks"]], (value) => {
        by = value;
        show();
    });
    const body = h("tbody"), head = h("tr");
    const table = h("table.bars.wide", {}, h("caption.hidden", {}, "Live blocks by size class"), h("thead", {}, head), body);
    const note = h("p.hint");
    const show = () => {
        toggle.show(by);
        const parts = app.profiles.map((profile, i) => classesAt(app, profile, app.figures[i]!.end));
        const now = parts[parts.length - 1]!, before = app.isDiff ? parts[0]! : null;
        const order = [...new Set(parts.flatMap((part) => [...part.keys()]))].sort((a, b) => a - b);
        const get = (part: Map<number, Class>, size: number) => part.get(size) ?? { size, blocks: 0, bytes: 0 };
        const highest = Math.max(1, ...order.flatMap((size) => parts.map((part) => get(part, size)[by])));
        const total = order.reduce((sum, size) => sum + get(now, size)[by], 0);
        const format = by === "bytes" ? bytes : count;
        fill(head, h("th.number", { scope: "col" }, "Slot size"), h("th", { scope: "col" }, by === "bytes" ? "Live bytes" : "Live blocks"),
            h("th.number", { scope: "col" }, "Bytes"), h("th.number", { scope: "col" }, "Blocks"),
            h("th.number", { scope: "col" }, app.isDiff ? "Change" : "Share"));
        fill(body, ...order.map((size) => {
            const entry = get(now, size), difference = before === null ? 0 : entry[by] - get(before, size)[by];
            return h("tr", {}, h("th.number", { scope: "row" }, size === Infinity ? "larger" : count(size)),
                h("td.track", {}, h("span.bar.live", { style: `width:${((100 * entry[by]) / highest).toFixed(2)}%` }),
                    before === null ? null : h("span.bar.before", { style: `width:${((100 * get(before, size)[by]) / highest).toFixed(2)}%` })),
                h("td.number", {}, bytes(entry.bytes)), h("td.number", {}, count(entry.blocks)),
                before === null ? h("td.number", {}, percent(entry[by], total))
                    : h("td", { class: `number ${difference > 0 ? "grown" : difference < 0 ? "shrunk" : ""}` }, change(difference, format)));
        }));
        note.textContent = order.length === 0 ? "Nothing is live at the end of the time."
            : "Exact numbers at the last snapshot of the selected time. Sizes are those of the slots to which requests are rounded up.";
    };
    return { element: h("section", {}, h("div.toolbar", {}, toggle.element, note), h("div.scroll", {}, table)), update: show };
}
