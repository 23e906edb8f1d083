// The floor map: one rectangle a rack, drawn once, then only coloured anew.
const racks = facts.racks,
  numRacks = racks.name.length;
const WIDTH = 10,
  HEIGHT = 11,
  GAP = 2,
  PAIR = 3,
  PAD = 5,
  TITLE = 12;
const map = at("map"),
  SVG = "http://www.w3.org/2000/svg";
const boxes = new Array(numRacks),
  codes = new Array(numRacks);
const middle = new Float32Array(2 * numRacks);
let view = [0, 0, 1, 1],
  wholeView = view,
  cursor = -1,
  picked = null,
  colouring = null;

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
    const tile = draw(
      "pattern",
      {
        id,
        width: 4,
        height: 4,
        patternUnits: "userSpaceOnUse",
        patternTransform: pattern === 1 ? "rotate(45)" : "",
      },
      known.get("defs"),
    );
    draw("rect", { width: 4, height: 4, fill: colour }, tile);
    const ink = isDark(colour) ? "#fff" : "#000";
    if (pattern === 1) draw("rect", { width: 1.1, height: 4, fill: ink, opacity: 0.45 }, tile);
    if (pattern === 2) draw("circle", { cx: 2, cy: 2, r: 0.85, fill: ink, opacity: 0.6 }, tile);
    if (pattern === 3)
      draw("path", { d: "M0 0H4M0 0V4", stroke: ink, "stroke-width": 0.9, opacity: 0.5 }, tile);
    known.set(id, `url(#${id})`);
  }
  return known.get(id);
}

function layOut() {
  known.set("defs", draw("defs", {}));
  const sizes = facts.halls.map((hall) => [
    hall.columns * WIDTH + 2 * PAD,
    TITLE + hall.lines * (HEIGHT + GAP) + Math.floor(hall.lines / 2) * PAIR + PAD,
  ]);
  const area = sizes.reduce((sum, [w, h]) => sum + (w + 8) * (h + 8), 0);
  const wanted = Math.max(Math.sqrt(area * 2.1), ...sizes.map(([w]) => w));
  let x = 0,
    y = 0,
    tallest = 0,
    widest = 0;
  const corners = sizes.map(([w, h]) => {
    if (x && x + w > wanted + 4) {
      x = 0;
      y += tallest + 8;
      tallest = 0;
    }
    const corner = [x, y];
    x += w + 8;
    tallest = Math.max(tallest, h);
    widest = Math.max(widest, corner[0] + w);
    return corner;
  });
  facts.halls.forEach((hall, h) => {
    const [left, top] = corners[h],
      [w, height] = sizes[h];
    draw("rect", { class: "hall", x: left, y: top, width: w, height, rx: 3 });
    draw("text", { class: "hall-name", x: left + PAD, y: top + 9 }).textContent = hall.name;
  });
  for (let i = 0; i < numRacks; i++) {
    const [left, top] = corners[racks.hall[i]];
    const bx = left + PAD + racks.column[i] * WIDTH,
      by = top + TITLE + racks.line[i] * (HEIGHT + GAP) + Math.floor(racks.line[i] / 2) * PAIR;
    boxes[i] = draw("rect", {
      class: "rack",
      x: bx + 0.5,
      y: by,
      width: WIDTH - 1,
      height: HEIGHT,
      "data-rack": i,
    });
    codes[i] = draw("text", { class: "code", x: bx + WIDTH / 2, y: by + HEIGHT / 2 + 2 });
    middle[2 * i] = bx + WIDTH / 2;
    middle[2 * i + 1] = by + HEIGHT / 2;
  }
  wholeView = [-4, -4, widest + 8, y + tallest + 8];
  map.style.maxWidth = `${Math.round(wholeView[2] * 5)}px`; // a small site is not blown up
  show(wholeView);
}

function show(box) {
  view = box;
  map.setAttribute("viewBox", box.map((v) => Math.round(v * 100) / 100).join(" "));
  const scale = map.clientWidth / box[2];
  map.classList.toggle("far", scale * 5.4 < 4.5 && !matchMedia("print").matches);
}

function zoom(factor, x = view[0] + view[2] / 2, y = view[1] + view[3] / 2) {
  const by = (Math.min(1, Math.max(0.04, (view[2] * factor) / wholeView[2])) * wholeView[2]) / view[2];
  if (view[2] * by >= wholeView[2] * 0.999) return show(wholeView);
  show([x - (x - view[0]) * by, y - (y - view[1]) * by, view[2] * by, view[3] * by]);
}
