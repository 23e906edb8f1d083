// What the colours of the map say: every colouring with its codes and its key.
// A colouring is [name, words, look(rack) -> {colour, pattern, code}, key() -> [colour, pattern, code, words, count, action]].
const EMPTY = { colour: "var(--empty)", pattern: 0, code: "" };
const bins = (steps, value) => (i) => {
  const [, colour, code] = steps[steps.findIndex(([below]) => value(i) < below)];
  return { colour, pattern: 0, code };
};
const binKey = (steps, value) => () =>
  steps
    .map(([below, colour, code, words], k) => {
      const from = k ? steps[k - 1][0] : -Infinity;
      let number = 0;
      for (let i = 0; i < numRacks; i++) if (value(i) >= from && value(i) < below) number++;
      return [colour, 0, code, words, number];
    })
    .filter((entry) => entry[4]);

const bySize = facts.tenants
  .map((_, t) => t)
  .sort((a, b) => facts.tenants[b].placed - facts.tenants[a].placed);
const rank = new Int32Array(facts.tenants.length);
bySize.forEach((t, k) => {
  rank[t] = k;
});
function lookOfTenant(t) {
  const k = rank[t],
    many = k >= HUES.length * PATTERNS;
  return {
    colour: many ? "#b5b5b5" : HUES[k % HUES.length],
    pattern: many ? 0 : Math.floor(k / HUES.length),
    code: letters(k),
  };
}
const used = (i) => (racks.usable[i] ? (racks.gpus[i] * 1000) / racks.usable[i] : -1);
const USED = [
  [0, "var(--empty)", "x", "no usable node"],
  [1, "var(--empty)", "0", "empty"],
  [250, "#d3e5f5", "1", "up to 25 %"],
  [500, "#9ecae9", "2", "25 to 50 %"],
  [750, SKY, "3", "50 to 75 %"],
  [1000, "#3a87bd", "4", "75 to 100 %"],
  [Infinity, "#274b7a", "5", "full"],
];
const coolest = Math.min(...racks.inlet),
  warmest = Math.max(...racks.inlet, coolest + 100);
const step = (warmest - coolest) / 6;
const WARMTH = ["#3b4a6b", "#56789f", "#8fb0b8", "#d9d59a", ORANGE, RED].map((colour, k) => [
  k === 5 ? Infinity : coolest + step * (k + 1),
  colour,
  String(k),
  `${fixed((coolest + step * k) / 1000, 2)} to ${fixed((coolest + step * (k + 1)) / 1000, 2)} °C`,
]);
const ALONE = {
  "": ["var(--empty)", "", "shared or free"],
  rack: [SKY, "R", "rack"],
  array: [GREEN, "A", "array"],
  pod: [YELLOW, "P", "pod"],
  hall: [PINK, "H", "hall"],
  site: [RED, "S", "site"],
};

