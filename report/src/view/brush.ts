// Selects a range of time with the pointer, the keyboard, or two fields.
import type { App } from "../app";
import { h } from "../dom";
import { seconds } from "../format";

interface Brush {
    overlay: HTMLElement;
    controls: HTMLElement;
    /** Lets the pointer select on an element as wide as the time axis. */
    listen(element: HTMLElement): void;
    /** Shows the range on an axis with that place and width. */
    place(axis: { left: number; top: number; width: number }): void;
}

/** A drag shorter than this is a click. */
const CLICK_PIXELS = 4;

export function brush(app: App): Brush {
    const shades = [h("div.shade"), h("div.shade")] as const;
    const handles = [handle(app, "from"), handle(app, "to")] as const;
    const overlay = h("div.brush", {}, ...shades, ...handles.map((item) => item.element));
    const text = h("output.range", {});
    const fields = [field(app, "from"), field(app, "to")] as const;
    const reset = h("button", { type: "button", id: "reset-range", click: () => app.set({ from: 0, to: Infinity }) }, "Whole run");
    const controls = h("div.range-controls", {}, h("span.hint", {}, "Drag over the curves to select a time."), text,
        h("label", {}, "From ", fields[0], " s"), h("label", {}, "to ", fields[1], " s"), reset);
    let width = 1;
    const time = (x: number) => Math.min(Math.max(x / width, 0), 1) * app.seconds;
    const setRange = (a: number, b: number) => {
        const from = Math.min(a, b), to = Math.max(a, b);
        app.set({ from, to: to >= app.seconds ? Infinity : to });
    };
    handles.forEach((item, i) => dragHandle(item.element, () => width, app, i === 0 ? "from" : "to"));
    return {
        overlay, controls,
        listen: (element) => element.addEventListener("pointerdown", (event) => startDrag(event, element, app, time, setRange)),
        place(axis) {
            width = Math.max(axis.width, 1);
            overlay.style.left = `${axis.left}px`;
            overlay.style.top = `${axis.top}px`;
            overlay.style.width = `${width}px`;
            const { from, to } = app.range, whole = app.seconds || 1;
            shades[0].style.width = `${(from / whole) * 100}%`;
            shades[1].style.left = `${(to / whole) * 100}%`;
            handles[0].show(from);
            handles[1].show(to);
            text.textContent = `${seconds(from)} – ${seconds(to)}  (${seconds(to - from)})`;
            for (const [input, value] of [[fields[0], from], [fields[1], to]] as const)
                if (document.activeElement !== input) input.value = value.toFixed(2);
            reset.disabled = app.isWholeRange;
        },
    };
}

/** Begins a new range or, inside of a range, moves it. */
function startDrag(event: PointerEvent, element: HTMLElement, app: App, time: (x: number) => number, setRange: (a: number, b: number) => void): void {
    if (event.button !== 0) return;
    const left = element.getBoundingClientRect().left, start = event.clientX - left;
    const before = app.range, moves = !app.isWholeRange && !event.shiftKey && time(start) > before.from && time(start) < before.to;
    let dragged = false;
    element.setPointerCapture(event.pointerId);
    app.drag(true);
    const move = (next: PointerEvent) => {
        const x = next.clientX - left;
        dragged ||= Math.abs(x - start) >= CLICK_PIXELS;
        if (!dragged) return;
        if (!moves) return setRange(time(start), time(x));
        const length = before.to - before.from;
        const from = Math.min(Math.max(before.from + time(x) - time(start), 0), app.seconds - length);
        setRange(from, from + length);
    };
    const end = () => {
        element.removeEventListener("pointermove", move);
        element.removeEventListener("pointerup", end);
        element.removeEventListener("pointercancel", end);
        if (!dragged) app.set({ from: 0, to: Infinity });
        app.drag(false);
    };
    element.addEventListener("pointermove", move);
    element.addEventListener("pointerup", end);
    element.addEventListener("pointercancel", end);
}

/** Moves one end of the range, which cannot pass the other end. */
function moveEnd(app: App, end: "from" | "to", value: number): void {
    const { from, to } = app.range;
    if (end === "from") app.set({ from: Math.min(Math.max(value, 0), to) });
    else app.set({ to: value >= app.seconds ? Infinity : Math.max(value, from) });
}

function handle(app: App, end: "from" | "to"): { element: HTMLElement; show(value: number): void } {
    const step = (event: KeyboardEvent) => {
        const page = app.seconds / 10, small = app.seconds / 100;
        const value = app.range[end];
        const moved: Record<string, number> = {
            ArrowLeft: value - small, ArrowDown: value - small, ArrowRight: value + small, ArrowUp: value + small,
            PageDown: value - page, PageUp: value + page, Home: 0, End: app.seconds,
        };
        const next = moved[event.key];
        if (next === undefined) return;
        event.preventDefault();
        moveEnd(app, end, next);
    };
    const element = h(`div.handle`, {
        role: "slider", tabindex: 0, id: `handle-${end}`, "aria-label": end === "from" ? "Beginning of the time" : "End of the time",
        "aria-orientation": "horizontal", "aria-valuemin": 0, keydown: (event) => step(event as KeyboardEvent),
    });
    return {
        element,
        show(value) {
            element.style.left = `${(value / (app.seconds || 1)) * 100}%`;
            element.setAttribute("aria-valuemax", String(app.seconds));
            element.setAttribute("aria-valuenow", value.toFixed(3));
            element.setAttribute("aria-valuetext", seconds(value));
        },
    };
}

function dragHandle(element: HTMLElement, width: () => number, app: App, end: "from" | "to"): void {
    element.addEventListener("pointerdown", (event) => {
        const start = event.clientX, before = app.range[end];
        element.setPointerCapture(event.pointerId);
        const move = (next: PointerEvent) => moveEnd(app, end, before + ((next.clientX - start) / width()) * app.seconds);
        const stop = () => {
            element.removeEventListener("pointermove", move);
            element.removeEventListener("pointerup", stop);
            element.removeEventListener("pointercancel", stop);
            app.drag(false);
        };
        app.drag(true);
        element.addEventListener("pointermove", move);
        element.addEventListener("pointerup", stop);
        element.addEventListener("pointercancel", stop);
    });
}

function field(app: App, end: "from" | "to"): HTMLInputElement {
    const input = h("input", {
        type: "number", id: `range-${end}`, min: 0, step: "any", "aria-label": end === "from" ? "From, in seconds" : "To, in seconds",
        change: () => Number.isFinite(input.valueAsNumber) && moveEnd(app, end, input.valueAsNumber),
    });
    return input;
}
