// Curves over steps, drawn by uPlot from {"live": bool, "series": {name: [[step, value], ...]}}. While the work is live only the steps
// after the last one known are asked for. Without this file the page keeps the picture and the table that the server made.
// A page with several curves names this file several times, hence the block: what it declares is its own.
"use strict";

{
const REFRESH = 2000; // ms between two readings
const DASHES = [[], [7, 4], [2, 3], [9, 3, 2, 3], [12, 5], [4, 2]];

class Curves {
  constructor(figure) {
    this.figure = figure;
    this.url = new URL(figure.dataset.curves, location.href);
    this.labels = JSON.parse(figure.dataset.labels || "{}");
    this.place = figure.querySelector(".curves__plot");
    this.tools = figure.querySelector(".curves__tools");
    this.points = new Map();
    this.last = -1;
    this.smoothing = 0;
    this.plot = null;
    const range = this.tools.querySelector("input");
    range.addEventListener("input", () => {
      this.smoothing = Number(range.value);
      this.tools.querySelector("output").textContent = this.smoothing.toFixed(2);
      this.draw();
    });
    new ResizeObserver(() => this.fit()).observe(figure);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.rebuild());
    this.read();
  }

  async read() {
    let live = this.figure.dataset.live === "true";
    try {
      this.url.searchParams.set("after", this.last);
      if (this.last < 0) this.url.searchParams.delete("after");
      const answer = await fetch(this.url, { headers: { Accept: "application/json" } });
      if (answer.ok) {
        const { live: stillLive, series } = await answer.json();
        live = stillLive;
        this.add(series);
      } else if (answer.status < 500) {
        return; // signed out or gone: what is drawn stays
      }
    } catch {
      // The server is away for a moment; ask again.
    }
    this.figure.dataset.live = String(live);
    if (live) setTimeout(() => this.read(), REFRESH);
  }

  add(series) {
    let news = false;
    for (const [name, points] of Object.entries(series)) {
      if (!this.points.has(name)) this.points.set(name, new Map());
      for (const [step, value] of points) {
        this.points.get(name).set(step, value);
        this.last = Math.max(this.last, step);
        news = true;
      }
    }
    if (news) this.draw();
  }

  // uPlot's columns: the steps of all series, then each series' values, null where it has none.
  columns() {
    const steps = [...new Set([...this.points.values()].flatMap((points) => [...points.keys()]))].sort((a, b) => a - b);
    const columns = [steps];
    for (const points of this.points.values()) {
      let mean = null;
      columns.push(steps.map((step) => {
        if (!points.has(step)) return null;
        mean = mean === null ? points.get(step) : mean * this.smoothing + points.get(step) * (1 - this.smoothing);
        return mean;
      }));
    }
    return columns;
  }

  colour(name) {
    const probe = document.createElement("span");
    probe.className = name;
    this.figure.append(probe);
    const colour = getComputedStyle(probe).color;
    probe.remove();
    return colour;
  }

  build() {
    const ink = this.colour("muted");
    const grid = { stroke: this.colour("curves__grid-colour"), width: 1 };
    const font = `12px ${getComputedStyle(this.figure).fontFamily}`;
    const names = [...this.points.keys()];
    const series = names.map((name, index) => ({
      label: this.labels[name] || (name.charAt(0).toUpperCase() + name.slice(1)).replaceAll("_", " "),
      stroke: this.colour(`series-${(index % 6) + 1}`),
      dash: DASHES[index % 6],
      width: 2,
      spanGaps: true,
      points: { show: false },
      value: (_, value) => (value === null || value === undefined ? "–" : value.toPrecision(4)),
    }));
    const options = {
      width: this.width(),
      height: 280,
      scales: { x: { time: false } },
      axes: [{ stroke: ink, grid, ticks: grid, font }, { stroke: ink, grid, ticks: grid, font, size: 64 }],
      hooks: { setCursor: [(plot) => this.tellLast(plot)] },
      series: [{ label: this.figure.dataset.x.charAt(0).toUpperCase() + this.figure.dataset.x.slice(1) }, ...series],
    };
    this.figure.querySelector("[data-curves-fallback]").hidden = true;
    this.place.hidden = false;
    this.tools.hidden = false;
    this.plot = new uPlot(options, this.columns(), this.place);
    this.drawn = names.length;
    this.tellLast(this.plot);
  }

  // The key shows the values under the pointer; where there is no pointer, the last ones.
  tellLast(plot) {
    if (plot.cursor.idx === null || plot.cursor.idx === undefined) plot.setLegend({ idx: plot.data[0].length - 1 }, false);
  }

  draw() {
    if (!this.plot || this.drawn !== this.points.size) this.rebuild();
    else {
      this.plot.setData(this.columns());
      this.tellLast(this.plot);
    }
  }

  rebuild() {
    if (!this.points.size) return;
    if (this.plot) this.plot.destroy();
    this.build();
  }

  width() {
    const style = getComputedStyle(this.figure);
    return Math.max(200, this.figure.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight));
  }

  fit() {
    if (this.plot && this.plot.width !== this.width()) this.plot.setSize({ width: this.width(), height: 280 });
  }
}

for (const figure of document.querySelectorAll("[data-curves]:not([data-drawn])")) {
  figure.dataset.drawn = "true";
  new Curves(figure);
}
}
