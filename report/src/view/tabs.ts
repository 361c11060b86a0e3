// The tabs, each of which shows a view.
import type { App, ViewPart } from "../app";
import { h } from "../dom";
import type { View } from "../state";

export function tabs(app: App, names: readonly (readonly [View, string])[], panels: Map<View, HTMLElement>): ViewPart {
    const buttons = names.map(([view, name]) =>
        h("button", { type: "button", role: "tab", id: `tab-${view}`, "aria-controls": `panel-${view}`, click: () => app.set({ view }) }, name));
    for (const [view, panel] of panels) {
        panel.id = `panel-${view}`;
        panel.setAttribute("role", "tabpanel");
        panel.setAttribute("aria-labelledby", `tab-${view}`);
    }
    const move = (event: KeyboardEvent) => {
        const at = names.findIndex(([view]) => view === app.state.view), last = names.length - 1;
        const next = { ArrowRight: at === last ? 0 : at + 1, ArrowLeft: at === 0 ? last : at - 1, Home: 0, End: last }[event.key];
        if (next === undefined) return;
        event.preventDefault();
        app.set({ view: names[next]![0] });
        buttons[next]!.focus();
    };
    const element = h("div.tabs", { role: "tablist", "aria-label": "Views", keydown: (event) => move(event as KeyboardEvent) }, ...buttons);
    return {
        element,
        update() {
            names.forEach(([view], i) => {
                const chosen = view === app.state.view;
                buttons[i]!.setAttribute("aria-selected", String(chosen));
                buttons[i]!.tabIndex = chosen ? 0 : -1;
                panels.get(view)!.hidden = !chosen;
            });
        },
    };
}
