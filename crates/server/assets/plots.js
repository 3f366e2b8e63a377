// The overview's plots. The numbers stand in the page; the sums beside them say the
// most without a script.
(() => {
  "use strict";
  const root = document.querySelector("[data-plots]");
  if (!root || typeof uPlot === "undefined") return;
  const [at, records, messages, dead, retried, failed, latency] = JSON.parse(root.dataset.plots);
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const compact = new Intl.NumberFormat(undefined, { notation: "compact", maximumFractionDigits: 1 });
  const whole = new Intl.NumberFormat();
  const ms = (v) => (v >= 60000 ? `${compact.format(v / 60000)} min` : v >= 1000 ? `${compact.format(v / 1000)} s` : `${Math.round(v)} ms`);

  const plots = {
    traffic: { bars: true, data: [at, records, messages], unit: whole.format, axis: compact.format, series: [["Records", "--act", true], ["Messages", "--good"]] },
    errors: { bars: true, data: [at, dead, retried, failed], unit: whole.format, axis: compact.format, series: [["Given up", "--bad", true], ["Tried again", "--warn"], ["Reads failed", "--act"]] },
    latency: { data: [at, latency], unit: ms, axis: ms, series: [["Average", "--act", true]] },
  };

  function draw(holder) {
    const plot = plots[holder.dataset.plot];
    const say = (format) => (_, value) => (value === null || value === undefined ? "–" : format(value));
    const axis = { stroke: colour("--soft"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
    const chart = new uPlot({
      width: holder.clientWidth,
      height: 190,
      cursor: { y: false, points: { size: 6 } },
      scales: { y: { range: (_, low, high) => [0, Math.max(high || 0, 1) * 1.1] } },
      axes: [{ ...axis, grid: { show: false } }, { ...axis, size: 58, values: (_, ticks) => ticks.map((v) => (plot.axis === compact.format && v % 1 ? "" : plot.axis(v))) }],
      series: [
        { value: (_, v) => (v ? new Date(v * 1000).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" }) : "–") },
        ...plot.series.map(([label, name, filled]) => ({
          label, width: filled && plot.bars ? 0 : 2, stroke: colour(name), spanGaps: true, value: say(plot.unit),
          fill: filled ? colour(name) + (plot.bars ? "cc" : "22") : undefined,
          paths: filled && plot.bars ? uPlot.paths.bars({ size: [0.75, 40] }) : undefined,
          points: { show: !plot.bars, size: 5 },
        })),
      ],
    }, plot.data, holder);
    holder.querySelector("canvas").setAttribute("aria-hidden", "true");
    return chart;
  }

  let charts = [];
  function all() {
    charts.forEach(([, chart]) => chart.destroy());
    charts = [...root.querySelectorAll("[data-plot]")].map((holder) => [holder, draw(holder)]);
  }
  all();
  new ResizeObserver(() => charts.forEach(([holder, chart]) => {
    if (holder.clientWidth && holder.clientWidth !== chart.width) chart.setSize({ width: holder.clientWidth, height: 190 });
  })).observe(root);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", all);
})();
