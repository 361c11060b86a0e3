// What is selected: its figures, its live bytes over time, lifetimes, and its heaviest stacks.
import uPlot from "uplot";
import type { App, ViewPart } from "../app";
import { lifetimes, liveCurve } from "../data/groups";
import { INLINED } from "../data/stacks";
import { fill, h, type Child } from "../dom";
import { bytes, change, count, largest, LIFETIME_NAMES, percent, seconds, shortName } from "../format";
import { color } from "../theme";
import { barTable } from "./bars";
import { liveBars } from "./live_bars";
import { byteAxis, nameCanvas, timeAxis } from "./timeline";
import { baseName } from "../data/stacks";

const STACKS = 3, FRAMES = 40;

interface Sums {
    live: number;
    blocks: number;
    error: number;
    before: number;
    peak: number;
    allocated: number;
    calls: number;
    temporary: number;
    leaked: number;
    pinned: number;
}

function sumsOf(app: App, which: number, sites: number[]): Sums {
    const figures = app.figures[which]!, { values } = figures;
    const sums: Sums = { live: 0, blocks: 0, error: 0, before: 0, peak: 0, allocated: 0, calls: 0, temporary: 0, leaked: 0, pinned: 0 };
    for (const site of sites) {
        sums.live += values.live[site]!;
        sums.blocks += figures.blocks[site]!;
        sums.error += figures.error[site]!;
        sums.before += figures.before[site]!;
        sums.allocated += values.allocated[site]!;
        sums.calls += values.calls[site]!;
        sums.temporary += values.temporary[site]!;
        sums.leaked += values.leaked[site]!;
        sums.pinned += values.pinned[site]!;
    }
    sums.error = Math.sqrt(sums.error);
    const { from, to } = app.range, curve = liveCurve(app.profiles[which]!, sites);
    sums.peak = largest(curve.value.filter((_, i) => curve.time[i]! >= from && curve.time[i]! <= to + 1e-6), Math.max(sums.before, 0));
    return sums;
}

function figureList(app: App, sums: Sums[]): HTMLElement {
    const now = sums[sums.length - 1]!, before = app.isDiff ? sums[0]! : null;
    const line = (name: string, key: keyof Sums, format: (value: number) => string, note = ""): Child[] => [
        h("dt", {}, name), h("dd", {}, format(now[key]), note === "" ? null : h("span.note", {}, note),
            before === null ? null : h("span.note", { class: `note ${now[key] > before[key] ? "grown" : now[key] < before[key] ? "shrunk" : ""}` }, change(now[key] - before[key], format)))];
    return h("dl.figures", {},
        ...line("Live", "live", bytes, now.live > 0 ? (now.error > 0 ? `± ${bytes(now.error)}` : "exactly") : ""),
        ...line("Live blocks", "blocks", count, now.blocks > 0.5 ? `${bytes(now.live / now.blocks)} each` : ""),
        h("dt", {}, "Growth"), h("dd", {}, change(now.live - now.before, bytes)),
        ...line("Highest snapshot", "peak", bytes),
        ...line("Allocated", "allocated", bytes, now.calls > 0.5 ? `${bytes(now.allocated / now.calls)} each` : ""),
        ...line("Calls", "calls", count),
        ...line("Temporary", "temporary", count, percent(now.temporary, now.calls)),
        ...line(app.metricName("leaked"), "leaked", bytes),
        ...(app.knowsPinned ? line("Pinned", "pinned", bytes) : []));
}

/** Draws the live bytes over the whole profile. */
function curve(app: App, sites: number[][], parent: HTMLElement): uPlot {
    const curves = app.profiles.map((profile, i) => liveCurve(profile, sites[i]!));
    const paths = uPlot.paths.stepped!({ align: 1 });
    const data = curves.length === 1 ? ([curves[0]!.time, curves[0]!.value] as uPlot.AlignedData)
        : uPlot.join(curves.map((c) => [c.time, c.value] as uPlot.AlignedData), [[2], [2]]);
    const shade = (u: uPlot) => {
        if (app.isWholeRange) return;
        const { from, to } = app.range;
        const left = u.valToPos(from, "x", true), right = u.valToPos(to, "x", true);
        u.ctx.fillStyle = color("range");
        u.ctx.fillRect(left, u.bbox.top, right - left, u.bbox.height);
    };
    const value = (_: uPlot, amount: number | null) => (amount === null ? "–" : bytes(amount));
    return new uPlot({
        width: Math.max(parent.clientWidth, 200), height: 130, padding: [6, 8, 0, 0],
        cursor: { drag: { x: false, y: false }, y: false },
        scales: { x: { time: false, range: () => [0, app.seconds || 1] }, y: { range: (_, __, high) => [0, (high || 1) * 1.06] } },
        axes: [timeAxis(true), byteAxis()],
        hooks: { drawClear: [shade] },
        series: [{ label: "Time", value: (_, at) => (at === null ? "–" : seconds(at)) },
            ...curves.map((_, i): uPlot.Series => ({
                label: app.isDiff ? (i === 0 ? "Before" : "After") : "Live", stroke: color(app.isDiff && i === 0 ? "muted" : "live"), width: 1.5, paths, value, points: { show: false },
            }))],
    }, data, parent);
}

