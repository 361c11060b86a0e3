// The data, the state, and the figures that result from both. Views read them, and are updated once
// in a frame.
import { siteFigures, type Metric, type Range, type SiteFigures } from "./data/figures";
import { emptyGroup, Grouping, KINDS, keysOf, type Group, type Kind } from "./data/groups";
import type { Profile } from "./data/profile";
import { Inverted, TopDown, type Source } from "./data/sources";
import { baseName, type Stacks } from "./data/stacks";
import { INITIAL, readState, writeState, type State } from "./state";

export interface ViewPart {
    element: HTMLElement;
    /** Shows the state. `changed` has the names of what changed since the last call. */
    update(changed: Set<keyof State | "theme" | "size">): void;
}

/** The figures of one group in one or two profiles. */
export interface Row {
    key: number;
    name: string;
    place: string; // the file and the line, or the module
    now: Group;
    base: Group | null; // null: there is no second profile
}

export class App {
    state: State;
    figures!: SiteFigures[]; // of each profile
    searchMatches: Uint8Array | null = null; // for each function
    readonly isDiff: boolean;
    /** The profile that the page is about: the only one, or the later one. */
    readonly main: Profile;
    readonly initial: State;
    private parts: { part: ViewPart; visible: () => boolean; pending: Set<string> }[] = [];
    private changed = new Set<string>();
    private frame = 0;
    private isDragged = false;
    private groupings = new Map<string, Grouping>();
    private allRows = new Map<string, Row[]>();
    private freshRows = new Map<string, Row[]>(); // with the present figures
    private sources = new Map<string, Source>();
    private fresh = new Set<string>(); // sources with the present figures
    private siteNodes: Uint32Array;
    private selected: { name: string; sites: number[][] | null } = { name: "", sites: null };

    constructor(readonly stacks: Stacks, readonly profiles: Profile[]) {
        this.isDiff = profiles.length > 1;
        this.main = profiles[profiles.length - 1]!;
        this.initial = { ...INITIAL };
        if (this.isDiff) this.initial.sort = "growth";
        else if (this.main.hasEnded) this.initial.sort = this.initial.metric = "peak";
        this.state = readState(location.hash, this.initial);
        this.siteNodes = Uint32Array.from(profiles.flatMap((p) => Array.from(p.siteNode, (n) => stacks.treeNode[n]!)));
        this.compute();
        this.computeSearch();
    }

    // ---- state ----

    get range(): Range {
        return { from: Math.min(this.state.from, this.seconds), to: Math.min(this.state.to, this.seconds) };
    }

    get seconds(): number {
        return Math.max(...this.profiles.map((profile) => profile.seconds));
    }

    /** Returns false if no snapshot lists live samples, as in a program that was killed. */
    get knowsLeaks(): boolean {
        return this.profiles.every((profile) => profile.lives.count > 0 || profile.siteCount === 0 || profile.hasEnded);
    }

    get knowsPinned(): boolean {
        return this.profiles.every((profile) => profile.knowsPinned);
    }

    get isWholeRange(): boolean {
        return this.range.from <= 0 && this.range.to >= this.seconds;
    }

    set(change: Partial<State>): void {
        for (const key of Object.keys(change) as (keyof State)[])
            if (JSON.stringify(this.state[key]) !== JSON.stringify(change[key])) this.changed.add(key);
        Object.assign(this.state, change);
        this.schedule();
    }

    touch(what: "theme" | "size"): void {
        this.changed.add(what);
        this.schedule();
    }

    /** Takes the state from the address. */
    readAddress(): void {
        this.set(readState(location.hash, this.initial));
    }

    add(part: ViewPart, visible: () => boolean = () => true): void {
        this.parts.push({ part, visible, pending: new Set(["everything"]) });
    }

    private schedule(): void {
        if (this.frame === 0 && this.changed.size > 0) this.frame = requestAnimationFrame(() => this.flush());
    }

