// The floor map: one rectangle a rack, drawn once, then only coloured anew.
const racks = facts.racks, numRacks = racks.name.length;
const WIDTH = 10, HEIGHT = 11, GAP = 2, PAIR = 3, PAD = 5, TITLE = 12;
const map = at("map"), SVG = "http://www.w3.org/2000/svg";
const boxes = new Array(numRacks), codes = new Array(numRacks);
const middle = new Float32Array(2 * numRacks);
let view = [0, 0, 1, 1], wholeView = view, cursor = -1, picked = null, colouring = null;

function draw(tag, attributes, parent = map) {
  const node = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  parent.append(node);
  return node;
}

// Patterns by colour; the plain colour needs none.
const known = new Map();
function fillOf(colour, pattern) {
  if (!pattern) return colour;
  const id = `p${pattern}${colour.replace("#", "-")}`;
  if (!known.has(id)) {
    const tile = draw("pattern", { id, width: 4, height: 4, patternUnits: "userSpaceOnUse", patternTransform: pattern === 1 ? "rotate(45)" : "" }, known.get("defs"));
    draw("rect", { width: 4, height: 4, fill: colour }, tile);
    const ink = isDark(colour) ? "#fff" : "#000";
    if (pattern === 1) draw("rect", { width: 1.1, height: 4, fill: ink, opacity: .45 }, tile);
    if (pattern === 2) draw("circle", { cx: 2, cy: 2, r: .85, fill: ink, opacity: .6 }, tile);
    if (pattern === 3) draw("path", { d: "M0 0H4M0 0V4", stroke: ink, "stroke-width": .9, opacity: .5 }, tile);
    known.set(id, `url(#${id})`);
  }
  return known.get(id);
}

function layOut() {
  known.set("defs", draw("defs", {}));
  const sizes = facts.halls.map((hall) => [hall.columns * WIDTH + 2 * PAD, TITLE + hall.lines * (HEIGHT + GAP) + Math.floor(hall.lines / 2) * PAIR + PAD]);
  const area = sizes.reduce((sum, [w, h]) => sum + (w + 8) * (h + 8), 0);
  const wanted = Math.max(Math.sqrt(area * 2.1), ...sizes.map(([w]) => w));
  let x = 0, y = 0, tallest = 0, widest = 0;
  const corners = sizes.map(([w, h]) => {
    if (x && x + w > wanted + 4) { x = 0; y += tallest + 8; tallest = 0; }
    const corner = [x, y];
    x += w + 8; tallest = Math.max(tallest, h); widest = Math.max(widest, corner[0] + w);
    return corner;
  });
  facts.halls.forEach((hall, h) => {
    const [left, top] = corners[h], [w, height] = sizes[h];
    draw("rect", { class: "hall", x: left, y: top, width: w, height, rx: 3 });
    draw("text", { class: "hall-name", x: left + PAD, y: top + 9 }).textContent = hall.name;
  });
  for (let i = 0; i < numRacks; i++) {
    const [left, top] = corners[racks.hall[i]];
    const bx = left + PAD + racks.column[i] * WIDTH, by = top + TITLE + racks.line[i] * (HEIGHT + GAP) + Math.floor(racks.line[i] / 2) * PAIR;
    boxes[i] = draw("rect", { class: "rack", x: bx + .5, y: by, width: WIDTH - 1, height: HEIGHT, "data-rack": i });
    codes[i] = draw("text", { class: "code", x: bx + WIDTH / 2, y: by + HEIGHT / 2 + 2 });
    middle[2 * i] = bx + WIDTH / 2; middle[2 * i + 1] = by + HEIGHT / 2;
  }
  wholeView = [-4, -4, widest + 8, y + tallest + 8];
  show(wholeView);
}

function show(box) {
  view = box;
  map.setAttribute("viewBox", box.map((v) => Math.round(v * 100) / 100).join(" "));
  const scale = map.clientWidth / box[2];
  map.classList.toggle("far", scale * 5.4 < 4.5 && !matchMedia("print").matches);
}

