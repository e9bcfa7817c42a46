// The chooser: the reader's weights -> what suits them, how firmly, and why not another.
// generator/pages/ranking.py computes the same, in the same order of additions, and
// generator/pages/overviews/chooser.py says it for the presets that stand on the page without this.
(() => {
  "use strict";
  const { make, address } = window.report;

  // The value, low and high ends of each mode's scores of the weighed needs: numbers side by side.
  const prepared = (rated, needs) => rated.map(([framework, modes]) => ({
    framework,
    modes: modes.map(([mode, scores]) => ({ mode, scores, ends: [0, 1, 2].map((end) => needs.map((need) => scores[need.id][end])) })),
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

  // The need that puts one behind another most, of those that are known of both; none where none does.
  function loss(mine, best, needs, weights) {
    const losses = needs.map(({ id }, place) => (mine[id][5] && best[id][5] ? weights[place] * (best[id][0] - mine[id][0]) : 0));
    const most = Math.max(...losses);
    return most > 0 && needs[losses.indexOf(most)];
  }

  const listing = (words) => (words.length < 2 ? words.join() : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`);
  const percent = (share) => `${(100 * share).toFixed(0)}\u00a0%`;

  // A cell as the page has them: a bar, a text that may be a link, and a quieter line.
  function cell(text, { bar, href, strong, detail } = {}) {
    const made = make("td", {}, make(href ? "a" : strong ? "strong" : "span", { textContent: text, ...(href && { href }) }));
    if (detail) made.append(" ", make("span", { className: "detail", textContent: detail }));
    if (bar === undefined) return made;
    const drawn = document.querySelector(".fits .bar").cloneNode(true);
    drawn.firstElementChild.setAttribute("width", bar.toFixed(0));
    made.prepend(drawn);
    return made;
  }

  function table(label, titles, rows) {
    const head = make("thead", {}, make("tr", {}, ...titles.map((textContent) => make("th", { scope: "col", textContent }))));
    const box = make("div", { className: "report-table", tabIndex: 0, role: "region", ariaLabel: `Table: ${label}` }, make("table", { className: "data" }, head, make("tbody", {}, ...rows)));
    box.dataset.plain = "yes"; // sorting by anything else would hide the order
    return box;
  }

  function mount(box) {
    const data = JSON.parse(box.dataset.chooser);
    const { needs, presets, scale } = data;
    const sliders = {};
    const place = make("select");
    data.places.forEach((one, index) => place.append(make("option", { value: index, textContent: one.title })));
    const said = make("p", { className: "answer", ariaLive: "polite" });
    const result = make("div", { className: "fits" });
    const tabs = [...box.closest(".tabbed-set").querySelectorAll(":scope > input")]; // the last one is this
    const rated = data.places.map(({ scores }) => Object.entries(scores));
    const moved = moves(data.evenly);
    const named = (one) => data.frameworks[one.framework];

    function say([leaders, next], all, firm, single) {
      const [first, ...tied] = leaders;
      const some = tied.length > data.named ? [...tied.slice(0, data.named).map(named), `${tied.length - data.named} more`] : tied.map(named);
      const rest = all === 1 ? "no other is measured" : leaders.length === all ? "no other can be excluded" : tied.length ? `${listing(some)} cannot be excluded` : `${named(next[0])} comes next, and is excluded`;
      const share = firm.leads[first.framework];
      const firmly = single ? "" : ` ${data.firm.find(([least]) => share >= least)[1]}: it stays in front for ${percent(share)} of nearby weights.`;
      return [make("strong", { textContent: named(first) + (first.mode && ` (${first.mode})`) }), ` suits these weights best; ${rest}.${firmly}`];
    }

    function adds(pair, weighed, weights) {
      const total = weights.reduce((sum, weight) => sum + weight);
      const most = Math.max(...weights);
      return table("What each need adds", ["What each need adds", ...pair.map(named)], weighed.map((need, index) => (
        make("tr", {}, cell(need.title, { detail: scale[weights[index]] }), ...pair.map(({ scores }) => {
          const [value, , , text, href, known] = scores[need.id];
          const added = known ? `${(weights[index] * value / total).toFixed(2)} of` : "0 to";
          return cell(text, { href, detail: `${added} ${(weights[index] / total).toFixed(2)}`, bar: known ? 100 * weights[index] * value / most : undefined });
        })))));
    }

    function whyNot(one, best, weighed, weights) {
      if (one === best) return cell("It suits best.");
      const missing = weighed.filter(({ id }) => !one.scores[id][5]).map(({ noun }) => noun);
      const unknown = missing.length ? `Not known: ${listing(missing)}.` : "";
      const need = loss(one.scores, best.scores, weighed, weights);
      if (!need) return cell(unknown || "Nothing measured separates it.");
      const [, , , text, href] = one.scores[need.id];
      return cell(`${need.title}: ${text} against ${best.scores[need.id][3]}.`, { href, detail: unknown });
    }

    function row(one, group, firm, why) {
      const bounds = one.high - one.low >= 0.005 ? `${one.low.toFixed(2)} to ${one.high.toFixed(2)}, ` : "";
      const made = make("tr", {},
        cell(named(one), { strong: !group, detail: one.mode }),
        cell(one.value.toFixed(2), { bar: 100 * one.value, detail: `${bounds}${percent(firm.leads[one.framework])} nearby` }),
        why);
      Object.assign(made.dataset, { framework: one.framework, group });
      return made;
    }

    function show() {
      const weighed = needs.filter(({ id }) => +sliders[id].value);
      const weights = weighed.map(({ id }) => +sliders[id].value);
      for (const slider of Object.values(sliders)) {
        slider.nextElementSibling.textContent = scale[slider.value];
        slider.setAttribute("aria-valuetext", scale[slider.value]);
      }
      result.replaceChildren();
      if (!weighed.length) {
        said.textContent = "Let at least one need matter.";
        return "";
      }
      const ready = prepared(rated[+place.value], weighed);
      const groups = rank(ready, weights);
      const firm = firmness(ready, weights, moved, scale.length - 1);
      const all = groups.flat();
      said.replaceChildren(...say(groups, all.length, firm, weighed.length === 1));
      result.append(adds(all.slice(0, 2), weighed, weights), table("Why not another", ["Framework", "Total, and in front nearby", "Why not this one?"],
        groups.flatMap((group, index) => group.map((one) => row(one, index, firm, whyNot(one, all[0], weighed, weights))))));
      const state = weighed.map(({ id }, index) => `${id}=${weights[index]}`);
      if (+place.value) state.unshift(`on=${place.value}`);
      return state.join("&");
    }

    const changed = () => address.set({ hash: show() });
    const set = (given) => needs.forEach(({ id }) => { sliders[id].value = given[id] || 0; });

    // The address holds a preset or weights; of another kind it changes nothing.
    function read() {
      const preset = presets.findIndex(({ anchor }) => location.hash === `#${anchor}`);
      const state = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
      const own = needs.some(({ id }) => state[id]);
      if (data.places[+state.on]) place.value = +state.on;
      if (preset < 0 && !own) return;
      set(own ? state : presets[preset].weights);
      (own ? tabs.at(-1) : tabs[preset]).checked = true;
      show();
    }

    const fields = make("div", { className: "needs" });
    for (const need of needs) {
      const slider = make("input", { type: "range", min: 0, max: scale.length - 1, step: 1, name: need.id });
      sliders[need.id] = slider;
      slider.addEventListener("input", changed);
      const rule = make("small", { id: `rule-${need.id}`, textContent: need.rule });
      slider.setAttribute("aria-describedby", rule.id);
      fields.append(make("div", {}, make("label", {}, make("span", { textContent: need.question }), slider, make("output")), rule));
    }
    // A preset that was turned to is where the reader's own weights begin.
    tabs.forEach((tab, index) => tab.addEventListener("change", () => {
      if (presets[index]) set(presets[index].weights);
      const state = show();
      address.set({ hash: presets[index]?.anchor || state });
    }));
    place.addEventListener("change", changed);
    addEventListener("hashchange", read);
    const where = make("label", { className: "place" }, make("span", { textContent: "Measured on" }), place);
    box.replaceChildren(said, fields, ...(data.places.length > 1 ? [where] : []), result);
    set(presets[0].weights);
    show(); // an address that says nothing, or leads to a part of the page, stays
    read();
  }

  document.querySelectorAll("[data-chooser]").forEach(mount);
})();
