// The table of all sites.
import type { App, Row, ViewPart } from "../app";
import { KINDS, liveCurve } from "../data/groups";
import { choice, fill, h } from "../dom";
import { bytes, count, percent } from "../format";
import type { Sort } from "../state";
import { changeError, changeText, formatOf, found, isSignificant, nameButton, ranked, valueOf } from "./rows";
import { spark } from "./spark";

const PAGE = 50;

function columnsOf(app: App): [Sort, string, string][] {
    const leaked = app.metricName("leaked");
    return [
        ["name", "Name", "function, file or module"],
        ["live", "Live", "bytes at the end of the time, with their 95 % interval"],
        ["growth", app.isDiff ? "Change" : "Growth", app.isDiff ? "of the live bytes; pale: chance alone can cause it" : "of the live bytes"],
        ["peak", "Peak", "highest live bytes of the row"],
        ["allocated", "Allocated", "bytes"],
        ["calls", "Calls", "allocations"],
        ["temporary", "Temporary", "blocks freed within 1 ms"],
        ["leaked", leaked, "bytes allocated in this time that were not freed"],
        ["pinned", "Pinned", "free bytes that the blocks keep resident, when the process was described last"],
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

/** What a cell shows. */
interface Content {
    text: string;
    note: string;
    tone: string; // a class
}

function tone(value: number): string {
    return value > 0 ? "grown" : value < 0 ? "shrunk" : "";
}

function contentOf(row: Row, sort: Exclude<Sort, "name">): Content {
    const value = valueOf(row, sort), zero = value === 0;
    if (sort === "growth") {
        const note = row.base !== null && !zero ? (changeError(row) > 0 ? `±${bytes(changeError(row))}` : "exactly") : "";
        return { text: zero ? "0" : changeText(value, sort), note, tone: zero || !isSignificant(row) ? "zero" : tone(value) };
    }
    const text = zero ? "0" : formatOf(sort)(value);
    if (row.base !== null) {
        const difference = row.now[sort] - row.base[sort];
        return { text, note: difference === 0 ? "=" : changeText(difference, sort), tone: "" };
    }
    const note = sort === "live" && row.now.error > 0 && value > 0 ? `±${percent(row.now.error, value)}`
        : sort === "pinned" && row.now.pinnedError > 0 && value > 0 ? `±${percent(row.now.pinnedError, value)}`
        : sort === "temporary" && row.now.calls > 0 ? percent(Math.min(value, row.now.calls), row.now.calls) : "";
    return { text, note, tone: zero ? "zero" : "" };
}

/** A row of the table, of which only what has changed is replaced. */
class TableRow {
    readonly element: HTMLTableRowElement;
    private cells: { cell: HTMLTableCellElement; shown: string }[];
    private name: HTMLButtonElement;

    constructor(private app: App, readonly row: Row, private columns: Exclude<Sort, "name">[], curve: Element) {
        this.cells = columns.map(() => ({ cell: h("td"), shown: "" }));
        this.name = nameButton(app, row, this.selection);
        this.element = h("tr", {}, h("th", { scope: "row" }, this.name), ...this.cells.map(({ cell }) => cell), h("td", {}, curve));
    }

    private get selection(): string { return `g.${this.app.state.kind}.${this.row.key}`; }

    update(): void {
        const isSelected = this.app.state.selection === this.selection;
        this.name.setAttribute("aria-pressed", String(isSelected));
        this.element.classList.toggle("selected", isSelected);
        this.cells.forEach((entry, i) => {
            const { text, note, tone: own } = contentOf(this.row, this.columns[i]!), shown = `${text}|${note}|${own}`;
            if (entry.shown === shown) return;
            entry.shown = shown;
            entry.cell.className = `number ${own}`;
            const noteTone = this.row.base === null ? "" : note.startsWith("+") ? " grown" : note.startsWith("−") ? " shrunk" : "";
            fill(entry.cell, text, note === "" ? null : h("span", { class: `note${noteTone}` }, note));
        });
    }
}

export function sites(app: App): ViewPart {
    const kinds = choice("Sum up by", KINDS.map((kind) => [kind, kind[0]!.toUpperCase() + kind.slice(1)] as const),
        (kind) => app.set({ kind }));
    const summary = h("span.hint", { role: "status" });
    const head = h("tr"), body = h("tbody"), more = h("p.more");
    const table = h("table", { class: app.isDiff ? "sites fixed compared" : "sites fixed" }, h("caption.hidden", {}, "Allocation sites in the selected time"), h("thead", {}, head), body);
    const made = new Map<string, TableRow>();
    const rowOf = (row: Row): TableRow => {
        const { kind } = app.state, key = `${kind} ${row.key}`;
        let entry = made.get(key);
        if (entry === undefined) {
            const curve = spark(liveCurve(app.main, app.grouping(app.main, kind).sites(row.key)), app.seconds);
            const columns = columnsOf(app).slice(1).map(([sort]) => sort as Exclude<Sort, "name">);
            made.set(key, (entry = new TableRow(app, row, columns, curve)));
        }
        return entry;
    };
    let limit = PAGE;
    const show = () => {
        const columns = columnsOf(app), all = app.rows(app.state.kind), some = found(app, all, app.state.kind);
        const rows = ranked(some, app.state.sort, app.state.ascending), listed = rows.slice(0, limit);
        const { from, to } = app.range, whole = app.seconds || 1;
        table.style.setProperty("--from", `${(100 * from) / whole}%`);
        table.style.setProperty("--to", `${(100 * to) / whole}%`);
        kinds.show(app.state.kind);
        fill(head, ...columns.map((column) => headCell(app, column)), h("th", { scope: "col" }, "Live over time"));
        const elements = listed.map((row) => {
            const entry = rowOf(row);
            entry.update();
            return entry.element;
        });
        if (elements.length !== body.childElementCount || elements.some((element, i) => body.children[i] !== element)) fill(body, ...elements);
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