function zoom(factor, x = view[0] + view[2] / 2, y = view[1] + view[3] / 2) {
  const by = Math.min(1, Math.max(.04, view[2] * factor / wholeView[2])) * wholeView[2] / view[2];
  if (view[2] * by >= wholeView[2] * .999) return show(wholeView);
  show([x - (x - view[0]) * by, y - (y - view[1]) * by, view[2] * by, view[3] * by]);
}

// Each colouring: [name, words, of(rack) -> {colour, pattern, code}, key() -> [colour, pattern, code, words, count, action]].
const EMPTY = { colour: "var(--empty)", pattern: 0, code: "" };
const bins = (steps, value) => (i) => {
  const [, colour, code] = steps[steps.findIndex(([below]) => value(i) < below)];
  return { colour, pattern: 0, code };
};
const binKey = (steps, value) => () => steps.map(([below, colour, code, words], k) => {
  const from = k ? steps[k - 1][0] : -Infinity;
  let number = 0;
  for (let i = 0; i < numRacks; i++) if (value(i) >= from && value(i) < below) number++;
  return [colour, 0, code, words, number];
}).filter((entry) => entry[4]);

const bySize = facts.tenants.map((_, t) => t).sort((a, b) => facts.tenants[b].placed - facts.tenants[a].placed);
const rank = new Int32Array(facts.tenants.length);
bySize.forEach((t, k) => { rank[t] = k; });
function lookOfTenant(t) {
  const k = rank[t], many = k >= HUES.length * PATTERNS;
  return { colour: many ? "#b5b5b5" : HUES[k % HUES.length], pattern: many ? 0 : Math.floor(k / HUES.length), code: letters(k) };
}
const used = (i) => (racks.usable[i] ? racks.gpus[i] * 1000 / racks.usable[i] : -1);
const USED = [[0, "var(--empty)", "x", "no usable node"], [1, "var(--empty)", "0", "empty"], [250, "#d3e5f5", "1", "up to 25 %"], [500, "#9ecae9", "2", "25 to 50 %"],
  [750, SKY, "3", "50 to 75 %"], [1000, "#3a87bd", "4", "75 to 100 %"], [Infinity, "#274b7a", "5", "full"]];
const coolest = Math.min(...racks.inlet), warmest = Math.max(...racks.inlet, coolest + 100);
const step = (warmest - coolest) / 6;
const WARMTH = ["#3b4a6b", "#56789f", "#8fb0b8", "#d9d59a", ORANGE, RED].map((colour, k) => [k === 5 ? Infinity : coolest + step * (k + 1), colour, String(k),
  `${fixed((coolest + step * k) / 1000, 2)} to ${fixed((coolest + step * (k + 1)) / 1000, 2)} °C`]);
const ALONE = { "": ["var(--empty)", "", "shared or free"], rack: [SKY, "R", "rack"], array: [GREEN, "A", "array"], pod: [YELLOW, "P", "pod"], hall: [PINK, "H", "hall"], site: [RED, "S", "site"] };

