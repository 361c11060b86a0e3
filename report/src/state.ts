// What the page shows, which the part of its address after "#" contains.
import { KINDS, type Kind } from "./data/groups";
import { METRICS, type Metric } from "./data/figures";

export const VIEWS = ["overview", "icicle", "sites", "sizes", "heap", "process"] as const;
export type View = (typeof VIEWS)[number];

export const SORTS = ["name", "live", "growth", "peak", "allocated", "calls", "temporary", "leaked", "pinned"] as const;
export type Sort = (typeof SORTS)[number];

export interface State {
    view: View;
    from: number; // seconds
    to: number; // Infinity: the end
    process: number; // an index; -1: all
    metric: Metric;
    kind: Kind;
    sort: Sort;
    ascending: boolean;
    search: string;
    inverted: boolean;
    table: boolean; // the icicle graph as a table
    zoom: number[]; // a path of functions
    /** What is selected: "g KIND KEY", "t PATH" or "i PATH", with dots in place of spaces. */
    selection: string;
}

export const INITIAL: State = {
    view: "overview", from: 0, to: Infinity, process: -1, metric: "live", kind: "function",
    sort: "live", ascending: false, search: "", inverted: false, table: false, zoom: [],
    selection: "",
};

function oneOf<T extends string>(value: string | null, allowed: readonly T[], otherwise: T): T {
    return allowed.find((item) => item === value) ?? otherwise;
}

function numberOf(value: string | null, otherwise: number): number {
    const number = value === null || value === "" ? NaN : Number(value);
    return Number.isFinite(number) && number >= 0 ? number : otherwise;
}

function pathOf(value: string | null): number[] {
    return (value ?? "").split(".").filter((part) => /^\d+$/.test(part)).map(Number);
}

export function readState(hash: string, initial: State): State {
    const get = new URLSearchParams(hash.replace(/^#/, ""));
    const selection = get.get("select") ?? "";
    return {
        view: oneOf(get.get("view"), VIEWS, initial.view),
        from: numberOf(get.get("from"), initial.from),
        to: numberOf(get.get("to"), initial.to),
        process: numberOf(get.get("process"), initial.process),
        metric: oneOf(get.get("metric"), METRICS, initial.metric),
        kind: oneOf(get.get("by"), KINDS, initial.kind),
        sort: oneOf(get.get("sort"), SORTS, initial.sort),
        ascending: get.get("order") === "up",
        search: get.get("search") ?? "",
        inverted: get.get("inverted") === "1",
        table: get.get("table") === "1",
        zoom: pathOf(get.get("zoom")),
        selection: /^(g\.[a-z]+\.\d+|[ti](\.\d+)+)$/.test(selection) ? selection : "",
    };
}

export function writeState(state: State, initial: State): string {
    const set = new URLSearchParams();
    const put = (name: string, value: string, normal: string) => {
        if (value !== normal) set.set(name, value);
    };
    const moment = (value: number) => (Number.isFinite(value) ? String(Math.round(value * 1e4) / 1e4) : "");
    put("view", state.view, initial.view);
    put("from", moment(state.from), "0");
    put("to", moment(state.to), "");
    put("process", String(state.process), String(initial.process));
    put("metric", state.metric, initial.metric);
    put("by", state.kind, initial.kind);
    put("sort", state.sort, initial.sort);
    put("order", state.ascending ? "up" : "down", "down");
    put("search", state.search, "");
    put("inverted", state.inverted ? "1" : "0", "0");
    put("table", state.table ? "1" : "0", "0");
    put("zoom", state.zoom.join("."), "");
    put("select", state.selection, "");
    const text = set.toString();
    return text === "" ? "#" : `#${text}`;
}
