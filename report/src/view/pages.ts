// The map of the whole heap: what its pages contain.
import type { App } from "../app";
import { announce, canvasContext, h } from "../dom";
import { bytes, count, percent } from "../format";
import { color } from "../theme";

const PAGE = 4096, CELL = 9, ROWS_MAX = 40;

/** In the order of enum mallow_profile_page_use: a color of the style sheet, a name, and a note. */
const USES = [
    ["", "", ""],
    ["page-block", "Large block", "a block of whole pages"],
    ["page-full", "Full", "live blocks and no gap"],
    ["page-partial", "Partly used", "live blocks, and free memory between them, which they pin"],
    ["page-empty", "Empty", "divided into blocks, none of which is live"],
    ["page-dirty", "Free, used before", "kept for later allocations until it goes back to the kernel"],
    ["page-clean", "Free, clean", "never used, or returned to the kernel: not resident"],
    ["page-foreign", "Of others", "mapped by other code"],
    ["page-unknown", "Unknown", "could not be read"],
] as const;

const UNKNOWN = USES.length - 1;
const useOf = (use: number): number => (use >= 1 && use < UNKNOWN ? use : UNKNOWN);

/** Runs of pages of one process. */
interface Heap {
    runs: number[]; // indexes, by address
    first: number; // page
    end: number;
    sums: Float64Array; // pages of each use
}

function heapOf(app: App, process: number): Heap | null {
    const { pages } = app.main, runs: number[] = [];
    const sums = new Float64Array(USES.length);
    for (let i = 0; i < pages.process.length; i++) {
        if (pages.process[i] !== process) continue;
        runs.push(i);
        sums[useOf(pages.use[i]!)]! += pages.count[i]!;
    }
    if (runs.length === 0) return null;
    runs.sort((a, b) => pages.start[a]! - pages.start[b]!);
    const last = runs[runs.length - 1]!;
    return { runs, first: pages.start[runs[0]!]!, end: pages.start[last]! + pages.count[last]!, sums };
}

/** Returns how many pages of each use each cell has. */
function cellsOf(app: App, heap: Heap, cellPages: number): Float64Array[] {
    const { pages } = app.main;
    const cells = Array.from({ length: Math.ceil((heap.end - heap.first) / cellPages) }, () => new Float64Array(USES.length));
    for (const i of heap.runs) {
        const use = useOf(pages.use[i]!), end = pages.start[i]! + pages.count[i]! - heap.first;
        for (let at = pages.start[i]! - heap.first; at < end;) {
            const cell = Math.floor(at / cellPages), to = Math.min(end, (cell + 1) * cellPages);
            cells[cell]![use]! += to - at;
            at = to;
        }
    }
    return cells;
}

/** The use of most pages gives a cell its color. */
function mainUse(cell: Float64Array): number {
    let most = 0;
    for (let use = 1; use < cell.length; use++) if (cell[use]! > cell[most]!) most = use;
    return most;
}

function describe(heap: Heap, cell: Float64Array | undefined, at: number, cellPages: number): string {
    if (cell === undefined) return "";
    const address = `0x${((heap.first + at * cellPages) * PAGE).toString(16)}`;
    const parts = Array.from(cell, (pages, use) => ({ pages, use })).filter(({ pages }) => pages > 0).sort((a, b) => b.pages - a.pages);
    return `${address}: ` + (parts.length === 0 ? "not a part of the heap"
        : parts.map(({ pages, use }) => `${USES[use]![1].toLowerCase()} ${bytes(pages * PAGE)}`).join(", "));
}

class PageMap {
    readonly canvas = h("canvas.pages", { role: "application", tabindex: 0, "data-focus": "page map", id: "page-map" });
    private at = -1; // the cell that the keyboard has reached
    private cells: Float64Array[];

