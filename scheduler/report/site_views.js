// What stands on the site beside power: cooling loops, and the fabric that large jobs lie on.
function startCooling() {
  if (!facts.loops.length) {
    at("cooling").hidden = true;
    return;
  }
  const halls = new Map();
  for (const loop of facts.loops) halls.set(loop.hall, [...(halls.get(loop.hall) || []), loop]);
  at("loops").className = "board";
  at("loops").replaceChildren(
    ...[...halls].map(([hall, loops]) =>
      make(
        "div",
        {},
        make("h3", {}, hall),
        make(
          "ul",
          {},
          ...loops.map((loop) => {
            const hue = LEFT[leftStep(loop.left)][1];
            const lines = [
              loop.name,
              `${watts(loop.heat)} of heat at the peak; ${loop.units} coolant units, ${loop.spare} spare, carry ${watts(loop.carried)}`,
              `worst state: ${loop.worst}`,
            ];
            if (loop.back) lines.push(`return temperature: ${loop.back}`);
            lines.push(
              `supply ${celsius(loop.supply)} at its hottest (${loop.day}), ${count(loop.racks)} racks`,
            );
            return make(
              "li",
              {
                class: isDark(hue) ? "white" : null,
                style: `background:${hue}`,
                tabindex: 0,
                "aria-label": lines.join(". "),
                onpointermove: (event) => showTip(event.clientX, event.clientY, lines),
                onpointerleave: hideTip,
                onblur: hideTip,
                onfocus: (event) => {
                  const box = event.target.getBoundingClientRect();
                  showTip(box.left, box.bottom, lines);
                },
              },
              `${Math.round(100 - loop.left / 10)}`,
            );
          }),
        ),
      ),
    ),
  );
}

function startFabric() {
  const jobs = facts.spreads;
  if (!jobs.length) {
    at("fabric").hidden = true;
    return;
  }
  chart("fabric-plot", () => {
    const shown = [...jobs].reverse();
    const z = shown.map((job) => job.pods.map((gpus) => gpus || null));
    return [
      [
        {
          type: "heatmap",
          z,
          x: facts.pods.map(plain),
          y: shown.map((job) => plain(job.job)),
          xgap: 2,
          ygap: 2,
          texttemplate: facts.pods.length <= 24 ? "%{z:,}" : "",
          colorscale:
            root.dataset.theme === "dark"
              ? [
                  [0, "#4a5a86"],
                  [0.5, "#a59c74"],
                  [1, "#fee838"],
                ]
              : [
                  [0, "#fee838"],
                  [0.5, "#8a8678"],
                  [1, "#00224e"],
                ],
          colorbar: { title: { text: "GPUs" }, thickness: 12 },
          hovertemplate: "%{y}<br>pod %{x}: %{z:,} GPUs<extra></extra>",
        },
      ],
      {
        height: 90 + 24 * jobs.length,
        xaxis: { title: { text: "pod" }, type: "category", showgrid: false },
        yaxis: { type: "category", showgrid: false },
      },
    ];
  });
  sheet(
    at("spreads"),
    [
      { name: "job", cell: (job) => job.job },
      { name: "tenant", cell: (job) => job.tenant },
      { name: "GPUs", num: true, cell: (job) => count(job.gpus), by: (job) => job.gpus },
      { name: "racks", num: true, cell: (job) => count(job.racks), by: (job) => job.racks },
      { name: "arrays", num: true, cell: (job) => count(job.arrays), by: (job) => job.arrays },
      { name: "fewest arrays", num: true, cell: (job) => count(job.fewest), by: (job) => job.fewest },
      {
        name: "pods",
        num: true,
        cell: (job) => count(job.pods.filter(Boolean).length),
        by: (job) => job.pods.filter(Boolean).length,
      },
      { name: "switches at most", num: true, cell: (job) => job.hops ?? "separate", by: (job) => job.hops ?? 1e9 },
      { name: "must lie in one", cell: (job) => job.required || "-" },
      { name: "prefers one", cell: (job) => job.preferred || "-" },
    ],
    jobs,
    { most: 10 },
  );
}
