// A small table with a bar in each row.
import { h } from "../dom";

export interface Bar {
    name: string;
    value: number;
    text: string;
}

export function barTable(caption: string, bars: Bar[]): HTMLElement {
    const highest = bars.reduce((most, { value }) => Math.max(most, value), 0) || 1;
    return h("table.bars", {}, h("caption.hidden", {}, caption), h("tbody", {}, ...bars.map(({ name, value, text }) =>
        h("tr", {}, h("th", { scope: "row" }, name),
            h("td.track", {}, h("span.bar.live", { style: `width:${((100 * value) / highest).toFixed(1)}%` })),
            h("td.number", {}, text)))));
}
