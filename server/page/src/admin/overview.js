// What is so now: warnings, health, what runs and waits, the pool.
import { byId, countOf, drawTable, element, megabytesOf, secondsOf, spanOf, timeOf } from "./view.js";

function warningItem({ level, text, what_to_do: advice, detail, count, last }) {
    const times = count === null ? "" : ` (${count > 1 ? `${countOf(count)} ×, last at ` : ""}${new Date(last).toLocaleString()})`;
    return element("li", { className: level },
        element("p", {}, element("strong", {}, `${level === "error" ? "Error: " : ""}${text}`), times),
        element("p", {}, advice),
        ...(detail ? [element("p", { className: "detail" }, detail)] : []));
}

let shownWarnings = "";

function drawWarnings(warnings) {
    const text = JSON.stringify(warnings);
    if (text === shownWarnings) return;
    shownWarnings = text;
    byId("warning-list").replaceChildren(...(warnings.length > 0 ? warnings.map(warningItem)
        : [element("li", { className: "none" }, "None.")]));
}

const verdict = ({ ok, reason }, more = "") => [
    element("span", { className: ok ? "good" : "bad" }, ok ? "well" : "not well"),
    ok ? more : `: ${reason ?? "no reason is known"}`,
];

function drawHealth(seen) {
    const { database, engine, languages, isolation, disk, draining } = seen.health;
    const { running, running_most: slots, waiting, waiting_most: places, background } = seen.executions;
    const facts = [
        ["Database", verdict(database, `, answers in ${secondsOf(database.seconds)}`)],
        ["Engine", verdict(engine)],
        ["Languages", verdict(languages, `, ${seen.pool.length} can run`)],
        ["Isolation", verdict(isolation, `, ${isolation.name}`)],
        ["Disk", [disk.free_mb === null ? "not known" : `${megabytesOf(disk.free_mb)} of ${megabytesOf(disk.total_mb)} free`]],
        ["Running", [`${running} of ${slots} slots`]],
        ["Waiting", [`${waiting} of ${places} places`, background ? `, ${background} in the background` : ""]],
        ["Connections", [countOf(seen.connections)]],
        ["Server", [`${seen.version}, up for ${spanOf((Date.parse(seen.time) - Date.parse(seen.started_at)) / 1000)}`,
            draining ? ", shuts down" : ""]],
    ];
    byId("health").replaceChildren(...facts.flatMap(([name, parts]) => [element("dt", {}, name), element("dd", {}, ...parts)]));
}

const STATES = { waiting: "waits for a slot", placed: "waits for a cell", compiling: "compiles", running: "runs",
    recording: "is recorded" };

function drawNow({ executions, time }) {
    drawTable(byId("now"), [
        { head: "State", of: (one) => STATES[one.state] },
        { head: "Language", of: (one) => one.language },
        { head: "Since", of: (one) => timeOf(one.started_at ?? one.created_at) },
        { head: "For", of: (one) => spanOf((Date.parse(time) - Date.parse(one.started_at ?? one.created_at)) / 1000), kind: "number" },
        { head: "Key", of: (one) => one.key_name },
        { head: "Session", of: (one) => one.session_id },
        { head: "Id", of: (one) => one.execution_id.slice(0, 8), kind: "id" },
    ], executions.items, { empty: "Nothing runs, and nothing waits." });
}

function drawPool({ pool }) {
    const number = (head, name) => ({ head, of: (one) => countOf(one[name]), kind: "number" });
    drawTable(byId("pool"), [
        { head: "Language", of: (one) => one.language },
        number("Wanted", "wanted"), number("Ready", "ready"), number("Prewarmed", "prewarmed"), number("Kept", "kept"),
        number("Being made", "creating"), number("Running", "running"), number("Ending", "ending"),
    ], [...pool].sort((a, b) => b.running - a.running || b.ready - a.ready || a.language.localeCompare(b.language)),
    { empty: "No language can run." });
}

export function drawOverview(seen) {
    drawWarnings(seen.warnings);
    drawHealth(seen);
    drawNow(seen);
    drawPool(seen);
}
