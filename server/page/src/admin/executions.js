// The last executions of all keys, and the search among them.
import { byId, drawTable, secondsOf, timeOf } from "./view.js";

const PAGE = 25;
const STATUSES = ["pending", "running", "completed", "failed", "timed_out", "out_of_memory", "compile_failed", "cancelled", "lost"];

export class Executions {
    constructor(api, onRefused) {
        this.api = api;
        this.onRefused = onRefused;
        this.filters = {};
        this.items = [];
        this.cursor = null;
        this.paged = false; // older pages are shown, so the list stays as it is
        const form = byId("search");
        for (const status of STATUSES) form.elements.status.append(new Option(status.replaceAll("_", " "), status));
        form.addEventListener("submit", (event) => {
            event.preventDefault();
            this.filters = Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, value.trim()]));
            this.load();
        });
        byId("older").addEventListener("click", () => this.load(this.cursor));
    }

    async load(cursor = null) {
        try {
            const page = await this.api().get("admin/executions", { ...this.filters, limit: PAGE, cursor });
            this.items = cursor ? [...this.items, ...page.items] : page.items;
            this.cursor = page.next_cursor;
            this.paged = cursor !== null;
            byId("search-error").textContent = "";
            this.draw();
        } catch (error) {
            if (error.status === 400) byId("search-error").textContent = error.message;
            else this.onRefused(error);
        }
    }

    // While somebody reads older pages, nothing moves.
    refresh() {
        return this.paged ? null : this.load();
    }

    draw() {
        byId("older").hidden = this.cursor === null;
        drawTable(byId("last"), [
            { head: "Accepted", of: (one) => timeOf(one.created_at) },
            { head: "Status", of: (one) => one.status.replaceAll("_", " ") },
            { head: "Exit", of: (one) => (one.exit_code === null ? null : String(one.exit_code)), kind: "number" },
            { head: "Language", of: (one) => `${one.language} ${one.version ?? ""}`.trim() },
            { head: "Waited", of: (one) => secondsOf(one.queue_time), kind: "number" },
            { head: "Ran", of: (one) => secondsOf(one.execution_time), kind: "number" },
            { head: "Memory", of: (one) => (one.memory_mb === null ? null : `${one.memory_mb.toFixed(0)} MiB`), kind: "number" },
            { head: "Key", of: (one) => `${one.key_name} (${one.key_id})` },
            { head: "Session", of: (one) => one.session_id },
            { head: "Id", of: (one) => one.execution_id, kind: "id" },
        ], this.items, { empty: "No execution matches." });
    }
}
