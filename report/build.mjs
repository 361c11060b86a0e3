// Builds dist/report.html, one page with all scripts and styles. With --check, only says whether
// the page that is checked in is the one that the sources build.
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import * as esbuild from "esbuild";

const page = new URL("dist/report.html", import.meta.url);
const at = (path) => new URL(path, import.meta.url).pathname;

const result = await esbuild.build({
    entryPoints: [at("src/main.ts")],
    bundle: true,
    minify: !process.env.DEV,
    write: false,
    outdir: "out",
    target: ["chrome110", "firefox115", "safari16.4"],
    format: "iife",
    charset: "utf8",
    legalComments: "inline",
    logLevel: "warning",
});
const text = (ending) => result.outputFiles.find(({ path }) => path.endsWith(ending)).text.trim();
const script = text(".js").replaceAll("</script", "<\\/script"), style = text(".css");
// Minified code has no comments, but the licence of what is bundled must be in every copy.
const license = readFileSync(at("node_modules/uplot/LICENSE"), "utf8").trim();
if (license.includes("--")) throw new Error("the licence would end the comment that it is in");
const parts = {
    "@LICENSE@": `This page contains uPlot, https://github.com/leeoniya/uPlot\n\n${license}`,
    "@SCRIPT_HASH@": `sha256-${createHash("sha256").update(script).digest("base64")}`,
    "@STYLE@": style,
    "@SCRIPT@": script,
};
const html = readFileSync(new URL("src/template.html", import.meta.url), "utf8")
    .replace(/@[A-Z_]+@/g, (mark) => parts[mark] ?? mark);
if (html.split("@MALLOW_DATA@").length !== 2) throw new Error("the page must have one place for the data");

if (process.argv.includes("--check")) {
    if (readFileSync(page, "utf8") !== html) {
        console.error("dist/report.html is not what the sources build: run npm run build");
        process.exit(1);
    }
} else {
    writeFileSync(page, html);
    console.log(`dist/report.html: ${(html.length / 1024).toFixed(0)} KiB`);
}
