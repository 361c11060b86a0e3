// Figures in a form for people.

const UNITS = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB"];

/** Returns the largest value, or the least one that is given. Lists can be too long for Math.max(). */
export function largest(values: Iterable<number>, least: number): number {
    let most = least;
    for (const value of values) if (value > most) most = value;
    return most;
}

export function bytes(value: number): string {
    const size = Math.abs(value);
    if (size < 1023.5) {
        const rounded = Math.round(value);
        return `${rounded === 0 ? 0 : rounded} ${Math.abs(rounded) === 1 ? "byte" : "bytes"}`;
    }
    let unit = 1;
    while (unit < UNITS.length - 1 && size >= 1023.5 * 1024 ** unit) unit++;
    const scaled = value / 1024 ** unit;
    return `${scaled.toFixed(Math.abs(scaled) < 99.95 ? 1 : 0)} ${UNITS[unit]}`;
}

export function change(value: number, format: (value: number) => string): string {
    return value > 0 ? `+${format(value)}` : value < 0 ? `−${format(-value)}` : format(0);
}

export function count(value: number): string {
    const size = Math.abs(value);
    // This is called often, and toLocaleString() is slow.
    if (size < 99_999.5) return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/, ",");
    for (const [scale, unit] of [[1e3, "k"], [1e6, "M"], [1e9, "G"]] as const)
        if (size < scale * 999.5) return `${(value / scale).toFixed(size < scale * 99.95 ? 1 : 0)} ${unit}`;
    return `${(value / 1e12).toFixed(1)} T`;
}

export function samples(value: number): string {
    return `${count(value)} ${value === 1 ? "sample" : "samples"}`;
}

export function percent(part: number, whole: number): string {
    if (whole <= 0) return "–";
    const share = (100 * part) / whole;
    return `${share !== 0 && Math.abs(share) < 9.95 ? share.toFixed(1) : share.toFixed(0)} %`;
}

export function seconds(value: number): string {
    if (value <= 0) return "0 s";
    if (value < 1) return `${(value * 1e3).toFixed(value < 0.01 ? 1 : 0)} ms`;
    if (value < 119.95) return `${value.toFixed(1)} s`;
    const whole = Math.round(value);
    const [days, hours, minutes] = [Math.floor(whole / 86400), Math.floor(whole / 3600) % 24, Math.floor(whole / 60) % 60];
    if (days > 0) return `${days} d ${hours} h`;
    if (hours > 0) return `${hours} h ${minutes} min`;
    return whole % 60 === 0 ? `${minutes} min` : `${minutes} min ${whole % 60} s`;
}

/** Returns a moment in a form that is short enough for an axis: "40 s", "2:20", "1:02:20". */
export function clock(value: number, step: number): string {
    if (step < 1) return value === 0 ? "0 s" : `${Number(value.toFixed(3))} s`;
    const whole = Math.round(value), two = (part: number) => String(part).padStart(2, "0");
    if (whole < 60) return `${whole} s`;
    const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
    return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

/** Shortens a C++ name: what is in angle brackets and parentheses is left out if it is long. */
export function shortName(name: string, limit: number): string {
    if (name.length <= limit) return name;
    let short = "", depth = 0;
    for (const character of name) {
        if (character === "<" || character === "(") {
            if (depth++ === 0) short += character === "<" ? "<…>" : "(…)";
        } else if ((character === ">" || character === ")") && depth > 0) depth--;
        else if (depth === 0) short += character;
    }
    return short.length <= limit ? short : `${short.slice(0, limit - 1)}…`;
}

export const LIFETIME_NAMES = [
    "< 1 ms", "1–10 ms", "10–100 ms", "0.1–1 s", "1–10 s", "10–100 s", "100–1000 s", "> 1000 s",
];
