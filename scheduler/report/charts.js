// The other views: loops, fabric, tenants, money, fragmentation, differences, findings.
const CHART = { displayModeBar: false, responsive: true };
const redrawn = []; // charts to draw anew when the theme changes or the page is printed
let chartWidth = null; // set while printing

function chartLayout(more = {}) {
  const style = getComputedStyle(root), ink = style.getPropertyValue("--ink").trim(), rule = style.getPropertyValue("--rule").trim();
  const axis = { gridcolor: rule, linecolor: rule, zerolinecolor: rule, automargin: true };
  const { xaxis = {}, yaxis = {}, ...rest } = more;
  return { paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: { color: ink, family: "system-ui, Segoe UI, Roboto, DejaVu Sans, sans-serif", size: 12 },
    margin: { l: 10, r: 10, t: 10, b: 30 }, height: 320, ...(chartWidth ? { width: chartWidth, autosize: false } : { autosize: true }),
    legend: { orientation: "h", y: 1.12 }, hoverlabel: { bgcolor: style.getPropertyValue("--card").trim(), font: { color: ink } }, ...rest,
    xaxis: { ...axis, ...xaxis }, yaxis: { ...axis, ...yaxis } };
}

function paint(id, data, layout) {
  at(id).style.height = `${layout.height}px`;
  Plotly.react(id, data, layout, CHART);
}

function chart(id, build) {
  const redraw = () => { const [data, layout] = build(); paint(id, data, chartLayout(layout)); };
  redrawn.push(redraw);
  redraw();
  return redraw;
}

function startCooling() {
  if (!facts.loops.length) { at("cooling").hidden = true; return; }
  const halls = new Map();
  for (const loop of facts.loops) halls.set(loop.hall, [...(halls.get(loop.hall) || []), loop]);
  at("loops").className = "board";
  at("loops").replaceChildren(...[...halls].map(([hall, loops]) => make("div", {}, make("h3", {}, hall), make("ul", {}, ...loops.map((loop) => {
    const hue = LEFT[leftStep(loop.left)][1];
    const lines = [loop.name, `${watts(loop.heat)} of heat at the peak; ${loop.units} coolant units, ${loop.spare} spare, carry ${watts(loop.carried)}`, `worst state: ${loop.worst}`];
    if (loop.back) lines.push(`return temperature: ${loop.back}`);
    lines.push(`supply ${celsius(loop.supply)} at its hottest (${loop.day}), ${count(loop.racks)} racks`);
    return make("li", { class: isDark(hue) ? "white" : null, style: `background:${hue}`, tabindex: 0, "aria-label": lines.join(". "),
      onpointermove: (event) => showTip(event.clientX, event.clientY, lines), onpointerleave: hideTip, onblur: hideTip,
      onfocus: (event) => { const box = event.target.getBoundingClientRect(); showTip(box.left, box.bottom, lines); } }, `${Math.round(100 - loop.left / 10)}`);
  })))));
}

function startFabric() {
  const jobs = facts.spreads;
  if (!jobs.length) { at("fabric").hidden = true; return; }
  chart("fabric-plot", () => {
    const shown = [...jobs].reverse();
    const z = shown.map((job) => job.pods.map((gpus) => gpus || null));
    return [[{ type: "heatmap", z, x: facts.pods.map(plain), y: shown.map((job) => plain(job.job)), xgap: 2, ygap: 2, texttemplate: facts.pods.length <= 24 ? "%{z:,}" : "", colorscale: root.dataset.theme === "dark" ? [[0, "#4a5a86"], [.5, "#a59c74"], [1, "#fee838"]] : [[0, "#fee838"], [.5, "#8a8678"], [1, "#00224e"]],
      colorbar: { title: { text: "GPUs" }, thickness: 12 }, hovertemplate: "%{y}<br>pod %{x}: %{z:,} GPUs<extra></extra>" }],
    { height: 90 + 24 * jobs.length, xaxis: { title: { text: "pod" }, type: "category", showgrid: false }, yaxis: { type: "category", showgrid: false } }];
  });
  sheet(at("spreads"), [
    { name: "job", cell: (job) => job.job }, { name: "tenant", cell: (job) => job.tenant }, { name: "GPUs", num: true, cell: (job) => count(job.gpus), by: (job) => job.gpus },
    { name: "racks", num: true, cell: (job) => count(job.racks), by: (job) => job.racks }, { name: "arrays", num: true, cell: (job) => count(job.arrays), by: (job) => job.arrays },
    { name: "fewest arrays", num: true, cell: (job) => count(job.fewest), by: (job) => job.fewest }, { name: "pods", num: true, cell: (job) => count(job.pods.filter(Boolean).length), by: (job) => job.pods.filter(Boolean).length },
    { name: "switches at most", num: true, cell: (job) => job.hops, by: (job) => job.hops }, { name: "must lie in one", cell: (job) => job.required || "-" }, { name: "prefers one", cell: (job) => job.preferred || "-" },
  ], jobs, { most: 10 });
}

