// What a kernel answers beside its output: bundles of the same value in several types, of which the richest is shown.
import { framed, isFramed } from "./frame.js";

const RICHEST_FIRST = [
    "text/html", "image/svg+xml", "image/png", "image/jpeg", "text/markdown", "text/latex", "application/json", "text/plain",
];

function picture(type, data) {
    const image = document.createElement("img");
    image.src = `data:${type};base64,${data}`;
    image.alt = "A figure that the cell made";
    return image;
}

function text(data) {
    const element = document.createElement("pre");
    element.textContent = typeof data === "string" ? data : JSON.stringify(data, null, 2);
    return element;
}

// The element that shows a bundle, {MIME type: data}; null: there is nothing in it that can be shown.
export function resultView(bundle) {
    const type = RICHEST_FIRST.find((one) => one in bundle);
    if (type === undefined) return null;
    if (isFramed(type)) return framed(type, String(bundle[type]), "Result");
    return type.startsWith("image/") ? picture(type, bundle[type]) : text(bundle[type]);
}
