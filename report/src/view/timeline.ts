// The curves over time, on which a range is selected.
import uPlot from "uplot";
import type { App, ViewPart } from "../app";
import { curvesOf, type Curves } from "../data/totals";
import { fill, h } from "../dom";
import { bytes, clock, seconds } from "../format";
import { color } from "../theme";
import { brush } from "./brush";

const AXIS_WIDTH = 74;

/** Places marks of sizes at powers of two, or of four, and so on. */
function byteSplits(_: uPlot, __: number, low: number, high: number): number[] {
    if (high <= 0) return [0];
    const unit = 1024 ** Math.max(0, Math.floor(Math.log2(high) / 10));
    const raw = (high - low) / unit / 4, power = 10 ** Math.floor(Math.log10(raw));
    const step = unit * power * ([1, 2, 5].find((factor) => raw <= factor * power) ?? 10);
    const marks: number[] = [];
    for (let value = 0; value <= high; value += step) marks.push(value);
    return marks;
}

export function byteAxis(): uPlot.Axis {
    return {
        stroke: color("muted"), size: AXIS_WIDTH, font: "11px system-ui, sans-serif",
        grid: { stroke: color("grid"), width: 1 }, ticks: { show: false },
        splits: byteSplits, values: (_, marks) => marks.map((mark) => bytes(mark)),
    };
}

const TIME_STEPS = [
    0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800,
    3600, 7200, 14400, 21600, 43200, 86400, 172800, 432000, 864000, 8640000, 86400000,
];

export function timeAxis(show: boolean): uPlot.Axis {
    return {
        show, stroke: color("muted"), size: 24, font: "11px system-ui, sans-serif",
        grid: { stroke: color("grid"), width: 1 }, ticks: { show: false },
        space: 64, incrs: TIME_STEPS,
        values: (_, marks) => marks.map((mark) => clock(mark, marks[1]! - marks[0]!)),
    };
}

const stepped = uPlot.paths.stepped!({ align: 1 });
const rateSteps = uPlot.paths.stepped!({ align: -1 });

function series(label: string, name: string, extra: Partial<uPlot.Series> = {}): uPlot.Series {
    return {
        label, stroke: color(name), width: 1.5, points: { show: false }, paths: stepped,
        value: (_, value) => (value === null || value === undefined ? "–" : bytes(value)), ...extra,
    };
}

function chart(app: App, height: number, withAxis: boolean, list: uPlot.Series[], data: uPlot.AlignedData, parent: HTMLElement): uPlot {
    const plot = new uPlot({
        width: Math.max(parent.clientWidth, 200), height, padding: [6, 26, withAxis ? 0 : 9, 0],
        cursor: { drag: { x: false, y: false }, sync: { key: "time" }, points: { size: 5 }, y: false },
        legend: { live: true, markers: { width: 0, fill: (_, i) => (i === 0 ? "transparent" : list[i - 1]!.stroke as string) } },
        scales: { x: { time: false, range: () => [0, app.seconds || 1] }, y: { range: (_, __, high) => [0, (high || 1) * 1.06] } },
        axes: [timeAxis(withAxis), byteAxis()],
        series: [{ label: "Time", value: (_, value) => (value === null || value === undefined ? "–" : seconds(value)) }, ...list],
    }, data, parent);
    nameCanvas(plot, `Curves over time: ${list.map(({ label }) => label).join(", ")}`);
    return plot;
}

/** Names the drawing for screen readers. */
export function nameCanvas(plot: uPlot, name: string): void {
    plot.ctx.canvas.setAttribute("role", "img");
    plot.ctx.canvas.setAttribute("aria-label", name);
}

/** Gives two curves the same moments. */
function join(a: Curves, b: Curves): uPlot.AlignedData[] {
    const pair = (name: "live" | "resident" | "rate") =>
        uPlot.join([[a.time, a[name]], [b.time, b[name]]] as uPlot.AlignedData[], [[2], [2]]);
    return [pair("live"), pair("rate")];
}

