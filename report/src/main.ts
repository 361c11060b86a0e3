// Decodes the data and shows the page.
import "uplot/dist/uPlot.min.css";
import "./style/theme.css";
import "./style/page.css";
import "./style/lists.css";
import "./style/graphs.css";
import "./style/print.css";
import { App } from "./app";
import { decode } from "./data/decode";
import { profileOf } from "./data/profile";
import { stacksOf } from "./data/stacks";
import { announce, fill, h } from "./dom";
import type { View } from "./state";
import { onTheme, startTheme } from "./theme";
import { details } from "./view/details";
import { header, totals } from "./view/header";
import { heap } from "./view/heap";
import { icicle } from "./view/icicle";
import { overview } from "./view/overview";
import { process } from "./view/process";
import { sites } from "./view/sites";
import { sizes } from "./view/sizes";
import { tabs } from "./view/tabs";
import { timeline } from "./view/timeline";

const NAMES: readonly (readonly [View, string])[] = [
    ["overview", "Overview"], ["icicle", "Icicle graph"], ["sites", "Sites"], ["sizes", "Sizes"],
    ["heap", "Heap map"], ["process", "Process"],
];

function build(app: App): void {
    const views = { overview, icicle, sites, sizes, heap, process };
    const parts = NAMES.map(([view]) => [view, views[view](app)] as const);
    const chosen = details(app), head = header(app), time = timeline(app), sums = totals(app);
    const panels = new Map(parts.map(([view, part]) => [view, part.element]));
    const bar = tabs(app, NAMES, panels);
    fill(document.getElementById("page")!, head.element, time.element,
        h("section", { "aria-label": "Totals of the selected time" }, sums.element),
        h("main", {}, bar.element, h("div.views", {}, ...panels.values()), chosen.element));
    app.add(head);
    app.add(bar);
    app.add(chosen);
    app.add(time);
    app.add(sums);
    for (const [view, part] of parts) app.add(part, () => app.state.view === view);
}

async function start(): Promise<void> {
    startTheme();
    const decoded = await decode(document.getElementById("data")!.textContent!);
    const app = new App(stacksOf(decoded), decoded.description.profiles.map((_, i) => profileOf(decoded, i)));
    announce("");
    build(app);
    app.touch("size");
    app.flush();
    onTheme(() => {
        app.touch("theme");
        app.flush(); // before a page is printed, there is no frame
    });
    window.addEventListener("resize", () => app.touch("size"));
    window.addEventListener("hashchange", () => app.readAddress());
    document.documentElement.dataset["ready"] = "true";
    performance.mark("mallow-ready");
}

start().catch((error: unknown) => {
    fill(document.getElementById("page")!, h("p.warning", { role: "alert" },
        `The report cannot be shown: ${error instanceof Error ? error.message : String(error)}. It needs a browser from 2023 or later.`));
    throw error;
});