function startTenants() {
  sheet(at("tenant-table"), [
    { name: "", cell: (tenant) => lookOfTenant(facts.tenants.indexOf(tenant)).code },
    { name: "tenant", cell: (tenant) => make("button", { type: "button", class: "link", onclick: () => { pick("tenant", facts.tenants.indexOf(tenant)); at("floor").scrollIntoView(); } }, tenant.name) },
    { name: "kind", cell: (tenant) => (tenant.external ? "external" : "internal") },
    { name: "GPUs asked", num: true, cell: (tenant) => count(tenant.asked), by: (tenant) => tenant.asked }, { name: "placed", num: true, cell: (tenant) => count(tenant.placed), by: (tenant) => tenant.placed },
    { name: "isolation", cell: (tenant) => tenant.isolation },
    { name: "apart?", cell: (tenant) => (tenant.broken.length ? `BROKEN: ${tenant.broken.join(", ")}` : tenant.alone ? `yes, ${count(tenant.alone)} ${tenant.isolation}${tenant.alone === 1 ? "" : "s"} alone` : tenant.racks ? "yes" : "-"), mark: (tenant) => (tenant.broken.length ? "bad" : "good") },
    { name: "margin", num: true, cell: (tenant) => `${dollars(tenant.margin)}/h`, by: (tenant) => tenant.margin }, { name: "where", cell: (tenant) => tenant.where || "-" },
  ], facts.tenants, { most: 15 });
  sheet(at("contract-table"), [
    { name: "contract", cell: (each) => each.name }, { name: "tenant", cell: (each) => each.tenant }, { name: "firm", cell: (each) => (each.firm ? "firm" : "not firm") },
    { name: "promised GPUs", num: true, cell: (each) => count(each.promised), by: (each) => each.promised }, { name: "held", num: true, cell: (each) => count(each.held), by: (each) => each.held },
    { name: "counted", num: true, cell: (each) => (each.counted === null ? "-" : count(each.counted)), by: (each) => each.counted ?? -1 },
    { name: "promise", cell: (each) => each.verdict, mark: (each) => (each.bad ? "bad" : "good") },
    { name: "survives loss of", cell: (each) => each.survives || "-" }, { name: "worst such loss", cell: (each) => (each.loss ? `${count(each.lost)} GPUs (${each.loss})` : "nothing") },
    { name: "price per GPU-h", num: true, cell: (each) => dollars(each.price), by: (each) => each.price }, { name: "notice", num: true, cell: (each) => (each.notice === null ? "-" : `${each.notice} days`), by: (each) => each.notice ?? -1 },
  ], facts.contracts, { most: 12 });
}

function startMoney() {
  at("sums").replaceChildren(...facts.money.sums.map(([name, value, note]) => make("div", {}, make("dt", {}, name), make("dd", {}, value, note ? make("small", {}, note) : null))));
  const earning = facts.tenants.filter((tenant) => tenant.margin).sort((a, b) => b.margin - a.margin);
  const shown = earning.slice(0, 18), rest = earning.slice(18).reduce((sum, tenant) => sum + tenant.margin, 0);
  const names = shown.map((tenant) => plain(tenant.name)), values = shown.map((tenant) => tenant.margin / 1000);
  if (earning.length > 18) { names.push(`${earning.length - 18} more`); values.push(rest / 1000); }
  const kinds = [...shown.map((tenant) => tenant.external), null];
  if (!shown.length) at("money-plot").hidden = true;
  else chart("money-plot", () => [["external", "internal", "others"].map((kind, k) => {
    const mine = names.map((_, i) => (kinds[i] === null ? 2 : kinds[i] ? 0 : 1) === k);
    return { type: "bar", orientation: "h", name: kind, y: names.filter((_, i) => mine[i]), x: values.filter((_, i) => mine[i]), marker: { color: [BLUE, ORANGE, "#8c8c8c"][k], pattern: { shape: ["", "/", "x"][k], fillmode: "overlay", fgcolor: "#fff", size: 5 } },
      hovertemplate: "%{y}: $%{x:,.2f}/h<extra></extra>" };
  }).filter((trace) => trace.y.length), { height: 90 + 22 * names.length, barmode: "overlay", bargap: .25, xaxis: { title: { text: "margin, $/h" } }, yaxis: { type: "category", categoryorder: "array", categoryarray: [...names].reverse(), showgrid: false } }]);
  at("worth").replaceChildren(...facts.money.worth.slice(0, 10).map((line) => make("li", {}, line)));
  at("worth-head").hidden = !facts.money.worth.length;
}

