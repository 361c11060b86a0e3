// The head of the page: what the profile is of, the search, the process, and the theme.
import type { App, ViewPart } from "../app";
import { fill, h } from "../dom";
import type { Process } from "../data/decode";
import { bytes, count, largest, percent, seconds } from "../format";
import { toggleTheme } from "../theme";
import { baseName, UNNAMED } from "../data/stacks";
import type { Profile } from "../data/profile";

/** Returns the kernel's name of a process whose program has another one, such as redis-server, which is
 * the same file as redis-check-rdb. */
export function alias(process: Process): string {
    const name = process.limits?.program ?? "";
    return name === "" || baseName(process.program).startsWith(name) ? "" : ` (${name})`;
}

function summary(profile: Profile): string {
    const first = profile.processes[0];
    const parts = [new Date(profile.startedAt).toISOString().replace("T", " ").slice(0, 19) + " UTC", seconds(profile.seconds)];
    if (first !== undefined) {
        parts.unshift(`process ${first.pid}${alias(first)}`);
        parts.push(`one sample for each ${bytes(first.rate)}`);
    }
    if (profile.processes.length > 1) parts.push(`${profile.processes.length} programs`);
    return parts.join(" · ");
}

const UNNAMED_SHARE = 0.3;

/** Returns a note if functions without a name have allocated much. */
function unnamedNote({ stacks }: App, profile: Profile): string | null {
    const { first, figures } = profile.records, modules = new Map<number, number>();
    let total = 0;
    for (let site = 0; site < profile.siteCount; site++) {
        const last = first[site + 1]! - 1, frame = stacks.headlineFrame[profile.siteNode[site]!]!;
        if (last < first[site]!) continue;
        const bytes = figures.allocatedBytes[last]!, module = stacks.frameModule[frame]!;
        total += bytes;
        if (stacks.frameFlags[frame]! & UNNAMED) modules.set(module, (modules.get(module) ?? 0) + bytes);
    }
    const [most] = [...modules].sort((a, b) => b[1] - a[1]);
    if (most === undefined || most[1] < UNNAMED_SHARE * total) return null;
    const module = baseName(stacks.texts[most[0]]!);
    if (module === "" || module.startsWith("[")) return null; // not in a file
    return `Functions of ${module} without a name have allocated ${percent(most[1], total)} of the bytes: ` +
        "its symbols are missing. If its debug package is installed, or DEBUGINFOD_URLS is set, a new report has them.";
}

function warnings(app: App, profile: Profile): string[] {
    const lost = largest(profile.events.figures.samplesLost, 0);
    const list: string[] = [];
    if (profile.events.count === 0) list.push("No snapshot is complete, so there are no figures.");
    if (profile.damaged > 0) list.push(`${profile.damaged} damaged parts were skipped: figures can be too small.`);
    if (profile.truncated) list.push("The file ends in the middle of a block: what followed the last complete snapshot is missing.");
    if (lost > 0) list.push(`${count(lost)} samples were lost, because there was no memory for them.`);
    if (profile.events.count === 1) list.push("The profile has one snapshot, so the curves say nothing of the time before it. Those that mallow run --sample writes have many.");
    const unnamed = unnamedNote(app, profile);
    if (unnamed !== null) list.push(unnamed);
    return list;
}

function programName(profile: Profile): string {
    const program = profile.processes[0]?.program ?? "";
    return baseName(program) || profile.name;
}

function searchField(app: App): HTMLInputElement {
    const input = h("input", {
        type: "search", id: "search", placeholder: "Search functions, files, modules  ( / )",
        "aria-label": "Search functions, files and modules", autocomplete: "off", spellcheck: "false",
        input: () => app.set({ search: input.value }),
        keydown: (event) => {
            if ((event as KeyboardEvent).key !== "Escape") return;
            input.value = "";
            app.set({ search: "" });
            input.blur();
        },
    });
    return input;
}

function processSelect(app: App): HTMLSelectElement | null {
    if (app.isDiff || app.main.processes.length < 2) return null;
    const select = h("select", {
        "aria-label": "Process", change: () => app.set({ process: Number(select.value) }),
    }, h("option", { value: -1 }, "All processes"),
        ...app.main.processes.map((process, i) =>
            h("option", { value: i }, `${process.pid} ${baseName(process.program)}`)));
    return select;
}