    flush(): void {
        cancelAnimationFrame(this.frame);
        this.frame = 0;
        const changed = this.changed;
        this.changed = new Set();
        if (["from", "to", "process"].some((key) => changed.has(key))) this.compute();
        if (changed.has("search")) this.computeSearch();
        if (changed.has("metric")) this.fresh.clear();
        for (const entry of this.parts) {
            for (const key of changed) entry.pending.add(key);
            if (!entry.visible() || entry.pending.size === 0) continue;
            const pending = entry.pending as Set<keyof State | "theme" | "size">;
            entry.pending = new Set();
            entry.part.update(pending);
        }
        if (!this.isDragged) this.writeAddress();
    }

    private writeAddress(): void {
        const hash = writeState(this.state, this.initial);
        if (hash !== (location.hash || "#")) history.replaceState(null, "", hash);
    }

    /** While the pointer changes the time, the address stays: to change it takes milliseconds. */
    drag(isDragged: boolean): void {
        this.isDragged = isDragged;
        if (!isDragged) this.writeAddress();
    }

    // ---- figures ----

    private compute(): void {
        const process = this.state.process < this.main.processes.length ? this.state.process : -1;
        this.figures = this.profiles.map((profile, i) => siteFigures(profile, this.range, this.isDiff ? -1 : process, this.isWholeRange, this.figures?.[i]));
        this.freshRows.clear();
        this.fresh.clear();
    }

    private computeSearch(): void {
        const wanted = this.state.search.trim().toLowerCase();
        if (wanted === "") this.searchMatches = null;
        else
            this.searchMatches = Uint8Array.from(this.stacks.functions, ({ name, module, file }) =>
                Number([name, file, module].some((text) => text.toLowerCase().includes(wanted))));
    }

    grouping(profile: Profile, kind: Kind): Grouping {
        const name = `${this.profiles.indexOf(profile)} ${kind}`;
        let grouping = this.groupings.get(name);
        if (grouping === undefined) this.groupings.set(name, (grouping = new Grouping(profile, keysOf(this.stacks, profile, kind))));
        return grouping;
    }

    /** Returns a row for each group of any of the profiles. */
    private makeRows(kind: Kind): Row[] {
        const groups = this.profiles.map((profile) => this.grouping(profile, kind).groups);
        const now = groups[groups.length - 1]!, base = this.isDiff ? groups[0]! : null;
        const keys = new Set([...now.keys(), ...(base?.keys() ?? [])]);
        return Array.from(keys, (key) => ({
            key, ...this.title(kind, key), now: now.get(key) ?? emptyGroup(key),
            base: base === null ? null : base.get(key) ?? emptyGroup(key),
        }));
    }

    /** Returns the figures by function, file, and so on: of the groups that have any. */
    rows(kind: Kind): Row[] {
        let rows = this.freshRows.get(kind);
        if (rows !== undefined) return rows;
        let all = this.allRows.get(kind);
        if (all === undefined) this.allRows.set(kind, (all = this.makeRows(kind)));
        this.profiles.forEach((profile, i) => this.grouping(profile, kind).update(this.figures[i]!));
        const has = (group: Group) => group.live > 0 || group.before > 0 || group.calls > 0 || group.pinned > 0;
        rows = all.filter((row) => has(row.now) || (row.base !== null && has(row.base)));
        this.freshRows.set(kind, rows);
        return rows;
    }

    title(kind: Kind, key: number): { name: string; place: string } {
        const { texts, functions, tree } = this.stacks;
        if (kind === "process") {
            const process = this.main.processes[key];
            return { name: process === undefined ? "?" : `${process.pid} (${process.program})`, place: "" };
        }
        if (kind === "file" || kind === "module") return { name: texts[key] || "(unknown)", place: "" };
        const fn = functions[kind === "stack" ? tree.fn[key]! : key]!;
        return { name: fn.name, place: this.place(fn) };
    }

    place(fn: { file: string; line: number; module: string }): string {
        return fn.file !== "" ? baseName(fn.file) + (fn.line > 0 ? `:${fn.line}` : "") : baseName(fn.module);
    }

