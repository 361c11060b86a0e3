// The limits of a process, and which one it reaches first.
import type { Limit, Limits, Process } from "../data/decode";
import { h } from "../dom";
import { bytes, count, percent } from "../format";
import { table } from "./table";

const OVERCOMMIT = ["promises more memory than there is, within reason", "promises any amount of memory", "promises no more memory than the commit limit"];

/** The limits of a group follow those of the process, and may be many. */
function row(limit: Limit, isFirst: boolean): (string | HTMLElement)[] {
    const format = limit.unit === "count" ? count : bytes;
    const isNear = limit.left !== null && limit.maximum !== null && limit.left <= limit.maximum / 10;
    return [
        isFirst ? h("b", {}, limit.label) : limit.label,
        limit.used === null ? "unknown" : format(limit.used),
        limit.maximum === null ? "none" : format(limit.maximum),
        limit.left === null ? "" : h("span", { class: isNear ? "near-limit" : "" }, format(limit.left), h("span.note", {}, percent(limit.left, limit.maximum!))),
        limit.maximum === null ? "" : limit.effect,
    ];
}

function notes(limits: Limits): string[] {
    const list = [`The kernel ${OVERCOMMIT[limits.overcommit_mode] ?? "has an unknown mode of overcommitment"} (vm.overcommit_memory is ${limits.overcommit_mode}).`];
    if (limits.may_lock_all) list.push("RLIMIT_MEMLOCK does not apply, because the process has CAP_IPC_LOCK.");
    for (const { group, name, count: times } of limits.events) list.push(`Control group ${group}: ${count(times)} ${times === 1 ? "event" : "events"} of ${name}.`);
    for (const [whose, pressure] of [["system", limits.system_pressure], ["control group", limits.group_pressure]] as const)
        if (pressure !== null && pressure.some_percent > 0)
            list.push(`In ${pressure.some_percent.toFixed(1)} % of ten seconds, some task of the ${whose} waited for memory.`);
    list.push(`The out-of-memory score is ${limits.oom_score}, with an adjustment of ${limits.oom_score_adjustment}.`);
    return list;
}

function verdict({ first }: Limits): string {
    if (first === null || first.left === null) return "Nothing limits the memory of this process but the address space.";
    return `If its private memory grows by ${bytes(first.left)}, it reaches the limit "${first.label}": ${first.effect}.`;
}

export function limitsPart(process: Process): HTMLElement {
    const { limits } = process;
    const part = table("Limits", [{ name: "What is limited" }, { name: "Used", number: true }, { name: "Limit", number: true }, { name: "Left", number: true }, { name: "When it is reached" }],
        limits === null ? [] : limits.limits.map((limit) => row(limit, limit.name === limits.first?.name && limit.label === limits.first.label)),
        "The profile does not contain the limits.", limits === null ? "" : verdict(limits));
    if (limits !== null) part.append(h("ul.hint", {}, ...notes(limits).map((text) => h("li", {}, text))));
    return part;
}
