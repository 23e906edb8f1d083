// Tenants, their contracts, and the money.
function startTenants() {
  sheet(
    at("tenant-table"),
    [
      { name: "", cell: (tenant) => lookOfTenant(facts.tenants.indexOf(tenant)).code },
      {
        name: "tenant",
        cell: (tenant) =>
          make(
            "button",
            {
              type: "button",
              class: "link",
              onclick: () => {
                pick("tenant", facts.tenants.indexOf(tenant));
                at("floor").scrollIntoView();
              },
            },
            tenant.name,
          ),
      },
      { name: "kind", cell: (tenant) => (tenant.external ? "external" : "internal") },
      { name: "GPUs asked", num: true, cell: (tenant) => count(tenant.asked), by: (tenant) => tenant.asked },
      { name: "placed", num: true, cell: (tenant) => count(tenant.placed), by: (tenant) => tenant.placed },
      { name: "isolation", cell: (tenant) => tenant.isolation },
      {
        name: "apart?",
        cell: (tenant) =>
          tenant.broken.length
            ? `BROKEN: ${tenant.broken.join(", ")}`
            : tenant.alone
              ? `yes, ${count(tenant.alone)} ${tenant.isolation}${tenant.alone === 1 ? "" : "s"} alone`
              : tenant.racks
                ? "yes"
                : "-",
        mark: (tenant) => (tenant.broken.length ? "bad" : "good"),
      },
      {
        name: "margin",
        num: true,
        cell: (tenant) => `${dollars(tenant.margin)}/h`,
        by: (tenant) => tenant.margin,
      },
      { name: "where", cell: (tenant) => tenant.where || "-" },
    ],
    facts.tenants,
    { most: 15 },
  );
  sheet(
    at("contract-table"),
    [
      { name: "contract", cell: (each) => each.name },
      { name: "tenant", cell: (each) => each.tenant },
      { name: "firm", cell: (each) => (each.firm ? "firm" : "not firm") },
      { name: "promised GPUs", num: true, cell: (each) => count(each.promised), by: (each) => each.promised },
      { name: "held", num: true, cell: (each) => count(each.held), by: (each) => each.held },
      {
        name: "counted",
        num: true,
        cell: (each) => (each.counted === null ? "-" : count(each.counted)),
        by: (each) => each.counted ?? -1,
      },
      { name: "promise", cell: (each) => each.verdict, mark: (each) => (each.bad ? "bad" : "good") },
      { name: "survives loss of", cell: (each) => each.survives || "-" },
      {
        name: "worst such loss",
        cell: (each) => (each.loss ? `${count(each.lost)} GPUs (${each.loss})` : "nothing"),
      },
      { name: "price per GPU-h", num: true, cell: (each) => dollars(each.price), by: (each) => each.price },
      {
        name: "notice",
        num: true,
        cell: (each) => (each.notice === null ? "-" : `${each.notice} days`),
        by: (each) => each.notice ?? -1,
      },
    ],
    facts.contracts,
    { most: 12 },
  );
}

function startMoney() {
  at("sums").replaceChildren(
    ...facts.money.sums.map(([name, value, note]) =>
      make("div", {}, make("dt", {}, name), make("dd", {}, value, note ? make("small", {}, note) : null)),
    ),
  );
  const earning = facts.tenants.filter((tenant) => tenant.margin).sort((a, b) => b.margin - a.margin);
  const shown = earning.slice(0, 18),
    rest = earning.slice(18).reduce((sum, tenant) => sum + tenant.margin, 0);
  const names = shown.map((tenant) => plain(tenant.name)),
    values = shown.map((tenant) => tenant.margin / 1000);
  if (earning.length > 18) {
    names.push(`${earning.length - 18} more`);
    values.push(rest / 1000);
  }
  const kinds = [...shown.map((tenant) => tenant.external), null];
  if (!shown.length) at("money-plot").hidden = true;
  else
    chart("money-plot", () => [
      ["external", "internal", "others"]
        .map((kind, k) => {
          const mine = names.map((_, i) => (kinds[i] === null ? 2 : kinds[i] ? 0 : 1) === k);
          return {
            type: "bar",
            orientation: "h",
            name: kind,
            y: names.filter((_, i) => mine[i]),
            x: values.filter((_, i) => mine[i]),
            marker: {
              color: [BLUE, ORANGE, "#8c8c8c"][k],
              pattern: { shape: ["", "/", "x"][k], fillmode: "overlay", fgcolor: "#fff", size: 5 },
            },
            hovertemplate: "%{y}: $%{x:,.2f}/h<extra></extra>",
          };
        })
        .filter((trace) => trace.y.length),
      {
        height: 90 + 22 * names.length,
        barmode: "overlay",
        bargap: 0.25,
        xaxis: { title: { text: "margin, $/h" } },
        yaxis: {
          type: "category",
          categoryorder: "array",
          categoryarray: [...names].reverse(),
          showgrid: false,
        },
      },
    ]);
  at("worth").replaceChildren(...facts.money.worth.slice(0, 10).map((line) => make("li", {}, line)));
  at("worth-head").hidden = !facts.money.worth.length;
}
