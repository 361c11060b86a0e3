// What the lists have in common: values of rows, their order, and names.
import type { App, Row } from "../app";
import type { Kind } from "../data/groups";
import { h } from "../dom";
import { bytes, change, count, shortName } from "../format";
import type { Sort } from "../state";

export type Amount = Exclude<Sort, "name" | "growth">;

/** Returns the value by which a list is ranked. */
export function valueOf(row: Row, sort: Exclude<Sort, "name">): number {
    if (sort === "growth") return row.base === null ? row.now.live - row.now.before : row.now.live - row.base.live;
    return row.now[sort];
}

/** Returns a figure or, in a comparison, how much it has changed. */
export function changeOf(row: Row, sort: Exclude<Sort, "name">): number {
    if (row.base === null || sort === "growth") return valueOf(row, sort);
    return row.now[sort] - row.base[sort];
}

/** Returns half of the interval that contains the actual change in 95 % of all cases. */
export function changeError(row: Row): number {
    return row.base === null ? 0 : Math.hypot(row.now.changeError, row.base.changeError);
}

/** Returns true unless chance alone can cause the change. */
export function isSignificant(row: Row): boolean {
    return row.base === null || Math.abs(valueOf(row, "growth")) > changeError(row);
}

/** Returns what the rows are ranked by. Changes that are not significant come last. */
export function rankOf(row: Row, sort: Exclude<Sort, "name">): number {
    const value = changeOf(row, sort);
    return sort === "growth" && !isSignificant(row) ? value * 1e-9 : value;
}

/** Ranks the rows. */
export function ranked(rows: Row[], sort: Sort, ascending: boolean): Row[] {
    const sign = ascending ? 1 : -1;
    if (sort === "name") return [...rows].sort((a, b) => -sign * a.name.localeCompare(b.name));
    const values = Float64Array.from(rows, (row) => rankOf(row, sort));
    const order = Uint32Array.from(rows, (_, i) => i).sort((a, b) => sign * (values[a]! - values[b]!) || a - b);
    return Array.from(order, (i) => rows[i]!);
}

/** Returns the rows with the highest positive values. */
export function highest(rows: Row[], count: number, value: (row: Row) => number): Row[] {
    const best: { row: Row; value: number }[] = [];
    for (const row of rows) {
        const own = value(row);
        if (own <= 0 || (best.length === count && own <= best[count - 1]!.value)) continue;
        let at = best.length;
        while (at > 0 && best[at - 1]!.value < own) at--;
        best.splice(at, 0, { row, value: own });
        if (best.length > count) best.pop();
    }
    return best.map(({ row }) => row);
}

export function formatOf(sort: Sort): (value: number) => string {
    return sort === "calls" || sort === "temporary" ? count : bytes;
}

export function changeText(value: number, sort: Sort): string {
    return change(value, formatOf(sort));
}

/** Returns the rows that the search finds. */
export function found(app: App, rows: Row[], kind: Kind): Row[] {
    const wanted = app.state.search.trim().toLowerCase();
    return wanted === "" ? rows : rows.filter((row) => matches(app, row, kind, wanted));
}

function matches(app: App, row: Row, kind: Kind, wanted: string): boolean {
    if (app.searchMatches !== null && (kind === "function" || kind === "stack")) {
        const fn = kind === "stack" ? app.stacks.tree.fn[row.key]! : row.key;
        return app.searchMatches[fn] === 1;
    }
    return row.name.toLowerCase().includes(wanted);
}

/** The name of a row and its place, as a button that selects the row. */
export function nameButton(app: App, row: { name: string; place: string }, selection: string): HTMLButtonElement {
    return h("button.name", {
        type: "button", "data-focus": selection, title: `${row.name}${row.place === "" ? "" : `\n${row.place}`}`,
        "aria-pressed": String(app.state.selection === selection),
        click: () => app.set({ selection: app.state.selection === selection ? "" : selection }),
    }, h("span.fn", {}, shortName(row.name, 90)), row.place === "" ? null : h("span.place", {}, row.place));
}
