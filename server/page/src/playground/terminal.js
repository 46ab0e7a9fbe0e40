// The terminal, fetched when the first program wants one. It draws on a canvas: the renderer that makes elements would
// need inline styles, which the page's Content-Security-Policy forbids. Screen readers get the text as elements.
import { CanvasAddon } from "@xterm/addon-canvas";
import { FitAddon } from "@xterm/addon-fit";
import { Terminal } from "@xterm/xterm";
import styles from "@xterm/xterm/css/xterm.css?text";
import { Connection } from "./connect.js";

const dark = matchMedia("(prefers-color-scheme: dark)");

const colours = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function theme() {
    return {
        background: colours("--field"), foreground: colours("--text"), cursor: colours("--text"),
        cursorAccent: colours("--field"), selectionBackground: colours("--selected"),
    };
}

export class TerminalView {
    // host: an element that is shown. onLeave: F6 was pressed, because Tab belongs to the program.
    constructor(host, onLeave) {
        const sheet = new CSSStyleSheet();
        sheet.replaceSync(styles);
        document.adoptedStyleSheets.push(sheet);
        this.host = host;
        this.terminal = new Terminal({
            fontFamily: colours("--mono"), fontSize: 14, screenReaderMode: true, theme: theme(), scrollback: 10_000,
            minimumContrastRatio: 4.5,
        });
        this.fit = new FitAddon();
        this.terminal.loadAddon(this.fit);
        this.terminal.loadAddon(new CanvasAddon()); // before open(), so that no other renderer begins
        this.terminal.open(host);
        this.terminal.textarea.setAttribute("aria-label", "Terminal; F6 leaves it");
        this.terminal.attachCustomKeyEventHandler((event) => event.key !== "F6" || (onLeave(), false));
        this.terminal.onData((text) => this.connection?.type(text));
        this.takeWordsWithoutKeys(this.terminal.textarea);
        this.terminal.onResize(({ cols, rows }) => this.connection?.resize(cols, rows));
        new ResizeObserver(() => this.fit.fit()).observe(host);
        dark.addEventListener("change", () => (this.terminal.options.theme = theme()));
    }

    // What comes from no key, such as a list of emoji or a telephone's keyboard. For the sake of screen readers the
    // terminal itself leaves that out.
    takeWordsWithoutKeys(textarea) {
        let keyIsDown = false;
        textarea.addEventListener("keydown", () => (keyIsDown = true));
        textarea.addEventListener("keyup", () => (keyIsDown = false));
        textarea.addEventListener("input", ({ data, inputType }) => {
            if (!keyIsDown && data && inputType === "insertText") this.connection?.type(data);
        });
    }

    // Starts a program in it: its events, as those of Codecell.stream().
    events(url, key, request, signal) {
        this.terminal.reset();
        this.terminal.options.disableStdin = false;
        this.fit.fit();
        this.terminal.focus();
        const { cols: columns, rows } = this.terminal;
        this.connection = new Connection(url, key, { ...request, terminal: { columns, rows } });
        return this.connection.events(signal);
    }

    // A compiler writes to a pipe, so its lines end without a carriage return.
    write(text, compiling) {
        this.terminal.write(compiling ? text.replace(/\r?\n/g, "\r\n") : text);
    }

    note(text) {
        this.terminal.write(`\r\n\x1b[3m${text}\x1b[0m\r\n`);
    }

    end() {
        this.connection = null;
        this.terminal.options.disableStdin = true;
    }
}

export { Connection };