    /** Returns the tree of an icicle graph, with the present values. */
    source(inverted: boolean): Source {
        const name = inverted ? "inverted" : "topDown";
        let source = this.sources.get(name);
        if (source === undefined) {
            source = inverted ? new Inverted(this.stacks.tree, this.siteNodes) : new TopDown(this.stacks.tree, this.weights());
            this.sources.set(name, source);
        }
        if (!this.fresh.has(name)) {
            const { values, bases } = this.siteValues(this.state.metric);
            source.update(this.siteNodes, values, bases);
            this.fresh.add(name);
        }
        return source;
    }

    /** Returns the bytes that are allocated below each node, at any time. */
    private weights(): Float64Array {
        const weights = new Float64Array(this.stacks.tree.count);
        this.profiles.forEach((profile) => {
            const { first, figures } = profile.records;
            for (let i = 0; i < profile.siteCount; i++) {
                const last = first[i + 1]! - 1;
                if (last >= first[i]!)
                    weights[this.stacks.treeNode[profile.siteNode[i]!]!]! += figures.allocatedBytes[last]! + figures.liveBytes[last]!;
            }
        });
        for (let i = weights.length - 1; i > 0; i--) weights[this.stacks.tree.parent[i]!]! += weights[i]!;
        return weights;
    }

    /** Returns the values of all sites, first those of the first profile. */
    private siteValues(metric: Metric): { values: Float64Array; bases: Float64Array | null } {
        const parts = this.figures.map((figures) => figures.values[metric]);
        if (!this.isDiff) return { values: parts[0]!, bases: null };
        const values = new Float64Array(this.siteNodes.length), bases = new Float64Array(this.siteNodes.length);
        bases.set(parts[0]!, 0);
        values.set(parts[1]!, parts[0]!.length);
        return { values, bases };
    }

    // ---- selection ----

    /** Returns a test of whether a tree node belongs to the selection, or null. */
    private selectionTest(): ((profile: Profile, site: number) => boolean) | null {
        const [type, ...rest] = this.state.selection.split(".");
        if (type === "g") {
            const kind = KINDS.find((item) => item === rest[0]), key = Number(rest[1]);
            if (kind === undefined || !this.profiles.some((profile) => this.grouping(profile, kind).groups.has(key))) return null;
            return (profile, site) => this.grouping(profile, kind).keys[site] === key;
        }
        if (type !== "t" && type !== "i") return null;
        const source = this.source(type === "i"), path = rest.map(Number);
        const node = source.find(path);
        if (node === 0 || source.depth(node) !== path.length) return null;
        const nodes = new Map<number, boolean>();
        return (profile, site) => {
            const at = this.stacks.treeNode[profile.siteNode[site]!]!;
            let covered = nodes.get(at);
            if (covered === undefined) nodes.set(at, (covered = source.covers(node, at)));
            return covered;
        };
    }

    /** Returns the sites of each profile that are selected, or null. They are the same for each range. */
    selectedSites(): number[][] | null {
        if (this.selected.name !== this.state.selection)
            this.selected = { name: this.state.selection, sites: this.findSelected() };
        return this.selected.sites;
    }

    private findSelected(): number[][] | null {
        const test = this.selectionTest();
        if (test === null) return null;
        return this.profiles.map((profile) => {
            const sites: number[] = [];
            for (let i = 0; i < profile.siteCount; i++) if (test(profile, i)) sites.push(i);
            return sites;
        });
    }

    selectionTitle(): { name: string; place: string } {
        const [type, ...rest] = this.state.selection.split(".");
        if (type === "g") return this.title(rest[0] as Kind, Number(rest[1]));
        const fn = this.stacks.functions[Number(rest[rest.length - 1])];
        return fn === undefined ? { name: "", place: "" } : { name: fn.name, place: this.place(fn) };
    }

    // ---- names ----

    metricName(metric: Metric): string {
        if (metric === "leaked") return this.main.knowsLost ? "Lost" : this.main.hasEnded ? "Not freed" : "Still live";
        return { live: "Live", peak: "At peak", allocated: "Allocated", calls: "Calls", temporary: "Temporary", pinned: "Pinned" }[metric];
    }
}
