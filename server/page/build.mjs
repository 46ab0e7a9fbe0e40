// Makes the files of the pages: node build.mjs FOLDER
//
// FOLDER gets each file twice, as it is and in gzip, and `manifest`: a line "PATH|TYPE|ETAG|FILE" for each. To add a page,
// add it to `pages`, with its entry for esbuild if it has a script. What was made is printed, with its size in gzip.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const TYPES = { html: "text/html", js: "text/javascript", css: "text/css", svg: "image/svg+xml", txt: "text/plain" };

// Each page: the path at which the server answers it, its HTML, and its script, which names its styles.
const pages = [
    { path: "/", html: "src/playground.html", script: "src/playground.js" },
    { path: "/docs", html: "src/docs.html", script: "src/docs.js" },
    { path: "/admin", html: "src/admin.html", script: "src/admin.js" },
];

// A page that may load nothing, so its script is in its HTML.
const frame = { path: "/frame", html: "src/frame.html", script: "src/frame.js" };

// Further files: the path, and where the file is.
const files = [["/page/icon.svg", "src/icon.svg"]];

const out = process.argv[2];
const made = []; // {path, bytes}

// import text from "x.css?text": a style sheet for code that styles what comes later.
const cssText = {
    name: "css-text",
    setup({ onResolve, onLoad, resolve }) {
        onResolve({ filter: /\.css\?text$/ }, async ({ path, resolveDir, kind }) => (
            { path: (await resolve(path.replace("?text", ""), { resolveDir, kind })).path, namespace: "css-text" }));
        onLoad({ filter: /./, namespace: "css-text" }, ({ path }) => ({ contents: readFileSync(path, "utf8"), loader: "text" }));
    },
};

async function bundle(scripts) {
    const result = await build({
        entryPoints: scripts,
        outdir: "page",
        bundle: true,
        minify: true,
        format: "esm",
        splitting: true, // what a page needs later is a file of its own
        chunkNames: "part-[hash]",
        alias: { codecell: "./client/index.js" }, // clients/javascript
        target: ["es2022"],
        legalComments: "none", // all of them are in licences.txt
        loader: { ".svg": "dataurl" },
        plugins: [cssText],
        logLevel: "warning",
        metafile: true,
        write: false,
    });
    for (const file of result.outputFiles) {
        made.push({ path: file.path.slice(process.cwd().length), bytes: Buffer.from(file.contents) });
    }
    return result.metafile;
}

async function bundleFrame() {
    const result = await build({
        entryPoints: [frame.script], bundle: true, minify: true, format: "iife", target: ["es2022"], legalComments: "none",
        logLevel: "warning", metafile: true, write: false,
    });
    const script = result.outputFiles[0].text.replaceAll("</script", "<\\/script");
    made.push({ path: frame.path, bytes: Buffer.from(readFileSync(frame.html, "utf8").replace("SCRIPT", () => script)) });
    return result.metafile;
}

// The packages of which something is in a bundle: [{name, version, license, folder}].
function bundledPackages(metafiles) {
    const names = new Set();
    for (const input of metafiles.flatMap(({ inputs }) => Object.keys(inputs))) {
        const match = /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input);
        if (match) names.add(match[1]);
    }
    return [...names].sort().map((name) => {
        const folder = join("node_modules", name);
        const { version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
        return { name, version, license, folder };
    });
}

const LICENCE_FILES = ["LICENSE", "LICENSE.md", "NOTICE", "swagger-ui-bundle.js.LICENSE.txt"];

function licences(packages) {
    const texts = packages.map(({ name, version, license, folder }) => {
        const parts = LICENCE_FILES.map((file) => join(folder, file)).filter(existsSync);
        return [`${name} ${version} (${license})`, ...parts.map((file) => readFileSync(file, "utf8"))].join("\n\n");
    });
    return Buffer.from(texts.join(`\n${"=".repeat(78)}\n\n`));
}

const kilobytes = (bytes) => `${Math.round(bytes / 1e4) * 10} kB`; // zlib differs a little from machine to machine

// The files that a page loads at once: its script, the parts that this imports, and its styles.
function firstFiles(metafile, entry) {
    const names = new Set([entry]);
    for (const name of names) {
        const { imports, cssBundle } = metafile.outputs[name];
        for (const { path, kind } of imports) if (kind === "import-statement") names.add(path);
        if (cssBundle) names.add(cssBundle);
    }
    return [...names].map((name) => made.find(({ path }) => path === `/${name}`));
}

// The page's files must be known before: it names their size.
function pageHtml(page, metafile, packages) {
    const files = firstFiles(metafile, page.script.replace(/^src/, "page"));
    const size = files.reduce((sum, { bytes }) => sum + gzipSync(bytes, { level: 9 }).length, 0);
    const list = packages.map(({ name, version, license }) => `${name} ${version} (${license})`).join(", ");
    const html = readFileSync(page.html, "utf8").replace("BUNDLED", `${list}; this page: ${kilobytes(size)} in gzip`);
    return Buffer.from(html);
}

function write({ path, bytes }) {
    const name = path.slice(1).replaceAll("/", "-") || "index";
    const type = TYPES[path.startsWith("/page/") ? path.split(".").pop() : "html"];
    writeFileSync(join(out, name), bytes);
    const packed = gzipSync(bytes, { level: 9 });
    writeFileSync(join(out, `${name}.gz`), packed);
    console.log(`${path.padEnd(32)}${String(bytes.length).padStart(9)}${String(packed.length).padStart(9)} in gzip`);
    const etag = createHash("sha256").update(bytes).digest("hex").slice(0, 16);
    return `${path}|${type}${type === "image/svg+xml" ? "" : "; charset=utf-8"}|${etag}|${name}\n`;
}

const metafile = await bundle(pages.map((page) => page.script));
const packages = bundledPackages([metafile, await bundleFrame()]);
made.push({ path: "/page/licences.txt", bytes: licences(packages) });
for (const [path, file] of files) made.push({ path, bytes: readFileSync(file) });
for (const page of pages) made.push({ path: page.path, bytes: pageHtml(page, metafile, packages) });
mkdirSync(out, { recursive: true });
writeFileSync(join(out, "manifest"), made.map(write).sort().join(""));
