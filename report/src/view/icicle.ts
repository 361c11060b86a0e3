// The icicle graph: callers above their callees, each as wide as its share of the memory.
import type { App, ViewPart } from "../app";
import { METRICS, type Metric } from "../data/figures";
import { pathOf, type Source } from "../data/sources";
import { announce, canvasContext, choice, fill, h } from "../dom";
import { change, percent, shortName } from "../format";
import { color } from "../theme";
import { icicleTable } from "./icicle_table";
import { boxAt, boxNextTo, layout, type Box } from "./layout";
import { palette, type Palette } from "./palette";
import { formatOf } from "./rows";

const ROW = 19, FONT = "11.5px ui-monospace, 'SF Mono', Menlo, 'DejaVu Sans Mono', monospace";

class Graph {
    readonly canvas = h("canvas", {
        tabindex: 0, role: "application", "aria-roledescription": "icicle graph", id: "icicle",
        "aria-label": "Icicle graph of the call stacks", "aria-describedby": "icicle-help",
    });
    readonly scroller = h("div.icicle", {}, this.canvas);
    readonly tip = h("div.tip", { role: "tooltip", hidden: true });
    private boxes: Box[] = [];
    private colors: Palette;
    private character = 7;
    private focused = 0; // a node
    private hovered = -1; // an index

    constructor(private app: App) {
        this.colors = palette(app);
        this.scroller.append(h("div.icicle-height"));
        this.scroller.addEventListener("scroll", () => this.draw());
        this.canvas.addEventListener("pointermove", (event) => this.hover(event));
        this.canvas.addEventListener("pointerleave", () => this.leave());
        this.canvas.addEventListener("click", (event) => this.click(event));
        this.canvas.addEventListener("dblclick", () => this.app.set({ zoom: [] }));
        this.canvas.addEventListener("keydown", (event) => this.key(event));
        this.canvas.addEventListener("focus", () => this.draw());
        this.canvas.addEventListener("blur", () => this.draw());
    }

    get legend(): Palette["legend"] { return this.colors.legend; }
    private get source(): Source { return this.app.source(this.app.state.inverted); }

    recolor(): void { this.colors = palette(this.app); }

    show(): void {
        const source = this.source, width = this.scroller.clientWidth;
        this.boxes = layout(source, source.find(this.app.state.zoom), width);
        const rows = (this.boxes[this.boxes.length - 1]?.row ?? 0) + 1;
        const available = Math.max(window.innerHeight - 220, 260);
        this.scroller.style.height = `${Math.min(Math.max(rows * ROW + 4, 180), available)}px`;
        (this.scroller.lastElementChild as HTMLElement).style.height = `${rows * ROW}px`;
        this.draw();
    }

    // ---- drawing ----

    draw(): void {
        const width = this.scroller.clientWidth, height = this.scroller.clientHeight;
        if (width === 0) return;
        const context = canvasContext(this.canvas, width, height), top = this.scroller.scrollTop;
        context.clearRect(0, 0, width, height);
        context.font = FONT;
        context.textBaseline = "middle";
        this.character = context.measureText("mmmmmmmmmm").width / 10;
        const first = Math.floor(top / ROW), last = Math.ceil((top + height) / ROW);
        const source = this.source, zoomRow = source.depth(source.find(this.app.state.zoom));
        const text = color("frame-text");
        this.boxes.forEach((box, i) => {
            if (box.row < first || box.row > last) return;
            this.drawBox(context, source, box, box.row * ROW - top, text, box.row < zoomRow, i === this.hovered);
        });
        this.drawMarks(context, source, top);
    }

    private drawBox(context: CanvasRenderingContext2D, source: Source, box: Box, y: number, text: string, isCaller: boolean, isHovered: boolean): void {
        const fn = source.fn(box.node), matches = this.app.searchMatches;
        const found = matches !== null && box.node !== 0 && matches[fn] === 1;
        context.globalAlpha = isCaller ? 0.55 : matches !== null && !found ? 0.35 : 1;
        context.fillStyle = box.node === 0 ? color("root") : found ? color("match") : this.colors.fill(fn, source.value(box.node), source.base(box.node));
        context.fillRect(box.x, y, Math.max(box.width - 0.6, 0.4), ROW - 1);
        if (isHovered) {
            context.fillStyle = color("hover");
            context.fillRect(box.x, y, box.width - 0.6, ROW - 1);
        }
        const room = Math.floor((box.width - 8) / this.character);
        if (room >= 3) {
            context.fillStyle = found ? color("match-text") : text;
            context.fillText(shortName(this.name(source, box.node), room), box.x + 4, y + ROW / 2);
        }
        context.globalAlpha = 1;
    }