function startFragmentation() {
  const gangs = facts.gangs;
  const unique = (key) => [...new Set(gangs.map((gang) => gang[key]))];
  const choose = (id, values, start) => { at(id).append(...values.map((value) => make("option", { value, selected: value === start }, value))); };
  choose("within", unique("within"), "array");
  const free = new Map();
  for (const gang of gangs) if (gang.nodes === 1 && gang.isolation === "host" && gang.within === "site") free.set(gang.gpu, gang.count);
  const types = unique("gpu").sort((a, b) => (free.get(b) || 0) - (free.get(a) || 0));
  choose("gpu", types, types[0]);
  at("power-left").textContent = facts.powerLeft;
  const levels = unique("isolation");
  const chosen = () => gangs.filter((gang) => gang.within === at("within").value && gang.gpu === at("gpu").value);
  const redraw = chart("gangs-plot", () => {
    const found = chosen(), sizes = [...new Set(found.filter((gang) => gang.count).map((gang) => gang.nodes))].sort((a, b) => a - b);
    const data = levels.map((level, k) => ({ type: "bar", name: `${level} isolation`, x: sizes.map(String), y: sizes.map((size) => found.find((gang) => gang.isolation === level && gang.nodes === size)?.count || 0),
      marker: { color: [SKY, ORANGE, GREEN, PINK, BLUE][k % 5], pattern: { shape: ["", "/", ".", "x", "-"][k % 5], fillmode: "overlay", fgcolor: "#222", size: 6 } }, text: sizes.map((size) => { const gang = found.find((each) => each.isolation === level && each.nodes === size); return gang && gang.count ? count(gang.count) : ""; }), textposition: "outside", cliponaxis: false, hovertemplate: "%{y:,} gangs of %{x} nodes<extra></extra>" }));
    return [data, { barmode: "group", xaxis: { title: { text: "nodes of one gang" }, type: "category" }, yaxis: { title: { text: "gangs that find room" }, rangemode: "tozero" }, margin: { l: 10, r: 10, t: 30, b: 40 },
      annotations: sizes.length ? [] : [{ text: "No free node of this type is left.", showarrow: false, font: { size: 15 } }] }];
  });
  const list = () => {
    const found = chosen(), sizes = [...new Set(found.map((gang) => gang.nodes))].sort((a, b) => a - b);
    sheet(at("gangs"), [{ name: "isolation", cell: (level) => level }, ...sizes.map((size) => ({ name: size === 1 ? "1 node" : `${size} nodes`, num: true,
      cell: (level) => count(found.find((gang) => gang.isolation === level && gang.nodes === size)?.count || 0), by: (level) => found.find((gang) => gang.isolation === level && gang.nodes === size)?.count || 0 }))], levels, { filter: false });
  };
  for (const id of ["within", "gpu"]) at(id).addEventListener("change", () => { redraw(); list(); });
  list();
}

function startDifference() {
  const difference = facts.difference;
  if (!difference) { at("difference").hidden = true; return; }
  at("difference-words").textContent = difference.words;
  const place = (racksThere) => racksThere.slice(0, 4).map(([i]) => racks.name[i]).join(", ") + (racksThere.length > 4 ? ` and ${racksThere.length - 4} more` : "");
  sheet(at("changes"), [
    { name: "job", cell: (each) => { const j = facts.jobs.findIndex((job) => job.name === each.job); return j < 0 ? each.job : make("button", { type: "button", class: "link", onclick: () => { document.querySelector(`#colouring input[value="${COLOURINGS.length - 1}"]`).click(); pick("job", j); at("floor").scrollIntoView(); } }, each.job); } },
    { name: "units moved", num: true, cell: (each) => count(each.moved), by: (each) => each.moved }, { name: "more", num: true, cell: (each) => count(each.more), by: (each) => each.more },
    { name: "fewer", num: true, cell: (each) => count(each.fewer), by: (each) => each.fewer }, { name: "from", cell: (each) => place(each.left) || "-" }, { name: "to", cell: (each) => place(each.came) || "-" },
  ], difference.jobs, { most: 12 });
}

