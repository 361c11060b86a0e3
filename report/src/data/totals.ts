// The curves of the whole profile: exact totals of its snapshots, and the rate of allocation.
import { REASON_EXIT, type Profile } from "./profile";

export interface Curves {
    time: number[];
    live: number[];
    resident: (number | null)[];
    heap: (number | null)[];
    rate: number[]; // bytes per second since the snapshot before
}

/** Adds up the processes, each of which counts from its first snapshot until it ends. */
export function curvesOf(profile: Profile, process: number): Curves {
    const { events } = profile, count = profile.processes.length;
    const live = new Float64Array(count), resident = new Float64Array(count), heap = new Float64Array(count);
    const rate = new Float64Array(count), since = profile.processes.map((p) => p.start);
    const allocated = profile.records.allocatedUntil;
    // All amounts are integers, so the sums are exact.
    const sums = { live: 0, resident: 0, heap: 0, rate: 0 };
    const change = (name: keyof typeof sums, of: Float64Array, owner: number, value: number) => {
        sums[name] += value - of[owner]!;
        of[owner] = value;
    };
    const curves: Curves = { time: [], live: [], resident: [], heap: [], rate: [] };
    const add = (time: number) => {
        curves.time.push(time);
        curves.live.push(sums.live);
        curves.resident.push(sums.resident || null);
        curves.heap.push(sums.heap || null);
        curves.rate.push(sums.rate);
    };
    add(0);
    for (let i = 0; i < events.count; i++) {
        const owner = events.process[i]!, time = events.time[i]!;
        if (process >= 0 && owner !== process) continue;
        change("live", live, owner, events.figures.liveBytes[i]!);
        change("resident", resident, owner, events.figures.resident[i]!);
        change("heap", heap, owner, events.figures.heap[i]!);
        change("rate", rate, owner, time > since[owner]! ? Math.round(allocated[i]! / (time - since[owner]!)) : 0);
        since[owner] = time;
        add(time);
        if (events.reason[i] !== REASON_EXIT) continue;
        change("live", live, owner, 0);
        change("resident", resident, owner, 0);
        change("heap", heap, owner, 0);
        change("rate", rate, owner, 0);
    }
    return curves;
}