const COLOURINGS = [
  ["Tenant", "Colour, pattern and letters of the tenant with the most GPUs on the rack.", (i) => (racks.held[i].length ? lookOfTenant(racks.tenants[i][0]) : { ...EMPTY, code: racks.usable[i] ? "" : "×" }),
    () => {
      const number = new Map();
      for (let i = 0; i < numRacks; i++) for (const t of racks.tenants[i]) number.set(t, (number.get(t) || 0) + 1);
      const key = bySize.filter((t) => number.has(t)).map((t) => { const look = lookOfTenant(t); return [look.colour, look.pattern, look.code, facts.tenants[t].name, number.get(t), () => pick("tenant", t)]; });
      const empty = racks.held.filter((held) => !held.length).length;
      return empty ? [...key, ["var(--empty)", 0, "", "empty", empty]] : key;
    }],
  ["Headroom", "The tightest limit that the rack leans on, in its worst state: feeds and nodes above, loop, inlet air. Grid feeds, on which all lean, are left out.",
    (i) => bins(LEFT, (k) => racks.left[k])(i), binKey(LEFT, (i) => racks.left[i])],
  ["Inlet air", "Temperature of the air that the rack breathes, with every job at its peak.", (i) => bins(WARMTH, (k) => racks.inlet[k])(i), binKey(WARMTH, (i) => racks.inlet[i])],
  ["Utilisation", "GPUs that are taken, of those that can be used today.", (i) => bins(USED, used)(i), binKey(USED, used)],
  ["Exclusivity", "The largest domain around the rack that one tenant has to itself. Striped: nobody uses the rack, but it is kept.",
    (i) => { const [colour, code] = ALONE[racks.alone[i]]; return { colour, code, pattern: racks.alone[i] && !racks.held[i].length ? 1 : 0 }; },
    () => Object.entries(ALONE).flatMap(([level, [colour, code, words]]) => [0, 1].map((idle) => {
      let number = 0;
      for (let i = 0; i < numRacks; i++) if (racks.alone[i] === level && (level ? Number(!racks.held[i].length) : 0) === idle) number++;
      return [colour, idle, code, idle ? `${words}, kept empty` : words, number];
    })).filter((entry) => entry[4])],
];
if (facts.difference) {
  const came = new Float64Array(numRacks), left = new Float64Array(numRacks);
  for (const change of facts.difference.jobs) {
    for (const [i, units] of change.came) came[i] += units;
    for (const [i, units] of change.left) left[i] += units;
  }
  const LOOKS = [["var(--empty)", "", "unchanged"], [BLUE, "▲", "work came"], [ORANGE, "▼", "work left"], [PINK, "◆", "both"]];
  const which = (i) => (came[i] ? 1 : 0) + (left[i] ? 2 : 0);
  COLOURINGS.push(["Difference", "What changed against the other plan. Pick a job to see its moves.", (i) => { const [colour, code] = LOOKS[which(i)]; return { colour, code, pattern: 0 }; },
    () => LOOKS.map(([colour, code, words], k) => [colour, 0, code, words, racks.name.filter((_, i) => which(i) === k).length]).filter((entry) => entry[4])]);
}

function colour(which) {
  colouring = which;
  const [name, words, look, key] = COLOURINGS[which];
  for (let i = 0; i < numRacks; i++) {
    const { colour: hue, pattern, code } = look(i);
    boxes[i].style.fill = fillOf(hue, pattern);
    if (codes[i].textContent !== code) codes[i].textContent = code;
    codes[i].setAttribute("class", `code${hue === "var(--empty)" ? " on-empty" : isDark(hue) ? " on-dark" : ""}${codes[i].classList.contains("on") ? " on" : ""}`);
  }
  const entries = key();
  const list = make("ul", { class: "key" }, ...entries.slice(0, 60).map(([hue, pattern, code, label, number, action]) => {
    const mark = document.createElementNS(SVG, "svg");
    mark.setAttribute("viewBox", "0 0 20 16");
    const box = draw("rect", { x: .5, y: .5, width: 19, height: 15, stroke: "var(--edge)" }, mark);
    box.style.fill = fillOf(hue, pattern);
    const text = draw("text", { x: 10, y: 11.5, "text-anchor": "middle", "font-size": 9, "font-weight": 700, fill: isDark(hue) ? "#fff" : hue.startsWith("var") ? "var(--soft)" : "#111" }, mark);
    text.textContent = code;
    return make("li", {}, mark, action ? make("button", { type: "button", onclick: action }, label) : make("span", {}, label), make("span", { class: "count" }, count(number)));
  }));
  at("legend").replaceChildren(make("h3", {}, name), make("p", { class: "caption" }, words), list,
    ...(entries.length > 60 ? [make("p", { class: "caption" }, `and ${count(entries.length - 60)} more`)] : []));
}

