// The inside of the frame that shows what a program has made. Its policy (server/api/asset.c) lets it reach nothing.
import { marked } from "marked";

const READERS = { html: (text) => text, svg: (text) => text, markdown: (text) => marked.parse(text) };

const LOOK = `<!doctype html><meta charset="utf-8"><meta name="color-scheme" content="light"><style>
html { background: #fff; color: #1d2329; font: 15px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
body { margin: 8px; }
table { border-collapse: collapse; }
td, th { padding: 3px 9px; border: 1px solid #d5dae0; text-align: right; }
pre, code { font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: 13.5px; }
img, svg { max-width: 100%; height: auto; }
</style>`;

const tellHeight = () =>
    parent.postMessage({ codecell: "height", height: Math.ceil(document.documentElement.getBoundingClientRect().height) }, "*");

// Only a page of this server may hand something over. This document's own origin has no name, so its address tells.
function onMessage({ source, origin, data }) {
    const read = source === parent && origin === new URL(location.href).origin ? READERS[data?.kind] : undefined;
    if (read === undefined || typeof data.text !== "string") return;
    document.open();
    document.write(LOOK + read(data.text));
    document.close();
    tellHeight(); // out of sight nothing is observed
    addEventListener("load", tellHeight);
    new ResizeObserver(tellHeight).observe(document.documentElement);
}

addEventListener("message", onMessage);
parent.postMessage({ codecell: "ready" }, "*");