function fade(name: string): string {
    return `color-mix(in srgb, ${color(name)} 16%, transparent)`;
}

function charts(app: App, parents: [HTMLElement, HTMLElement]): uPlot[] {
    const process = app.isDiff ? -1 : app.state.process;
    const curves = app.profiles.map((profile) => curvesOf(profile, process));
    const perSecond = (_: uPlot, value: number | null) => (value === null ? "–" : `${bytes(value)}/s`);
    if (app.isDiff) {
        const [live, rate] = join(curves[0]!, curves[1]!);
        return [
            chart(app, 132, false, [series("Live before", "muted", { dash: [4, 3] }), series("Live after", "live", { fill: fade("live") })], live!, parents[0]),
            chart(app, 84, true, [series("Rate before", "muted", { dash: [4, 3], paths: rateSteps, value: perSecond }), series("Rate after", "rate", { paths: rateSteps, value: perSecond })], rate!, parents[1]),
        ];
    }
    const c = curves[0]!;
    return [
        chart(app, 132, false, [series("Live", "live", { fill: fade("live"), width: 2 }), series("Resident", "resident"), series("Heap", "heap", { dash: [4, 3] })],
            [c.time, c.live, c.resident, c.heap], parents[0]),
        chart(app, 84, true, [series("Rate of allocation", "rate", { fill: fade("rate"), paths: rateSteps, value: perSecond })], [c.time, c.rate], parents[1]),
    ];
}

/** The curves as a table, which is filled when it is opened. */
function curveTable(app: App): HTMLElement {
    const body = h("div.scroll"), head = ["After", "Live", "Resident", "Heap", "Rate"];
    const show = () => {
        const curves = app.profiles.map((profile) => curvesOf(profile, app.isDiff ? -1 : app.state.process));
        const amount = (value: number | null) => (value === null ? "–" : bytes(value));
        fill(body, ...curves.map((c, i) => h("table.sites", {}, h("caption", {}, app.isDiff ? app.profiles[i]!.name : "Snapshots"),
            h("thead", {}, h("tr", {}, ...head.map((name) => h("th.number", { scope: "col" }, name)))),
            h("tbody", {}, ...c.time.map((time, j) => h("tr", {}, h("th.number", { scope: "row" }, seconds(time)),
                ...[amount(c.live[j]!), amount(c.resident[j]!), amount(c.heap[j]!), `${bytes(c.rate[j]!)}/s`].map((text) => h("td.number", {}, text))))))));
    };
    const element = h("details.curve-table", { toggle: () => element.open && show() }, h("summary", {}, "Curves as a table"), body);
    return element;
}

export function timeline(app: App): ViewPart {
    const parents: [HTMLElement, HTMLElement] = [h("div.chart"), h("div.chart")];
    const handles = brush(app);
    const plots = h("div.plots", { role: "group", "aria-label": "Live bytes, resident memory and the rate of allocation over time" }, ...parents, handles.overlay);
    const element = h("section.timeline", { "aria-label": "Time" }, plots, handles.controls, curveTable(app));
    let drawn: uPlot[] = [];
    const place = () => {
        const outer = plots.getBoundingClientRect(), inner = drawn[0]!.over.getBoundingClientRect();
        handles.place({ left: inner.left - outer.left, top: inner.top - outer.top, width: inner.width });
    };
    // A plot gets its size only after it has been created.
    const observer = new ResizeObserver(place);
    const draw = () => {
        observer.disconnect();
        drawn.forEach((plot) => plot.destroy());
        drawn = charts(app, parents);
        drawn.forEach((plot) => handles.listen(plot.over));
        observer.observe(drawn[0]!.over);
    };
    return {
        element,
        update(changed) {
            if (drawn.length === 0 || changed.has("theme") || changed.has("process")) draw();
            else if (changed.has("size"))
                drawn.forEach((plot) => plot.setSize({ width: Math.max(plots.clientWidth, 200), height: plot.height }));
            place();
        },
    };
}
