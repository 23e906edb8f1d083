// The power tree as an icicle, and the state that it is looked at in.
function drawPower() {
  const { ids, labels, parents, members, leaves } = tree;
  const own = members.map((n) => (n < 0 ? null : loadOf(n)));
  const worst = own.map((load) => (load ? load.left : Infinity));
  const index = tree.seen;
  ids.forEach((_, k) => {
    // a box is as tight as the tightest inside it
    for (let up = index.get(parents[k]); own[k] && up !== undefined; up = index.get(parents[up])) {
      if (members[up] < 0) worst[up] = Math.min(worst[up], own[k].left);
    }
  });
  const colours = ids.map((_, k) =>
    own[k] && own[k].out ? OUT : Number.isFinite(worst[k]) ? LEFT[leftStep(worst[k])][1] : OUT,
  );
  const texts = ids.map((_, k) =>
    own[k]
      ? own[k].out
        ? "OUT"
        : `${own[k].calm ? "≤ " : ""}${percent(1000 - own[k].left)}`
      : Number.isFinite(worst[k])
        ? `up to ${percent(1000 - worst[k])}`
        : "",
  );
  const style = getComputedStyle(root);
  const { shown, isEnd } = inView(),
    of = (column) => shown.map((k) => column[k]);
  const ink = shown.map((k) => (isDark(colours[k]) || colours[k] === OUT ? "#fff" : "#111"));
  const halls = partNow === home && nodes.length > MANY ? facts.halls.length : 0;
  paint(
    "power-plot",
    [
      {
        type: "icicle",
        ids: of(ids),
        parents: of(parents),
        labels: shown.map((k) => plain(`${labels[k]}  ${texts[k]}`)),
        values: shown.map((k) => (isEnd(k) ? leaves[k] : 0)),
        branchvalues: "remainder",
        level: partNow,
        marker: {
          colors: of(colours),
          line: { color: style.getPropertyValue("--card"), width: halls ? 0.5 : 1 },
        },
        leaf: { opacity: 1 },
        textinfo: "label",
        hoverinfo: "none",
        insidetextfont: { color: ink },
        textfont: { color: ink },
        tiling: { orientation: "h", pad: halls ? 0 : 1 },
        pathbar: { visible: true },
        sort: false,
      },
    ],
    chartLayout({
      margin: { l: 0, r: 0, t: 26, b: 0 },
      height: Math.min(900, Math.max(480, 40 + 19 * halls)),
      uniformtext: { minsize: 9, mode: "hide" },
    }),
  );
  at("state-words").textContent = stateWords();
}

function stateWords() {
  if (stateNow === WORST)
    return "Every node in the state in which it has the smallest share of its limit left.";
  if (stateNow === NORMAL) return "Nothing has failed.";
  const { name, lost, nodes: grown } = facts.states[stateNow];
  const racksLost = lost.length ? `${count(lost.length)} racks are out, framed on the map` : "no rack is out";
  return `${name}: ${racksLost}; ${count(grown.length)} nodes take over load.`;
}

function aboutNode(k) {
  const n = tree.members[k];
  if (n < 0) return [tree.labels[k], "a group of nodes, in the colour of the tightest inside"];
  const node = nodes[n];
  const lines = [
    node.name,
    `${node.kind}${node.hall ? ` in hall ${node.hall}` : ""}, rated ${watts(node.rating)}`,
    loadOf(n).words,
  ];
  if (stateNow !== NORMAL) lines.push(`nothing failed: ${watts(node.normal)}`);
  if (stateNow !== WORST && node.worst) lines.push(`worst state: ${node.worst}`);
  if (node.parents.length) lines.push(`fed by ${node.parents.map((p) => nodes[p].name).join(" and ")}`);
  if (node.consumers) lines.push(`feeds ${count(node.consumers)} racks and base loads`);
  return lines;
}

function enter(part) {
  partNow = part;
  at("part").value = part;
  hideTip();
  setTimeout(drawPower);
}

function chooseState(value) {
  stateNow = value === WORST || value === NORMAL ? value : Number(value);
  const lost = new Set(typeof stateNow === "number" ? facts.states[stateNow].lost : []);
  boxes.forEach((box, i) => box.classList.toggle("lost", lost.has(i)));
  drawPower();
}

function startPower() {
  if (!nodes.length) {
    at("power").hidden = true;
    return;
  }
  tree = growTree();
  for (
    let only = ["site"];
    only.length === 1 && tree.inner.has(only[0]);
    only = tree.ids.filter((_, k) => tree.parents[k] === only[0])
  )
    home = only[0];
  partNow = home; // boxes that hold one box alone say nothing
  at("state").append(
    make("option", { value: WORST }, "worst state of each node"),
    make("option", { value: NORMAL }, "normal"),
    ...facts.states.map((state, s) => make("option", { value: s }, state.name)),
  );
  at("state").addEventListener("change", (event) => chooseState(event.target.value));
  at("part").append(
    make("option", { value: home }, "whole site"),
    ...tree.ids.flatMap((id, k) =>
      id.startsWith("h") ? [make("option", { value: id }, tree.labels[k])] : [],
    ),
  );
  at("part").addEventListener("change", (event) => enter(event.target.value));
  at("power-scale").replaceChildren(
    ...LEFT.map(([, hue, , words]) => make("span", {}, make("i", { style: `background:${hue}` }), words)),
    make("span", {}, make("i", { style: `background:${OUT}` }), "out"),
  );
  drawPower();
  const plot = at("power-plot");
  plot.on("plotly_icicleclick", ({ points }) => {
    const id = points[0].id,
      up = tree.parents[tree.seen.get(id)];
    const next = id === partNow ? up : id; // the box that fills the left leads back out
    if (next && tree.inner.has(next)) enter(next);
    return false;
  });
  plot.on("plotly_hover", ({ points, event }) =>
    showTip(event.clientX, event.clientY, aboutNode(tree.seen.get(points[0].id))),
  );
  plot.on("plotly_unhover", hideTip);
  sheet(
    at("nodes"),
    [
      { name: "power node", cell: (node) => node.name },
      { name: "kind", cell: (node) => node.kind },
      { name: "hall", cell: (node) => node.hall },
      { name: "rating", num: true, cell: (node) => watts(node.rating), by: (node) => node.rating },
      {
        name: "load, nothing failed",
        num: true,
        cell: (node) => watts(node.normal),
        by: (node) => node.normal,
      },
      {
        name: "left in its worst state",
        num: true,
        cell: (node) => percent(node.left),
        by: (node) => node.left,
        mark: (node) => (node.left < 0 ? "bad" : ""),
      },
      { name: "worst state", cell: (node) => node.worst },
    ],
    [...nodes].sort((a, b) => a.left - b.left),
    { most: 8 },
  );
}