function startOffers() {
  const offers = facts.offers;
  if (!offers.length) { at("offers").hidden = true; return; }
  at("offer").append(...offers.map((offer, k) => make("option", { value: k }, offer.name)));
  const chosen = () => offers[Number(at("offer").value)];
  const redraw = chart("frontier-plot", () => {
    const { points, asked } = chosen(), series = [["isolation", "by isolation", BLUE, ""], ["redundancy", "by what survives", ORANGE, "/"]];
    const bars = series.map(([key, name, hue, shape]) => {
      const mine = points.filter((point) => point.series === key);
      return { type: "bar", orientation: "h", name, y: mine.map((point) => plain(point.label)), x: mine.map((point) => point.gpus), marker: { color: hue, pattern: { shape, fillmode: "overlay", fgcolor: "#fff", size: 6 } },
        text: mine.map((point) => count(point.gpus)), textposition: "inside", insidetextanchor: "start", insidetextfont: { color: key === "isolation" ? "#fff" : "#111" }, hovertemplate: "%{y}: %{x:,} GPUs<extra></extra>" };
    }).filter((trace) => trace.x.length);
    const open = points.filter((point) => !point.proven && point.bound > point.gpus);
    const bound = { type: "scatter", mode: "markers", name: "at most, by the bound", y: open.map((point) => plain(point.label)), x: open.map((point) => point.bound), marker: { symbol: "line-ns-open", size: 16, line: { width: 2 }, color: getComputedStyle(root).getPropertyValue("--ink").trim() }, hovertemplate: "%{y}: at most %{x:,} GPUs<extra></extra>" };
    const order = points.map((point) => plain(point.label)).reverse();
    return [open.length ? [...bars, bound] : bars, { height: 130 + 26 * points.length, barmode: "overlay", bargap: .25, margin: { l: 10, r: 20, t: 50, b: 40 }, legend: { orientation: "h", y: 1.02, yanchor: "bottom", x: 1, xanchor: "right" },
      xaxis: { title: { text: "GPUs that can be sold" }, rangemode: "tozero" }, yaxis: { type: "category", categoryorder: "array", categoryarray: order, showgrid: false },
      shapes: asked ? [{ type: "line", yref: "paper", y0: 0, y1: 1, x0: asked, x1: asked, line: { dash: "dot", color: RED, width: 2 } }] : [],
      annotations: asked ? [{ yref: "paper", y: 1, x: asked, text: `asked for: ${count(asked)}`, showarrow: false, yanchor: "bottom" }] : [] }];
  });
  const list = () => {
    const { words, displaced } = chosen();
    at("offer-words").replaceChildren(...words.map((line) => make("li", {}, line)));
    if (!displaced.length) at("displaced").replaceChildren();
    else sheet(at("displaced"), [
      { name: "displaced job", cell: (each) => each.job }, { name: "tenant", cell: (each) => each.tenant }, { name: "GPUs", num: true, cell: (each) => count(each.gpus), by: (each) => each.gpus },
      { name: "margin lost", num: true, cell: (each) => `$${fixed(each.usd, 2)}/h`, by: (each) => each.usd },
    ], displaced, { most: 10 });
  };
  at("offer").addEventListener("change", () => { redraw(); list(); });
  list();
}

function startFindings() {
  sheet(at("told"), [
    { name: "", cell: (each) => ({ broken: "BROKEN", owed: "OWED", tight: "tight" })[each.grade], mark: (each) => (each.grade === "tight" ? "" : "bad") }, { name: "about", cell: (each) => each.rule }, { name: "finding", cell: (each) => each.text },
    { name: "left", num: true, cell: (each) => (each.left === null ? "-" : percent(each.left)), by: (each) => each.left ?? -1e9 }, { name: "largest jobs behind it", cell: (each) => each.jobs.join(", ") || "-" },
  ], facts.told, { most: 15 });
  if (!facts.unplaced.length) at("unplaced-table").replaceChildren(make("p", {}, "Everything that was asked for is placed."));
  else sheet(at("unplaced-table"), [
    { name: "job", cell: (each) => each.job }, { name: "tenant", cell: (each) => each.tenant }, { name: "GPUs", num: true, cell: (each) => count(each.gpus), by: (each) => each.gpus },
    { name: "missing", num: true, cell: (each) => count(each.missing), by: (each) => each.missing }, { name: "why", cell: (each) => each.reason },
  ], facts.unplaced, { most: 15 });
}