    private drawMarks(context: CanvasRenderingContext2D, source: Source, top: number): void {
        const [type, ...path] = this.app.state.selection.split(".");
        const selected = type === (this.app.state.inverted ? "i" : "t") ? source.find(path.map(Number)) : 0;
        const outline = (box: Box | undefined, style: string, wide: number) => {
            if (box === undefined) return;
            context.strokeStyle = style;
            context.lineWidth = wide;
            context.strokeRect(box.x + 1, box.row * ROW - top + 1, Math.max(box.width - 2.6, 1), ROW - 3);
        };
        const boxOf = (node: number) => this.boxes.find((box) => box.node === node);
        if (selected !== 0) outline(boxOf(selected), color("accent"), 2);
        if (type === "g" && path[0] === "function") // a function can be in many places
            for (const box of this.boxes)
                if (box.width > 3 && box.node !== 0 && source.fn(box.node) === Number(path[1])) outline(box, color("accent"), 2);
        if (document.activeElement === this.canvas) outline(boxOf(this.focused), color("focus"), 2);
    }

    name(source: Source, node: number): string {
        return node === 0 ? "all" : this.app.stacks.functions[source.fn(node)]!.name;
    }

    /** Returns the value of a node in words. */
    describe(node: number): string {
        const source = this.source, format = formatOf(this.app.state.metric);
        const value = source.value(node), total = source.value(0);
        const share = `${format(value)}, ${percent(value, total)}`;
        if (!this.app.isDiff) return share;
        return `${change(value - source.base(node), format)}: ${format(source.base(node))} before, ${format(value)} after`;
    }

    // ---- pointer ----

    private at(event: MouseEvent): number {
        const place = this.canvas.getBoundingClientRect();
        const row = Math.floor((event.clientY - place.top + this.scroller.scrollTop) / ROW);
        return boxAt(this.boxes, event.clientX - place.left, row);
    }

    private hover(event: PointerEvent): void {
        const index = this.at(event);
        if (index !== this.hovered) {
            this.hovered = index;
            this.draw();
        }
        this.canvas.style.cursor = index < 0 ? "default" : "pointer";
        this.tip.hidden = index < 0;
        if (index < 0) return;
        const source = this.source, { node } = this.boxes[index]!, fn = this.app.stacks.functions[source.fn(node)]!;
        let below = 0;
        for (const child of Array.from(source.children(node))) below += source.value(child);
        const self = Math.max(source.value(node) - below, 0), format = formatOf(this.app.state.metric);
        fill(this.tip, h("b", {}, this.name(source, node)), node === 0 ? null : h("div.place", {}, [this.app.place(fn), fn.file === "" ? "" : fn.module].filter(Boolean).join(" · ")),
            h("div", {}, this.describe(node)), self > 0 && node !== 0 && !this.app.state.inverted ? h("div.hint", {}, `itself: ${format(self)}`) : null);
        const wide = this.tip.offsetWidth, high = this.tip.offsetHeight;
        this.tip.style.left = `${Math.max(8, Math.min(event.clientX + 14, window.innerWidth - wide - 8))}px`;
        this.tip.style.top = `${event.clientY + 18 + high > window.innerHeight ? event.clientY - high - 10 : event.clientY + 18}px`;
    }

    private leave(): void {
        this.hovered = -1;
        this.tip.hidden = true;
        this.draw();
    }

    private click(event: MouseEvent): void {
        const index = this.at(event);
        if (index >= 0) this.choose(this.boxes[index]!.node);
    }

    /** Zooms to a node, and selects it. */
    private choose(node: number): void {
        const path = pathOf(this.source, node), type = this.app.state.inverted ? "i" : "t";
        this.focused = node;
        this.app.set({ zoom: path, selection: node === 0 ? "" : [type, ...path].join(".") });
    }

