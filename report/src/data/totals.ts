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
    const sum = (values: Float64Array) => values.reduce((total, value) => total + value, 0);
    const curves: Curves = { time: [], live: [], resident: [], heap: [], rate: [] };
    const add = (time: number) => {
        curves.time.push(time);
        curves.live.push(sum(live));
        curves.resident.push(sum(resident) || null);
        curves.heap.push(sum(heap) || null);
        curves.rate.push(sum(rate));
    };
    add(0);
    for (let i = 0; i < events.count; i++) {
        const owner = events.process[i]!, time = events.time[i]!;
        if (process >= 0 && owner !== process) continue;
        live[owner] = events.figures.liveBytes[i]!;
        resident[owner] = events.figures.resident[i]!;
        heap[owner] = events.figures.heap[i]!;
        rate[owner] = time > since[owner]! ? allocated[i]! / (time - since[owner]!) : 0;
        since[owner] = time;
        add(time);
        if (events.reason[i] === REASON_EXIT)
            live[owner] = resident[owner] = heap[owner] = rate[owner] = 0;
    }
    return curves;
}