function lifetimeBars(freed: Float64Array): HTMLElement {
    const sum = freed.reduce((total, value) => total + value, 0);
    if (sum < 0.5) return h("p.hint", {}, "No sampled block was freed in this time.");
    return barTable("Freed blocks by lifetime", LIFETIME_NAMES.map((name, i) => ({ name, value: freed[i]!, text: percent(freed[i]!, sum) })));
}

/** Lists the frames of a stack, the innermost first. */
function stackList(app: App, node: number): HTMLElement {
    const { stacks } = app, items: HTMLElement[] = [];
    for (let at = node; at !== 0 && items.length < FRAMES; at = stacks.nodeCaller[at]!) {
        const frame = stacks.nodeFrame[at]!, fn = stacks.functions[stacks.frameFunction[frame]!]!, line = stacks.frameLine[frame]!;
        const file = stacks.texts[stacks.frameFile[frame]!]!;
        const place = file !== "" ? `${baseName(file)}${line > 0 ? `:${line}` : ""}` : baseName(fn.module);
        items.push(h("li", { title: `${fn.name}\n${file || fn.module}` }, h("span.fn", {}, shortName(fn.name, 70)), " ",
            h("span.place", {}, place + (stacks.frameFlags[frame]! & INLINED ? " (inlined)" : ""))));
    }
    return items.length === 0 ? h("p.hint", {}, "The stack is unknown.") : h("ol.stack", {}, ...items);
}

/** Returns the nodes that account for most, and their share. */
function heaviestNodes(app: App, sites: number[]): { count: number; top: { node: number; share: string }[] } {
    const figures = app.figures[app.figures.length - 1]!, nodes = new Map<number, number>();
    const metric = app.state.view === "icicle" ? app.state.metric : app.state.sort === "name" || app.state.sort === "growth" ? "live" : app.state.sort;
    let total = 0;
    for (const site of sites) {
        // If nothing is live, the stacks that allocate most come first.
        const node = app.main.siteNode[site]!, value = figures.values[metric][site]! + figures.values.allocated[site]! * 1e-9;
        nodes.set(node, (nodes.get(node) ?? 0) + value);
        total += value;
    }
    const top = [...nodes].sort((a, b) => b[1] - a[1]).slice(0, STACKS);
    return { count: nodes.size, top: top.map(([node, value]) => ({ node, share: percent(value, total) })) };
}

/** Shows what is selected. While a time is brushed, only the figures change. */
class Selection {
    readonly element = h("aside.details", { "aria-label": "Selection", tabindex: -1 });
    private figures = h("div");
    private lifetimes = h("div");
    private stacks = h("div");
    private stackNames = "";
    private chart = h("div.chart");
    private plot: uPlot | null = null;

    constructor(private app: App) {}

    update(changed: Set<string>): void {
        const sites = this.app.selectedSites();
        document.body.classList.toggle("has-selection", sites !== null);
        this.element.hidden = sites === null;
        if (sites === null) return;
        if (this.plot === null || ["selection", "theme", "size", "everything"].some((key) => changed.has(key))) this.build(sites);
        else this.plot.redraw(false);
        this.fill(sites);
    }

    private build(sites: number[][]): void {
        const { name, place } = this.app.selectionTitle();
        const close = h("button.icon", { type: "button", "aria-label": "Close the selection", click: () => this.app.set({ selection: "" }) }, "×");
        const find = h("button", { type: "button", click: () => this.app.set({ view: "icicle", search: name, zoom: [] }) }, "Find in the graph");
        fill(this.element, h("div.details-head", {}, h("div", {}, h("h2", {}, name), h("p.place", {}, place)), close), find, this.figures,
            h("h3", {}, "Live bytes over time"), this.chart, h("h3", {}, "Lifetimes of freed blocks"), this.lifetimes,
            h("h3", {}, "Heaviest stacks"), this.stacks,
            h("h3", {}, "Live bytes by size of the block"), liveBars(this.app, sites[sites.length - 1]!));
        this.plot?.destroy();
        this.plot = curve(this.app, sites, this.chart);
        this.stackNames = "";
        nameCanvas(this.plot, `Live bytes of ${name} over time`);
    }

    private fill(sites: number[][]): void {
        const main = sites[sites.length - 1]!, { app } = this;
        fill(this.figures, figureList(app, sites.map((list, i) => sumsOf(app, i, list))));
        fill(this.lifetimes, lifetimeBars(lifetimes(app.main, main, app.range, app.figures[app.figures.length - 1]!)));
        const heaviest = heaviestNodes(app, main), names = JSON.stringify(heaviest);
        if (names === this.stackNames) return;
        this.stackNames = names;
        fill(this.stacks, ...heaviest.top.flatMap(({ node, share }, i) =>
            [h("h4", {}, `Stack ${i + 1} of ${count(heaviest.count)}`, h("span.note", {}, share)), stackList(app, node)]));
    }
}

export function details(app: App): ViewPart {
    const selection = new Selection(app);
    return { element: selection.element, update: (changed) => selection.update(changed) };
}
