// What a program has made and a browser could run (HTML, SVG, Markdown), shown in a frame that can reach nothing: the
// route /frame has an origin of its own. The content goes there by a message, so it is in no URL.

const KINDS = { "text/html": "html", "image/svg+xml": "svg", "text/markdown": "markdown" };
const HEIGHT_MAX = 700; // pixels; what is higher scrolls inside
const waiting = new WeakMap(); // frames that have not told that they are ready: what they will get

window.addEventListener("message", ({ source, data }) => {
    const frame = [...document.querySelectorAll("iframe.made")].find((one) => one.contentWindow === source);
    if (!frame) return;
    if (data?.codecell === "ready" && waiting.has(frame)) {
        source.postMessage(waiting.get(frame), "*"); // its origin has no name
        waiting.delete(frame);
    } else if (data?.codecell === "height" && Number.isFinite(data.height)) {
        frame.style.height = `${Math.min(Math.max(data.height, 24), HEIGHT_MAX)}px`;
    }
});

export const isFramed = (type) => (type ?? "").split(";")[0] in KINDS;

// The element that shows `text`, which is of one of the types above. name: for screen readers.
export function framed(type, text, name) {
    const frame = document.createElement("iframe");
    frame.className = "made";
    frame.title = name;
    frame.setAttribute("sandbox", "allow-scripts");
    frame.src = new URLSearchParams(location.search).get("embed") === "1" ? "frame?embed=1" : "frame";
    waiting.set(frame, { kind: KINDS[type.split(";")[0]], text });
    return frame;
}
