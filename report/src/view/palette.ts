// Colors of an icicle graph: a hue for each module, or for growth and shrinkage.
import type { App } from "../app";
import { isDark } from "../theme";

const HUES = [214, 32, 152, 268, 350, 190, 92, 312, 48, 236];
const OTHER = -1;

export interface Palette {
    fill(fn: number, value: number, base: number): string;
    /** The modules with colors of their own, the largest first. */
    legend: { name: string; color: string }[];
}

/** Orders the modules by what is allocated in them at any time. */
function modulesBySize(app: App): string[] {
    const sizes = new Map<string, number>();
    const { stacks } = app;
    for (const profile of app.profiles)
        for (let site = 0; site < profile.siteCount; site++) {
            const last = profile.records.first[site + 1]! - 1;
            if (last < profile.records.first[site]!) continue;
            const module = stacks.functions[stacks.headline[profile.siteNode[site]!]!]!.module;
            sizes.set(module, (sizes.get(module) ?? 0) + profile.records.figures.allocatedBytes[last]!);
        }
    return [...sizes].sort((a, b) => b[1] - a[1]).map(([name]) => name);
}

function hash(text: string): number {
    let value = 0x811c9dc5;
    for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
    return value >>> 0;
}

function tint(hue: number, step: number): string {
    const shade = (step % 5) * 2.5;
    if (hue === OTHER) return isDark() ? `hsl(220 6% ${34 + shade / 2}%)` : `hsl(220 10% ${82 - shade / 2}%)`;
    return isDark() ? `hsl(${hue} 34% ${32 + shade}%)` : `hsl(${hue} 62% ${84 - shade}%)`;
}

/** Red for growth, green for shrinkage, and the stronger the larger the change is for its size. */
function changeTint(value: number, base: number): string {
    const larger = Math.max(value, base);
    const share = larger <= 0 ? 0 : (value - base) / larger;
    if (Math.abs(share) < 0.01) return isDark() ? "hsl(220 6% 34%)" : "hsl(220 12% 88%)";
    const strength = Math.round(Math.abs(share) * 8) / 8;
    const hue = share > 0 ? 4 : 140;
    return isDark() ? `hsl(${hue} ${20 + 36 * strength}% ${32 + 8 * strength}%)` : `hsl(${hue} ${40 + 35 * strength}% ${90 - 24 * strength}%)`;
}

export function palette(app: App): Palette {
    const order = modulesBySize(app), hues = new Map<string, number>();
    order.slice(0, HUES.length).forEach((name, i) => hues.set(name, HUES[i]!));
    const colors = app.stacks.functions.map((fn) => tint(hues.get(fn.module) ?? OTHER, hash(fn.name)));
    const legend = order.slice(0, 6).map((name) => ({ name: name.slice(name.lastIndexOf("/") + 1) || "(unknown)", color: tint(hues.get(name)!, 1) }));
    if (app.stacks.functions.some((fn) => fn.module !== "" && !hues.has(fn.module))) legend.push({ name: "others", color: tint(OTHER, 1) });
    return { fill: app.isDiff ? (_, value, base) => changeTint(value, base) : (fn) => colors[fn]!, legend };
}
