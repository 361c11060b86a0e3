// The table of all sites.
import type { App, Row, ViewPart } from "../app";
import { KINDS, liveCurve } from "../data/groups";
import { choice, fill, h } from "../dom";
import { bytes, count, percent } from "../format";
import type { Sort } from "../state";
import { changeText, formatOf, found, nameButton, ranked, valueOf } from "./rows";
import { spark } from "./spark";

const PAGE = 50;

function columnsOf(app: App): [Sort, string, string][] {
    const leaked = app.metricName("leaked");
    return [
        ["name", "Name", "function, file or module"],
        ["live", "Live", "bytes at the end of the time, with their 95 % interval"],
        ["growth", app.isDiff ? "Change" : "Growth", "of the live bytes"],
        ["peak", "Peak", "highest live bytes of the row"],
        ["allocated", "Allocated", "bytes"],
        ["calls", "Calls", "allocations"],
        ["temporary", "Temporary", "blocks freed within 1 ms"],
        ["leaked", leaked, "bytes allocated in this time that were not freed"],
    ];
}

function headCell(app: App, [sort, title, note]: [Sort, string, string]): HTMLElement {
    const active = app.state.sort === sort;
    const order = active ? (app.state.ascending ? "ascending" : "descending") : "none";
    return h("th", { scope: "col", "aria-sort": order, class: sort === "name" ? "" : "number" },
        h("button", {
            type: "button", title: note, "data-sort": sort, "data-focus": `sort ${sort}`,
            click: () => app.set({ sort, ascending: active ? !app.state.ascending : false }),
        }, title, h("span.arrow", { "aria-hidden": "true" }, active ? (app.state.ascending ? "▲" : "▼") : "")));
}

function zero(): HTMLElement {
    return h("span.zero", {}, "0");
}

function cell(row: Row, sort: Exclude<Sort, "name">): HTMLElement {
    const value = valueOf(row, sort), format = formatOf(sort);
    if (sort === "growth") {
        const tone = value > 0 ? "grown" : value < 0 ? "shrunk" : "";
        return h("td", { class: `number ${tone}` }, value === 0 ? zero() : changeText(value, sort));
    }
    const notes: string[] = [];
    if (sort === "live" && row.now.error > 0 && value > 0) notes.push(`±${percent(row.now.error, value)}`);
    if (sort === "temporary" && row.now.calls > 0) notes.push(percent(value, row.now.calls));
    if (row.base !== null) {
        const difference = row.now[sort] - row.base[sort];
        return h("td", { class: "number" }, format(value),
            h("span.note", { class: difference > 0 ? "note grown" : difference < 0 ? "note shrunk" : "note" }, difference === 0 ? "=" : changeText(difference, sort)));
    }
    return h("td", { class: "number" }, value === 0 ? zero() : format(value), notes.length > 0 ? h("span.note", {}, notes.join(" ")) : null);
}

/** Draws the curve of a row. It is the same for every range. */
function curveOf(app: App, drawn: Map<string, Element>, row: Row): Element {
    const name = `${app.state.kind} ${row.key}`;
    let curve = drawn.get(name);
    if (curve === undefined) {
        curve = spark(liveCurve(app.main, app.grouping(app.main, app.state.kind).sites(row.key)), app.seconds);
        drawn.set(name, curve);
    }
    return curve;
}

export function sites(app: App): ViewPart {
    const kinds = choice("Sum up by", KINDS.map((kind) => [kind, kind[0]!.toUpperCase() + kind.slice(1)] as const),
        (kind) => app.set({ kind }));
    const summary = h("span.hint", { role: "status" });
    const head = h("tr"), body = h("tbody"), more = h("p.more");
    const table = h("table.sites", {}, h("caption.hidden", {}, "Allocation sites in the selected time"), h("thead", {}, head), body);
    const drawn = new Map<string, Element>();
    let limit = PAGE;
    const show = () => {
        const columns = columnsOf(app), all = app.rows(app.state.kind), some = found(app, all, app.state.kind);
        const rows = ranked(app, some, app.state.sort, app.state.ascending), listed = rows.slice(0, limit);
        const { from, to } = app.range, whole = app.seconds || 1;
        table.style.setProperty("--from", `${(100 * from) / whole}%`);
        table.style.setProperty("--to", `${(100 * to) / whole}%`);
        kinds.show(app.state.kind);
        fill(head, ...columns.map((column) => headCell(app, column)), h("th", { scope: "col" }, "Live over time"));
        fill(body, ...listed.map((row) => {
            const selection = `g.${app.state.kind}.${row.key}`;
            return h("tr", app.state.selection === selection ? { class: "selected" } : {},
                h("th", { scope: "row" }, nameButton(app, row, selection)),
                ...columns.slice(1).map(([sort]) => cell(row, sort as Exclude<Sort, "name">)),
                h("td", {}, curveOf(app, drawn, row)));
        }));
        summary.textContent = some.length === all.length ? `${count(all.length)} rows` :
            `${count(some.length)} of ${count(all.length)} rows match, with ${bytes(some.reduce((sum, row) => sum + row.now.live, 0))} live`;
        fill(more, rows.length > limit ? h("button", { type: "button", click: () => { limit += PAGE * 4; show(); } },
            `Show more of ${count(rows.length - limit)} rows`) : null);
    };
    const element = h("section", {}, h("div.toolbar", {}, kinds.element, summary), h("div.scroll", {}, table), more);
    return {
        element,
        update(changed) {
            if (["kind", "search", "sort"].some((key) => changed.has(key as Sort & "kind"))) limit = PAGE;
            show();
        },
    };
}
