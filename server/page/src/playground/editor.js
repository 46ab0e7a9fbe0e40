// The editor, and a tab for each file.
import { EditorView } from "@codemirror/view";
import { CodeField } from "./codemirror.js";
import { highlightingOf } from "./highlight.js";

export class Editor {
    // onChange: the program was edited. onRun: Ctrl-Enter.
    constructor(host, tabs, { onChange, onRun }) {
        this.tabs = tabs;
        this.onChange = onChange;
        this.field = new CodeField(host, {
            label: "Program text", keys: [{ key: "Mod-Enter", run: () => (onRun(), true) }], onEdit: () => this.edited(),
        });
        this.view = this.field.view;
    }

    edited() {
        this.program.files[this.at].content = this.field.text;
        this.onChange();
    }

    open(program) {
        this.program = program;
        this.states = new Map(); // of each file that was shown: its undo history
        this.at = 0;
        this.show(0);
    }

    show(at) {
        if (this.states.size > 0 || this.shown) this.states.set(this.shown, this.view.state);
        this.at = at;
        this.shown = this.program.files[at];
        this.field.show(this.shown.content, this.states.get(this.shown));
        this.highlight();
        this.drawTabs();
    }

    async highlight() {
        const file = this.shown;
        const extension = await highlightingOf(file.path, this.at === 0 ? this.program.language : undefined);
        if (file === this.shown) this.field.highlight(extension);
    }

    focus() {
        this.field.focus();
    }

    // Puts the cursor there. Lines and columns count from 1.
    goTo(path, line, column = 1) {
        const at = this.program.files.findIndex((file) => file.path === path);
        if (at >= 0 && at !== this.at) this.show(at);
        const place = this.view.state.doc.line(Math.min(Math.max(line, 1), this.view.state.doc.lines));
        const position = Math.min(place.from + column - 1, place.to);
        this.view.dispatch({ selection: { anchor: position }, effects: EditorView.scrollIntoView(position, { y: "center" }) });
        this.focus();
    }

    // Tabs.

    drawTabs() {
        this.tabs.replaceChildren(...this.program.files.map((file, at) => this.tabOf(file, at)));
    }

    tabOf(file, at) {
        const tab = document.createElement("button");
        tab.type = "button";
        tab.role = "tab";
        tab.textContent = file.path;
        tab.tabIndex = at === this.at ? 0 : -1;
        tab.setAttribute("aria-selected", String(at === this.at));
        tab.addEventListener("click", () => this.show(at));
        tab.addEventListener("dblclick", () => at > 0 && this.renameFile(at));
        tab.addEventListener("keydown", (event) => this.onTabKey(event, at));
        if (at > 0) tab.title = "Double-click or F2 renames, Delete removes";
        return tab;
    }

    onTabKey(event, at) {
        const steps = { ArrowLeft: -1, ArrowRight: 1 };
        const count = this.program.files.length;
        if (event.key in steps) this.show((at + steps[event.key] + count) % count);
        else if (event.key === "F2" && at > 0) this.renameFile(at);
        else if (event.key === "Delete" && at > 0) this.removeFile(at);
        else return;
        event.preventDefault();
        this.tabs.querySelector('[aria-selected="true"]').focus();
    }

    freePath(wanted) {
        let path = wanted;
        for (let n = 2; this.program.files.some((file) => file.path === path); n++) path = wanted.replace(/(\.\w+)?$/, `${n}$1`);
        return path;
    }

    addFile(path = "input.txt", content = "") {
        this.program.files.push({ path: this.freePath(path), content });
        this.onChange();
        this.show(this.program.files.length - 1);
    }

    renameFile(at) {
        const file = this.program.files[at];
        const path = prompt("The file's path", file.path)?.trim();
        if (!path || this.program.files.some((other) => other !== file && other.path === path)) return;
        file.path = path;
        this.onChange();
        this.show(at);
    }

    removeFile(at) {
        this.states.delete(this.program.files[at]);
        this.program.files.splice(at, 1);
        this.onChange();
        this.show(at - 1);
    }
}
