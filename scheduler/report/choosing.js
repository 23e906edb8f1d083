// Pointing at racks, keeping one, picking out a job or a tenant, by pointer and by keyboard.
function aboutRack(i) {
  const type = facts.types[racks.type[i]],
    lines = [racks.name[i]];
  lines.push(
    `${type.name}, array ${racks.array[i]}, pod ${racks.pod[i]}, hall ${facts.halls[racks.hall[i]].name}`,
  );
  const held = racks.held[i];
  for (const [j, units, gpus] of held.slice(0, 6))
    lines.push(
      `${facts.jobs[j].name} (${facts.tenants[facts.jobs[j].tenant].name}): ${count(gpus)} GPUs in ${count(units)} units`,
    );
  if (held.length > 6) lines.push(`and ${held.length - 6} more jobs`);
  if (!held.length) lines.push(racks.usable[i] ? "empty" : "drained or down");
  lines.push(`${count(racks.gpus[i])} of ${count(racks.usable[i])} GPUs taken`);
  lines.push(`${watts(racks.peak[i])} at its peak, ${watts(racks.full[i])} if full`);
  lines.push(
    `feeds ${racks.feeds[i].map((n) => facts.nodes[n].name).join(" and ") || "none"}${racks.loop[i] < 0 ? "" : `, loop ${facts.loops[racks.loop[i]].name}`}`,
  );
  if (racks.tight[i]) lines.push(`tightest: ${racks.tight[i]}, ${percent(racks.left[i])} left`);
  lines.push(`inlet air ${celsius(racks.inlet[i])}`);
  if (racks.alone[i]) lines.push(`${racks.alone[i]} is ${racks.owner[i]}'s alone`);
  return lines;
}

function keep(i) {
  cursor = i;
  map.querySelector(".cursor")?.remove();
  if (i < 0) return at("kept").replaceChildren();
  draw("rect", {
    class: "cursor",
    x: middle[2 * i] - WIDTH / 2 - 0.6,
    y: middle[2 * i + 1] - HEIGHT / 2 - 1,
    width: WIDTH + 1.2,
    height: HEIGHT + 2,
    rx: 1,
  });
  const jobs = racks.held[i]
    .slice(0, 12)
    .map(([j, , gpus]) =>
      make(
        "li",
        {},
        make("button", { type: "button", class: "link", onclick: () => pick("job", j) }, facts.jobs[j].name),
        ` ${count(gpus)} GPUs`,
      ),
    );
  const [name, place, ...rest] = aboutRack(i);
  at("kept").replaceChildren(
    make("h3", {}, name),
    make("p", {}, place),
    ...(jobs.length ? [make("ul", {}, ...jobs)] : []),
    ...rest
      .slice(Math.min(racks.held[i].length, 6) + (racks.held[i].length > 6 ? 1 : 0) + (jobs.length ? 0 : 1))
      .map((line) => make("p", {}, line)),
  );
}

// Pick out the racks of a job or a tenant; without one, show all.
function pick(kind, index) {
  picked = kind === null ? null : [kind, index];
  const name = kind === "tenant" ? facts.tenants[index].name : kind === "job" ? facts.jobs[index].name : "";
  at("pick").value = kind === null ? "" : `${kind}: ${name}`;
  for (let i = 0; i < numRacks; i++) {
    const on =
      kind === "tenant"
        ? racks.tenants[i].includes(index)
        : kind === "job" && racks.held[i].some(([j]) => j === index);
    boxes[i].classList.toggle("on", on);
    codes[i].classList.toggle("on", on);
  }
  map.classList.toggle("picking", kind !== null);
  for (const line of map.querySelectorAll(".move")) line.remove();
  const change =
    kind === "job" && facts.difference ? facts.difference.jobs.find((each) => each.job === name) : null;
  if (change)
    change.left.slice(0, 200).forEach(([from], k) => {
      const to = change.came.length ? change.came[k % change.came.length][0] : from;
      if (to === from) return;
      boxes[from].classList.add("on");
      const [x1, y1, x2, y2] = [middle[2 * from], middle[2 * from + 1], middle[2 * to], middle[2 * to + 1]];
      draw("path", {
        class: "move",
        d: `M${x1} ${y1}Q${(x1 + x2) / 2 + (y2 - y1) / 6} ${(y1 + y2) / 2 - (x2 - x1) / 6} ${x2} ${y2}`,
        "marker-end": "url(#arrow)",
      });
    });
}

