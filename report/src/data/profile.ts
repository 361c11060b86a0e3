// One profile: its snapshots, its sites, and the figures of each site at each snapshot.
import type { Decoded, Process } from "./decode";

/** The figures of a site. */
export const FIGURES = [
    "allocatedBytes", "allocatedBlocks", "liveBytes", "liveBlocks", "liveError", "peakBytes",
    "freed0", "freed1", "freed2", "freed3", "freed4", "freed5", "freed6", "freed7",
] as const;
export type Figure = (typeof FIGURES)[number];
export const LIFETIMES = 8;

const EVENT_FIGURES = [
    "resident", "liveBlocks", "liveBytes", "largeBlocks", "largeBytes", "heap", "metadata",
    "samplesLost",
] as const;
type EventFigure = (typeof EVENT_FIGURES)[number];

export const REASONS = [
    "", "from time to time", "on request", "the program ended", "near the memory limit",
    "an allocation failed", "a memory error", "sampling turned off",
];
export const REASON_EXIT = 3;

/** The snapshots of all processes, by time. */
export interface Events {
    count: number;
    process: Float64Array;
    time: Float64Array; // seconds
    reason: Float64Array;
    firstClass: Uint32Array; // where the blocks of the size classes begin
    classBlocks: Float64Array;
    figures: Record<EventFigure, Float64Array>;
}

/** A record has the figures of a site from its snapshot on. The records of a site are adjacent. */
export interface Records {
    first: Uint32Array; // of each site; the last entry is the end
    event: Uint32Array;
    figures: Record<Figure, Float64Array>;
    /** All records by time: where those of each snapshot begin, their sites, by how much the live
     * bytes have changed, and the peak of the site if it has risen. */
    firstOfEvent: Uint32Array;
    timeSite: Uint32Array;
    timeChange: Float64Array;
    timePeak: Float64Array;
    /** The bytes that were allocated between each snapshot and the one before it. */
    allocatedUntil: Float64Array;
}

export const LOST = 1;

/** The samples that were live at the last snapshot that lists them. */
export interface Lives {
    count: number;
    process: Float64Array;
    node: Float64Array;
    site: Int32Array; // -1: unknown
    address: Float64Array;
    bytes: Float64Array;
    blocks: Float64Array;
    time: Float64Array;
    thread: Float64Array;
    flags: Float64Array;
}

/** What the pages of the heap contain. Each entry is a run of pages of 4 KiB. */
export interface Pages {
    process: Float64Array;
    start: Float64Array; // the number of the page
    count: Float64Array;
    use: Float64Array; // enum mallow_profile_page_use
}

export interface Profile {
    knowsPinned: boolean; // it says what the sites of some process pin
    pinned: Float64Array; // bytes, of each site
    pinnedError: Float64Array; // the square of the 95 % interval
    /** In a comparison: the square of the interval of the change that each site accounts for. */
    changeError: Float64Array | null;
    pages: Pages;
    knowsLost: boolean; // it says which blocks nothing points to
    hasEnded: boolean; // all processes have
    name: string;
    startedAt: number;
    damaged: number;
    truncated: boolean;
    processes: Process[];
    seconds: number; // when the last snapshot was taken
    events: Events;
    siteCount: number;
    siteProcess: Float64Array;
    siteNode: Float64Array;
    siteLarge: Float64Array;
    records: Records;
    lives: Lives;
}

type Columns = (name: string) => Float64Array;

/** Returns the numbers in another unit. */
function scale(column: Float64Array, factor: number): Float64Array {
    return column.map((value) => value * factor);
}

function eventsOf(columns: Columns): Events {
    const classes = columns("event.classes");
    const firstClass = new Uint32Array(classes.length + 1);
    for (let i = 0; i < classes.length; i++) firstClass[i + 1] = firstClass[i]! + classes[i]!;
    const figures = {} as Record<EventFigure, Float64Array>;
    for (const name of EVENT_FIGURES) figures[name] = columns(`event.${name}`);
    return {
        count: classes.length,
        process: columns("event.process"),
        time: scale(columns("event.time"), 1e-6),
        reason: columns("event.reason"),
        firstClass,
        classBlocks: columns("class.blocks"),
        figures,
    };
}

/** Sums up the changes that the columns contain. */
function accumulate(changes: Float64Array, first: Uint32Array, place: Uint32Array): Float64Array {
    const values = new Float64Array(changes.length);
    for (let i = 0; i < changes.length; i++) values[place[i]!] = changes[i]!;
    for (let site = 0; site + 1 < first.length; site++)
        for (let i = first[site]! + 1, end = first[site + 1]!; i < end; i++) values[i]! += values[i - 1]!;
    return values;
}

/** The columns have the mean sizes of blocks, which change less than their numbers. */
const SIZE_UNIT = 64;

function blocksOf(bytes: Float64Array, sizes: Float64Array): Float64Array {
    const blocks = new Float64Array(bytes.length);
    for (let i = 0; i < bytes.length; i++) if (sizes[i]! > 0) blocks[i] = (bytes[i]! * SIZE_UNIT) / sizes[i]!;
    return blocks;
}

/** The columns have the logarithms of intervals, in a unit that is precise enough for them. */
const ERROR_UNIT = 16;

