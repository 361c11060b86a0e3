// The process map: what is mapped, by kind and one by one.
import type { Process, Space } from "../data/decode";
import { h, type Child } from "../dom";
import { bytes, count, percent, seconds } from "../format";
import { plainTable, type Column } from "./table";

const figure = (value: number): string => (value === 0 ? "–" : bytes(value));

/** Resident, private, dirty, swapped, locked, and in huge pages. */
const FIGURES: Column[] = [
    { name: "Resident", number: true },
    { name: "Private", number: true, note: "resident, and in no other process" },
    { name: "Dirty", number: true, note: "private, and changed: it goes back only if it is freed or swapped" },
    { name: "Swapped", number: true }, { name: "Locked", number: true },
    { name: "Huge pages", number: true },
];

function figuresOf(figures: number[]): Child[] {
    const [resident, , clean, dirty, swapped, locked, huge] = figures as [number, number, number, number, number, number, number];
    return [resident, clean + dirty, dirty, swapped, locked, huge].map(figure);
}

function kindsTable(space: Space): HTMLElement {
    const kinds = space.kinds.filter(([, mappings]) => mappings > 0);
    const weight = ([, , size, resident]: (typeof kinds)[number]) => (space.measured ? resident : size);
    kinds.sort((a, b) => weight(b) - weight(a));
    const total = kinds.reduce((sum, kind) => sum + weight(kind), 0), most = Math.max(1, ...kinds.map(weight));
    const columns = [{ name: "Kind" }, { name: space.measured ? "Share of the resident memory" : "Share" }, { name: "", number: true },
        ...(space.measured ? FIGURES : []), { name: "Address space", number: true }, { name: "Mappings", number: true }];
    return plainTable("Mappings by kind", columns, kinds.map((kind) => {
        const [name, mappings, size, ...figures] = kind;
        return [h("th", { scope: "row" }, name),
            h("td.bar-cell", {}, h("span.bar.live", { style: `width:${((100 * weight(kind)) / most).toFixed(1)}%` })),
            percent(weight(kind), total), ...(space.measured ? figuresOf(figures) : []), bytes(size), count(mappings)];
    }));
}

function regionsTable(space: Space): HTMLElement {
    const columns = [{ name: "From" }, { name: "To" }, { name: "Access" }, { name: "Kind" }, { name: "Size", number: true },
        ...(space.measured ? FIGURES : []), { name: "File" }];
    return plainTable("Mappings", columns, space.regions.map(([start, end, kind, permissions, path, ...figures]) =>
        [`0x${start}`, `0x${end}`, permissions, space.kinds[kind]![0], bytes(Number(BigInt(`0x${end}`) - BigInt(`0x${start}`))),
            ...(space.measured ? figuresOf(figures) : []), path]));
}

/** All mappings are listed when they are asked for, because there may be thousands. */
export function spacePart(process: Process): HTMLElement {
    const { space } = process, title = h("h3", {}, "Process map");
    if (space === null) return h("section", {}, title, h("p.empty", {}, "The profile does not contain the mappings."));
    const all = h("details", {}, h("summary", {}, `All ${count(space.count)} mappings`));
    all.addEventListener("toggle", () => {
        if (all.childElementCount > 1) return;
        if (space.regions.length >= 4096) all.append(h("p.hint", {}, `The first ${count(space.regions.length)} parts by address.`));
        all.append(h("div.scroll", {}, regionsTable(space)));
    });
    return h("section", {}, title,
        h("p.hint", {}, `What was mapped after ${seconds(space.time)}. Memory of the allocator is listed as that of Mallow.` +
            (space.measured ? "" : " How much of it was resident is not known.")),
        h("div.scroll", {}, kindsTable(space)), all);
}
