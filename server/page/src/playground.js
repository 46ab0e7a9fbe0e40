// The playground: a program, its files, and what comes out. Each part is a file of playground/.
import "./playground.css";
import { Codecell } from "codecell";
import { Editor } from "./playground/editor.js";
import { Keyring } from "./playground/key.js";
import { LanguagePicker, firstLanguage } from "./playground/languages.js";
import { Output } from "./playground/output.js";
import { Runner, base } from "./playground/run.js";
import { fragmentOf, programOfFragment } from "./playground/share.js";
import { snippets } from "./playground/snippets.js";
import { newProgram, requestOf, wantsInput } from "./playground/state.js";
import { isAway, serverIsBack } from "./playground/watch.js";

const byId = (id) => document.getElementById(id);
const embedded = new URLSearchParams(location.search).get("embed") === "1";
const url = location.origin + base();

let languages = [];
let program = null;
let pristine = true; // the program is an example that nobody has changed
let inTerminal = null; // what the user chose; null: the program decides

const editor = new Editor(byId("editor"), byId("tabs"), {
    onChange: () => {
        pristine = false;
        showTerminalChoice();
    },
    onRun: () => run(),
});
const output = new Output(byId("output"), (path, line, column) => editor.goTo(path, line, column));
const keyring = new Keyring(byId("key-dialog"), embedded);
const runner = new Runner({
    output, terminal: byId("terminal"), status: byId("status"), figures: byId("figures"), files: byId("files"),
    onLeave: () => byId("stop").focus(),
}, keyring, (running) => {
    byId("run").disabled = running;
    byId("stop").disabled = !running;
});

// A program that reads input runs in a terminal, unless the user wants it otherwise.
const wantsTerminal = () => inTerminal ?? wantsInput({ ...program, stdin: byId("stdin").value });

function showTerminalChoice() {
    byId("in-terminal").setAttribute("aria-pressed", String(wantsTerminal()));
}

// Options.

const lines = (text) => text.split("\n").filter((line) => line !== "");
const numberOf = (input) => (input.value === "" ? null : Number(input.value));

function readOptions() {
    program.stdin = byId("stdin").value;
    program.arguments = lines(byId("arguments").value);
    program.variables = Object.fromEntries(lines(byId("variables").value).filter((line) => line.includes("="))
        .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]));
    program.timeout = numberOf(byId("timeout"));
    program.memory = numberOf(byId("memory"));
    program.outputs = byId("outputs").value.split(",").map((one) => one.trim()).filter(Boolean);
    program.version = byId("version").value;
}

function showOptions() {
    byId("stdin").value = program.stdin;
    byId("arguments").value = program.arguments.join("\n");
    byId("variables").value = Object.entries(program.variables).map(([name, value]) => `${name}=${value}`).join("\n");
    byId("timeout").value = program.timeout ?? "";
    byId("memory").value = program.memory ?? "";
    byId("outputs").value = program.outputs.join(", ");
    byId("input").open ||= Boolean(program.stdin || program.arguments.length);
    byId("options").open ||= Boolean(program.timeout || program.memory || program.outputs.length);
}

function showVersions(language) {
    const select = byId("version");
    const names = language?.versions ?? [];
    select.replaceChildren(...names.map((name, at) => new Option(name, at === 0 ? "" : name)));
    select.value = names.includes(program.version) ? program.version : "";
    select.hidden = names.length < 2;
}

function open(next) {
    program = next;
    const language = languages.find((one) => one.id === program.language);
    byId("language-name").textContent = language?.name ?? program.language;
    byId("language").setAttribute("aria-label", `Language: ${language?.name ?? program.language}`);
    showVersions(language);
    showOptions();
    inTerminal = null;
    editor.open(program);
    showTerminalChoice();
}

// A program that was edited stays, under another name; an example gives way to the next one's.
function choose(language) {
    if (pristine) {
        open(newProgram(language));
    } else {
        readOptions();
        program.files[0].path = language.file;
        open({ ...program, language: language.id, version: "" });
    }
    editor.focus();
}

function run() {
    readOptions();
    return runner.run(program, wantsTerminal());
}

// Dialogs and buttons.

function toast(text) {
    byId("toast").textContent = text;
    setTimeout(() => (byId("toast").textContent = ""), 3000);
}

async function share() {
    readOptions();
    history.replaceState(null, "", location.pathname + location.search + await fragmentOf(program));
    await navigator.clipboard?.writeText(location.href).then(() => toast("The link is copied."),
        () => toast("The link is in the address bar."));
}

function drawSnippet() {
    byId("copy-text").textContent = snippets[byId("copy-kind").value](url, requestOf(program));
}

const picker = new LanguagePicker(byId("language-dialog"), choose);
byId("language").addEventListener("click", () => picker.open(languages, program.language));
byId("run").addEventListener("click", run);
byId("stop").addEventListener("click", () => runner.stop());
byId("in-terminal").addEventListener("click", () => {
    inTerminal = !wantsTerminal();
    showTerminalChoice();
});
byId("share").addEventListener("click", share);
byId("key").addEventListener("click", () => keyring.ask());
byId("add-file").addEventListener("click", () => editor.addFile());
byId("copy-kind").replaceChildren(...Object.keys(snippets).map((name) => new Option(name)));
byId("copy-kind").addEventListener("change", drawSnippet);
byId("copy").addEventListener("click", () => {
    readOptions();
    drawSnippet();
    byId("copy-dialog").showModal();
});
byId("copy-button").addEventListener("click", () =>
    navigator.clipboard.writeText(byId("copy-text").textContent).then(() => toast("Copied."), () => toast("Not copied.")));
document.addEventListener("keydown", (event) => {
    const wanted = event.key === "Enter" && (event.ctrlKey || event.metaKey);
    if (wanted && !event.defaultPrevented && byId("notebook").hidden) run();
});
document.addEventListener("input", (event) => {
    if (event.target.closest("details")) {
        pristine = false;
        showTerminalChoice();
    }
});

// The notebook, which is fetched when it is first opened.

let notebook = null;

async function showNotebook(shown) {
    byId("notebook-choice").setAttribute("aria-pressed", String(shown));
    byId("program").hidden = shown;
    byId("notebook").hidden = !shown;
    document.documentElement.classList.toggle("in-notebook", shown);
    if (!shown || notebook) return;
    const { Notebook } = await import("./playground/notebook.js");
    notebook = new Notebook(byId("notebook"), { url, languages, keyring });
}

byId("notebook-choice").addEventListener("click", () => showNotebook(byId("notebook").hidden));

// The start. A link's program is shown and never run by itself.

async function loadLanguages() {
    for (;;) {
        try {
            return await new Codecell({ url, key: "" }).languages();
        } catch (error) {
            if (!isAway(error)) throw error;
            byId("status").textContent = "No answer from the server. The page goes on when it is there.";
            await serverIsBack(url);
            byId("status").textContent = "Ready.";
        }
    }
}

async function start() {
    document.documentElement.classList.toggle("embedded", embedded);
    const shared = await programOfFragment(location.hash);
    languages = await loadLanguages();
    if (languages.length === 0) throw new Error("The server offers no language yet. Reload the page in a moment.");
    pristine = shared === null;
    open(shared ?? newProgram(firstLanguage(languages)));
    if (location.hash === "#notebook" && !embedded) await showNotebook(true);
    window.addEventListener("hashchange", async () => {
        const next = await programOfFragment(location.hash);
        if (next) open(next);
    });
}

start().catch((error) => {
    byId("status").textContent = error.detail ?? error.message;
    byId("status").className = "bad";
});
