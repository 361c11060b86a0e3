// The heap map: what the pages of the heap contain, and where the sampled live blocks are.
import type { App, ViewPart } from "../app";
import { LOST } from "../data/profile";
import { canvasContext, fill, h } from "../dom";
import { bytes, count, samples, seconds as duration } from "../format";
import { color } from "../theme";
import { pageMap } from "./pages";

/** Samples that are farther apart are in different regions. */
const GAP = 4 << 20;
const CELL = 9, ROWS_MAX = 40;

interface Region {
    start: number;
    end: number;
    samples: number[]; // indexes, by address
    bytes: number; // estimated
}

function regionsOf(app: App, process: number): Region[] {
    const { lives } = app.main, regions: Region[] = [];
    const order = Array.from({ length: lives.count }, (_, i) => i).filter((i) => lives.process[i] === process)
        .sort((a, b) => lives.address[a]! - lives.address[b]!);
    for (const i of order) {
        const address = lives.address[i]!, end = address + Math.max(lives.bytes[i]!, 1);
        let region = regions[regions.length - 1];
        if (region === undefined || address > region.end + GAP) regions.push((region = { start: address, end, samples: [], bytes: 0 }));
        region.end = Math.max(region.end, end);
        region.samples.push(i);
        region.bytes += lives.bytes[i]! * lives.blocks[i]!;
    }
    return regions;
}

/** Returns the process that is shown: the selected one, or the one with the most samples or pages. */
function shownProcess(app: App): number {
    if (app.state.process >= 0) return app.state.process;
    const counts = new Float64Array(app.main.processes.length), { lives, pages } = app.main;
    lives.process.forEach((process) => counts[process]!++);
    pages.process.forEach((process, i) => (counts[process]! += 1e-9 * pages.count[i]!));
    return counts.indexOf(Math.max(...counts));
}

interface Cell {
    bytes: number;
    oldest: number; // when the oldest sample was allocated
    inRange: boolean;
    lost: boolean;
    selected: boolean;
    samples: number;
}

function cellsOf(app: App, region: Region, cellBytes: number, selected: Set<number> | null): Cell[] {
    const { lives } = app.main, { from, to } = app.range;
    const length = Math.max(1, Math.ceil((region.end - region.start) / cellBytes));
    const cells = Array.from({ length }, (): Cell => ({ bytes: 0, oldest: Infinity, inRange: false, lost: false, selected: false, samples: 0 }));
    for (const i of region.samples) {
        const first = Math.floor((lives.address[i]! - region.start) / cellBytes);
        const last = Math.floor((lives.address[i]! + Math.max(lives.bytes[i]!, 1) - 1 - region.start) / cellBytes);
        for (let at = first; at <= last; at++) {
            const cell = cells[at]!;
            cell.bytes += (lives.bytes[i]! * lives.blocks[i]!) / (last - first + 1);
            cell.oldest = Math.min(cell.oldest, lives.time[i]!);
            cell.inRange ||= lives.time[i]! >= from && lives.time[i]! <= to;
            cell.lost ||= (lives.flags[i]! & LOST) !== 0;
            cell.selected ||= selected !== null && selected.has(lives.site[i]!);
            cell.samples++;
        }
    }
    return cells;
}

const AGES = 12;

/** Returns colors from early to late allocations. */
function ageColors(): string[] {
    return Array.from({ length: AGES }, (_, i) =>
        `color-mix(in oklab, ${color("late")} ${((100 * i) / (AGES - 1)).toFixed(0)}%, ${color("early")})`);
}

/** Chooses how many bytes a cell has, so that the map fits. */
function cellBytesFor(regions: Region[], columns: number): number {
    let size = 4096;
    const rows = () => regions.reduce((sum, region) => sum + Math.ceil((region.end - region.start) / size / columns), 0);
    while (rows() > Math.max(ROWS_MAX, regions.length) && size < 2 ** 40) size *= 2;
    return size;
}

