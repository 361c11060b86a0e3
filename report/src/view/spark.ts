// A small curve of live bytes, to recognize growth at a glance.
import type { Curve } from "../data/groups";
import { svg } from "../dom";
import { largest } from "../format";

const WIDTH = 96, HEIGHT = 20;

/** Draws a curve. The style sheet marks the range behind it. */
export function spark(curve: Curve, seconds: number): SVGElement {
    const high = largest(curve.value, 1), whole = seconds || 1;
    const x = (time: number) => ((time / whole) * WIDTH).toFixed(1);
    const y = (value: number) => (HEIGHT - 1 - (value / high) * (HEIGHT - 3)).toFixed(1);
    let path = `M0 ${y(curve.value[0] ?? 0)}`;
    for (let i = 1; i < curve.time.length; i++) path += `H${x(curve.time[i]!)}V${y(curve.value[i]!)}`;
    path += `H${WIDTH}`;
    return svg("svg", { class: "spark", width: WIDTH, height: HEIGHT, viewBox: `0 0 ${WIDTH} ${HEIGHT}`, "aria-hidden": "true" },
        svg("path", { class: "spark-area", d: `${path}V${HEIGHT}H0Z` }),
        svg("path", { class: "spark-line", d: path }));
}