export function header(app: App): ViewPart {
    const search = searchField(app), processes = processSelect(app);
    const names = app.profiles.map(programName);
    const title = app.isDiff ? `${app.profiles[0]!.name} → ${app.profiles[1]!.name}` : names[0]!;
    document.title = `${title} – Mallow report`;
    const lines = app.profiles.map((profile, i) =>
        h("p.meta", {}, app.isDiff ? h("b", {}, i === 0 ? "Before: " : "After: ") : null,
            `${app.isDiff ? `${names[i]} · ` : ""}${summary(profile)}`));
    const notes = app.profiles.flatMap((profile) => warnings(app, profile)).map((text) => h("p.warning", { role: "note" }, text));
    const button = h("button.icon", { type: "button", id: "theme", title: "Light or dark", "aria-label": "Switch between light and dark", click: toggleTheme }, "◐");
    document.addEventListener("keydown", (event) => {
        const target = event.target as HTMLElement;
        if (event.key !== "/" || event.ctrlKey || event.metaKey || /^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName)) return;
        event.preventDefault();
        search.focus();
        search.select();
    });
    const element = h("header.top", {},
        h("div.title", {}, h("h1", {}, h("span.brand", {}, app.isDiff ? "Mallow diff" : "Mallow"), title), ...lines),
        h("div.tools", {}, processes, search, button), ...notes);
    return {
        element,
        update() {
            if (document.activeElement !== search) search.value = app.state.search;
            if (processes !== null) processes.value = String(app.state.process);
        },
    };
}

/** The figures of the whole range. */
export function totals(app: App): ViewPart {
    const element = h("dl.totals");
    const item = (name: string, value: string, note: string, tone = "") =>
        h("div", {}, h("dt", {}, name), h("dd", tone === "" ? {} : { class: tone }, value), h("dd.note", {}, note));
    const sum = (values: Float64Array) => {
        let total = 0;
        for (let i = 0; i < values.length; i++) total += values[i]!;
        return total;
    };
    const update = () => {
        const figures = app.figures[app.figures.length - 1]!, base = app.isDiff ? app.figures[0]! : null;
        const exact = (which: number) => {
            const { events } = app.profiles[which]!, last = new Map<number, number>();
            for (let i = 0; i < app.figures[which]!.end; i++)
                if (app.isDiff || app.state.process < 0 || events.process[i] === app.state.process) last.set(events.process[i]!, i);
            return last;
        };
        const total = (which: number, name: "liveBytes" | "liveBlocks" | "resident") => {
            const { events } = app.profiles[which]!;
            let result = 0;
            exact(which).forEach((event) => (result += events.figures[name][event]!));
            return result;
        };
        const now = app.profiles.length - 1;
        const compare = (value: number, before: number | null, format: (v: number) => string, otherwise: string) =>
            before === null ? otherwise : `${value >= before ? "+" : "−"}${format(Math.abs(value - before))}`;
        const tone = (value: number, before: number | null) =>
            before === null || value === before ? "" : value > before ? "grown" : "shrunk";
        const figure = (name: string, value: number, before: number | null, format: (v: number) => string, note: string) =>
            item(name, format(value), compare(value, before, format, note), tone(value, before));
        const live = total(now, "liveBytes"), calls = sum(figures.values.calls), temporary = sum(figures.values.temporary);
        const peak = figures.peakEvent < 0 ? 0 : app.main.events.figures.liveBytes[figures.peakEvent]!;
        const peakTime = figures.peakEvent < 0 ? "" : `after ${seconds(app.main.events.time[figures.peakEvent]!)}`;
        const basePeak = base === null ? null : base.peakEvent < 0 ? 0 : app.profiles[0]!.events.figures.liveBytes[base.peakEvent]!;
        fill(element,
            figure("Live at the end", live, base && total(0, "liveBytes"), bytes, `in ${count(total(now, "liveBlocks"))} blocks, exactly`),
            figure("Highest live", peak, basePeak, bytes, peakTime),
            figure("Resident", total(now, "resident"), base && total(0, "resident"), bytes, "at the end"),
            figure("Allocated", sum(figures.values.allocated), base && sum(base.values.allocated), bytes, "by samples"),
            figure("Calls", calls, base && sum(base.values.calls), count, "by samples"),
            item("Temporary", calls > 0 ? `${((100 * temporary) / calls).toFixed(0)} %` : "–", "freed within 1 ms"),
            app.knowsLeaks ? figure(app.metricName("leaked"), sum(figures.values.leaked), base && sum(base.values.leaked), bytes, "allocated in this time")
                : item(app.metricName("leaked"), "unknown", "no snapshot lists live blocks"));
    };
    return { element, update };
}
