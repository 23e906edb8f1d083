// How every chart is drawn: in the colours of the theme, and again when they change.
const CHART = { displayModeBar: false, responsive: true };
const redrawn = []; // charts to draw anew when the theme changes or the page is printed
let chartWidth = null; // set while printing

function chartLayout(more = {}) {
  const style = getComputedStyle(root),
    ink = style.getPropertyValue("--ink").trim(),
    rule = style.getPropertyValue("--rule").trim();
  const axis = { gridcolor: rule, linecolor: rule, zerolinecolor: rule, automargin: true };
  const { xaxis = {}, yaxis = {}, ...rest } = more;
  return {
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { color: ink, family: "system-ui, Segoe UI, Roboto, DejaVu Sans, sans-serif", size: 12 },
    margin: { l: 10, r: 10, t: 10, b: 30 },
    height: 320,
    ...(chartWidth ? { width: chartWidth, autosize: false } : { autosize: true }),
    legend: { orientation: "h", y: 1.12 },
    hoverlabel: { bgcolor: style.getPropertyValue("--card").trim(), font: { color: ink } },
    ...rest,
    xaxis: { ...axis, ...xaxis },
    yaxis: { ...axis, ...yaxis },
  };
}

function paint(id, data, layout) {
  at(id).style.height = `${layout.height}px`;
  Plotly.react(id, data, layout, CHART);
}

function chart(id, build) {
  const redraw = () => {
    const [data, layout] = build();
    paint(id, data, chartLayout(layout));
  };
  redrawn.push(redraw);
  redraw();
  return redraw;
}
