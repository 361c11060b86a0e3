// Plain tables.
import { h, type Child } from "../dom";

export interface Column {
    name: string;
    number?: boolean;
    note?: string;
}

/** Returns a table under a heading. */
export function table(title: string, columns: Column[], rows: Child[][], empty: string, hint = ""): HTMLElement {
    const body = rows.length === 0 ? h("p.empty", {}, empty) : h("div.scroll", {}, plainTable(title, columns, rows));
    return h("section", {}, h("h3", {}, title), hint === "" ? null : h("p.hint", {}, hint), body);
}

export function plainTable(title: string, columns: Column[], rows: Child[][]): HTMLElement {
    return h("table.sites", {}, h("caption.hidden", {}, title),
        h("thead", {}, h("tr", {}, ...columns.map(({ name, number, note }) =>
            h("th", { scope: "col", class: number ? "number" : "", title: note ?? "" }, name)))),
        h("tbody", {}, ...rows.map((row) => h("tr", {}, ...row.map((child, i) =>
            child instanceof HTMLTableCellElement ? child : h("td", { class: columns[i]!.number ? "number" : "" }, child))))));
}
