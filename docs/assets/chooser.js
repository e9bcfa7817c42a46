// The chooser: the reader's weights -> groups of frameworks. generator/pages/scoring.py computes the
// same, in the same order of additions, for the presets that stand on the page without this.
(() => {
  "use strict";
  const { make, address } = window.report;

  function rank(scores, needs, weights) {
    const weighed = needs.filter((need) => weights[need.id]);
    const total = weighed.reduce((sum, need) => sum + weights[need.id], 0);
    let found = Object.entries(scores).map(([framework, mine]) => {
      const [value, low, high] = [0, 1, 2].map((end) => {
        let added = 0;
        for (const need of weighed) added += weights[need.id] * mine[need.id][end];
        return total ? added / total : 0;
      });
      return { framework, value, low, high, whole: weighed.every((need) => mine[need.id][5]) };
    });
    found.sort((a, b) => b.value - a.value || (a.framework < b.framework ? -1 : 1));
    // What was not measured could be anything, and would tie with most: it is not ranked.
    const without = found.filter((one) => !one.whole);
    found = found.filter((one) => one.whole);
    const groups = [];
    while (found.length) {
      const bar = found[0].low;
      groups.push(found.filter((one) => one.high >= bar));
      found = found.filter((one) => one.high < bar);
    }
    return { groups, without };
  }

  // What weighs most in favour of a framework, and what against it, unless that is the same.
  function reasons(mine, needs, weights) {
    const weighed = needs.filter((need) => weights[need.id]);
    const most = (weight) => weighed.reduce((a, b) => (weight(b) > weight(a) ? b : a));
    const best = most((need) => weights[need.id] * mine[need.id][0]);
    const worst = most((need) => weights[need.id] * (1 - mine[need.id][0]));
    return [best, worst === best ? undefined : worst].map((need) => {
      if (!need) return "–";
      const [, , , text, href] = mine[need.id];
      const words = `${need.title}: ${text}`;
      return href ? make("a", { href, textContent: words }) : words;
    });
  }

  function mount(box) {
    const data = JSON.parse(box.dataset.chooser);
    const sliders = {};
    const place = make("select", { id: "chooser-place" });
    data.places.forEach((one, index) => place.append(make("option", { value: index, textContent: one.title })));
    const result = make("div", { className: "report-table", tabIndex: 0 });
    result.dataset.plain = "yes"; // sorting by anything else would hide the groups
    result.setAttribute("role", "region");
    result.setAttribute("aria-label", "Table: what suits your weights");
    const said = make("p", { className: "said" });
    said.setAttribute("aria-live", "polite");

    const weights = () => Object.fromEntries(data.needs.map((need) => [need.id, +sliders[need.id].value]));

    function show() {
      const given = weights();
      const scores = data.places[+place.value].scores;
      for (const need of data.needs) sliders[need.id].nextElementSibling.textContent = given[need.id];
      const weighed = Object.values(given).some(Boolean);
      // Without any weight there is nothing to rank, and no reason to give.
      const { groups, without } = weighed ? rank(scores, data.needs, given) : { groups: [], without: [] };
      const leaders = (groups[0] || []).map((one) => data.frameworks[one.framework]);
      said.textContent = !weighed
        ? "Give at least one need a weight."
        : groups.length === 0 || (groups.length === 1 && !without.length)
          ? "No measurement distinguishes the frameworks by these needs."
          : leaders.length === 1
            ? `${leaders[0]} leads.`
            : `${leaders.slice(0, -1).join(", ")} and ${leaders.at(-1)} lead, and no measurement distinguishes them.`;
      const body = make("tbody");
      const add = (one, group, place) => {
        const mine = scores[one.framework];
        const row = make("tr", {},
          make("td", {}, make(group === 0 ? "strong" : "span", { textContent: data.frameworks[one.framework] })),
          make("td", {}, ...place),
          make("td", { className: "number", textContent: `${one.value.toFixed(2)} (${one.low.toFixed(2)} to ${one.high.toFixed(2)})` }),
          ...reasons(mine, data.needs, given).map((words) => make("td", { className: "wide" }, words)),
        );
        row.dataset.framework = one.framework;
        row.dataset.group = group;
        body.append(row);
      };
      groups.forEach((group, index) => group.forEach((one) => add(one, index, [`${index + 1}${group.length > 1 ? ", tied" : ""}`])));
      for (const one of without) {
        const missing = data.needs.filter((need) => given[need.id] && !scores[one.framework][need.id][5]);
        const words = `not measured: ${missing.map((need) => need.title).join(", ")}`;
        add(one, -1, ["none", make("span", { className: "detail", textContent: words })]);
      }
      const head = make("thead", {}, make("tr", {},
        ...["Framework", "Group", "Total, of 1", "Most in its favour", "Most against it"].map((title) => make("th", { scope: "col", textContent: title }))));
      result.replaceChildren(...(weighed ? [make("table", { className: "data" }, head, body)] : []));
      result.hidden = !weighed;
      const state = Object.entries(given).filter(([, weight]) => weight).map(([need, weight]) => `${need}=${weight}`);
      if (+place.value) state.unshift(`on=${place.value}`);
      return state.join("&");
    }

    function changed() {
      address.set({ hash: show() });
    }

    function set(given) {
      for (const need of data.needs) sliders[need.id].value = given[need.id] || 0;
    }

    // Weights from an address; a fragment of another kind leaves the first preset.
    function read() {
      const state = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
      if (!data.needs.some((need) => state[need.id])) return false;
      set(state);
      if (data.places[+state.on]) place.value = +state.on;
      return true;
    }

    const fields = make("div", { className: "needs" });
    for (const need of data.needs) {
      const slider = make("input", { type: "range", min: 0, max: data.most, step: 1, name: need.id });
      sliders[need.id] = slider;
      slider.addEventListener("input", changed);
      fields.append(make("label", {}, make("span", { textContent: need.title }), slider, make("output")));
    }
    const presets = make("div", { className: "presets" });
    for (const preset of data.presets) {
      const button = make("button", { type: "button", textContent: preset.title });
      button.addEventListener("click", () => (set(preset.weights), changed()));
      presets.append(button);
    }
    place.addEventListener("change", changed);
    addEventListener("hashchange", () => read() && show());
    const where = make("label", { className: "place" }, make("span", { textContent: "Measured on" }), place);
    box.append(presets, fields, ...(data.places.length > 1 ? [where] : []), said, result);
    set(data.presets[0].weights);
    read();
    show(); // an address that says nothing, or leads to a part of the page, stays
  }

  document.querySelectorAll("[data-chooser]").forEach(mount);
})();