function aboutRack(i) {
  const type = facts.types[racks.type[i]], lines = [racks.name[i]];
  lines.push(`${type.name}, array ${racks.array[i]}, pod ${racks.pod[i]}, hall ${facts.halls[racks.hall[i]].name}`);
  const held = racks.held[i];
  for (const [j, units, gpus] of held.slice(0, 6)) lines.push(`${facts.jobs[j].name} (${facts.tenants[facts.jobs[j].tenant].name}): ${count(gpus)} GPUs in ${count(units)} units`);
  if (held.length > 6) lines.push(`and ${held.length - 6} more jobs`);
  if (!held.length) lines.push(racks.usable[i] ? "empty" : "drained or down");
  lines.push(`${count(racks.gpus[i])} of ${count(racks.usable[i])} GPUs taken`);
  lines.push(`${watts(racks.peak[i])} at its peak, ${watts(racks.full[i])} if full`);
  lines.push(`feeds ${racks.feeds[i].map((n) => facts.nodes[n].name).join(" and ") || "none"}${racks.loop[i] < 0 ? "" : `, loop ${facts.loops[racks.loop[i]].name}`}`);
  if (racks.tight[i]) lines.push(`tightest: ${racks.tight[i]}, ${percent(racks.left[i])} left`);
  lines.push(`inlet air ${celsius(racks.inlet[i])}`);
  if (racks.alone[i]) lines.push(`${racks.alone[i]} is ${racks.owner[i]}'s alone`);
  return lines;
}

function keep(i) {
  cursor = i;
  map.querySelector(".cursor")?.remove();
  if (i < 0) return at("kept").replaceChildren();
  draw("rect", { class: "cursor", x: middle[2 * i] - WIDTH / 2 - .6, y: middle[2 * i + 1] - HEIGHT / 2 - 1, width: WIDTH + 1.2, height: HEIGHT + 2, rx: 1 });
  const jobs = racks.held[i].slice(0, 12).map(([j, , gpus]) => make("li", {}, make("button", { type: "button", class: "link", onclick: () => pick("job", j) }, facts.jobs[j].name), ` ${count(gpus)} GPUs`));
  const [name, place, ...rest] = aboutRack(i);
  at("kept").replaceChildren(make("h3", {}, name), make("p", {}, place), ...(jobs.length ? [make("ul", {}, ...jobs)] : []),
    ...rest.slice(Math.min(racks.held[i].length, 6) + (racks.held[i].length > 6 ? 1 : 0) + (jobs.length ? 0 : 1)).map((line) => make("p", {}, line)));
}

// Pick out the racks of a job or a tenant; without one, show all.
function pick(kind, index) {
  picked = kind === null ? null : [kind, index];
  const name = kind === "tenant" ? facts.tenants[index].name : kind === "job" ? facts.jobs[index].name : "";
  at("pick").value = kind === null ? "" : `${kind}: ${name}`;
  for (let i = 0; i < numRacks; i++) {
    const on = kind === "tenant" ? racks.tenants[i].includes(index) : kind === "job" && racks.held[i].some(([j]) => j === index);
    boxes[i].classList.toggle("on", on);
    codes[i].classList.toggle("on", on);
  }
  map.classList.toggle("picking", kind !== null);
  for (const line of map.querySelectorAll(".move")) line.remove();
  const change = kind === "job" && facts.difference ? facts.difference.jobs.find((each) => each.job === name) : null;
  if (change) change.left.slice(0, 200).forEach(([from], k) => {
    const to = change.came.length ? change.came[k % change.came.length][0] : from;
    if (to === from) return;
    boxes[from].classList.add("on");
    const [x1, y1, x2, y2] = [middle[2 * from], middle[2 * from + 1], middle[2 * to], middle[2 * to + 1]];
    draw("path", { class: "move", d: `M${x1} ${y1}Q${(x1 + x2) / 2 + (y2 - y1) / 6} ${(y1 + y2) / 2 - (x2 - x1) / 6} ${x2} ${y2}`, "marker-end": "url(#arrow)" });
  });
}

