// The ranked lists side by side.
import type { App, Row, ViewPart } from "../app";
import { fill, h } from "../dom";
import { largest, percent } from "../format";
import type { Sort } from "../state";
import { changeOf, changeText, formatOf, found, highest, isSignificant, nameButton, rankOf } from "./rows";

const LENGTH = 7;

interface List {
    sort: Exclude<Sort, "name">;
    title: string;
    note: string;
    ascending?: boolean;
}

function lists(app: App): List[] {
    if (app.isDiff)
        return [
            { sort: "growth", title: "Grown", note: "more live bytes than before" },
            { sort: "growth", title: "Shrunk", note: "fewer live bytes than before", ascending: true },
            { sort: "peak", title: "Higher peak", note: "the highest live bytes of the function" },
            { sort: "allocated", title: "Allocates more", note: "bytes" },
            { sort: "calls", title: "Calls more often", note: "allocations" },
            { sort: "temporary", title: "More temporary", note: "blocks freed within 1 ms" },
            { sort: "pinned", title: "Pins more", note: "free memory that the blocks keep resident" },
        ];
    return [
        { sort: "live", title: "Live", note: "bytes at the end of the time" },
        { sort: "peak", title: "Peak", note: "the highest live bytes of the function" },
        { sort: "growth", title: "Growth", note: "live bytes at the end, less those at the beginning" },
        { sort: "calls", title: "Calls", note: "allocations" },
        { sort: "temporary", title: "Temporary", note: "blocks freed within 1 ms" },
        { sort: "leaked", title: app.metricName("leaked"), note: leakNote(app) },
        { sort: "pinned", title: "Pinned", note: "free memory that the blocks keep resident" },
    ];
}

function emptyText(app: App, sort: Sort): string {
    if (sort === "leaked" && !app.knowsLeaks) return "Unknown: no snapshot lists live blocks. The program was killed, perhaps.";
    if (sort === "pinned" && !app.knowsPinned) return "Unknown: no snapshot says what the pages of the heap contain.";
    return "None.";
}

function leakNote(app: App): string {
    return {
        Lost: "bytes that nothing points to", "Not freed": "allocated in this time, and never freed",
        "Still live": "allocated in this time, and live at the last snapshot",
    }[app.metricName("leaked")]!;
}

function card(app: App, list: List, rows: Row[]): HTMLElement {
    const sign = list.ascending ? -1 : 1, value = (row: Row) => sign * changeOf(row, list.sort);
    const top = highest(rows, LENGTH, (row) => sign * rankOf(row, list.sort)), most = largest(top.map(value), 0) || 1;
    let sum = 0;
    for (const row of rows) sum += Math.max(value(row), 0);
    const tone = app.isDiff ? (list.ascending ? "shrunk" : "grown") : list.sort;
    const item = (row: Row) => {
        const own = value(row);
        return h("li", app.isDiff && list.sort === "growth" && !isSignificant(row) ? { class: "chance", title: "Chance alone can cause this change." } : {},
            h("span.bar", { class: `bar ${tone}`, style: `width:${((100 * own) / most).toFixed(1)}%` }),
            nameButton(app, row, `g.function.${row.key}`),
            h("span.value", {}, app.isDiff || list.sort === "growth" ? changeText(sign * own, list.sort) : formatOf(list.sort)(own)),
            // Peaks at different times do not add up to a whole.
            h("span.share", {}, list.sort === "peak" ? "" : percent(own, sum)));
    };
    const all = h("button.link", {
        type: "button", "data-focus": `all ${list.title}`, "aria-label": `All functions by ${list.title}`,
        click: () => app.set({ view: "sites", kind: "function", sort: list.sort, ascending: list.ascending ?? false }),
    }, "All →");
    return h("section.card", { "aria-label": list.title },
        h("div.card-head", {}, h("h2", {}, list.title), h("span.hint", {}, list.note), all),
        top.length === 0 ? h("p.empty", {}, emptyText(app, list.sort)) : h("ol.ranking", {}, ...top.map(item)));
}

export function overview(app: App): ViewPart {
    const element = h("section.overview");
    return {
        element,
        update() {
            const rows = found(app, app.rows("function"), "function");
            fill(element, ...lists(app).map((list) => card(app, list, rows)));
        },
    };
}
