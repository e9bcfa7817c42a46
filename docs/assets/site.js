// Two small things, both on top of pages that work without them:
// tables that sort, filter and can be copied, and charts that become interactive when somebody turns to them.
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

  // What was done to a table is kept in the address, as t<place><what>, to be shared. Browsers limit
  // how often an address may change, and some let files have none of this.
  let writing;
  const asked = new URL(location.href).searchParams;
  function remember(name, value) {
    if (value) asked.set(name, value);
    else asked.delete(name);
    clearTimeout(writing);
    writing = setTimeout(() => {
      const address = new URL(location.href);
      address.search = asked.toString();
      try { history.replaceState(null, "", address); } catch { /* the table works all the same */ }
    }, 200);
  }

  const make = (name, properties = {}, ...children) => {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  };

  // What is shown of a cell, on one line; the quieter second line in brackets.
  function words(cell) {
    const copy = cell.cloneNode(true);
    copy.querySelectorAll("[aria-hidden]").forEach((sign) => sign.remove());
    copy.querySelectorAll(".detail").forEach((detail) => detail.replaceWith(` (${detail.textContent.trim()})`));
    return copy.textContent.replace(/\s+/g, " ").trim();
  }

  const visible = (table) => [...table.rows].filter((row) => !row.hidden)
    .map((row) => [...row.cells].filter((cell) => !cell.hidden).map(words));
  const formats = {
    CSV: (rows) => rows.map((row) => row.map((text) => (/[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)).join(",")).join("\n"),
    Markdown: (rows) => {
      const line = (row) => `| ${row.map((text) => text.replaceAll("|", "\\|")).join(" | ")} |`;
      return [line(rows[0]), line(rows[0].map(() => "---")), ...rows.slice(1).map(line)].join("\n");
    },
  };

  async function copy(text) {
    if (navigator.clipboard) return navigator.clipboard.writeText(text);
    const area = make("textarea", { value: text }); // without a secure connection
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }

  function mountTable(box) {
    const table = box.querySelector("table");
    if (!table || !table.tHead || box.dataset.mounted) return;
    box.dataset.mounted = "yes";
    if (box.dataset.plain) return;
    const place = `t${[...document.querySelectorAll(".report-table")].indexOf(box) + 1}`;
    const headings = [...table.tHead.rows[0].cells];
    const rows = [...table.tBodies[0].rows];
    const bar = make("div", { className: "table-filter" });
    const said = make("span");
    said.setAttribute("aria-live", "polite");

    for (const heading of headings) {
      const button = make("button", { type: "button" }, ...heading.childNodes);
      heading.append(button);
      button.addEventListener("click", () => {
        sort(table, heading);
        const up = heading.getAttribute("aria-sort") === "ascending";
        remember(`${place}sort`, `${heading.cellIndex + 1}${up ? "" : "-"}`);
      });
    }

    if (rows.length >= 10) {
      const input = make("input", { type: "search" });
      const filter = () => {
        const wanted = input.value.toLowerCase().split(/\s+/);
        let shown = 0;
        for (const row of rows) {
          const text = row.textContent.toLowerCase();
          row.hidden = !wanted.every((word) => text.includes(word));
          shown += !row.hidden;
        }
        said.textContent = input.value ? `${shown} of ${rows.length} rows` : "";
      };
      input.addEventListener("input", () => (filter(), remember(`${place}filter`, input.value)));
      bar.append(make("label", {}, "Filter ", input));
      input.value = asked.get(`${place}filter`) || "";
      if (input.value) filter();
    }

    if (headings.length > 5) {
      const boxes = headings.slice(1).map((heading) => {
        const tick = make("input", { type: "checkbox", checked: true });
        tick.column = heading.cellIndex;
        return tick;
      });
      const hide = () => {
        const gone = new Set(boxes.filter((tick) => !tick.checked).map((tick) => tick.column));
        for (const row of table.rows) for (const cell of row.cells) cell.hidden = gone.has(cell.cellIndex);
        return [...gone].map((column) => column + 1).join(".");
      };
      const hidden = new Set((asked.get(`${place}hide`) || "").split(".").map((column) => column - 1));
      for (const tick of boxes) {
        tick.checked = !hidden.has(tick.column);
        tick.addEventListener("change", () => remember(`${place}hide`, hide()));
      }
      if (boxes.some((tick) => !tick.checked)) hide();
      const list = boxes.map((tick) => make("label", {}, tick, ` ${words(headings[tick.column])}`));
      bar.append(make("details", {}, make("summary", { textContent: "Columns" }), ...list));
    }

    for (const [name, format] of Object.entries(formats)) {
      const button = make("button", { type: "button", textContent: `Copy ${name}` });
      button.addEventListener("click", async () => {
        await copy(format(visible(table)));
        said.textContent = `${visible(table).length - 1} rows copied as ${name}`;
      });
      bar.append(button);
    }
    bar.append(said);
    const [, column, down] = /^(\d+)(-?)$/.exec(asked.get(`${place}sort`) || "") || [];
    for (let turn = 0; headings[column - 1] && turn <= (down ? 1 : 0); turn++) sort(table, headings[column - 1]);
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
