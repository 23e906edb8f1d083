// The power tree: what hangs below what, what is in view, and the load of every node in a state.
const nodes = facts.nodes,
  WORST = "worst",
  NORMAL = "normal",
  OUT = "#8c8c8c";
let stateNow = WORST,
  home = "site",
  partNow = home,
  tree = null;

// Below what every node hangs: its parent, or a box that names all its parents; halls are boxes too.
function growTree() {
  const ids = [],
    labels = [],
    parents = [],
    members = [];
  const seen = new Map();
  const add = (id, label, parent, member = -1) => {
    if (!seen.has(id)) {
      seen.set(id, ids.length);
      ids.push(id);
      labels.push(label);
      parents.push(parent);
      members.push(member);
    }
    return id;
  };
  add("site", facts.site, "");
  const children = new Map(nodes.map((_, n) => [n, []]));
  nodes.forEach((node, n) => node.parents.forEach((p) => children.get(p).push(n)));
  const together = new Map(); // nodes that are only ever parents together stand in one box
  nodes.forEach((node) => {
    if (node.parents.length > 1) together.set(node.parents.join("+"), node.parents);
  });
  const boxOf = new Map();
  for (const [key, group] of together) for (const p of group) if (!boxOf.has(p)) boxOf.set(p, `b${key}`);
  const placeOf = (n) => {
    const node = nodes[n];
    let parent = "site";
    if (node.parents.length > 1) {
      const key = node.parents.join("+"),
        first = nodes[node.parents[0]];
      parent = add(
        `b${key}`,
        node.parents.map((p) => nodes[p].name).join(" + "),
        first.parents.length ? idOf(first.parents[0]) : "site",
      );
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
  nodes.forEach((node, n) => {
    const parent = placeOf(n);
    add(idOf(n), node.name, parent, n);
  });
  const leaves = new Array(ids.length).fill(0),
    depths = ids.map(() => 0),
    inner = new Set(parents);
  ids.forEach((id, k) => {
    if (k) depths[k] = depths[seen.get(parents[k])] + 1;
    if (!inner.has(id)) for (let up = k; up !== undefined; up = seen.get(parents[up])) leaves[up]++;
  });
  return { ids, labels, parents, members, leaves, depths, inner, seen };
}

// Rows of the tree that are drawn: what lies below the chosen part, a few levels deep, and the way to it.
const MANY = 400;
function inView() {
  const { ids, parents, depths, seen } = tree,
    top = seen.get(partNow);
  const most = depths[top] + (nodes.length > MANY && partNow === home ? 3 : 5);
  const below = new Set([top]),
    shown = [];
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
  const left = (load, limit) => (limit > 0 ? Math.floor(((limit - load) * 1000) / limit) : -1000);
  if (stateNow === WORST) return { left: node.left, words: `worst state: ${node.worst}` };
  if (stateNow === NORMAL)
    return {
      left: left(node.normal, node.rating),
      words: `${watts(node.normal)} of ${watts(node.rating)}, nothing failed`,
    };
  const state = facts.states[stateNow];
  if (state.failed.includes(node.name)) return { left: 1000, out: true, words: `out in this state` };
  const k = state.nodes.indexOf(n);
  if (k < 0)
    return {
      left: left(node.normal, node.rating),
      calm: true,
      words: `not more than normally: ${watts(node.normal)} of ${watts(node.rating)}`,
    };
  const after = left(state.after[k], node.rating),
    before = left(state.before[k], node.seconds);
  return {
    left: Math.min(after, before),
    words: `${watts(state.before[k])} until jobs have acted, of ${watts(node.seconds)}; then ${watts(state.after[k])} of ${watts(node.rating)}`,
  };
}
