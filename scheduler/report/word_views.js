// What is said in tables: changes against another plan, findings, what is not placed.
function startDifference() {
  const difference = facts.difference;
  if (!difference) {
    at("difference").hidden = true;
    return;
  }
  at("difference-words").textContent = difference.words;
  const place = (racksThere) =>
    racksThere
      .slice(0, 4)
      .map(([i]) => racks.name[i])
      .join(", ") + (racksThere.length > 4 ? ` and ${racksThere.length - 4} more` : "");
  sheet(
    at("changes"),
    [
      {
        name: "job",
        cell: (each) => {
          const j = facts.jobs.findIndex((job) => job.name === each.job);
          return j < 0
            ? each.job
            : make(
                "button",
                {
                  type: "button",
                  class: "link",
                  onclick: () => {
                    document.querySelector(`#colouring input[value="${COLOURINGS.length - 1}"]`).click();
                    pick("job", j);
                    at("floor").scrollIntoView();
                  },
                },
                each.job,
              );
        },
      },
      { name: "units moved", num: true, cell: (each) => count(each.moved), by: (each) => each.moved },
      { name: "more", num: true, cell: (each) => count(each.more), by: (each) => each.more },
      { name: "fewer", num: true, cell: (each) => count(each.fewer), by: (each) => each.fewer },
      { name: "from", cell: (each) => place(each.left) || "-" },
      { name: "to", cell: (each) => place(each.came) || "-" },
    ],
    difference.jobs,
    { most: 12 },
  );
}

function startFindings() {
  sheet(
    at("told"),
    [
      {
        name: "",
        cell: (each) => ({ broken: "BROKEN", owed: "OWED", tight: "tight" })[each.grade],
        mark: (each) => (each.grade === "tight" ? "" : "bad"),
      },
      { name: "about", cell: (each) => each.rule },
      { name: "finding", cell: (each) => each.text },
      {
        name: "left",
        num: true,
        cell: (each) => (each.left === null ? "-" : percent(each.left)),
        by: (each) => each.left ?? -1e9,
      },
      { name: "largest jobs behind it", cell: (each) => each.jobs.join(", ") || "-" },
    ],
    facts.told,
    { most: 15 },
  );
  if (!facts.unplaced.length)
    at("unplaced-table").replaceChildren(make("p", {}, "Everything that was asked for is placed."));
  else
    sheet(
      at("unplaced-table"),
      [
        { name: "job", cell: (each) => each.job },
        { name: "tenant", cell: (each) => each.tenant },
        { name: "GPUs", num: true, cell: (each) => count(each.gpus), by: (each) => each.gpus },
        { name: "missing", num: true, cell: (each) => count(each.missing), by: (each) => each.missing },
        { name: "why", cell: (each) => each.reason },
      ],
      facts.unplaced,
      { most: 15 },
    );
}
