// The charts of the last hour. Their colours are the page's, so they follow light and dark.
import "uplot/dist/uPlot.min.css";
import uPlot from "uplot";
import { byId } from "./view.js";

const HEIGHT = 190;
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

const count = (value) => (Number.isInteger(value) ? value.toLocaleString("en") : "");
const seconds = (value) => (value === 0 ? "0" : value < 1 ? `${+(value * 1000).toPrecision(2)} ms` : `${+value.toPrecision(2)} s`);

class Chart {
    // series: [{label, of(minute), colour}], a minute is one of /admin/history.
    constructor(id, series, unit, size) {
        this.place = byId(id);
        this.series = series;
        this.unit = unit;
        this.size = size; // of the labels of the axis
        this.plot = null;
        new ResizeObserver(() => this.fit()).observe(this.place);
        matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.plot?.redraw());
    }

    options() {
        const axis = { stroke: () => colour("faint"), grid: { stroke: () => colour("line"), width: 1 },
            ticks: { stroke: () => colour("line"), width: 1 } };
        return {
            width: this.place.clientWidth, height: HEIGHT,
            cursor: { drag: { x: false, y: false } },
            scales: { y: { range: (_, least, most) => [0, most > 0 ? most * 1.1 : 1] } },
            axes: [{ ...axis, space: 60, values: "{HH}:{mm}" }, { ...axis, size: this.size, values: (_, values) => values.map((value) => this.unit(value)) }],
            series: [{ value: "{HH}:{mm}" }, ...this.series.map(({ label, colour: name }, at) => ({
                label, stroke: () => colour(name ?? `series-${at + 1}`), width: 2, points: { show: this.unit === seconds, size: 5 }, // a minute between two without any has a point
                value: (_, value) => (value === null || value === undefined ? "–" : this.unit(value)),
            }))],
        };
    }

    fit() {
        if (this.plot && this.place.clientWidth > 0) this.plot.setSize({ width: this.place.clientWidth, height: HEIGHT });
    }

    // Of the time before `start`, when the server was not up, nothing is drawn.
    draw(minutes, start) {
        const data = [minutes.map(({ time }) => Date.parse(time) / 1000),
            ...this.series.map(({ of }) => minutes.map((minute) => (Date.parse(minute.time) + 60000 < start ? null : of(minute))))];
        if (this.plot) {
            this.plot.setData(data);
        } else {
            this.plot = new uPlot(this.options(), data, this.place);
            this.plot.root.querySelector(".u-wrap").setAttribute("aria-hidden", "true"); // the tables say it in words
        }
    }
}

export class Charts {
    constructor() {
        this.language = "";
        const figures = (minute) => (this.language === "" ? minute.all
            : minute.languages.find(({ language }) => language === this.language));
        const of = (name) => (minute) => figures(minute)?.[name] ?? 0;
        const time = (name) => (minute) => figures(minute)?.[name] ?? null;
        this.charts = [
            new Chart("chart-ends", [{ label: "completed", of: of("completed") }, { label: "failed", of: of("failed") },
                { label: "timed out", of: of("timed_out") }, { label: "errors", of: of("errors") }], count, 48),
            new Chart("chart-times", [{ label: "p50", of: time("p50_seconds") }, { label: "p95", of: time("p95_seconds") }], seconds, 64),
            new Chart("chart-answers", [{ label: "answered", of: ({ requests }) => requests.answered },
                { label: "turned away", of: ({ requests }) => requests.turned_away },
                { label: "errors", of: ({ requests }) => requests.errors, colour: "series-4" }], count, 48),
        ];
    }

    // minutes: of /admin/history; start: when the server was started, in milliseconds.
    draw(minutes, start) {
        Object.assign(this, { minutes, start });
        for (const chart of this.charts) chart.draw(minutes, start);
    }

    choose(language) {
        this.language = language;
        if (this.minutes) this.draw(this.minutes, this.start);
    }
}
