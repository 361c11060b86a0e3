// What the profile says about the processes: programs, settings, limits, threads and mappings.
import type { App, ViewPart } from "../app";
import type { Process } from "../data/decode";
import { REASONS, type Profile } from "../data/profile";
import { fill, h } from "../dom";
import { bytes, count, seconds } from "../format";
import { alias } from "./header";
import { limitsPart } from "./limits";
import { spacePart } from "./space";
import { table } from "./table";

const MACHINES: Record<number, string> = { 3: "i386", 40: "arm", 62: "x86-64", 183: "aarch64", 243: "riscv", 21: "ppc64", 22: "s390x" };

/** Returns the live bytes of each thread, by the samples that were live at the last snapshot. */
function threadRows(profile: Profile, index: number): string[][] {
    const { lives } = profile, sums = new Map<number, { bytes: number; blocks: number }>();
    for (const [id] of profile.processes[index]!.threads) sums.set(id, { bytes: 0, blocks: 0 });
    for (let i = 0; i < lives.count; i++) {
        if (lives.process[i] !== index) continue;
        const sum = sums.get(lives.thread[i]!) ?? { bytes: 0, blocks: 0 };
        sum.bytes += lives.bytes[i]! * lives.blocks[i]!;
        sum.blocks += lives.blocks[i]!;
        sums.set(lives.thread[i]!, sum);
    }
    const names = new Map(profile.processes[index]!.threads);
    return [...sums].sort((a, b) => b[1].bytes - a[1].bytes).map(([id, sum]) => [String(id), names.get(id) ?? "", bytes(sum.bytes), count(sum.blocks)]);
}

function settings(process: Process): [string, string][] {
    const list: [string, string][] = [
        ["Sampling", `one sample for each ${bytes(process.rate)} on average`],
        ["Page size", bytes(process.pageBytes)],
        ["Processor", `${MACHINES[process.machine] ?? `machine ${process.machine}`}, ${process.addressBytes * 8} bits`],
        ["Size classes", `${process.classes.length}, of up to ${bytes(process.classes[process.classes.length - 1] ?? 0)}`],
    ];
    if (process.sections > 0) list.push(["Programs before", String(process.sections)]);
    for (const [key, value] of process.settings) if (key !== "sample") list.push([key, value]);
    return list;
}

function lastSnapshot(profile: Profile, index: number): [string, string][] {
    const { events } = profile;
    let last = -1, snapshots = 0;
    for (let i = 0; i < events.count; i++)
        if (events.process[i] === index) {
            last = i;
            snapshots++;
        }
    if (last < 0) return [["Snapshots", "none is complete"]];
    const figure = (name: keyof typeof events.figures) => bytes(events.figures[name][last]!);
    return [
        ["Snapshots", `${count(snapshots)}, the last one after ${seconds(events.time[last]!)}: ${REASONS[events.reason[last]!] ?? "unknown reason"}`],
        ["Live", `${figure("liveBytes")} in ${count(events.figures.liveBlocks[last]!)} blocks`],
        ["Large blocks", `${figure("largeBytes")} in ${count(events.figures.largeBlocks[last]!)} blocks`],
        ["Heap", figure("heap")], ["Allocator's own", figure("metadata")], ["Resident", figure("resident")],
    ];
}

function processPart(profile: Profile, index: number): HTMLElement {
    const process = profile.processes[index]!;
    const pairs = (title: string, list: [string, string][]) => h("section", {}, h("h3", {}, title),
        h("dl.figures", {}, ...list.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])));
    return h("article", {}, h("h2", {}, `${process.pid} ${process.program}${alias(process)}`),
        h("p.hint", {}, `child of ${process.parent}, began after ${seconds(process.start)}`),
        h("div.columns", {}, h("div", {}, pairs("Settings", settings(process)), h("p.hint", {}, "All others have their defaults, which mallow(7) lists.")), pairs("Last snapshot", lastSnapshot(profile, index))),
        limitsPart(process), spacePart(process),
        table("Threads", [{ name: "ID", number: true }, { name: "Name" }, { name: "Live, by samples", number: true }, { name: "Blocks", number: true }], threadRows(profile, index), "No thread was sampled."),
        table("Mappings with code that stacks lead through", [{ name: "From" }, { name: "To" }, { name: "Offset", number: true }, { name: "Build ID" }, { name: "File" }],
            process.modules.map(([start, end, offset, id, path]) => [`0x${start}`, `0x${end}`, `0x${offset}`, id || "–", path]), "None."));
}

export function process(app: App): ViewPart {
    const element = h("section.process");
    return {
        element,
        update(changed: Set<string>) {
            if (!changed.has("everything") && !changed.has("process")) return;
            const parts = app.profiles.flatMap((profile) => profile.processes.map((_, i) => [profile, i] as const))
                .filter(([profile, i]) => app.isDiff || app.state.process < 0 || (profile === app.main && i === app.state.process));
            fill(element, ...parts.slice(0, 50).map(([profile, i]) => processPart(profile, i)));
        },
    };
}
