// Draws every view, and again when the theme changes or the page goes to the printer.
function redrawAll() {
  if (tree) drawPower();
  redrawn.forEach((redraw) => redraw());
}

function theme(name) {
  root.dataset.theme = name;
  at("theme").textContent = name === "dark" ? "Light" : "Dark";
}

theme(matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
at("theme").addEventListener("click", () => {
  theme(root.dataset.theme === "dark" ? "light" : "dark");
  redrawAll();
});
let themeOnScreen = null;
addEventListener("beforeprint", () => {
  themeOnScreen = root.dataset.theme;
  theme("light");
  chartWidth = 1000;
  show(wholeView);
  map.classList.remove("far");
  redrawAll();
});
addEventListener("afterprint", () => {
  theme(themeOnScreen || "light");
  chartWidth = null;
  show(wholeView);
  redrawAll();
});
addEventListener("keydown", (event) => {
  if (event.key === "Escape") hideTip();
});
addEventListener("resize", () => show(view));
const hideEmpty = () => {
  for (const section of document.querySelectorAll("main section[hidden]"))
    document.querySelector(`nav a[href="#${section.id}"]`)?.parentElement.remove();
};
// The map and the tables do not wait for Plotly, which stands below; charts come one by one.
for (const start of [startFloor, startCooling, startTenants, startDifference, startFindings]) start();
root.dataset.floor = Math.round(performance.now()); // milliseconds until the map is there
const waiting = [startPower, startFabric, startMoney, startSearch, startFragmentation, startOffers];
function drawNext() {
  const start = waiting.shift();
  if (start) {
    start();
    setTimeout(drawNext);
    return;
  }
  hideEmpty();
  root.dataset.height = document.body.scrollHeight;
  root.dataset.drawn = "yes";
}
addEventListener("DOMContentLoaded", () => setTimeout(drawNext));
