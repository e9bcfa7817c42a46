// On top of pages that work without it: tables that sort, filter and can be copied; charts that become
// interactive when somebody turns to them; and the theme's own script, fetched at the first gesture.
(() => {
  "use strict";

  const make = (name, properties = {}, ...children) => {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  };

  const fetched = {};
  const load = (source) => (fetched[source] ||= new Promise((resolve, reject) => {
    document.head.append(make("script", { src: source, onload: resolve, onerror: (error) => {
      delete fetched[source]; // the next gesture asks again
      reject(error);
    } }));
  }));

  // Parts of the address that hold what a reader did. Browsers limit how often an address may change,
  // and some let files have none of this.
  const address = {
    waiting: 0,
    parts: {},
    set(parts) {
      Object.assign(this.parts, parts);
      clearTimeout(this.waiting);
      this.waiting = setTimeout(() => {
        const now = Object.assign(new URL(location.href), this.parts);
        this.parts = {};
        try { history.replaceState(null, "", now); } catch { /* the page works all the same */ }
      }, 200);
    },
  };

  const scheme = () => (document.body.dataset.mdColorScheme === "slate" ? "dark" : "light");

  // -- the theme's script ----------------------------------------------------------------------
  // Search, changing the colours, the mark in the table of contents: nobody misses it before they
  // move. What was pressed or switched first happens again once it is there.
  const later = document.querySelector("script[type=later]");
  const gestures = ["pointermove", "pointerdown", "touchstart", "wheel", "scroll", "keydown", "change"];
  let missed, waking;
  function gesture(event) {
    if (["keydown", "change"].includes(event.type) && !event.target.closest?.("label, button")) missed ||= event;
    waking ||= wake().catch(() => { waking = undefined; });
  }
  async function wake() {
    document.querySelector("link[rel=alternate]")?.remove(); // the feed: it takes that for a translation of the site
    await load(later.src);
    document.dispatchEvent(new Event("DOMContentLoaded")); // which it waits for, and is over
    for (const name of gestures) removeEventListener(name, gesture, true);
    missed?.target.dispatchEvent(new missed.constructor(missed.type, missed));
  }
  if (later) {
    // What it would do first: show what works with scripts only, take the colours that the reader's
    // system prefers, and offer the others.
    document.documentElement.classList.replace("no-js", "js");
    const palettes = [...document.querySelectorAll("[data-md-component=palette] input")];
    const preferred = palettes.find((palette) => matchMedia(palette.dataset.mdColorMedia).matches);
    if (preferred && !window.__md_get?.("__palette")) document.body.dataset.mdColorScheme = preferred.dataset.mdColorScheme;
    for (const palette of palettes) {
      palette.checked = palette.dataset.mdColorScheme === document.body.dataset.mdColorScheme;
      palette.nextElementSibling.hidden = !palette.checked;
    }
    for (const name of gestures) addEventListener(name, gesture, { capture: true, passive: true });
    if (/[?&][qh]=/.test(location.search)) waking = wake(); // a search that was shared
  }

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

  // What was done to a table is kept in the address, as t<place><what>, to be shared.
  const asked = new URL(location.href).searchParams;
  function remember(name, value) {
    if (value) asked.set(name, value);
    else asked.delete(name);
    address.set({ search: asked.toString() });
  }

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

  // Buttons that copy rows of texts.
  function copies(rows, said) {
    return Object.entries(formats).map(([name, format]) => {
      const button = make("button", { type: "button", textContent: `Copy ${name}` });
      button.addEventListener("click", async () => {
        const found = rows();
        await copy(format(found));
        said.textContent = `${found.length - 1} rows copied as ${name}`;
      });
      return button;
    });
  }

  // On a phone one column is shown at a time: the one that is picked.
  function mountPicker(label, names, lines, first, then) {
    const select = make("select", {}, ...names.map((name, index) => make("option", { value: index + 1, textContent: name })));
    const show = () => {
      for (const line of lines) [...line.children].forEach((cell, index) => cell.classList.toggle("pick", index === +select.value));
    };
    select.addEventListener("change", () => (show(), then(select.value)));
    select.value = first <= names.length ? first : 1;
    show();
    return make("label", { className: "picked" }, label, select);
  }

  // A field that leaves the rows with certain words; what is left is said.
  function search(rows, said, name, then = () => {}) {
    const input = make("input", { type: "search", placeholder: "Filter", ariaLabel: "Filter" });
    const filter = () => {
      const wanted = input.value.toLowerCase().split(/\s+/);
      let shown = 0;
      for (const row of rows) {
        const text = row.textContent.toLowerCase();
        row.hidden = !wanted.every((word) => text.includes(word));
        shown += !row.hidden;
      }
      said.textContent = input.value ? `${shown} of ${rows.length} rows` : "";
      then(input.value);
    };
    input.addEventListener("input", () => (filter(), remember(name, input.value)));
    input.value = asked.get(name) || "";
    if (input.value) filter();
    return input;
  }

  // Where there is no room for all frameworks one is picked; and rows are looked for in all groups.
  function mountMatrix(box, place) {
    box.dataset.mounted = "yes";
    box.querySelectorAll("table").forEach((table) => { table.className = "data"; }); // as below
    const groups = [...box.querySelectorAll("details")];
    const names = [...box.querySelectorAll(".head > :not(:first-child)")].map((name) => name.firstChild.textContent.trim());
    const picker = mountPicker("Framework ", names, box.querySelectorAll(".line, tr"), asked.get(`m${place}`) || 1, (column) => remember(`m${place}`, column));
    const said = make("span", { ariaLive: "polite" });
    const bar = make("div", { className: "table-filter" }, picker);
    if (groups.length) bar.append(search([...box.querySelectorAll("tbody tr")], said, `m${place}filter`, (value) => {
      for (const group of groups) group.open = !(group.hidden = !group.querySelector("tbody tr:not([hidden])")) && !!value;
    }));
    const text = (cell) => words(cell.querySelector(".unseen") || cell);
    const rows = () => [...box.querySelectorAll("tbody tr:not([hidden])")].map((row) => [...row.cells].map(text));
    bar.append(...copies(() => [[box.querySelector(".head > span").textContent, ...names], ...rows()], said), said);
    box.prepend(bar); // inside, where its room was kept
  }

  function mountTable(box) {
    const table = box.querySelector("table");
    if (!table || !table.tHead) return;
    box.dataset.mounted = "yes";
    table.className = "data"; // the theme moves tables without a class into boxes of its own
    if (box.dataset.plain) return;
    const place = `t${[...document.querySelectorAll(".report-table")].indexOf(box) + 1}`;
    const headings = [...table.tHead.rows[0].cells];
    const rows = [...table.tBodies[0].rows];
    const bar = make("div", { className: "table-filter" });
    const said = make("span", { ariaLive: "polite" });

    for (const heading of headings) {
      const button = make("button", { type: "button" }, ...heading.childNodes);
      heading.append(button);
      button.addEventListener("click", () => {
        sort(table, heading);
        const up = heading.getAttribute("aria-sort") === "ascending";
        remember(`${place}sort`, `${heading.cellIndex + 1}${up ? "" : "-"}`);
      });
    }

    const [, column, down] = /^(\d+)(-?)$/.exec(asked.get(`${place}sort`) || "") || [];
    for (let turn = 0; headings[column - 1] && turn <= (down ? 1 : 0); turn++) sort(table, headings[column - 1]);

    if (box.matches(".scoreboard")) {
      const sorted = (picked) => headings[picked].querySelector("button").click(); // the best on top
      box.prepend(mountPicker("Question ", headings.slice(1).map(words), table.rows, Math.max(column - 1, 1) || 1, sorted));
      return;
    }

    if (rows.length >= 10) {
      bar.append(search(rows, said, `${place}filter`));
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

    bar.append(...copies(() => visible(table), said), said);
    box.before(bar); // not in it: browsers look at every field, and would lay all tables out for that
  }

  // -- charts ----------------------------------------------------------------------------------
  const narrow = matchMedia("(max-width: 44.9375em)");
  const figures = () => [...document.querySelectorAll(".chart")];
  let picked = ""; // the framework that stands out in every chart of the page

  async function draw(figure) {
    const specification = figure.specification;
    const stage = figure.querySelector(".stage");
    const drawn = await window.vegaEmbed(stage, { ...((!narrow.matches && specification.wide) || specification.narrow), config: specification[scheme()] }, {
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
    figure.view = drawn.view;
    figure.view.addEventListener("click", (event, item) => {
      const name = item?.datum?.framework;
      if (name) pick(name === picked ? "" : name);
    });
    mark(figure);
    figure.classList.add("live");
  }

  function mark(figure) {
    if (figure.picker) figure.picker.value = picked;
    if (figure.frameworks.length) figure.view.signal("picked", picked).run();
  }

  // Make a framework stand out in every chart of the page that shows it.
  async function pick(name) {
    picked = name;
    await Promise.all(figures().map(upgrade));
    for (const figure of figures()) if (figure.view) mark(figure);
  }

  // Frameworks that a specification shows.
  function shown(specification) {
    const rows = Object.values(specification.narrow.datasets).flat();
    return [...new Set(rows.map((row) => row.framework).filter(Boolean))];
  }

  const upgrade = (figure) => (figure.upgraded ||= interactive(figure).catch((error) => {
    figure.upgraded = undefined; // the picture stays, and the next gesture tries again
    throw error;
  }));

  async function interactive(figure) {
    const image = figure.querySelector("img");
    const source = image.src.replace(/\.(wide|narrow)-(light|dark)\.svg.*$/, ".json");
    const [answer] = await Promise.all([fetch(source), load(source.replace(/[^/]*$/, figure.dataset.script))]);
    figure.specification = await answer.json();
    figure.frameworks = shown(figure.specification);
    const button = figure.querySelector(".explore");
    if (figure.frameworks.length > 1) {
      figure.picker = make("select", {}, ...["", ...figure.frameworks].map((name) => make("option", { value: name, textContent: name || "all" })));
      figure.picker.addEventListener("change", () => pick(figure.picker.value));
      button.after(make("label", { className: "picker" }, "Highlight ", figure.picker));
    }
    figure.querySelector("p").after(make("div", { className: "stage" }));
    await draw(figure);
    // Never take away what has the focus.
    if (button === document.activeElement) button.textContent = "Interactive: point at a mark";
    else button.remove();
  }

  // The drawing in the colours of the page, twice as large.
  async function png(figure) {
    const drawing = figure.querySelector(`img[src$="-${scheme()}.svg"]`);
    const canvas = make("canvas", { width: 2 * drawing.getAttribute("width"), height: 2 * drawing.getAttribute("height") });
    const copied = make("img", { src: drawing.src, width: canvas.width, height: canvas.height });
    await copied.decode();
    const pen = canvas.getContext("2d");
    pen.fillStyle = getComputedStyle(document.body).backgroundColor;
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.drawImage(copied, 0, 0, canvas.width, canvas.height);
    const file = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
    const link = make("a", { href: URL.createObjectURL(file), download: drawing.src.replace(/^.*\/|\.[0-9a-f]{10}\.[^/]*$/g, "") + ".png" });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  function mountChart(figure) {
    if (location.protocol === "file:") return; // files cannot be fetched from files
    const files = figure.querySelector(".files");
    const button = make("button", { type: "button", className: "explore", textContent: "Explore", ariaLabel: "Explore: make this chart interactive" });
    button.addEventListener("click", () => upgrade(figure));
    figure.querySelector("p").addEventListener("pointerenter", () => upgrade(figure), { once: true });
    const copied = make("button", { type: "button", textContent: "PNG" });
    copied.addEventListener("click", () => png(figure));
    files.querySelector("a").after(", ", copied);
    files.append(" ", button);
  }

  // Paper is white.
  const paper = matchMedia("print");
  let screen;
  paper.addEventListener("change", () => {
    screen ||= document.body.dataset.mdColorScheme;
    document.body.dataset.mdColorScheme = paper.matches ? "default" : screen;
    if (!paper.matches) screen = "";
  });

  const redraw = () => figures().forEach((figure) => figure.view && draw(figure));
  narrow.addEventListener("change", redraw);
  new MutationObserver(redraw).observe(document.body, { attributeFilter: ["data-md-color-scheme"] });

  // What scrolls must be reached by keyboard.
  const scrolling = new ResizeObserver((entries) => {
    for (const { target } of entries) target.tabIndex = target.scrollWidth > target.clientWidth || target.scrollHeight > target.clientHeight ? 0 : -1;
  });
  document.querySelectorAll("pre > code").forEach((code) => scrolling.observe(code));
  document.querySelectorAll(".report-table").forEach(mountTable);
  document.querySelectorAll(".matrix").forEach((box, index) => mountMatrix(box, index + 1));
  figures().forEach(mountChart);
  // The theme leaves its search without a name, and the buttons of narrow windows to the mouse.
  document.querySelector(".md-search")?.setAttribute("aria-label", "Search");
  for (const [toggle, name] of Object.entries({ __drawer: "Menu", __search: "Search" })) {
    const label = document.querySelector(`.md-header__button[for=${toggle}]`);
    if (!label) continue;
    const button = make("button", { type: "button", className: label.className, ariaLabel: name, onclick: () => document.getElementById(toggle).click() }, ...label.childNodes);
    button.setAttribute("for", toggle); // the theme's style knows it by this
    label.replaceWith(button);
  }
  const reach = (selectors, there) => document.querySelectorAll(selectors).forEach((one) => { one.tabIndex = there ? 0 : -1; });
  const labels = "label:is(.md-nav__title, .md-nav__link)";
  document.querySelectorAll(labels).forEach((label) => label.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    event.stopPropagation(); // the theme would press it once more
    label.click();
  }));
  const widths = {
    "(max-width: 76.2344em)": (yes) => reach(labels, yes), // the menu is a drawer
    "(max-width: 59.9844em)": (yes) => reach(".md-search__input", !yes), // search waits for its button
  };
  for (const [width, change] of Object.entries(widths)) {
    const matched = matchMedia(width);
    change(matched.matches);
    matched.addEventListener("change", () => change(matched.matches));
  }
  // What an address names may be folded; not every browser unfolds it.
  function reveal() {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    for (let one = target; one; one = one.parentElement) if (one.localName === "details") one.open = true;
    target?.scrollIntoView();
  }
  addEventListener("hashchange", reveal);
  if (location.hash) reveal();
  window.report = { make, address };
  // Tests wait for this: every script of the page has run, and nothing is mounted after it.
  document.addEventListener("DOMContentLoaded", () => { document.documentElement.dataset.ready = "yes"; }, { once: true });
})();