    // ---- keyboard ----

    private key(event: KeyboardEvent): void {
        if (event.ctrlKey || event.metaKey || event.altKey) return;
        const source = this.source;
        let at = this.boxes.findIndex((box) => box.node === this.focused);
        if (at < 0) at = 0;
        if (event.key.startsWith("Arrow")) this.focus(boxNextTo(this.boxes, at, event.key));
        else if (event.key === "Home") this.focus(0);
        else if (event.key === "Enter" || event.key === " ") this.choose(this.boxes[at]!.node);
        else if (event.key === "Escape" || event.key === "Backspace") {
            const zoom = source.find(this.app.state.zoom);
            this.focused = zoom === 0 ? 0 : source.parent(zoom);
            this.app.set({ zoom: event.key === "Escape" ? [] : pathOf(source, this.focused) });
        } else if (event.key === "i") this.app.set({ inverted: !this.app.state.inverted, zoom: [] });
        else return;
        event.preventDefault();
    }

    private focus(index: number): void {
        const box = this.boxes[index];
        if (box === undefined) return;
        this.focused = box.node;
        const top = box.row * ROW, { scrollTop, clientHeight } = this.scroller;
        if (top < scrollTop) this.scroller.scrollTop = top;
        if (top + ROW > scrollTop + clientHeight) this.scroller.scrollTop = top + ROW - clientHeight;
        announce(`${this.name(this.source, box.node)}, ${this.describe(box.node)}, level ${box.row + 1}`);
        this.draw();
    }
}

/** Returns the share of the stacks that a searched function is part of. */
function foundShare(app: App): string {
    const matches = app.searchMatches;
    if (matches === null) return "";
    const source = app.source(false), { tree } = app.stacks, format = formatOf(app.state.metric);
    let found = 0;
    const inside = new Uint8Array(tree.count);
    for (let i = 1; i < tree.count; i++) {
        const above = inside[tree.parent[i]!]!;
        inside[i] = above | matches[tree.fn[i]!]!;
        if (inside[i] && !above) found += source.value(i);
    }
    return `matches: ${format(found)}, ${percent(found, source.value(0))}`;
}

export function icicle(app: App): ViewPart {
    const graph = new Graph(app), table = icicleTable(app);
    const metrics = choice<Metric>("Metric", METRICS.map((metric) => [metric, app.metricName(metric)] as const), (metric) => app.set({ metric }));
    const invert = h("button", { type: "button", id: "invert", title: "Callers below the functions that allocate (i)", click: () => app.set({ inverted: !app.state.inverted, zoom: [] }) }, "Inverted");
    const asTable = h("button", { type: "button", id: "as-table", click: () => app.set({ table: !app.state.table }) }, "As a table");
    const reset = h("button", { type: "button", id: "reset-zoom", click: () => app.set({ zoom: [] }) }, "Zoom out");
    const status = h("span.hint", { role: "status", id: "icicle-status" });
    const legend = h("div.legend");
    const help = h("p.hint.help", { id: "icicle-help" },
        "Click or Enter: zoom. Arrow keys: move. Backspace: one level out. Esc: zoom out. i: invert. / : search.");
    const showLegend = () => {
        const entry = (name: string, style: string) => h("span", {}, h("i", { style: `background:${style}` }), name);
        fill(legend, ...(app.isDiff ? [entry("grown", color("grown")), entry("shrunk", color("shrunk"))] : graph.legend.map(({ name, color: style }) => entry(name, style))));
    };
    showLegend();
    const element = h("section", {}, h("div.toolbar", {}, metrics.element, invert, asTable, reset, status), graph.scroller, table.element,
        h("div.under", {}, legend, help), graph.tip);
    return {
        element,
        update(changed) {
            if (changed.has("theme")) {
                graph.recolor();
                showLegend();
            }
            metrics.show(app.state.metric);
            invert.setAttribute("aria-pressed", String(app.state.inverted));
            asTable.setAttribute("aria-pressed", String(app.state.table));
            reset.disabled = app.state.zoom.length === 0;
            graph.scroller.hidden = app.state.table;
            table.element.hidden = !app.state.table;
            status.textContent = foundShare(app);
            if (app.state.table) table.update(changed);
            else graph.show();
        },
    };
}
