// What all views share: the facts, words for amounts, colours, the tip and tables.
// Names come from files: they reach the page as text nodes only, and Plotly through `plain`.
const facts = JSON.parse(document.getElementById("facts").textContent);
const at = (id) => document.getElementById(id);
const root = document.documentElement;

function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (value !== null && value !== false) node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

// Plotly reads a little HTML in its texts; this makes any name plain text there.
const plain = (text) => String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
const count = (value) => Math.round(value).toLocaleString("en-US");
const fixed = (value, digits) =>
  value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
const celsius = (mc) => `${fixed(mc / 1000, 1)} °C`;
const dollars = (mills) => `${mills < 0 ? "−" : ""}$${fixed(Math.abs(mills) / 1000, 2)}`;
const percent = (permille) => `${fixed(permille / 10, 1)} %`;

function watts(w) {
  if (Math.abs(w) < 1e4) return `${count(w)} W`;
  return Math.abs(w) < 1e7 ? `${fixed(w / 1e3, 1)} kW` : `${fixed(w / 1e6, 2)} MW`;
}

// Okabe and Ito's colours: told apart by people with any common form of colour blindness.
const SKY = "#56b4e9",
  BLUE = "#0072b2",
  GREEN = "#009e73",
  YELLOW = "#f0e442",
  ORANGE = "#e69f00";
const RED = "#d55e00",
  PINK = "#cc79a7";
const HUES = [SKY, ORANGE, GREEN, YELLOW, PINK, BLUE, RED];
const DARK = new Set([BLUE, RED, GREEN, "#3b4a6b", "#274b7a"]);
const PATTERNS = 4; // solid, stripes, dots, grid

// What is left of a limit, in thousandths, the tightest first: [below, colour, code, words].
const LEFT = [
  [0, "#000000", "!", "broken"],
  [20, RED, "0", "less than 2 % left"],
  [50, ORANGE, "1", "2 to 5 %"],
  [100, YELLOW, "2", "5 to 10 %"],
  [200, "#bfe3b4", "3", "10 to 20 %"],
  [400, SKY, "4", "20 to 40 %"],
  [Infinity, BLUE, "5", "40 % or more left"],
];
const leftStep = (permille) => LEFT.findIndex(([below]) => permille < below);
const isDark = (colour) => DARK.has(colour) || colour === "#000000";

// Letters of a tenant, by size: A to Z, then AA, AB ...
function letters(index) {
  const head = index >= 26 ? letters(Math.floor(index / 26) - 1) : "";
  return head + String.fromCharCode(65 + (index % 26));
}

const tip = at("tip");
function showTip(x, y, lines) {
  tip.replaceChildren(...lines.map((line, i) => make(i ? "div" : "b", {}, line)));
  tip.hidden = false;
  const { width, height } = tip.getBoundingClientRect();
  tip.style.left = `${Math.max(4, Math.min(x + 14, innerWidth - width - 8))}px`;
  tip.style.top = `${y + 18 + height > innerHeight ? Math.max(4, y - height - 12) : y + 18}px`;
}
const hideTip = () => {
  tip.hidden = true;
};

function pairs(items) {
  return make(
    "dl",
    { class: "pairs" },
    ...items.flatMap(([key, value]) => [make("dt", {}, key), make("dd", {}, value)]),
  );
}

// A table that sorts by its headers and filters by what is typed.
// Columns: { name, cell(row) -> text or node, by(row) -> sort key, num }.
function sheet(place, columns, rows, { most = 25, filter = rows.length > 12 } = {}) {
  let shown = most,
    order = null,
    rising = true,
    words = "";
  const body = make("tbody"),
    said = make("span");
  const more = make(
    "button",
    {
      type: "button",
      onclick: () => {
        shown += 500;
        fill();
      },
    },
    "Show more",
  );
  const heads = columns.map((column) =>
    make(
      "th",
      { class: column.num ? "num" : null, scope: "col", "aria-sort": "none" },
      make("button", { type: "button", onclick: () => sort(column) }, column.name),
    ),
  );
  const textOf = (row, column) => {
    const cell = column.cell(row);
    return cell instanceof Node ? cell.textContent : String(cell);
  };
  let texts = null; // of every row, made when somebody filters
  function sort(column) {
    rising = order === column ? !rising : !column.num;
    order = column;
    heads.forEach((head, i) =>
      head.setAttribute("aria-sort", columns[i] !== column ? "none" : rising ? "ascending" : "descending"),
    );
    fill();
  }
  function fill() {
    if (words)
      texts ??= rows.map((row) =>
        columns
          .map((column) => textOf(row, column))
          .join("\n")
          .toLowerCase(),
      );
    let found = rows.map((_, i) => i).filter((i) => !words || texts[i].includes(words));
    if (order) {
      const by = order.by || order.cell;
      found.sort((a, b) => {
        const x = by(rows[a]),
          y = by(rows[b]);
        const less =
          typeof x === "number" && typeof y === "number"
            ? x - y
            : String(x).localeCompare(String(y), "en", { numeric: true });
        return (rising ? less : -less) || a - b;
      });
    }
    const total = found.length;
    found = found.slice(0, shown);
    body.replaceChildren(
      ...found.map((i) =>
        make(
          "tr",
          {},
          ...columns.map((column) => {
            const kinds = [
              column.num ? "num" : "",
              column.mark ? column.mark(rows[i]) : "",
              textOf(rows[i], column).length <= 30 ? "short" : "",
            ];
            return make("td", { class: kinds.join(" ").trim() || null }, column.cell(rows[i]));
          }),
        ),
      ),
    );
    said.textContent = total ? `${count(found.length)} of ${count(rows.length)}` : "nothing found";
    more.hidden = found.length >= total;
  }
  const typed = make("input", {
    type: "search",
    placeholder: "filter",
    "aria-label": "Filter the table",
    oninput: (event) => {
      words = event.target.value.trim().toLowerCase();
      fill();
    },
  });
  place.replaceChildren(
    make("div", { class: "sheet" }, make("table", {}, make("thead", {}, make("tr", {}, ...heads)), body)),
    make("div", { class: "under" }, filter ? typed : null, said, more),
  );
  fill();
}