const COLOURINGS = [
  [
    "Tenant",
    "Colour, pattern and letters of the tenant with the most GPUs on the rack.",
    (i) =>
      racks.held[i].length
        ? lookOfTenant(racks.tenants[i][0])
        : { ...EMPTY, code: racks.usable[i] ? "" : "×" },
    () => {
      const number = new Map();
      for (let i = 0; i < numRacks; i++)
        for (const t of racks.tenants[i]) number.set(t, (number.get(t) || 0) + 1);
      const key = bySize
        .filter((t) => number.has(t))
        .map((t) => {
          const look = lookOfTenant(t);
          return [
            look.colour,
            look.pattern,
            look.code,
            facts.tenants[t].name,
            number.get(t),
            () => pick("tenant", t),
          ];
        });
      const empty = racks.held.filter((held) => !held.length).length;
      return empty ? [...key, ["var(--empty)", 0, "", "empty", empty]] : key;
    },
  ],
  [
    "Headroom",
    "The tightest limit that the rack leans on, in its worst state: feeds and nodes above, loop, inlet air. Grid feeds, on which all lean, are left out.",
    (i) => bins(LEFT, (k) => racks.left[k])(i),
    binKey(LEFT, (i) => racks.left[i]),
  ],
  [
    "Inlet air",
    "Temperature of the air that the rack breathes, with every job at its peak.",
    (i) => bins(WARMTH, (k) => racks.inlet[k])(i),
    binKey(WARMTH, (i) => racks.inlet[i]),
  ],
  [
    "Utilisation",
    "GPUs that are taken, of those that can be used today.",
    (i) => bins(USED, used)(i),
    binKey(USED, used),
  ],
  [
    "Exclusivity",
    "The largest domain around the rack that one tenant has to itself. Striped: nobody uses the rack, but it is kept.",
    (i) => {
      const [colour, code] = ALONE[racks.alone[i]];
      return { colour, code, pattern: racks.alone[i] && !racks.held[i].length ? 1 : 0 };
    },
    () =>
      Object.entries(ALONE)
        .flatMap(([level, [colour, code, words]]) =>
          [0, 1].map((idle) => {
            let number = 0;
            for (let i = 0; i < numRacks; i++)
              if (racks.alone[i] === level && (level ? Number(!racks.held[i].length) : 0) === idle) number++;
            return [colour, idle, code, idle ? `${words}, kept empty` : words, number];
          }),
        )
        .filter((entry) => entry[4]),
  ],
];
if (facts.difference) {
  const came = new Float64Array(numRacks),
    left = new Float64Array(numRacks);
  for (const change of facts.difference.jobs) {
    for (const [i, units] of change.came) came[i] += units;
    for (const [i, units] of change.left) left[i] += units;
  }
  const LOOKS = [
    ["var(--empty)", "", "unchanged"],
    [BLUE, "▲", "work came"],
    [ORANGE, "▼", "work left"],
    [PINK, "◆", "both"],
  ];
  const which = (i) => (came[i] ? 1 : 0) + (left[i] ? 2 : 0);
  COLOURINGS.push([
    "Difference",
    "What changed against the other plan. Pick a job to see its moves.",
    (i) => {
      const [colour, code] = LOOKS[which(i)];
      return { colour, code, pattern: 0 };
    },
    () =>
      LOOKS.map(([colour, code, words], k) => [
        colour,
        0,
        code,
        words,
        racks.name.filter((_, i) => which(i) === k).length,
      ]).filter((entry) => entry[4]),
  ]);
}

function colour(which) {
  colouring = which;
  const [name, words, look, key] = COLOURINGS[which];
  for (let i = 0; i < numRacks; i++) {
    const { colour: hue, pattern, code } = look(i);
    boxes[i].style.fill = fillOf(hue, pattern);
    if (codes[i].textContent !== code) codes[i].textContent = code;
    codes[i].setAttribute(
      "class",
      `code${hue === "var(--empty)" ? " on-empty" : isDark(hue) ? " on-dark" : ""}${codes[i].classList.contains("on") ? " on" : ""}`,
    );
  }
  const entries = key();
  const list = make(
    "ul",
    { class: "key" },
    ...entries.slice(0, 60).map(([hue, pattern, code, label, number, action]) => {
      const mark = document.createElementNS(SVG, "svg");
      mark.setAttribute("viewBox", "0 0 20 16");
      const box = draw("rect", { x: 0.5, y: 0.5, width: 19, height: 15, stroke: "var(--edge)" }, mark);
      box.style.fill = fillOf(hue, pattern);
      const text = draw(
        "text",
        {
          x: 10,
          y: 11.5,
          "text-anchor": "middle",
          "font-size": 9,
          "font-weight": 700,
          fill: isDark(hue) ? "#fff" : hue.startsWith("var") ? "var(--soft)" : "#111",
        },
        mark,
      );
      text.textContent = code;
      return make(
        "li",
        {},
        mark,
        action ? make("button", { type: "button", onclick: action }, label) : make("span", {}, label),
        make("span", { class: "count" }, count(number)),
      );
    }),
  );
  at("legend").replaceChildren(
    make("h3", {}, name),
    make("p", { class: "caption" }, words),
    list,
    ...(entries.length > 60
      ? [make("p", { class: "caption" }, `and ${count(entries.length - 60)} more`)]
      : []),
  );
}
