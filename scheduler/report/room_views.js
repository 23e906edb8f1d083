// Room that is left: gangs by segment size, and offers that could still be taken.
function startFragmentation() {
  const gangs = facts.gangs;
  const unique = (key) => [...new Set(gangs.map((gang) => gang[key]))];
  const choose = (id, values, start) => {
    at(id).append(...values.map((value) => make("option", { value, selected: value === start }, value)));
  };
  choose("within", unique("within"), "array");
  const free = new Map();
  for (const gang of gangs)
    if (gang.nodes === 1 && gang.isolation === "host" && gang.within === "site")
      free.set(gang.gpu, gang.count);
  const types = unique("gpu").sort((a, b) => (free.get(b) || 0) - (free.get(a) || 0));
  choose("gpu", types, types[0]);
  at("power-left").textContent = facts.powerLeft;
  const levels = unique("isolation");
  const chosen = () =>
    gangs.filter((gang) => gang.within === at("within").value && gang.gpu === at("gpu").value);
  const redraw = chart("gangs-plot", () => {
    const found = chosen(),
      sizes = [...new Set(found.filter((gang) => gang.count).map((gang) => gang.nodes))].sort(
        (a, b) => a - b,
      );
    const data = levels.map((level, k) => ({
      type: "bar",
      name: `${level} isolation`,
      x: sizes.map(String),
      y: sizes.map(
        (size) => found.find((gang) => gang.isolation === level && gang.nodes === size)?.count || 0,
      ),
      marker: {
        color: [SKY, ORANGE, GREEN, PINK, BLUE][k % 5],
        pattern: { shape: ["", "/", ".", "x", "-"][k % 5], fillmode: "overlay", fgcolor: "#222", size: 6 },
      },
      text: sizes.map((size) => {
        const gang = found.find((each) => each.isolation === level && each.nodes === size);
        return gang && gang.count ? count(gang.count) : "";
      }),
      textposition: "outside",
      cliponaxis: false,
      hovertemplate: "%{y:,} gangs of %{x} nodes<extra></extra>",
    }));
    return [
      data,
      {
        barmode: "group",
        xaxis: { title: { text: "nodes of one gang" }, type: "category" },
        yaxis: { title: { text: "gangs that find room" }, rangemode: "tozero" },
        margin: { l: 10, r: 10, t: 30, b: 40 },
        annotations: sizes.length
          ? []
          : [{ text: "No free node of this type is left.", showarrow: false, font: { size: 15 } }],
      },
    ];
  });
  const list = () => {
    const found = chosen(),
      sizes = [...new Set(found.map((gang) => gang.nodes))].sort((a, b) => a - b);
    sheet(
      at("gangs"),
      [
        { name: "isolation", cell: (level) => level },
        ...sizes.map((size) => ({
          name: size === 1 ? "1 node" : `${size} nodes`,
          num: true,
          cell: (level) =>
            count(found.find((gang) => gang.isolation === level && gang.nodes === size)?.count || 0),
          by: (level) => found.find((gang) => gang.isolation === level && gang.nodes === size)?.count || 0,
        })),
      ],
      levels,
      { filter: false },
    );
  };
  for (const id of ["within", "gpu"])
    at(id).addEventListener("change", () => {
      redraw();
      list();
    });
  list();
  const figures = ["on_site", "in_service", "taken", "idle", "waiting"];
  sheet(
    at("gpu-types"),
    [
      { name: "GPU type", cell: (each) => each.type },
      ...figures.map((key) => ({
        name: key.replace("_", " "),
        num: true,
        cell: (each) => count(each[key]),
        by: (each) => each[key],
      })),
    ],
    facts.gpus,
    { filter: false },
  );
}

function startOffers() {
  const offers = facts.offers;
  if (!offers.length) {
    at("offers").hidden = true;
    return;
  }
  at("offer").append(...offers.map((offer, k) => make("option", { value: k }, offer.name)));
  const chosen = () => offers[Number(at("offer").value)];
  const redraw = chart("frontier-plot", () => {
    const { points, asked } = chosen(),
      series = [
        ["isolation", "by isolation", BLUE, ""],
        ["redundancy", "by what survives", ORANGE, "/"],
      ];
    const bars = series
      .map(([key, name, hue, shape]) => {
        const mine = points.filter((point) => point.series === key);
        return {
          type: "bar",
          orientation: "h",
          name,
          y: mine.map((point) => plain(point.label)),
          x: mine.map((point) => point.gpus),
          marker: { color: hue, pattern: { shape, fillmode: "overlay", fgcolor: "#fff", size: 6 } },
          text: mine.map((point) => count(point.gpus)),
          textposition: "inside",
          insidetextanchor: "start",
          insidetextfont: { color: key === "isolation" ? "#fff" : "#111" },
          hovertemplate: "%{y}: %{x:,} GPUs<extra></extra>",
        };
      })
      .filter((trace) => trace.x.length);
    const open = points.filter((point) => !point.proven && point.bound > point.gpus);
    const bound = {
      type: "scatter",
      mode: "markers",
      name: "at most, by the bound",
      y: open.map((point) => plain(point.label)),
      x: open.map((point) => point.bound),
      marker: {
        symbol: "line-ns-open",
        size: 16,
        line: { width: 2 },
        color: getComputedStyle(root).getPropertyValue("--ink").trim(),
      },
      hovertemplate: "%{y}: at most %{x:,} GPUs<extra></extra>",
    };
    const order = points.map((point) => plain(point.label)).reverse();
    return [
      open.length ? [...bars, bound] : bars,
      {
        height: 130 + 26 * points.length,
        barmode: "overlay",
        bargap: 0.25,
        margin: { l: 10, r: 20, t: 50, b: 40 },
        legend: { orientation: "h", y: 1.02, yanchor: "bottom", x: 1, xanchor: "right" },
        xaxis: { title: { text: "GPUs that can be sold" }, rangemode: "tozero" },
        yaxis: { type: "category", categoryorder: "array", categoryarray: order, showgrid: false },
        shapes: asked
          ? [
              {
                type: "line",
                yref: "paper",
                y0: 0,
                y1: 1,
                x0: asked,
                x1: asked,
                line: { dash: "dot", color: RED, width: 2 },
              },
            ]
          : [],
        annotations: asked
          ? [
              {
                yref: "paper",
                y: 1,
                x: asked,
                text: `asked for: ${count(asked)}`,
                showarrow: false,
                yanchor: "bottom",
              },
            ]
          : [],
      },
    ];
  });
  const list = () => {
    const { words, displaced } = chosen();
    at("offer-words").replaceChildren(...words.map((line) => make("li", {}, line)));
    if (!displaced.length) at("displaced").replaceChildren();
    else
      sheet(
        at("displaced"),
        [
          { name: "displaced job", cell: (each) => each.job },
          { name: "tenant", cell: (each) => each.tenant },
          { name: "GPUs", num: true, cell: (each) => count(each.gpus), by: (each) => each.gpus },
          {
            name: "margin lost",
            num: true,
            cell: (each) => `$${fixed(each.usd, 2)}/h`,
            by: (each) => each.usd,
          },
        ],
        displaced,
        { most: 10 },
      );
  };
  at("offer").addEventListener("change", () => {
    redraw();
    list();
  });
  list();
}