    constructor(app: App, private heap: Heap, private columns: number, private cellPages: number) {
        this.cells = cellsOf(app, heap, cellPages);
        this.canvas.setAttribute("aria-label", `Map of the heap: ${this.cells.length} cells of ${bytes(cellPages * PAGE)}. Use the arrow keys; the table below has the sums.`);
        this.canvas.addEventListener("pointermove", (event) => {
            const at = Math.floor(event.offsetX / CELL) + Math.floor(event.offsetY / CELL) * columns;
            this.canvas.title = describe(heap, this.cells[at], at, cellPages);
        });
        this.canvas.addEventListener("keydown", (event) => this.key(event));
        this.canvas.addEventListener("blur", () => this.move(-1));
        this.draw();
    }

    private key(event: KeyboardEvent): void {
        const steps: Record<string, number> = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -this.columns, ArrowDown: this.columns };
        const last = this.cells.length - 1;
        let to = event.key === "Home" ? 0 : event.key === "End" ? last : NaN;
        if (event.key in steps) to = this.at < 0 ? 0 : this.at + steps[event.key]!;
        if (!(to >= 0 && to <= last)) return;
        event.preventDefault();
        this.move(to);
        announce(describe(this.heap, this.cells[to], to, this.cellPages));
    }

    private move(to: number): void {
        this.at = to;
        this.draw();
    }

    private draw(): void {
        const { columns, cells } = this, colors = USES.map(([name]) => (name === "" ? "" : color(name)));
        const context = canvasContext(this.canvas, columns * CELL, Math.ceil(cells.length / columns) * CELL);
        context.clearRect(0, 0, this.canvas.width, this.canvas.height);
        cells.forEach((cell, i) => {
            const use = mainUse(cell);
            if (use === 0) return;
            context.fillStyle = colors[use]!;
            context.fillRect((i % columns) * CELL, Math.floor(i / columns) * CELL, CELL - 1, CELL - 1);
        });
        if (this.at < 0) return;
        context.strokeStyle = color("text");
        context.lineWidth = 2;
        context.strokeRect((this.at % columns) * CELL - 1, Math.floor(this.at / columns) * CELL - 1, CELL + 1, CELL + 1);
    }
}

function table(heap: Heap): HTMLElement {
    const total = heap.sums.reduce((sum, pages) => sum + pages, 0);
    const rows = USES.map(([name, title, note], use) => ({ name, title, note, pages: heap.sums[use]! })).filter(({ pages }) => pages > 0);
    return h("div.scroll", {}, h("table.sites.uses", {}, h("caption.hidden", {}, "What the pages of the heap contain"),
        h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Pages"), ...["Size", "Share"].map((name) => h("th.number", { scope: "col" }, name)), h("th", { scope: "col" }, ""))),
        h("tbody", {}, ...rows.map(({ name, title, note, pages }) => h("tr", {},
            h("th", { scope: "row" }, h("i.swatch", { style: `background:${color(name)}` }), title),
            h("td.number", {}, bytes(pages * PAGE)), h("td.number", {}, percent(pages, total)), h("td.hint", {}, note))))));
}

/** Returns the map of a process's heap. */
export function pageMap(app: App, process: number, columns: number): HTMLElement {
    const heap = heapOf(app, process);
    if (heap === null)
        return h("section", {}, h("h3", {}, "The whole heap"), h("p.empty", {}, "The profile does not say what the pages of the heap contain."));
    let cellPages = 1;
    while ((heap.end - heap.first) / cellPages > ROWS_MAX * columns) cellPages *= 2;
    const map = new PageMap(app, heap, columns, cellPages);
    return h("section", {}, h("h3", {}, "The whole heap"),
        h("p.hint", {}, `The ${count(heap.sums.reduce((sum, pages) => sum + pages, 0))} pages of the heap of process ${app.main.processes[process]!.pid}, ` +
            `when it was described last. One cell is ${bytes(cellPages * PAGE)}, with the color of what most of it is.`),
        map.canvas, table(heap));
}