function walk(dx, dy) {
  if (cursor < 0) return keep(0);
  let best = -1, least = Infinity;
  for (let i = 0; i < numRacks; i++) {
    const x = middle[2 * i] - middle[2 * cursor], y = middle[2 * i + 1] - middle[2 * cursor + 1];
    const ahead = x * dx + y * dy, aside = Math.abs(x * dy) + Math.abs(y * dx);
    if (ahead > 1 && ahead + 3 * aside < least) { least = ahead + 3 * aside; best = i; }
  }
  if (best >= 0) keep(best);
}

function startFloor() {
  layOut();
  const arrow = draw("marker", { id: "arrow", viewBox: "0 0 6 6", refX: 5, refY: 3, markerWidth: 5, markerHeight: 5, orient: "auto" }, known.get("defs"));
  draw("path", { d: "M0 0L6 3L0 6Z", fill: "var(--ink)" }, arrow);
  COLOURINGS.forEach(([name], k) => at("colouring").append(make("label", {}, make("input", { type: "radio", name: "colouring", value: k, checked: k === 0, onchange: () => colour(k) }), make("span", {}, name))));
  const names = [...bySize.map((t) => `tenant: ${facts.tenants[t].name}`), ...facts.jobs.map((job) => `job: ${job.name}`)];
  at("names").append(...names.map((value) => make("option", { value })));
  at("pick").addEventListener("input", (event) => {
    const typed = event.target.value, [kind, name] = [typed.split(": ")[0], typed.slice(typed.indexOf(": ") + 2)];
    const where = kind === "tenant" ? facts.tenants : kind === "job" ? facts.jobs : [];
    const index = where.findIndex((each) => each.name === name);
    if (index >= 0) pick(kind, index);
    else if (!typed) pick(null);
  });
  at("unpick").addEventListener("click", () => { pick(null); keep(-1); });
  at("closer").addEventListener("click", () => zoom(.6, ...(cursor < 0 ? [] : [middle[2 * cursor], middle[2 * cursor + 1]])));
  at("farther").addEventListener("click", () => zoom(1 / .6));
  at("whole").addEventListener("click", () => show(wholeView));
  const rackOf = (event) => (event.target.dataset && event.target.dataset.rack !== undefined ? Number(event.target.dataset.rack) : -1);
  let grip = null;
  map.addEventListener("pointermove", (event) => {
    if (grip) {
      const scale = view[2] / map.clientWidth;
      grip.moved ||= Math.hypot(event.clientX - grip.x, event.clientY - grip.y) > 4;
      if (grip.moved && view !== wholeView) show([grip.view[0] - (event.clientX - grip.x) * scale, grip.view[1] - (event.clientY - grip.y) * scale, view[2], view[3]]);
    }
    const i = rackOf(event);
    if (i < 0) hideTip(); else showTip(event.clientX, event.clientY, aboutRack(i));
  });
  map.addEventListener("pointerleave", () => { hideTip(); grip = null; });
  map.addEventListener("pointerdown", (event) => { grip = { x: event.clientX, y: event.clientY, view, moved: false }; });
  map.addEventListener("pointerup", (event) => { if (grip && !grip.moved) keep(rackOf(event)); grip = null; });
  map.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && view === wholeView && event.deltaY > 0) return;
    if (!event.ctrlKey && view === wholeView && !event.shiftKey) return;
    event.preventDefault();
    const box = map.getBoundingClientRect();
    zoom(event.deltaY > 0 ? 1.25 : .8, view[0] + (event.clientX - box.left) / box.width * view[2], view[1] + (event.clientY - box.top) / box.height * view[3]);
  }, { passive: false });
  map.addEventListener("keydown", (event) => {
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (steps) walk(...steps);
    else if (event.key === "Enter" && cursor >= 0 && racks.held[cursor].length) pick("job", racks.held[cursor][0][0]);
    else if (event.key === "Escape") { pick(null); keep(-1); }
    else if (event.key === "+") zoom(.6);
    else if (event.key === "-") zoom(1 / .6);
    else return;
    event.preventDefault();
  });
  colour(0);
}
