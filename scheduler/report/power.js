// The power tree as an icicle, and the state that it is looked at in.
const nodes = facts.nodes, WORST = "worst", NORMAL = "normal", OUT = "#8c8c8c";
let stateNow = WORST, home = "site", partNow = home, tree = null;

// Below what every node hangs: its parent, or a box that names all its parents; halls are boxes too.
function growTree() {
  const ids = [], labels = [], parents = [], members = [];
  const seen = new Map();
  const add = (id, label, parent, member = -1) => {
    if (!seen.has(id)) { seen.set(id, ids.length); ids.push(id); labels.push(label); parents.push(parent); members.push(member); }
    return id;
  };
  add("site", facts.site, "");
  const children = new Map(nodes.map((_, n) => [n, []]));
  nodes.forEach((node, n) => node.parents.forEach((p) => children.get(p).push(n)));
  const together = new Map(); // nodes that are only ever parents together stand in one box
  nodes.forEach((node) => { if (node.parents.length > 1) together.set(node.parents.join("+"), node.parents); });
  const boxOf = new Map();
  for (const [key, group] of together) for (const p of group) if (!boxOf.has(p)) boxOf.set(p, `b${key}`);
  const placeOf = (n) => {
    const node = nodes[n];
    let parent = "site";
    if (node.parents.length > 1) {
      const key = node.parents.join("+"), first = nodes[node.parents[0]];
      parent = add(`b${key}`, node.parents.map((p) => nodes[p].name).join(" + "), first.parents.length ? idOf(first.parents[0]) : "site");
    } else if (node.parents.length) parent = idOf(node.parents[0]);
    else if (boxOf.has(n) && children.get(n).every((c) => nodes[c].parents.length > 1)) {
      const group = together.get(boxOf.get(n).slice(1));
      parent = add(boxOf.get(n), group.map((p) => nodes[p].name).join(" + "), "site");
    }
    const above = node.parents.length ? nodes[node.parents[0]].hall : "";
    if (node.hall && node.hall !== above) parent = add(`h${parent}/${node.hall}`, node.hall, parent);
    return parent;
  };
  const idOf = (n) => `n${n}`;
  nodes.forEach((node, n) => { const parent = placeOf(n); add(idOf(n), node.name, parent, n); });
  const leaves = new Array(ids.length).fill(0), depths = ids.map(() => 0), inner = new Set(parents);
  ids.forEach((id, k) => {
    if (k) depths[k] = depths[seen.get(parents[k])] + 1;
    if (!inner.has(id)) for (let up = k; up !== undefined; up = seen.get(parents[up])) leaves[up]++;
  });
  return { ids, labels, parents, members, leaves, depths, inner, seen };
}

// Rows of the tree that are drawn: what lies below the chosen part, a few levels deep, and the way to it.
const MANY = 400;
function inView() {
  const { ids, parents, depths, seen } = tree, top = seen.get(partNow);
  const most = depths[top] + (nodes.length > MANY && partNow === home ? 3 : 5);
  const below = new Set([top]), shown = [];
  ids.forEach((_, k) => {
    if (below.has(seen.get(parents[k]))) below.add(k);
    if (below.has(k) && depths[k] <= most) shown.push(k);
  });
  for (let up = seen.get(parents[top]); up !== undefined; up = seen.get(parents[up])) shown.push(up);
  return { shown, isEnd: (k) => depths[k] === most || !tree.inner.has(ids[k]) };
}

// Load of a node in the chosen state: { left, words, out }.
function loadOf(n) {
  const node = nodes[n];
  const left = (load, limit) => (limit > 0 ? Math.floor((limit - load) * 1000 / limit) : -1000);
  if (stateNow === WORST) return { left: node.left, words: `worst state: ${node.worst}` };
  if (stateNow === NORMAL) return { left: left(node.normal, node.rating), words: `${watts(node.normal)} of ${watts(node.rating)}, nothing failed` };
  const state = facts.states[stateNow];
  if (state.failed.includes(node.name)) return { left: 1000, out: true, words: `out in this state` };
  const k = state.nodes.indexOf(n);
  if (k < 0) return { left: left(node.normal, node.rating), calm: true, words: `not more than normally: ${watts(node.normal)} of ${watts(node.rating)}` };
  const after = left(state.after[k], node.rating), before = left(state.before[k], node.seconds);
  return { left: Math.min(after, before), words: `${watts(state.before[k])} until jobs have acted, of ${watts(node.seconds)}; then ${watts(state.after[k])} of ${watts(node.rating)}` };
}

