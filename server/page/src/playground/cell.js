// One cell of the notebook: its code, and what came out when it ran.
import { CodeField } from "./codemirror.js";
import { highlightingOf } from "./highlight.js";
import { Output } from "./output.js";
import { resultView } from "./results.js";

function button(text, label, onClick) {
    const element = document.createElement("button");
    element.type = "button";
    element.textContent = text;
    element.setAttribute("aria-label", label);
    element.title = label;
    element.addEventListener("click", onClick);
    return element;
}

function division(name) {
    const element = document.createElement("div");
    element.className = name;
    return element;
}

export class Cell {
    // does: {run(cell), runAndGoOn(cell), move(cell, by), remove(cell), edited()}
    constructor(code, language, does) {
        this.element = document.createElement("section");
        this.element.className = "cell";
        this.count = division("count");
        this.tools = division("cell-tools");
        this.tools.append(
            button("▶", "Run (Shift-Enter)", () => does.run(this)), button("↑", "Move up", () => does.move(this, -1)),
            button("↓", "Move down", () => does.move(this, 1)), button("✕", "Remove", () => does.remove(this)));
        const host = division("cell-editor");
        const text = document.createElement("pre");
        this.results = division("cell-results");
        this.element.append(this.count, host, this.tools, text, this.results);
        this.field = new CodeField(host, {
            label: "Code", onEdit: does.edited,
            keys: [
                { key: "Shift-Enter", run: () => (does.runAndGoOn(this), true) },
                { key: "Mod-Enter", run: () => (does.run(this), true) },
            ],
        });
        this.field.show(code);
        this.output = new Output(text, (path, line) => this.goTo(line));
        this.setLanguage(language);
        this.forget();
    }

    get code() {
        return this.field.text;
    }

    // Its place among the cells, from 1.
    set number(number) {
        this.element.setAttribute("aria-label", `Cell ${number}`);
    }

    async setLanguage(language) {
        this.field.highlight(await highlightingOf("", language));
    }

    goTo(line) {
        const { doc } = this.field.view.state;
        const { from } = doc.line(Math.min(Math.max(line, 1), doc.lines));
        this.field.view.dispatch({ selection: { anchor: from } });
        this.field.focus();
    }

    setState(text, kind) {
        this.count.textContent = text;
        this.count.className = `count ${kind}`;
    }

    // The kernel that ran it is gone.
    forget() {
        this.setState("[ ]", "");
    }

    clear() {
        this.output.clear();
        this.results.replaceChildren();
    }

    begin() {
        this.clear();
        this.setState("[*]", "busy");
    }

    // answer: of the API.
    end(answer) {
        const good = answer.status === "completed" && answer.exit_code === 0;
        this.setState(`[${answer.execution_count ?? " "}]`, good ? "good" : "bad");
        for (const bundle of answer.results ?? []) {
            const view = resultView(bundle);
            if (view) this.results.append(view);
        }
        const notes = [...(answer.warnings ?? [])];
        if (answer.stdout_truncated || answer.stderr_truncated) notes.push("The output was longer than the limit, and is cut.");
        for (const note of notes) this.output.write("note", `${note}\n`);
    }

    fail(sentence) {
        this.setState("[ ]", "bad");
        this.output.write("note", `${sentence}\n`);
    }
}
