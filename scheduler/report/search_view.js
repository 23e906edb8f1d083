// How margin and bound came together while the planner ran.
function startSearch() {
  if (!facts.course.length) {
    at("search").hidden = true;
    return;
  }
  const seconds = facts.course.map(([elapsed]) => elapsed);
  const line = (name, values, colour, dash) => ({
    type: "scatter",
    mode: "lines",
    name,
    x: seconds,
    y: values,
    line: { shape: "hv", color: colour, dash, width: 2.5 },
    hovertemplate: "%{x:.1f} s: %{y:,.0f} $/h<extra>" + name + "</extra>",
  });
  chart("search-plot", () => [
    [
      line("bound on any plan", facts.course.map(([, , bound]) => bound), "#d55e00", "dash"),
      line("margin of the best plan", facts.course.map(([, margin]) => margin), "#0072b2", "solid"),
    ],
    {
      xaxis: { title: { text: "seconds" }, rangemode: "tozero" },
      yaxis: { title: { text: "$/h" }, tickformat: ",.0f" },
    },
  ]);
}