function drawPower() {
  const { ids, labels, parents, members, leaves } = tree;
  const own = members.map((n) => (n < 0 ? null : loadOf(n)));
  const worst = own.map((load) => (load ? load.left : Infinity));
  const index = tree.seen;
  ids.forEach((_, k) => { // a box is as tight as the tightest inside it
    for (let up = index.get(parents[k]); own[k] && up !== undefined; up = index.get(parents[up])) {
      if (members[up] < 0) worst[up] = Math.min(worst[up], own[k].left);
    }
  });
  const colours = ids.map((_, k) => (own[k] && own[k].out ? OUT : Number.isFinite(worst[k]) ? LEFT[leftStep(worst[k])][1] : OUT));
  const texts = ids.map((_, k) => (own[k] ? (own[k].out ? "OUT" : `${own[k].calm ? "≤ " : ""}${percent(1000 - own[k].left)}`) : Number.isFinite(worst[k]) ? `up to ${percent(1000 - worst[k])}` : ""));
  const style = getComputedStyle(root);
  const { shown, isEnd } = inView(), of = (column) => shown.map((k) => column[k]);
  const ink = shown.map((k) => (isDark(colours[k]) || colours[k] === OUT ? "#fff" : "#111"));
  const halls = partNow === home && nodes.length > MANY ? facts.halls.length : 0;
  paint("power-plot", [{
    type: "icicle", ids: of(ids), parents: of(parents), labels: shown.map((k) => plain(`${labels[k]}  ${texts[k]}`)), values: shown.map((k) => (isEnd(k) ? leaves[k] : 0)), branchvalues: "remainder", level: partNow,
    marker: { colors: of(colours), line: { color: style.getPropertyValue("--card"), width: halls ? .5 : 1 } }, leaf: { opacity: 1 }, textinfo: "label", hoverinfo: "none", insidetextfont: { color: ink }, textfont: { color: ink },
    tiling: { orientation: "h", pad: halls ? 0 : 1 }, pathbar: { visible: true }, sort: false,
  }], chartLayout({ margin: { l: 0, r: 0, t: 26, b: 0 }, height: Math.min(900, Math.max(480, 40 + 19 * halls)), uniformtext: { minsize: 9, mode: "hide" } }));
  at("state-words").textContent = stateWords();
}

function stateWords() {
  if (stateNow === WORST) return "Every node in the state in which it has the smallest share of its limit left.";
  if (stateNow === NORMAL) return "Nothing has failed.";
  const { name, lost, nodes: grown } = facts.states[stateNow];
  const racksLost = lost.length ? `${count(lost.length)} racks are out, framed on the map` : "no rack is out";
  return `${name}: ${racksLost}; ${count(grown.length)} nodes take over load.`;
}

function aboutNode(k) {
  const n = tree.members[k];
  if (n < 0) return [tree.labels[k], "a group of nodes, in the colour of the tightest inside"];
  const node = nodes[n];
  const lines = [node.name, `${node.kind}${node.hall ? ` in hall ${node.hall}` : ""}, rated ${watts(node.rating)}`, loadOf(n).words];
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
  if (!nodes.length) { at("power").hidden = true; return; }
  tree = growTree();
  for (let only = ["site"]; only.length === 1 && tree.inner.has(only[0]); only = tree.ids.filter((_, k) => tree.parents[k] === only[0])) home = only[0];
  partNow = home; // boxes that hold one box alone say nothing
  at("state").append(make("option", { value: WORST }, "worst state of each node"), make("option", { value: NORMAL }, "normal"), ...facts.states.map((state, s) => make("option", { value: s }, state.name)));
  at("state").addEventListener("change", (event) => chooseState(event.target.value));
  at("part").append(make("option", { value: home }, "whole site"), ...tree.ids.flatMap((id, k) => (id.startsWith("h") ? [make("option", { value: id }, tree.labels[k])] : [])));
  at("part").addEventListener("change", (event) => enter(event.target.value));
  at("power-scale").replaceChildren(...LEFT.map(([, hue, , words]) => make("span", {}, make("i", { style: `background:${hue}` }), words)), make("span", {}, make("i", { style: `background:${OUT}` }), "out"));
  drawPower();
  const plot = at("power-plot");
  plot.on("plotly_icicleclick", ({ points }) => {
    const id = points[0].id, up = tree.parents[tree.seen.get(id)];
    const next = id === partNow ? up : id; // the box that fills the left leads back out
    if (next && tree.inner.has(next)) enter(next);
    return false;
  });
  plot.on("plotly_hover", ({ points, event }) => showTip(event.clientX, event.clientY, aboutNode(tree.seen.get(points[0].id))));
  plot.on("plotly_unhover", hideTip);
  sheet(at("nodes"), [
    { name: "power node", cell: (node) => node.name }, { name: "kind", cell: (node) => node.kind }, { name: "hall", cell: (node) => node.hall },
    { name: "rating", num: true, cell: (node) => watts(node.rating), by: (node) => node.rating },
    { name: "load, nothing failed", num: true, cell: (node) => watts(node.normal), by: (node) => node.normal },
    { name: "left in its worst state", num: true, cell: (node) => percent(node.left), by: (node) => node.left, mark: (node) => (node.left < 0 ? "bad" : "") },
    { name: "worst state", cell: (node) => node.worst },
  ], [...nodes].sort((a, b) => a.left - b.left), { most: 8 });
}
