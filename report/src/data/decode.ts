// Decodes the data that the command has inserted into the page. cmd/html/report.h describes it.

export interface Module {
    start: string;
    end: string;
    offset: string;
    buildId: string;
    path: string;
}

export interface Limit {
    name: string;
    label: string;
    unit: "bytes" | "count";
    used: number | null; // null: unknown
    maximum: number | null; // null: there is none
    left: number | null;
    effect: string;
}

interface Pressure {
    some_percent: number;
    full_percent: number;
}

/** What `mallow limits --json` prints. */
export interface Limits {
    program: string; // the name that the kernel knows
    limits: Limit[];
    overcommit_mode: number;
    overcommit_ratio: number;
    oom_score: number;
    oom_score_adjustment: number;
    may_lock_all: boolean;
    events: { group: string; name: string; count: number }[];
    system_pressure: Pressure | null;
    group_pressure: Pressure | null;
    first: Limit | null;
}

/** Resident, proportional, private clean, private dirty, swapped, locked, and huge pages, in bytes. */
type SpaceFigures = [number, number, number, number, number, number, number];

/** The mappings of a process. */
export interface Space {
    time: number;
    measured: boolean; // the figures are known
    count: number;
    kinds: [name: string, mappings: number, size: number, ...SpaceFigures][];
    /** The first 4096. The kind is an index. */
    regions: [start: string, end: string, kind: number, permissions: string, path: string, ...SpaceFigures][];
}

export interface Process {
    pid: number;
    parent: number;
    start: number; // seconds since the profile began
    program: string;
    rate: number;
    pageBytes: number;
    machine: number;
    addressBytes: number;
    sections: number;
    classes: number[];
    threads: [number, string][];
    modules: [string, string, string, string, string][];
    settings: [string, string][]; // that were given
    limits: Limits | null;
    space: Space | null;
    pinnedAt?: number; // when it was known what each site pins
}

export interface ProfileDescription {
    name: string;
    damaged: number;
    truncated: boolean;
    startedAt: number; // milliseconds since 1970
    processes: Process[];
}

export interface Description {
    version: string;
    profiles: ProfileDescription[];
    texts: string[];
    columns: [name: string, kind: number, count: number][];
}

export interface Decoded {
    description: Description;
    columns: Map<string, Float64Array>;
    zeros: Set<string>; // the columns that have no other numbers
}

function bytesOfBase64(text: string): Uint8Array<ArrayBuffer> {
    const binary = atob(text);
    const bytes = new Uint8Array(binary.length);
    for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
    return bytes;
}

async function decompress(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
}

const DIFFERENCES = 1, ZEROS = 2;

/** Reads a column at the offset, and returns the offset of its end. */
function readColumn(bytes: Uint8Array, at: number, kind: number, into: Float64Array): number {
    let last = 0;
    for (let i = 0; i < into.length; i++) {
        let byte = bytes[at++]!, value = byte & 127;
        if (byte < 128) { // most are
            value = byte & 1 ? -((byte + 1) >> 1) : byte >> 1;
            if (kind === DIFFERENCES) value = last += value;
            into[i] = value;
            continue;
        }
        // Beyond 28 bits, the operators of integers no longer work.
        for (let scale = 128; byte >= 128; scale *= 128) {
            byte = bytes[at++]!;
            value += (byte & 127) * scale;
        }
        value = value % 2 === 0 ? value / 2 : -(value + 1) / 2;
        if (kind === DIFFERENCES) value = last += value;
        into[i] = value;
    }
    return at;
}

export async function decode(text: string): Promise<Decoded> {
    const bytes = await decompress(bytesOfBase64(text.trim()));
    const length = new DataView(bytes.buffer).getUint32(0, true);
    const json = new TextDecoder().decode(bytes.subarray(4, 4 + length));
    const description = JSON.parse(json) as Description;
    const columns = new Map<string, Float64Array>(), zeros = new Set<string>();
    let at = 4 + length;
    for (const [name, kind, count] of description.columns) {
        const column = new Float64Array(count);
        if (kind === ZEROS) zeros.add(name);
        else at = readColumn(bytes, at, kind, column);
        columns.set(name, column);
    }
    return { description, columns, zeros };
}