function figuresOf(columns: Columns, isZero: (name: string) => boolean, first: Uint32Array, place: Uint32Array): Record<Figure, Float64Array> {
    const zeros = new Float64Array(place.length);
    const read = (name: string) =>
        isZero(`record.${name}`) ? zeros : accumulate(columns(`record.${name}`), first, place);
    const allocatedBytes = read("allocatedBytes"), liveBytes = read("liveBytes");
    const errors = read("liveError");
    const figures: Partial<Record<Figure, Float64Array>> = {
        allocatedBytes, liveBytes,
        allocatedBlocks: blocksOf(allocatedBytes, read("allocatedSize")),
        liveBlocks: blocksOf(liveBytes, read("liveSize")),
        liveError: errors === zeros ? zeros : errors.map((value) => (value === 0 ? 0 : 2 ** (value / ERROR_UNIT))),
        peakBytes: read("peakBytes"),
    };
    for (let i = 0; i < LIFETIMES; i++) figures[`freed${i}` as Figure] = read(`freed${i}`);
    return figures as Record<Figure, Float64Array>;
}

function recordsOf(columns: Columns, isZero: (name: string) => boolean, siteCount: number, eventCount: number): Records {
    const sites = columns("record.site"), events = columns("record.event"), count = sites.length;
    const first = new Uint32Array(siteCount + 1);
    for (let i = 0; i < count; i++) first[sites[i]! + 1]!++;
    for (let i = 0; i < siteCount; i++) first[i + 1]! += first[i]!;
    const next = first.slice(), place = new Uint32Array(count), event = new Uint32Array(count);
    const firstOfEvent = new Uint32Array(eventCount + 1);
    for (let i = 0; i < count; i++) {
        const at = next[sites[i]!]!++;
        place[i] = at;
        event[at] = events[i]!;
        firstOfEvent[events[i]! + 1]!++;
    }
    for (let i = 0; i < eventCount; i++) firstOfEvent[i + 1]! += firstOfEvent[i]!;
    const figures = figuresOf(columns, isZero, first, place), { peakBytes } = figures;
    const timePeak = new Float64Array(count), allocatedUntil = new Float64Array(eventCount);
    const changes = columns("record.liveBytes"), allocated = columns("record.allocatedBytes");
    for (let i = 0; i < count; i++) {
        const at = place[i]!;
        if (at === first[sites[i]!] || peakBytes[at]! > peakBytes[at - 1]!) timePeak[i] = peakBytes[at]!;
        allocatedUntil[events[i]!]! += allocated[i]!;
    }
    return {
        first, event, figures, firstOfEvent, timeSite: Uint32Array.from(sites), timeChange: changes, timePeak, allocatedUntil,
    };
}

function livesOf(columns: Columns, profile: Pick<Profile, "siteCount" | "siteProcess" | "siteNode" | "siteLarge">): Lives {
    const process = columns("live.process"), node = columns("live.node"), flags = columns("live.flags");
    const key = (p: number, n: number, large: number) => (p * 2 + large) * 0x100000000 + n;
    const sites = new Map<number, number>();
    for (let i = 0; i < profile.siteCount; i++)
        sites.set(key(profile.siteProcess[i]!, profile.siteNode[i]!, profile.siteLarge[i]!), i);
    const site = new Int32Array(node.length);
    for (let i = 0; i < node.length; i++)
        site[i] = sites.get(key(process[i]!, node[i]!, (flags[i]! >> 1) & 1)) ?? -1;
    return {
        count: node.length, process, node, site, flags,
        address: columns("live.address"),
        bytes: columns("live.bytes"),
        blocks: scale(columns("live.blocks"), 0.1),
        time: scale(columns("live.time"), 1e-6),
        thread: columns("live.thread"),
    };
}

const squareOf = (error: number) => (error === 0 ? 0 : 4 ** (error / ERROR_UNIT));

function pinnedOf(columns: Columns, siteCount: number): Pick<Profile, "pinned" | "pinnedError"> {
    const site = columns("pinned.site"), bytes = columns("pinned.bytes"), error = columns("pinned.error");
    const pinned = new Float64Array(siteCount), pinnedError = new Float64Array(siteCount);
    for (let i = 0; i < site.length; i++) {
        pinned[site[i]!] = bytes[i]!;
        pinnedError[site[i]!] = squareOf(error[i]!);
    }
    return { pinned, pinnedError };
}

/** Returns the profile whose columns have the prefix "a" or "b". */
export function profileOf(decoded: Decoded, index: number): Profile {
    const prefix = "ab"[index]!;
    const columns = (name: string) => decoded.columns.get(`${prefix}.${name}`)!;
    const isZero = (name: string) => decoded.zeros.has(`${prefix}.${name}`);
    const description = decoded.description.profiles[index]!;
    const events = eventsOf(columns);
    const sites = {
        siteCount: columns("site.node").length,
        siteProcess: columns("site.process"),
        siteNode: columns("site.node"),
        siteLarge: columns("site.large"),
    };
    const lives = livesOf(columns, sites);
    const last = new Float64Array(description.processes.length);
    events.process.forEach((process, i) => (last[process] = events.reason[i]!));
    return {
        ...description, ...sites, events, ...pinnedOf(columns, sites.siteCount),
        knowsPinned: description.processes.some(({ pinnedAt }) => pinnedAt !== undefined),
        changeError: decoded.columns.get(`${prefix}.site.change`)?.map(squareOf) ?? null,
        pages: { process: columns("page.process"), start: columns("page.start"), count: columns("page.count"), use: columns("page.use") },
        knowsLost: lives.flags.some((flags) => (flags & LOST) !== 0),
        hasEnded: events.count > 0 && last.every((reason) => reason === REASON_EXIT || reason === 0),
        seconds: events.count === 0 ? 0 : events.time[events.count - 1]!,
        records: recordsOf(columns, isZero, sites.siteCount, events.count),
        lives,
    };
}
