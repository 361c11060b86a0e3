// The figures of all sites for a range of time.
import { LOST, REASON_EXIT, type Profile } from "./profile";

export interface Range {
    from: number; // seconds
    to: number;
}

/** Amounts of each site. All but `calls` and `temporary` (blocks) are bytes. What is pinned is known
 * for one moment only. */
export const METRICS = ["live", "peak", "allocated", "calls", "temporary", "leaked", "pinned"] as const;
export type Metric = (typeof METRICS)[number];

export interface SiteFigures {
    first: number; // the snapshots in the range
    end: number;
    peakEvent: number; // when the live bytes of all processes were highest; -1: there is none
    values: Record<Metric, Float64Array>;
    before: Float64Array; // live bytes at the beginning of the range
    blocks: Float64Array; // live blocks at the end
    error: Float64Array; // the square of the 95 % interval of the live bytes
    /** In a comparison of whole profiles: the square of the interval of the change. Otherwise `error`. */
    changeError: Float64Array;
    leakedBlocks: Float64Array;
    included: Uint8Array; // whether the site's process counts
}

/** Returns the number of snapshots up to the moment. */
export function eventsUntil(profile: Profile, moment: number): number {
    let low = 0, high = profile.events.count;
    while (low < high) {
        const middle = (low + high) >> 1;
        if (profile.events.time[middle]! <= moment + 1e-7) low = middle + 1;
        else high = middle;
    }
    return low;
}

/** Returns the index of the site's last record before the snapshot, or -1. */
export function recordBefore(profile: Profile, site: number, event: number): number {
    const { first, event: events } = profile.records;
    let low = first[site]!, high = first[site + 1]!;
    while (low < high) {
        const middle = (low + high) >> 1;
        if (events[middle]! < event) low = middle + 1;
        else high = middle;
    }
    return low > first[site]! ? low - 1 : -1;
}

const INDEXES_MAX = 200;
const indexes = new WeakMap<Profile, Map<number, Int32Array>>();

/** Returns the last record of each site before the snapshot. Brushing needs few of them again and
 * again, so they are kept. */
function recordsBefore(profile: Profile, event: number): Int32Array {
    let kept = indexes.get(profile);
    if (kept === undefined || kept.size > INDEXES_MAX) indexes.set(profile, (kept = new Map()));
    let records = kept.get(event);
    if (records === undefined) {
        records = new Int32Array(profile.siteCount);
        for (let site = 0; site < records.length; site++) records[site] = recordBefore(profile, site, event);
        kept.set(event, records);
    }
    return records;
}

/** Returns the snapshot in the range at which the sum of live bytes is the highest. */
export function peakEvent(profile: Profile, first: number, end: number, process: number): number {
    const live = new Float64Array(profile.processes.length);
    let sum = 0, highest = -1, found = -1;
    for (let i = 0; i < end; i++) {
        const owner = profile.events.process[i]!;
        if (process >= 0 && owner !== process) continue;
        const bytes = profile.events.figures.liveBytes[i]!;
        sum += bytes - live[owner]!;
        live[owner] = bytes;
        if (i >= first && sum > highest) {
            highest = sum;
            found = i;
        }
        // What ended no longer holds memory.
        if (profile.events.reason[i] === REASON_EXIT) {
            sum -= live[owner]!;
            live[owner] = 0;
        }
    }
    return found;
}

/** Returns for each process whether it counts: it is selected, and has not ended before the range. */
function includedProcesses(profile: Profile, first: number, process: number): Uint8Array {
    const included = new Uint8Array(profile.processes.length).fill(1);
    for (let i = 0; i < first; i++)
        if (profile.events.reason[i] === REASON_EXIT) included[profile.events.process[i]!] = 0;
    if (process >= 0) included.forEach((_, i) => (included[i] = i === process ? included[i]! : 0));
    return included;
}

function addLeaked(profile: Profile, range: Range, result: SiteFigures, lostOnly: boolean): void {
    const { lives } = profile;
    for (let i = 0; i < lives.count; i++) {
        const site = lives.site[i]!;
        if (site < 0 || !result.included[site] || (lostOnly && !(lives.flags[i]! & LOST))) continue;
        if (lives.time[i]! < range.from || lives.time[i]! > range.to) continue;
        result.values.leaked[site]! += lives.bytes[i]! * lives.blocks[i]!;
        result.leakedBlocks[site]! += lives.blocks[i]!;
    }
}

/** `reused`: earlier figures of the profile, whose arrays are used again. A frame of brushing would
 * otherwise make megabytes of new ones. */
export function siteFigures(profile: Profile, range: Range, process: number, isWhole: boolean, reused?: SiteFigures): SiteFigures {
    const count = profile.siteCount, { figures } = profile.records;
    const first = range.from <= 0 ? 0 : eventsUntil(profile, range.from);
    const end = eventsUntil(profile, range.to);
    const clear = <T extends Float64Array | Uint8Array>(array: T | undefined, make: new (length: number) => T): T =>
        array === undefined ? new make(count) : (array.fill(0), array);
    const array = (old: Float64Array | undefined) => clear<Float64Array>(old, Float64Array);
    const result: SiteFigures = {
        first, end, peakEvent: peakEvent(profile, Math.max(first - 1, 0), end, process),
        values: {
            live: array(reused?.values.live), peak: array(reused?.values.peak), allocated: array(reused?.values.allocated),
            calls: array(reused?.values.calls), temporary: array(reused?.values.temporary),
            leaked: array(reused?.values.leaked), pinned: profile.pinned,
        },
        before: array(reused?.before), blocks: array(reused?.blocks), error: array(reused?.error),
        changeError: profile.pinned, // see below
        leakedBlocks: array(reused?.leakedBlocks), included: clear<Uint8Array>(reused?.included, Uint8Array),
    };
    const included = includedProcesses(profile, first, process);
    if (included.some((value) => value === 0))
        result.values.pinned = profile.pinned.map((bytes, site) => (included[profile.siteProcess[site]!] ? bytes : 0));
    const { live, peak, allocated, calls, temporary } = result.values;
    const lasts = recordsBefore(profile, end), befores = recordsBefore(profile, first);
    const tops = result.peakEvent < 0 ? null : recordsBefore(profile, result.peakEvent + 1);
    for (let site = 0; site < count; site++) {
        if (!included[profile.siteProcess[site]!]) continue;
        result.included[site] = 1;
        const last = lasts[site]!;
        if (last < 0) continue;
        const before = befores[site]!;
        live[site] = figures.liveBytes[last]!;
        result.blocks[site] = figures.liveBlocks[last]!;
        result.error[site] = figures.liveError[last]! ** 2;
        allocated[site] = figures.allocatedBytes[last]!;
        calls[site] = figures.allocatedBlocks[last]!;
        temporary[site] = figures.freed0[last]!;
        if (before >= 0) {
            result.before[site] = figures.liveBytes[before]!;
            allocated[site]! -= figures.allocatedBytes[before]!;
            calls[site]! -= figures.allocatedBlocks[before]!;
            temporary[site]! -= figures.freed0[before]!;
        }
        if (tops !== null && tops[site]! >= 0) peak[site] = figures.liveBytes[tops[site]!]!;
    }
    // What two profiles have in common is known for their ends, and not for other times.
    result.changeError = isWhole && profile.changeError !== null ? profile.changeError : result.error;
    addLeaked(profile, range, result, profile.knowsLost);
    return result;
}