function walk(dx, dy) {
  if (cursor < 0) return keep(0);
  let best = -1,
    least = Infinity;
  for (let i = 0; i < numRacks; i++) {
    const x = middle[2 * i] - middle[2 * cursor],
      y = middle[2 * i + 1] - middle[2 * cursor + 1];
    const ahead = x * dx + y * dy,
      aside = Math.abs(x * dy) + Math.abs(y * dx);
    if (ahead > 1 && ahead + 3 * aside < least) {
      least = ahead + 3 * aside;
      best = i;
    }
  }
  if (best >= 0) keep(best);
}

function startFloor() {
  layOut();
  const arrow = draw(
    "marker",
    { id: "arrow", viewBox: "0 0 6 6", refX: 5, refY: 3, markerWidth: 5, markerHeight: 5, orient: "auto" },
    known.get("defs"),
  );
  draw("path", { d: "M0 0L6 3L0 6Z", fill: "var(--ink)" }, arrow);
  COLOURINGS.forEach(([name], k) =>
    at("colouring").append(
      make(
        "label",
        {},
        make("input", {
          type: "radio",
          name: "colouring",
          value: k,
          checked: k === 0,
          onchange: () => colour(k),
        }),
        make("span", {}, name),
      ),
    ),
  );
  const names = [
    ...bySize.map((t) => `tenant: ${facts.tenants[t].name}`),
    ...facts.jobs.map((job) => `job: ${job.name}`),
  ];
  at("names").append(...names.map((value) => make("option", { value })));
  at("pick").addEventListener("input", (event) => {
    const typed = event.target.value,
      [kind, name] = [typed.split(": ")[0], typed.slice(typed.indexOf(": ") + 2)];
    const where = kind === "tenant" ? facts.tenants : kind === "job" ? facts.jobs : [];
    const index = where.findIndex((each) => each.name === name);
    if (index >= 0) pick(kind, index);
    else if (!typed) pick(null);
  });
  at("unpick").addEventListener("click", () => {
    pick(null);
    keep(-1);
  });
  at("closer").addEventListener("click", () =>
    zoom(0.6, ...(cursor < 0 ? [] : [middle[2 * cursor], middle[2 * cursor + 1]])),
  );
  at("farther").addEventListener("click", () => zoom(1 / 0.6));
  at("whole").addEventListener("click", () => show(wholeView));
  const rackOf = (event) =>
    event.target.dataset && event.target.dataset.rack !== undefined ? Number(event.target.dataset.rack) : -1;
  let grip = null;
  map.addEventListener("pointermove", (event) => {
    if (grip) {
      const scale = view[2] / map.clientWidth;
      grip.moved ||= Math.hypot(event.clientX - grip.x, event.clientY - grip.y) > 4;
      if (grip.moved && view !== wholeView)
        show([
          grip.view[0] - (event.clientX - grip.x) * scale,
          grip.view[1] - (event.clientY - grip.y) * scale,
          view[2],
          view[3],
        ]);
    }
    const i = rackOf(event);
    if (i < 0) hideTip();
    else showTip(event.clientX, event.clientY, aboutRack(i));
  });
  map.addEventListener("pointerleave", () => {
    hideTip();
    grip = null;
  });
  map.addEventListener("pointerdown", (event) => {
    grip = { x: event.clientX, y: event.clientY, view, moved: false };
  });
  map.addEventListener("pointerup", (event) => {
    if (grip && !grip.moved) keep(rackOf(event));
    grip = null;
  });
  map.addEventListener(
    "wheel",
    (event) => {
      if (!event.ctrlKey && view === wholeView && event.deltaY > 0) return;
      if (!event.ctrlKey && view === wholeView && !event.shiftKey) return;
      event.preventDefault();
      const box = map.getBoundingClientRect();
      zoom(
        event.deltaY > 0 ? 1.25 : 0.8,
        view[0] + ((event.clientX - box.left) / box.width) * view[2],
        view[1] + ((event.clientY - box.top) / box.height) * view[3],
      );
    },
    { passive: false },
  );
  map.addEventListener("keydown", (event) => {
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (steps) walk(...steps);
    else if (event.key === "Enter" && cursor >= 0 && racks.held[cursor].length)
      pick("job", racks.held[cursor][0][0]);
    else if (event.key === "Escape") {
      pick(null);
      keep(-1);
    } else if (event.key === "+") zoom(0.6);
    else if (event.key === "-") zoom(1 / 0.6);
    else return;
    event.preventDefault();
  });
  colour(0);
}
