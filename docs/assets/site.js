// Two small things, both on top of pages that work without them:
// tables that sort and filter, and charts that become interactive when somebody turns to them.
(() => {
  "use strict";

  // -- tables ----------------------------------------------------------------------------------
  const key = (cell) => (cell.dataset.sort === undefined ? cell.textContent.trim() : +cell.dataset.sort);

  function compare(a, b) {
    if (typeof a === "number" && typeof b === "number") return a - b;
    if (typeof a === "number") return -1; // rows without a figure come last
    if (typeof b === "number") return 1;
    return a.localeCompare(b, "en", { numeric: true });
  }

  function sort(table, heading) {
    const up = heading.getAttribute("aria-sort") !== "ascending";
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", up ? "ascending" : "descending");
    const column = heading.cellIndex;
    const rows = [...table.tBodies[0].rows];
    const missing = (row) => typeof key(row.cells[column]) === "string" && rows.some((r) => typeof key(r.cells[column]) === "number");
    rows.sort((a, b) => missing(a) - missing(b) || (up ? 1 : -1) * compare(key(a.cells[column]), key(b.cells[column])));
    table.tBodies[0].append(...rows);
  }

  // A region that scrolls must be reachable by keyboard. The theme wraps tables in such regions.
  function mountRegion(scroll) {
    const heading = scroll.querySelector("th")?.textContent.trim();
    scroll.tabIndex = 0;
    scroll.setAttribute("role", "region");
    scroll.setAttribute("aria-label", "Table: " + (scroll.closest("[data-label]")?.dataset.label || heading));
  }

  function mountTable(box) {
    const table = box.querySelector("table");
    if (!table || !table.tHead || box.dataset.mounted) return;
    box.dataset.mounted = "yes";
    if (box.dataset.plain) return;
    for (const heading of table.tHead.rows[0].cells) {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...heading.childNodes);
      heading.append(button);
      button.addEventListener("click", () => sort(table, heading));
    }
    const rows = [...table.tBodies[0].rows];
    if (rows.length < 10) return;
    const label = document.createElement("label");
    const input = document.createElement("input");
    const count = document.createElement("span");
    input.type = "search";
    count.setAttribute("aria-live", "polite");
    label.append("Filter ", input);
    input.addEventListener("input", () => {
      const words = input.value.toLowerCase().split(/\s+/);
      let shown = 0;
      for (const row of rows) {
        const text = row.textContent.toLowerCase();
        row.hidden = !words.every((word) => text.includes(word));
        shown += !row.hidden;
      }
      count.textContent = input.value ? `${shown} of ${rows.length} rows` : "";
    });
    const bar = document.createElement("div");
    bar.className = "table-filter";
    bar.append(label, count);
    box.prepend(bar);
  }

  // -- charts ----------------------------------------------------------------------------------
  const narrow = matchMedia("(max-width: 44.9375em)");
  const scheme = () => (document.body.dataset.mdColorScheme === "slate" ? "dark" : "light");
  let bundle;

  const load = (address) =>
    (bundle ||= new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = address;
      script.onload = resolve;
      script.onerror = reject;
      document.head.append(script);
    }));

  async function draw(figure) {
    const specification = figure.specification;
    const stage = figure.querySelector(".stage");
    await window.vegaEmbed(stage, { ...((!narrow.matches && specification.wide) || specification.narrow), config: specification[scheme()] }, {
      actions: false, renderer: "svg", ast: true, mode: "vega-lite", defaultStyle: false, tooltip: { disableDefaultStyle: true },
    });
    stage.querySelectorAll("svg").forEach((svg) => {
      // One picture with one description, as before; the figures are in the table below it.
      svg.setAttribute("role", "img");
      svg.setAttribute("aria-label", figure.querySelector("img").alt);
      svg.querySelectorAll("[role], [aria-label], [aria-roledescription]").forEach((part) => {
        for (const name of ["role", "aria-label", "aria-roledescription"]) part.removeAttribute(name);
      });
    });
    figure.classList.add("live");
  }

  async function upgrade(figure) {
    if (figure.specification || figure.dataset.busy) return;
    figure.dataset.busy = "yes";
    try {
      const image = figure.querySelector("img");
      const address = image.src.replace(/\.(wide|narrow)-(light|dark)\.svg.*$/, ".json");
      const [answer] = await Promise.all([fetch(address), load(address.replace(/[^/]*$/, figure.dataset.script))]);
      figure.specification = await answer.json();
      const stage = document.createElement("div");
      stage.className = "stage";
      figure.querySelector("p").after(stage);
      await draw(figure);
      const button = figure.querySelector(".explore");
      // Never take away what has the focus.
      if (button === document.activeElement) button.textContent = "Interactive: point at a mark";
      else button.remove();
    } finally {
      delete figure.dataset.busy;
    }
  }

  function mountChart(figure) {
    if (figure.dataset.mounted || location.protocol === "file:") return; // files cannot be fetched from files
    figure.dataset.mounted = "yes";
    const button = document.createElement("button");
    button.type = "button";
    button.className = "explore";
    button.textContent = "Explore";
    button.setAttribute("aria-label", "Explore: make this chart interactive");
    button.addEventListener("click", () => upgrade(figure));
    (figure.querySelector(".caption p") || figure.querySelector(".caption") || figure).prepend(button);
    figure.addEventListener("pointerenter", () => upgrade(figure), { once: true });
  }

  const redraw = () => document.querySelectorAll(".chart").forEach((figure) => figure.specification && draw(figure));
  narrow.addEventListener("change", redraw);
  new MutationObserver(redraw).observe(document.body, { attributeFilter: ["data-md-color-scheme"] });

  // -- both, also after an instant navigation --------------------------------------------------
  function mount() {
    document.querySelectorAll(".report-table").forEach(mountTable);
    document.querySelectorAll(".chart").forEach(mountChart);
    document.querySelectorAll(".md-typeset__scrollwrap:not([role])").forEach(mountRegion);
  }
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", mount);
  else mount();
  window.document$?.subscribe(mount);
})();