function drawRegion(canvas: HTMLCanvasElement, cells: Cell[], columns: number, seconds: number, hasSelection: boolean): void {
    const context = canvasContext(canvas, columns * CELL, Math.ceil(cells.length / columns) * CELL);
    context.clearRect(0, 0, canvas.width, canvas.height);
    const [empty, lost, chosen] = [color("cell"), color("grown"), color("chosen")];
    const ages = ageColors();
    cells.forEach((cell, i) => {
        const x = (i % columns) * CELL, y = Math.floor(i / columns) * CELL;
        context.globalAlpha = 1;
        context.fillStyle = empty;
        context.fillRect(x, y, CELL - 1, CELL - 1);
        if (cell.samples === 0) return;
        const muted = !cell.inRange || (hasSelection && !cell.selected);
        context.globalAlpha = muted ? 0.25 : 1;
        context.fillStyle = cell.selected ? chosen : cell.lost ? lost : ages[Math.min(Math.floor((cell.oldest / seconds) * AGES), AGES - 1)]!;
        context.fillRect(x, y, CELL - 1, CELL - 1);
    });
}

function hex(address: number): string {
    return `0x${address.toString(16)}`;
}

function regionPart(app: App, region: Region, columns: number, cellBytes: number, selected: Set<number> | null): HTMLElement {
    const cells = cellsOf(app, region, cellBytes, selected), canvas = h("canvas", { role: "img" });
    const size = region.end - region.start, text = `${hex(region.start)} – ${hex(region.end)}: ${bytes(size)}, ${samples(region.samples.length)}, about ${bytes(region.bytes)} live`;
    canvas.setAttribute("aria-label", text);
    drawRegion(canvas, cells, columns, app.seconds || 1, selected !== null);
    canvas.addEventListener("pointermove", (event) => {
        const at = Math.floor(event.offsetX / CELL) + Math.floor(event.offsetY / CELL) * columns, cell = cells[at];
        canvas.title = cell === undefined ? "" : `${hex(region.start + at * cellBytes)}: ` +
            (cell.samples === 0 ? "no sample" : `${samples(cell.samples)}, about ${bytes(cell.bytes)} live, the oldest from ${duration(cell.oldest)}`);
    });
    return h("figure", {}, h("figcaption", {}, text), canvas);
}

function selectedLives(app: App): Set<number> | null {
    const sites = app.selectedSites();
    return sites === null ? null : new Set(sites[sites.length - 1]);
}

function table(regions: Region[]): HTMLElement {
    return h("details", {}, h("summary", {}, "As a table"), h("table.sites", {},
        h("thead", {}, h("tr", {}, ...["From", "To", "Size", "Samples", "Live, about"].map((name) => h("th.number", { scope: "col" }, name)))),
        h("tbody", {}, ...regions.map((region) => h("tr", {}, ...[hex(region.start), hex(region.end), bytes(region.end - region.start),
            count(region.samples.length), bytes(region.bytes)].map((text) => h("td.number", {}, text)))))));
}

function samplesPart(app: App, process: number, columns: number): HTMLElement {
    const regions = regionsOf(app, process).slice(0, 200), title = h("h3", {}, "Sampled blocks");
    if (regions.length === 0)
        return h("section", {}, title, h("p.empty", {}, "No sampled block was live at the last snapshot that lists them."));
    const cellBytes = cellBytesFor(regions, columns), selected = selectedLives(app);
    const entry = (name: string, style: string) => h("span", {}, h("i", { style: `background:${style}` }), name);
    return h("section", {}, title,
        h("p.hint", {}, `The blocks of process ${app.main.processes[process]!.pid} that were sampled, and live at the last snapshot that lists them. ` +
            `One cell is ${bytes(cellBytes)}, with the color of its oldest sample. ` +
            "Blocks from outside the selected time are pale. A sample stands for blocks that can be elsewhere."),
        h("div.legend", {}, h("span", {}, "allocated at 0 s ", h("i.ramp", { style: `background:linear-gradient(to right, ${ageColors().join()})` }), `${duration(app.seconds)}`),
            app.main.knowsLost && entry("lost", color("grown")), selected !== null && entry("selected", color("chosen")), entry("no sample", color("cell"))),
        ...regions.map((region) => regionPart(app, region, columns, cellBytes, selected)), table(regions));
}

export function heap(app: App): ViewPart {
    const map = h("div"), blocks = h("div"); // the map does not depend on the selected time
    const element = h("section.heap", {}, map, blocks);
    return {
        element,
        update(changed: Set<string>) {
            const process = shownProcess(app), columns = Math.max(16, Math.floor((element.clientWidth - 4) / CELL));
            if (process < 0) {
                fill(element, h("p.empty", {}, "No snapshot is complete."));
                return;
            }
            if (["everything", "process", "theme", "size"].some((key) => changed.has(key))) fill(map, pageMap(app, process, columns));
            fill(blocks, samplesPart(app, process, columns));
            if (element.firstChild !== map) fill(element, map, blocks);
        },
    };
}
