// The chooser: the reader's weights -> groups of frameworks. generator/pages/scoring.py computes the
// same, in the same order of additions, for the presets that stand on the page without this.
(() => {
  "use strict";
  const { make, address } = window.report;

  // The value, low and high ends of each mode's scores of the weighed needs: numbers side by side.
  const prepared = (rated, needs) => rated.map(({ framework, modes }) => ({
    framework,
    modes: modes.map(({ mode, scores }) => ({ mode, scores, ends: [0, 1, 2].map((end) => needs.map((need) => scores[need.id][end])) })),
  }));

  function mean(scores, weights, all) {
    let added = 0;
    for (let need = 0; need < weights.length; need++) added += weights[need] * scores[need];
    return added / all;
  }

  // A framework in the mode that serves the weights best; of equals the better low end, then the first.
  function total({ framework, modes }, weights) {
    const all = Math.max(weights.reduce((sum, weight) => sum + weight, 0), 1);
    let best;
    for (const { mode, scores, ends } of modes) {
      const value = mean(ends[0], weights, all);
      if (best && value < best.value) continue;
      const low = mean(ends[1], weights, all);
      if (best && value === best.value && low <= best.low) continue;
      best = { framework, mode, scores, value, low, high: mean(ends[2], weights, all) };
    }
    return best;
  }

  // Outside the leading group is whose best case another's worst case beats.
  const leading = (found) => {
    const bar = Math.max(...found.map((one) => one.low));
    return found.map((one) => one.high >= bar);
  };

  function rank(ready, weights) {
    let found = ready.map((one) => total(one, weights));
    found.sort((a, b) => b.value - a.value || (a.framework < b.framework ? -1 : 1));
    const groups = [];
    while (found.length) {
      const leads = leading(found);
      groups.push(found.filter((_, place) => leads[place]));
      found = found.filter((_, place) => !leads[place]);
    }
    return groups;
  }

  // Moves of -1, 0 and 1 that cover those of all needs evenly: words of the code whose generator is given.
  const moves = (generator) => Array.from({ length: 3 ** generator[0].length }, (_, word) => {
    const digits = generator[0].map((_, place) => Math.floor(word / 3 ** place) % 3);
    return generator.map((column) => [0, 1, -1][column.reduce((sum, factor, place) => sum + factor * digits[place], 0) % 3]);
  });

  // How often the leading group, and each framework in it, stays when all weights move.
  function firmness(ready, weights, moved, most) {
    const leadersOf = (some) => leading(ready.map((one) => total(one, some)));
    const own = leadersOf(weights);
    const leads = ready.map(() => 0);
    let same = 0;
    let count = 0;
    for (const move of moved) {
      const near = weights.map((weight, need) => Math.min(Math.max(weight + move[need], 0), most));
      if (!near.some(Boolean)) continue;
      const found = leadersOf(near);
      found.forEach((leader, place) => { leads[place] += leader; });
      same += found.every((leader, place) => leader === own[place]);
      count += 1;
    }
    return { same: same / count, leads: Object.fromEntries(ready.map((one, place) => [one.framework, leads[place] / count])) };
  }

  const listing = (words) => (words.length < 2 ? words.join() : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`);
  const percent = (share) => `${(100 * share).toFixed(0)}\u00a0%`;
  const quiet = (text) => (text ? [" ", make("span", { className: "detail", textContent: text })] : []);

  // The known scores that moved a total most, up and down, unless they are the same; and what is not known.
  function reasons(one, needs, weights) {
    const weighed = needs.map((need, place) => ({ need, weight: weights[place], score: one.scores[need.id] }));
    const known = weighed.filter(({ score }) => score[5]);
    const unknown = weighed.filter(({ score }) => !score[5]).map(({ need }) => need.title);
    const most = (moved) => known.reduce((a, b) => (moved(b) > moved(a) ? b : a), known[0]);
    const best = most(({ weight, score }) => weight * score[0]);
    const worst = most(({ weight, score }) => weight * (1 - score[0]));
    const words = ({ need, score: [value, , , text, href] }) => {
      const said = `${need.title}: ${text} (${value.toFixed(2)} of 1)`;
      return href ? make("a", { href, textContent: said }) : said;
    };
    return [
      [best ? words(best) : "–"],
      [worst && worst !== best ? words(worst) : "–", ...quiet(unknown.length && `not measured: ${listing(unknown)}`)],
    ];
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

    const label = (one) => data.frameworks[one.framework] + (one.mode && ` (${one.mode})`);
    const rated = data.places.map(({ scores }) => Object.entries(scores).map(([framework, { common, modes }]) => (
      { framework, modes: modes.map(([mode, own]) => ({ mode, scores: { ...common, ...own } })) })));

    const moved = moves(data.evenly);

    function say(groups, firm, needs) {
      const [first, ...others] = groups[0].map(label);
      const who = groups.length === 1
        ? `${first} has the best estimate; no framework can be excluded.`
        : others.length
          ? `${first} has the best estimate; ${listing(others)} cannot be excluded.`
          : `${first} leads: its worst case beats the best case of all others.`;
      return who + (needs.length > 1 ? ` The leading group stays the same in ${percent(firm.same)} of nearby weightings.` : "");
    }

    function row(one, group, firm, needs, weights) {
      const bounds = one.high - one.low >= 0.005 ? `${one.low.toFixed(2)} to ${one.high.toFixed(2)}` : "";
      const made = make("tr", {},
        make("td", {}, make(group ? "span" : "strong", { textContent: data.frameworks[one.framework] }), ...quiet(one.mode)),
        make("td", { textContent: group + 1 }),
        make("td", { className: "number" }, one.value.toFixed(2), ...quiet(bounds)),
        make("td", { className: "number" }, percent(firm.leads[one.framework])),
        ...reasons(one, needs, weights).map((words) => make("td", { className: "wide" }, ...words)),
      );
      Object.assign(made.dataset, { framework: one.framework, mode: one.mode, group });
      return made;
    }

    function show() {
      const needs = data.needs.filter((need) => +sliders[need.id].value);
      const weights = needs.map((need) => +sliders[need.id].value);
      for (const slider of Object.values(sliders)) slider.nextElementSibling.textContent = slider.value;
      result.hidden = !needs.length;
      if (!needs.length) {
        said.textContent = "Give at least one need a weight.";
        result.replaceChildren();
      } else {
        const ready = prepared(rated[+place.value], needs);
        const groups = rank(ready, weights);
        const firm = firmness(ready, weights, moved, data.most);
        said.textContent = say(groups, firm, needs);
        const head = make("thead", {}, make("tr", {},
          ...["Framework", "Group", "Total", "Leads nearby", "Most in its favour", "Most against it"].map((title, column) => (
            make("th", { scope: "col", textContent: title, className: [2, 3].includes(column) ? "number" : "" })))));
        const body = make("tbody", {}, ...groups.flatMap((group, index) => (
          group.map((one) => row(one, index, firm, needs, weights)))));
        result.replaceChildren(make("table", { className: "data" }, head, body));
      }
      const state = needs.map((need, index) => `${need.id}=${weights[index]}`);
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
      const rule = make("small", { id: `rule-${need.id}`, textContent: need.rule });
      slider.setAttribute("aria-describedby", rule.id);
      fields.append(make("div", {}, make("label", {}, make("span", { textContent: need.title }), slider, make("output")), rule));
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
