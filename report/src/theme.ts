// Light and dark: as the system is set, or as chosen with the button.

const KEY = "mallow-report-theme";
const system = window.matchMedia("(prefers-color-scheme: dark)");
const listeners: (() => void)[] = [];
let chosen: string | null = null;

function stored(): string | null {
    try {
        return localStorage.getItem(KEY);
    } catch {
        return null; // storage is not available to every file
    }
}

export function isDark(): boolean {
    return document.documentElement.dataset["theme"] === "dark";
}

function apply(theme: string): void {
    if (document.documentElement.dataset["theme"] === theme) return;
    document.documentElement.dataset["theme"] = theme;
    for (const listener of listeners) listener();
}

function current(): string {
    return chosen ?? (system.matches ? "dark" : "light");
}

export function onTheme(listener: () => void): void {
    listeners.push(listener);
}

export function toggleTheme(): void {
    chosen = isDark() ? "light" : "dark";
    try {
        localStorage.setItem(KEY, chosen);
    } catch {
        // It is then forgotten when the page is closed.
    }
    apply(current());
}

export function startTheme(): void {
    chosen = stored();
    apply(current());
    system.addEventListener("change", () => apply(current()));
    window.addEventListener("beforeprint", () => apply("light"));
    window.addEventListener("afterprint", () => apply(current()));
}

/** Returns a color of the style sheet. */
export function color(name: string): string {
    return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}
