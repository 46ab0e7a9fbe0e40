// Elements and words. Texts go in as texts, never as markup: a key's name may hold anything.

export const byId = (id) => document.getElementById(id);

export function element(name, properties = {}, ...children) {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
}

const drawn = new WeakMap(); // what a table shows, so that an equal one is left alone, with its selection

// columns: [{head, of(row), kind}]; kind: "number", "id" or nothing. of() gives a text, a node, or null.
export function drawTable(table, columns, rows, { empty = "None.", rowClass = () => "" } = {}) {
    const cells = rows.map((row) => columns.map(({ of }) => of(row) ?? "–"));
    const texts = JSON.stringify([cells, rows.map(rowClass)], (_, value) => (value instanceof Node ? value.textContent : value));
    if (drawn.get(table) === texts) return;
    drawn.set(table, texts);
    const head = element("tr", {}, ...columns.map(({ head: text, kind }) =>
        element("th", { scope: "col", className: kind === "number" ? "number" : "" }, text)));
    const body = rows.map((row, at) => element("tr", { className: rowClass(row) }, ...columns.map(({ kind }, nth) =>
        element("td", { className: kind ?? "" }, cells[at][nth]))));
    if (rows.length === 0) body.push(element("tr", {}, element("td", { colSpan: columns.length, className: "empty" }, empty)));
    table.replaceChildren(element("thead", {}, head), element("tbody", {}, ...body));
}

export const countOf = (number) => number.toLocaleString("en");

export function secondsOf(seconds) {
    if (seconds === null) return null;
    if (seconds < 0.001) return `${Math.round(seconds * 1e6)} µs`;
    if (seconds < 1) return `${+(seconds * 1000).toPrecision(3)} ms`;
    return seconds < 120 ? `${seconds.toFixed(1)} s` : spanOf(seconds);
}

export function spanOf(seconds) {
    const units = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];
    const at = units.findIndex(([, size]) => seconds >= size);
    if (at < 0) return "0 s";
    const [name, size] = units[at], next = units[at + 1];
    const rest = next ? Math.floor((seconds % size) / next[1]) : 0;
    return `${Math.floor(seconds / size)} ${name}${rest ? ` ${rest} ${next[0]}` : ""}`;
}

export function timeOf(text) {
    if (text === null) return null;
    const time = new Date(text), sameDay = time.toDateString() === new Date().toDateString();
    return element("time", { dateTime: text, title: text }, sameDay ? time.toLocaleTimeString() : time.toLocaleString());
}

export const megabytesOf = (mb) => (mb >= 10240 ? `${(mb / 1024).toFixed(0)} GiB` : `${mb.toFixed(0)} MiB`);
