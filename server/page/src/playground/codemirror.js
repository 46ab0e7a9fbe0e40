// What all editors of the page share. CodeMirror lives in a shadow root, because only there does it style itself without
// an inline style, which the page's Content-Security-Policy forbids.
import { indentWithTab } from "@codemirror/commands";
import { Compartment, EditorState, Prec } from "@codemirror/state";
import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { EditorView, keymap } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { basicSetup } from "codemirror";

const dark = matchMedia("(prefers-color-scheme: dark)");

const look = EditorView.theme({
    "&": { height: "100%", fontSize: "14px", backgroundColor: "var(--field)", color: "var(--text)" },
    "&.cm-focused": { outline: "none" }, // the host shows it
    ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.5" },
    ".cm-gutters": { backgroundColor: "var(--field)", color: "var(--faint)", borderRight: "1px solid var(--line)" },
    ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "transparent" },
    "&.cm-focused .cm-activeLine, &.cm-focused .cm-activeLineGutter": { backgroundColor: "var(--active)" },
    ".cm-content": { caretColor: "var(--text)" },
    ".cm-cursor": { borderLeftColor: "var(--text)" },
    "&.cm-focused .cm-selectionBackground, .cm-selectionBackground": { backgroundColor: "var(--selected) !important" },
});

// The colours follow the page's, and each is readable on the field (a contrast of 4.5 and more).
const highlights = syntaxHighlighting(HighlightStyle.define([
    { tag: [tags.keyword, tags.operatorKeyword, tags.modifier], color: "var(--code-keyword)" },
    { tag: [tags.string, tags.special(tags.string), tags.regexp, tags.character], color: "var(--code-string)" },
    { tag: [tags.number, tags.bool, tags.atom, tags.null], color: "var(--code-number)" },
    { tag: [tags.comment, tags.meta], color: "var(--code-comment)", fontStyle: "italic" },
    { tag: [tags.typeName, tags.className, tags.namespace, tags.tagName], color: "var(--code-type)" },
    { tag: [tags.function(tags.variableName), tags.definition(tags.variableName)], color: "var(--code-name)" },
    { tag: tags.invalid, color: "var(--bad)" },
]));

export class CodeField {
    // keys: CodeMirror's key bindings, before its own. onEdit: the text has changed.
    constructor(host, { label, keys, onEdit }) {
        this.highlighting = new Compartment();
        this.theme = new Compartment(); // only what CodeMirror itself draws in another way in the dark
        this.extensions = [
            Prec.highest(keymap.of(keys)), basicSetup, keymap.of([indentWithTab]), look, highlights,
            this.highlighting.of([]), this.theme.of(EditorView.darkTheme.of(dark.matches)),
            EditorView.contentAttributes.of({ "aria-label": `${label}; Escape, then Tab leaves the editor` }),
            EditorView.updateListener.of((update) => update.docChanged && onEdit()),
        ];
        const root = host.attachShadow({ mode: "open" });
        this.view = new EditorView({ parent: root, root });
        dark.addEventListener("change", () =>
            this.view.dispatch({ effects: this.theme.reconfigure(EditorView.darkTheme.of(dark.matches)) }));
    }

    get text() {
        return this.view.state.doc.toString();
    }

    // A text of its own, with its own undo history. state: as `view.state` was before.
    show(text, state) {
        this.view.setState(state ?? EditorState.create({ doc: text, extensions: this.extensions }));
    }

    // extension: a language's; null: plain text.
    highlight(extension) {
        this.view.dispatch({ effects: this.highlighting.reconfigure(extension ?? []) });
    }

    focus() {
        this.view.focus();
    }
}
