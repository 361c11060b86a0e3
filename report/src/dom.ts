// Builds elements. Text from a profile only ever becomes text nodes and attributes, never markup.

export type Child = Node | string | null | false;
type Properties = Record<string, string | number | boolean | ((event: Event) => void)>;

function setProperty(element: Element, name: string, value: Properties[string]): void {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (typeof value === "boolean") element.toggleAttribute(name, value);
    else element.setAttribute(name, String(value));
}

/** Creates an element: "div.class". A property that is a function is a listener. */
export function h<K extends keyof HTMLElementTagNameMap>(tag: K | `${K}.${string}`, properties: Properties = {}, ...children: Child[]): HTMLElementTagNameMap[K] {
    const [name, ...classes] = tag.split(".");
    const element = document.createElement(name!) as HTMLElementTagNameMap[K];
    if (classes.length > 0) element.className = classes.join(" ");
    for (const [key, value] of Object.entries(properties)) setProperty(element, key, value);
    for (const child of children) if (child !== null && child !== false) element.append(child);
    return element;
}

/** Creates an element of a drawing. */
export function svg<K extends keyof SVGElementTagNameMap>(tag: K, properties: Properties = {}, ...children: Node[]): SVGElementTagNameMap[K] {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [key, value] of Object.entries(properties)) setProperty(element, key, value);
    element.append(...children);
    return element;
}

/** Replaces the children of an element. If one of them has the focus, the new one that has the same
 * `data-focus` gets it. */
export function fill(element: Element, ...children: Child[]): void {
    const active = document.activeElement;
    const name = active instanceof HTMLElement && element.contains(active) ? active.dataset["focus"] : undefined;
    element.replaceChildren(...children.filter((child) => child !== null && child !== false));
    if (name !== undefined)
        element.querySelector<HTMLElement>(`[data-focus="${CSS.escape(name)}"]`)?.focus({ preventScroll: true });
}

/** A group of buttons, one of which is pressed. */
export function choice<T extends string>(label: string, options: readonly (readonly [T, string])[], choose: (value: T) => void): { element: HTMLElement; show(value: T): void } {
    const buttons = options.map(([value, text]) =>
        h("button", { type: "button", "data-value": value, click: () => choose(value) }, text));
    return {
        element: h("div.choice", { role: "group", "aria-label": label }, ...buttons),
        show(value) {
            for (const button of buttons)
                button.setAttribute("aria-pressed", String(button.dataset["value"] === value));
        },
    };
}

/** Draws on a canvas in CSS pixels, whatever the resolution of the screen is. */
export function canvasContext(canvas: HTMLCanvasElement, width: number, height: number): CanvasRenderingContext2D {
    const ratio = window.devicePixelRatio || 1;
    const pixels = [Math.round(width * ratio), Math.round(height * ratio)] as const;
    if (canvas.width !== pixels[0] || canvas.height !== pixels[1]) [canvas.width, canvas.height] = pixels;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
    const context = canvas.getContext("2d")!;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    return context;
}

let announcer: HTMLElement | null = null;

/** Tells the text to screen readers. */
export function announce(text: string): void {
    if (announcer === null) document.body.append((announcer = h("div.hidden", { role: "status", "aria-live": "polite", id: "announcer" })));
    announcer.textContent = text;
}
