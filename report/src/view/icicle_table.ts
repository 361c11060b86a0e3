// The icicle graph as a table: one row for each function, with buttons that show its callees.
import type { App, ViewPart } from "../app";
import { pathOf, type Source } from "../data/sources";
import { fill, h } from "../dom";
import { change, percent, shortName } from "../format";
import { weight } from "./layout";
import { formatOf } from "./rows";

const CHILDREN = 40, ROWS = 1500;

export function icicleTable(app: App): ViewPart {
    const body = h("tbody"), head = h("tr");
    const table = h("table.sites.tree", { role: "treegrid", "aria-label": "Call stacks" }, h("thead", {}, head), body);
    const open = new Set<string>();
    const key = (source: Source, node: number) => (app.state.inverted ? "i." : "t.") + pathOf(source, node).join(".");

    /** Opens the heaviest path, so that the table begins with something to read. */
    const openHeaviest = (source: Source) => {
        let node = source.find(app.state.zoom);
        for (let i = 0; i < 6; i++) {
            open.add(key(source, node));
            const children = Array.from(source.children(node));
            if (children.length === 0) return;
            node = children.reduce((best, child) => (weight(source, child) > weight(source, best) ? child : best));
        }
    };

    const rowOf = (source: Source, node: number, level: number): HTMLTableRowElement => {
        const path = key(source, node), isOpen = open.has(path), format = formatOf(app.state.metric);
        const hasChildren = Array.from(source.children(node)).some((child) => weight(source, child) > 0);
        const fn = app.stacks.functions[source.fn(node)]!, value = source.value(node), base = source.base(node);
        const toggle = () => {
            if (isOpen) open.delete(path);
            else open.add(path);
            show();
        };
        const name = node === 0 ? "all" : fn.name;
        const button = h("button.twisty", { type: "button", "data-focus": path, "aria-label": `${isOpen ? "Hide" : "Show"} what is below ${name}`, "aria-expanded": String(isOpen), click: toggle }, isOpen ? "▾" : "▸");
        const found = app.searchMatches !== null && node !== 0 && app.searchMatches[source.fn(node)] === 1;
        return h("tr", { "aria-level": level, class: found ? "found" : "", ...(hasChildren ? { "aria-expanded": String(isOpen) } : {}) },
            h("th", { scope: "row", role: "gridcell", style: `padding-left:${6 + (level - 1) * 12}px` },
                hasChildren ? button : h("span.twisty"),
                h("button.name", { type: "button", title: name, "data-focus": `name ${path}`, click: () => app.set({ selection: node === 0 ? "" : path }) },
                    h("span.fn", {}, shortName(name, 100)), node === 0 ? null : h("span.place", {}, app.place(fn)))),
            h("td.number", { role: "gridcell" }, format(value)),
            app.isDiff ? h("td", { role: "gridcell", class: `number ${value > base ? "grown" : value < base ? "shrunk" : ""}` }, change(value - base, format))
                : h("td.number", { role: "gridcell" }, percent(value, source.value(0))));
    };

    const show = () => {
        const source = app.source(app.state.inverted), rows: HTMLTableRowElement[] = [];
        const start = source.find(app.state.zoom);
        const visit = (node: number, level: number): void => {
            if (rows.length >= ROWS) return;
            rows.push(rowOf(source, node, level));
            if (!open.has(key(source, node))) return;
            const children = Array.from(source.children(node)).filter((child) => weight(source, child) > 0);
            children.sort((a, b) => weight(source, b) - weight(source, a)).slice(0, CHILDREN).forEach((child) => visit(child, level + 1));
        };
        fill(head, h("th", { scope: "col" }, "Function"), h("th.number", { scope: "col" }, app.metricName(app.state.metric)),
            h("th.number", { scope: "col" }, app.isDiff ? "Change" : "Share"));
        visit(start, 1);
        fill(body, ...rows);
    };

    return {
        element: h("div.scroll", {}, table),
        update(changed) {
            if (open.size === 0 || changed.has("inverted") || changed.has("zoom")) openHeaviest(app.source(app.state.inverted));
            show();
        },
    };
}
