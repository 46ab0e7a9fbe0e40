// The operator's page. It asks the API every few seconds while somebody looks at it. Each part is a file of admin/.
import "./admin.css";
import { Api } from "./admin/api.js";
import { Charts } from "./admin/charts.js";
import { Executions } from "./admin/executions.js";
import { Keys } from "./admin/keys.js";
import { drawOverview } from "./admin/overview.js";
import { byId, countOf, drawTable, secondsOf } from "./admin/view.js";
import { Keyring } from "./playground/key.js";

const PERIOD_MS = 3000;
const SLOW = 4; // the hour and the last executions come every so many turns

const keyring = new Keyring(byId("key-dialog"), false);
const api = () => new Api(keyring.value);
const charts = new Charts();
const executions = new Executions(api, refused);
const keys = new Keys(api, refused);
let turn = 0;
let asking = 0; // the number of the series of turns that goes on; a refused key or another one begins a new number
let paused = false, timer = null;

function say(text, bad = false) {
    byId("status").textContent = text;
    byId("status").className = bad ? "bad" : "";
}

function show(id) {
    for (const one of ["main", "refused"]) byId(one).hidden = one !== id;
}

// What went wrong, in plain words. A refused key ends the asking; everything else is tried again.
function refused(error) {
    if (error.status === 401 || error.status === 403) {
        asking++;
        byId("refused-text").textContent = error.status === 403
            ? "This key is no admin’s key. It may run programs or read its own records, but not see the server or manage keys."
            : "The server does not know this key. It may be mistyped, revoked or expired.";
        keyring.forget();
        show("refused");
        say("Not connected");
    } else {
        say(error.status ? error.message : "The server does not answer. Trying again…", true);
    }
}

function drawHour(hour, start) {
    const select = byId("chart-language"), names = hour.languages.map(({ language }) => language).sort();
    const wanted = ["", ...names];
    if (JSON.stringify([...select.options].map(({ value }) => value)) !== JSON.stringify(wanted)) {
        const chosen = select.value;
        select.replaceChildren(...wanted.map((name) => new Option(name || "all", name)));
        select.value = wanted.includes(chosen) ? chosen : "";
        charts.language = select.value;
    }
    charts.draw(hour.minutes, start);
    const number = (head, name) => ({ head, of: (one) => countOf(one[name]), kind: "number" });
    drawTable(byId("by-language"), [
        { head: "Language", of: (one) => one.language },
        number("Executions", "executions"), number("Completed", "completed"), number("Failed", "failed"),
        number("Timed out", "timed_out"), number("Cancelled", "cancelled"), number("Errors", "errors"),
        { head: "p50", of: (one) => secondsOf(one.p50_seconds), kind: "number" },
        { head: "p95", of: (one) => secondsOf(one.p95_seconds), kind: "number" },
    ], hour.languages.length > 0 ? [{ ...hour.all, language: "all" }, ...hour.languages] : [],
    { empty: "No execution has ended in the last hour." });
}

async function look() {
    const slow = turn++ % SLOW === 0;
    const [seen, hour] = await Promise.all([api().get("admin/overview"), slow ? api().get("admin/history") : null]);
    show("main");
    drawOverview(seen);
    if (hour) drawHour(hour, Date.parse(seen.started_at));
    if (slow) await executions.refresh();
    say(`Live, ${new Date().toLocaleTimeString()}`);
}

// One turn after another, and none while the page is not looked at.
async function go(mine) {
    try {
        await look();
    } catch (error) {
        refused(error);
    }
    if (mine !== asking) return;
    paused = document.hidden;
    if (!paused) timer = setTimeout(go, PERIOD_MS, mine);
}

async function begin(sentence = "") {
    if (!keyring.value && !await keyring.ask(sentence)) {
        byId("refused-text").textContent = "It shows what all keys do, so it asks for a key with the scope admin.";
        show("refused");
        say("Not connected");
        return;
    }
    const mine = ++asking;
    turn = 0;
    paused = false;
    clearTimeout(timer);
    await go(mine);
    if (mine === asking) await keys.load();
}

byId("chart-language").addEventListener("change", (event) => charts.choose(event.target.value));
for (const id of ["key", "other-key"])
    byId(id).addEventListener("click", async () => {
        if (await keyring.ask()) await begin();
    });
document.addEventListener("visibilitychange", () => {
    if (document.hidden || !paused) return;
    paused = false;
    go(asking);
});

begin();
