// The figures of sites, summed up by function, stack, file, module, process or thread.
import { recordBefore, type Range, type SiteFigures } from "./figures";
import { LIFETIMES, type Figure, type Profile } from "./profile";
import type { Stacks } from "./stacks";

export const KINDS = ["function", "stack", "file", "module", "process"] as const;
export type Kind = (typeof KINDS)[number];

export interface Group {
    key: number;
    live: number;
    before: number;
    blocks: number;
    error: number; // the 95 % interval
    peak: number;
    allocated: number;
    calls: number;
    temporary: number;
    leaked: number;
    leakedBlocks: number;
    pinned: number;
    pinnedError: number; // the 95 % interval
    changeError: number; // the 95 % interval of the group's part in a change
}

/** Returns the key of each site. */
export function keysOf(stacks: Stacks, profile: Profile, kind: Kind): Float64Array {
    const { siteNode: node, siteProcess } = profile;
    if (kind === "process") return siteProcess;
    if (kind === "stack") return node.map((n) => stacks.treeNode[n]!);
    if (kind === "function") return node.map((n) => stacks.headline[n]!);
    const texts = kind === "file" ? stacks.frameFile : stacks.frameModule;
    return node.map((n) => (n === 0 ? 0 : texts[stacks.headlineFrame[n]!]!));
}

const NOTHING: Omit<Group, "key"> = {
    live: 0, before: 0, blocks: 0, error: 0, peak: 0, allocated: 0, calls: 0, temporary: 0,
    leaked: 0, leakedBlocks: 0, pinned: 0, pinnedError: 0, changeError: 0,
};

export function emptyGroup(key: number): Group {
    return { key, ...NOTHING };
}

/** The groups of a profile's sites. Their figures are those of one range at a time. */
export class Grouping {
    readonly groups = new Map<number, Group>();
    private list: Group[] = [];
    private place: Uint32Array; // the group of each site
    private siteLists: number[][] | null = null;

    constructor(private profile: Profile, readonly keys: Float64Array) {
        const numbers = new Map<number, number>();
        this.place = new Uint32Array(keys.length);
        for (let site = 0; site < keys.length; site++) {
            const key = keys[site]!;
            let number = numbers.get(key);
            if (number === undefined) {
                number = this.list.length;
                numbers.set(key, number);
                this.list.push(emptyGroup(key));
            }
            this.place[site] = number;
        }
        for (const group of this.list) this.groups.set(group.key, group);
    }

    /** Returns the sites of a group. */
    sites(key: number): number[] {
        if (this.siteLists === null) {
            this.siteLists = this.list.map(() => []);
            for (let site = 0; site < this.place.length; site++) this.siteLists[this.place[site]!]!.push(site);
        }
        const group = this.groups.get(key);
        return group === undefined ? [] : this.siteLists[this.list.indexOf(group)]!;
    }

    update(figures: SiteFigures): void {
        const { live, allocated, calls, temporary, leaked, pinned } = figures.values, { list, place } = this;
        const { pinnedError } = this.profile, { changeError } = figures;
        for (const group of list) Object.assign(group, NOTHING);
        for (let site = 0; site < place.length; site++) {
            if (figures.included[site] === 0) continue;
            const group = list[place[site]!]!;
            group.live += live[site]!;
            group.before += figures.before[site]!;
            group.blocks += figures.blocks[site]!;
            group.error += figures.error[site]!;
            group.allocated += allocated[site]!;
            group.calls += calls[site]!;
            group.temporary += temporary[site]!;
            group.leaked += leaked[site]!;
            group.leakedBlocks += figures.leakedBlocks[site]!;
            group.pinned += pinned[site]!;
            group.pinnedError += pinnedError[site]!;
            group.changeError += changeError[site]!;
        }
        for (const group of list) {
            group.error = Math.sqrt(group.error);
            group.pinnedError = Math.sqrt(group.pinnedError);
            group.changeError = Math.sqrt(group.changeError);
        }
        this.addPeaks(figures);
    }

    /** Raises the peaks: the highest sum at a snapshot of the range, or the peak of a single site. */
    private addPeaks(figures: SiteFigures): void {
        const { place, list } = this, { firstOfEvent, timeSite, timeChange, timePeak } = this.profile.records;
        const sums = Float64Array.from(list, (group) => group.before), peaks = sums.slice();
        for (let event = figures.first; event < figures.end; event++) {
            const from = firstOfEvent[event]!, to = firstOfEvent[event + 1]!;
            for (let i = from; i < to; i++) {
                const site = timeSite[i]!;
                if (figures.included[site] === 0) continue;
                const group = place[site]!;
                sums[group]! += timeChange[i]!;
                if (timePeak[i]! > peaks[group]!) peaks[group] = timePeak[i]!;
            }
            // A sum counts when the snapshot is complete.
            for (let i = from; i < to; i++) {
                const group = place[timeSite[i]!]!;
                if (sums[group]! > peaks[group]!) peaks[group] = sums[group]!;
            }
        }
        list.forEach((group, i) => (group.peak = peaks[i]!));
    }
}

/** A function of time that keeps each value until the next one. */
export interface Curve {
    time: number[];
    value: number[];
}

/** Returns the live bytes of some sites over the whole profile. */
export function liveCurve(profile: Profile, sites: ArrayLike<number>): Curve {
    const { records, events } = profile;
    const change = new Float64Array(events.count);
    for (let i = 0; i < sites.length; i++) {
        const site = sites[i]!;
        for (let j = records.first[site]!; j < records.first[site + 1]!; j++) {
            const before = j === records.first[site] ? 0 : records.figures.liveBytes[j - 1]!;
            change[records.event[j]!]! += records.figures.liveBytes[j]! - before;
        }
    }
    const curve: Curve = { time: [0], value: [0] };
    let sum = 0;
    for (let i = 0; i < events.count; i++) {
        sum += change[i]!;
        curve.time.push(events.time[i]!);
        curve.value.push(sum);
    }
    return curve;
}

/** Returns how many blocks of some sites were freed in the range, by how long they lived. */
export function lifetimes(profile: Profile, sites: ArrayLike<number>, range: Range, figures: SiteFigures): Float64Array {
    const result = new Float64Array(LIFETIMES);
    for (let i = 0; i < sites.length; i++) {
        const last = recordBefore(profile, sites[i]!, figures.end);
        const before = range.from <= 0 ? -1 : recordBefore(profile, sites[i]!, figures.first);
        if (last < 0) continue;
        for (let j = 0; j < LIFETIMES; j++) {
            const freed = profile.records.figures[`freed${j}` as Figure];
            result[j]! += freed[last]! - (before < 0 ? 0 : freed[before]!);
        }
    }
    return result;
}
