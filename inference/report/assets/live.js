"use strict";

// The posterior under another prior of the effect: draws reweighted by the ratio of the priors, the largest weights smoothed by a generalised
// Pareto distribution (Vehtari and others 2024, JMLR 25(72); the fit is that of Zhang and Stephens 2009, doi 10.1198/tech.2009.08017).

const UNRELIABLE = 0.7; // k-hat above which weights cannot be relied on
const POINTS = 160;

function normalDensity(x, mean, sd) {
  return Math.exp(-0.5 * ((x - mean) / sd) ** 2) / (sd * Math.sqrt(2 * Math.PI));
}

function paretoFit(excess) {
  const n = excess.length, count = 30 + Math.floor(Math.sqrt(n));
  const quartile = excess[Math.floor(n / 4 + 0.5) - 1], largest = excess[n - 1];
  const shapeAt = (b) => excess.reduce((sum, x) => sum + Math.log1p(-b * x), 0) / n;
  const grid = Array.from({ length: count }, (_, i) => (1 - Math.sqrt(count / (i + 0.5))) / (3 * quartile) + 1 / largest);
  const profile = grid.map((b) => { const k = shapeAt(b); return n * (Math.log(-b / k) - k - 1); });
  const weights = profile.map((one) => 1 / profile.reduce((sum, other) => sum + Math.exp(other - one), 0));
  const total = weights.reduce((sum, one) => sum + one, 0);
  const b = grid.reduce((sum, one, i) => sum + one * weights[i], 0) / total;
  const k = shapeAt(b);
  return { k: (n * k + 5) / (n + 10), sigma: -k / b };
}

// Smoothed log weights, not normalised, and the k-hat of their tail.
function smoothed(logWeights) {
  const n = logWeights.length, top = Math.max(...logWeights);
  const log = logWeights.map((one) => one - top);
  const order = log.map((_, i) => i).sort((a, b) => log[a] - log[b]);
  const size = Math.floor(Math.min(0.2 * n, 3 * Math.sqrt(n)));
  const cut = Math.max(log[order[n - size - 1]], Math.log(Number.MIN_VALUE));
  const tail = order.filter((i) => log[i] > cut);
  if (tail.length < 5 || log[tail[tail.length - 1]] - cut < 1e-10) return { log, k: 0 };
  const base = Math.exp(cut), { k, sigma } = paretoFit(tail.map((i) => Math.exp(log[i]) - base));
  tail.forEach((i, rank) => {
    const p = (rank + 0.5) / tail.length;
    const quantile = Math.abs(k) < 1e-12 ? -sigma * Math.log1p(-p) : (sigma * Math.expm1(-k * Math.log1p(-p))) / k;
    log[i] = Math.min(0, Math.log(base + quantile));
  });
  return { log, k };
}

// Weighted quantiles of values; each draw stands at the middle of its weight.
function quantiles(values, weights, probabilities) {
  const order = values.map((_, i) => i).sort((a, b) => values[a] - values[b]);
  let sum = 0;
  const middle = order.map((i) => { sum += weights[i]; return sum - weights[i] / 2; });
  return probabilities.map((p) => {
    const above = middle.findIndex((one) => one >= p);
    if (above === 0) return values[order[0]];
    if (above < 0) return values[order[order.length - 1]];
    const share = (p - middle[above - 1]) / (middle[above] - middle[above - 1]);
    return values[order[above - 1]] + share * (values[order[above]] - values[order[above - 1]]);
  });
}

// Weights sum to 1; each unit, a cohort or a design, has as much of them as before, as it would have after a refit.
function reweighted(fit, mean, sd) {
  const ratio = fit.effect.map((x) => ((x - fit.mean) / fit.sd) ** 2 / 2 - ((x - mean) / sd) ** 2 / 2);
  const { log, k } = smoothed(ratio), weights = new Array(log.length), each = log.length / fit.units;
  let effective = 0;
  for (let unit = 0; unit < fit.units; unit++) {
    const places = Array.from({ length: each }, (_, i) => unit * each + i);
    const top = Math.max(...places.map((i) => log[i]));
    const total = places.reduce((sum, i) => sum + Math.exp(log[i] - top), 0);
    for (const i of places) weights[i] = Math.exp(log[i] - top) / total / fit.units;
    effective += 1 / places.reduce((sum, i) => sum + (weights[i] * fit.units) ** 2, 0);
  }
  return {
    k, weights, effective,
    effect: quantiles(fit.effect, weights, [0.025, 0.5, 0.975]),
    benefit: fit.effect.reduce((sum, x, i) => sum + (x < 0 ? weights[i] : 0), 0),
    time: fit.time && quantiles(fit.time, weights, [0.025, 0.5, 0.975]),
  };
}

function density(values, weights, effective, grid) {
  const mean = values.reduce((sum, x, i) => sum + weights[i] * x, 0);
  const spread = Math.sqrt(values.reduce((sum, x, i) => sum + weights[i] * (x - mean) ** 2, 0));
  const width = Math.max(1e-3, 1.06 * spread * effective ** -0.2);
  return grid.map((at) => values.reduce((sum, x, i) => sum + weights[i] * normalDensity(at, x, width), 0));
}

function written(value, digits) {
  return value.toFixed(digits).replace("-", "\u2212");
}
function probability(value) {
  return value > 0.999 ? "> 0.999" : value < 0.001 ? "< 0.001" : value.toFixed(3);
}
const SVG = new DOMParser().parseFromString("<svg></svg>", "text/html").querySelector("svg").namespaceURI;
function element(name, attributes, ...children) {
  const drawn = ["svg", "g", "path", "line", "rect", "circle", "text"].includes(name);
  const made = drawn ? document.createElementNS(SVG, name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

// A slider and a number field for one value, which follow each other.
function control(label, hint, from, to, step, changed) {
  const slider = element("input", { type: "range", min: from, max: to, step, "aria-label": label });
  const field = element("input", { type: "number", min: from, max: to, step, "aria-label": `${label}, number` });
  const said = element("span", {});
  const set = (value) => { slider.value = value; field.value = value; said.textContent = hint(Number(value)); };
  slider.addEventListener("input", () => { set(slider.value); changed(); });
  field.addEventListener("input", () => {
    const value = field.valueAsNumber;
    if (value >= from && value <= to) { slider.value = value; said.textContent = hint(value); changed(); }
  });
  return { row: element("div", { class: "control" }, element("b", {}, label), slider, field, said), set, value: () => Number(field.value) };
}

function livePrior(place, fit) {
  const wide = matchMedia("(max-width: 40rem)").matches ? 350 : 640, top = wide === 350 ? 45 : 0; // the key stands above a narrow drawing
  const drawing = element("svg", { viewBox: `0 0 ${wide} ${230 + top}`, style: "--width: 34rem", role: "img", "aria-label": "Prior and posterior density of the hazard ratio" });
  const result = element("p", { class: "result", role: "status" }), warning = element("p", { class: "alarm", hidden: "" });
  const spread = (sd) => `hazard ratios within a factor of ${Math.exp(1.96 * sd).toFixed(2)} (95 %)`;
  const mean = control("Mean of the log hazard ratio", (x) => `hazard ratio ${Math.exp(x).toFixed(2)}`, -1.5, 1.5, 0.01, () => { presets.value = ""; show(); });
  const sd = control("Standard deviation", spread, 0.05, 2, 0.005, () => { presets.value = ""; show(); });
  const presets = element("select", { "aria-label": "Prior set" }, element("option", { value: "" }, "your own"));
  fit.presets.forEach((one, i) => presets.append(element("option", { value: i }, one.name)));
  presets.addEventListener("change", () => {
    const one = fit.presets[presets.value];
    if (one) { mean.set(one.mean); sd.set(one.sd); show(); }
  });
  const low = Math.min(Math.log(0.4), ...fit.effect), high = Math.max(Math.log(2.5), ...fit.effect);
  const grid = Array.from({ length: POINTS }, (_, i) => low + ((high - low) * i) / (POINTS - 1));
  const across = (x) => 10 + ((wide - 20) * (x - low)) / (high - low);
  const before = reweighted(fit, fit.mean, fit.sd), first = density(fit.effect, before.weights, before.effective, grid);

  function show() {
    const found = reweighted(fit, mean.value(), sd.value()), doubtful = found.k > UNRELIABLE;
    const curves = [
      [grid.map((x) => normalDensity(x, mean.value(), sd.value())), "#8a8a8a", "prior"],
      [first, "#56b4e9", "posterior, as fitted"],
      [density(fit.effect, found.weights, found.effective, grid), "#0072b2", "posterior under this prior"],
    ];
    const tallest = Math.max(...first, ...curves[2][0]);
    const up = (y) => 195 + top - (165 * Math.min(y, 1.05 * tallest)) / tallest;
    drawing.replaceChildren(element("line", { x1: across(0), x2: across(0), y1: 60 + top, y2: 195 + top, stroke: "#777", "stroke-dasharray": "4 3" }));
    for (const ratio of [0.25, 0.5, 0.7, 1, 1.4, 2, 4].filter((one) => Math.log(one) > low && Math.log(one) < high)) {
      drawing.append(element("text", { x: across(Math.log(ratio)), y: 212 + top, "text-anchor": "middle" }, String(ratio)));
    }
    drawing.append(element("text", { x: wide / 2, y: 227 + top, "text-anchor": "middle" }, "Hazard ratio"));
    curves.forEach(([heights, colour, name], i) => {
      const path = heights.map((y, j) => `${j ? "L" : "M"}${across(grid[j]).toFixed(1)} ${up(y).toFixed(1)}`).join("");
      const faded = i === 2 && doubtful ? 0.25 : 1;
      drawing.append(element("path", { d: path, fill: "none", stroke: colour, "stroke-width": i === 2 ? 2.4 : 1.4, opacity: faded }));
      drawing.append(element("line", { x1: wide - 28, x2: wide - 10, y1: 20 + 15 * i, y2: 20 + 15 * i, stroke: colour, "stroke-width": 3 }));
      drawing.append(element("text", { x: wide - 34, y: 24 + 15 * i, "text-anchor": "end" }, name));
    });
    const [lower, middle, upper] = found.effect.map((x) => Math.exp(x).toFixed(2));
    const time = found.time ? `; ${fit.said} ${written(found.time[1], 1)} ${fit.unit} (${written(found.time[0], 1)} to ${written(found.time[2], 1)})` : "";
    result.textContent = `Hazard ratio ${middle} (95 % ${lower} to ${upper}), P(benefit) ${probability(found.benefit)}${time}.`;
    result.classList.toggle("doubtful", doubtful);
    warning.hidden = !doubtful;
    warning.textContent = `Not reliable: the draws hardly reach where this prior and the data agree (k-hat ${found.k.toFixed(2)}). Write the prior to a file and fit it: ${fit.command}`;
  }

  place.append(
    element("label", { class: "control" }, element("b", {}, "Prior set"), presets, element("span", {}, "its prior of the effect alone")),
    mean.row, sd.row, result, warning, element("div", { class: "card" }, drawing),
  );
  mean.set(fit.mean);
  sd.set(fit.sd);
  presets.value = String(fit.presets.findIndex((one) => one.mean === fit.mean && one.sd === fit.sd));
  show();
}

// The effect under a delay of treatment and an overlooked condition, from a surface that was computed before.
function liveSurface(place, surface) {
  const drawing = element("svg", { viewBox: "0 0 350 62", style: "--width: 26rem", role: "img", "aria-label": "Interval of the hazard ratio" });
  const result = element("p", { class: "result", role: "status" }), warning = element("p", { class: "alarm", hidden: "" });
  const { delay: late, strength: strong } = surface;
  const delay = control("Mean delay, months", () => "from the start of follow-up to treatment", late.from, late.to, late.step, show);
  const strength = control("Strength of a condition", () => "its hazard ratio, and how many times more common it is without treatment", strong.from, strong.to, strong.step, show);
  const step = (one, range) => Math.round((one.value() - range.from) / range.step);
  const low = Math.log(0.2), high = Math.log(2.5), across = (ratio) => 10 + (330 * (Math.min(high, Math.max(low, Math.log(ratio))) - low)) / (high - low);

  function interval([lower, middle, upper], y, colour) {
    const line = { x1: across(lower), x2: across(upper), y1: y, y2: y, stroke: colour, "stroke-width": 2.5 };
    return [element("line", line), element("circle", { cx: across(middle), cy: y, r: 4, fill: colour })];
  }
  function show() {
    const at = step(delay, late) * surface.strengths + step(strength, strong), ratio = surface.ratio[at], time = surface.time[at], benefit = surface.benefit[at];
    const [lower, middle, upper] = ratio.map((one) => one.toFixed(2));
    result.textContent = `Hazard ratio ${middle} (95 % ${lower} to ${upper}), P(benefit) ${probability(benefit)}; ${surface.said} ${written(time[1], 1)} ${surface.unit} (${written(time[0], 1)} to ${written(time[2], 1)}).`;
    warning.hidden = benefit >= surface.certain;
    warning.textContent = `P(benefit) is below ${surface.certain}: if this were so, the data would not show that treatment helps.`;
    drawing.replaceChildren(
      element("line", { x1: across(1), x2: across(1), y1: 4, y2: 42, stroke: "#777", "stroke-dasharray": "4 3" }),
      ...interval(surface.ratio[0], 14, "#8a8a8a"), ...interval(ratio, 30, "#0072b2"),
      ...[0.25, 0.5, 1, 2].map((one) => element("text", { x: across(one), y: 56, "text-anchor": "middle" }, String(one))),
    );
  }
  place.append(delay.row, strength.row, result, warning, element("div", { class: "card" }, drawing), element("p", { class: "source" }, "Grey: without either. Blue: under both."));
  delay.set(late.from);
  strength.set(strong.from);
  show();
}

// The survival curves are read at a time: by the pointer, or by arrow keys where the drawing has the focus.
const readers = [];
function liveSurvival(place, curves) {
  for (const svg of document.querySelectorAll(".curves svg")) readers.push(readable(svg, curves));
}

// Returns what shows the curves of another model over those drawn, and reads them instead; null for those drawn.
function readable(svg, drawn) {
  const wide = svg.viewBox.baseVal.width, frame = svg.querySelector("[id$='-axes_1'] > [id*='-patch_'] > path");
  const over = element("g", { class: "over" }), shown = element("g", { class: "reading", hidden: "" });
  // Where a time lies is read off the last tick of the axis, whatever its end.
  const tick = [...svg.querySelectorAll("[id$='-axes_1'] [id*='-xtick_']")].pop();
  const tickAt = Number(tick.querySelector("use").getAttribute("x")), tickTime = Number(tick.textContent);
  const across = (time, box) => box.x + ((tickAt - box.x) * time) / tickTime;
  const down = (percent, box) => box.y + box.height * (1 - percent / 102);
  let curves = drawn, at = Math.floor(drawn.time.length / 2);
  const short = (label) => (label.length > 20 ? `${label.slice(0, 19)}\u2026` : label);
  const said = ([low, middle, high], unit) => `${written(middle, 0)} ${unit} (${written(low, 0)} to ${written(high, 0)})`;
  function lines() {
    const time = curves.time[at];
    return [
      `At ${Number(time.toPrecision(3))} ${drawn.unit}${time > drawn.followed ? ", extrapolated" : ""}`,
      ...curves.arms.map((arm, i) => `${short(drawn.labels[i])}: ${said(arm[at], "%")}`),
      `Difference: ${said(curves.difference[at], "points")}`,
    ];
  }
  function show() {
    const box = frame.getBBox(), x = across(curves.time[at], box), right = x > box.x + box.width / 2;
    const texts = lines(), size = Math.max(6.5, wide / 65), wider = 0.56 * size * Math.max(...texts.map((one) => one.length));
    const left = right ? Math.max(3, x - 5 - wider) : Math.min(x + 5, wide - wider - 3);
    shown.replaceChildren(
      element("line", { x1: x, x2: x, y1: box.y, y2: box.y + box.height, stroke: "#333", "stroke-width": 0.7 }),
      element("rect", { x: left - 2, y: box.y + 1, width: wider + 4, height: 5.4 * size, fill: "#fff", "fill-opacity": 0.92 }),
      ...curves.arms.map((arm) => element("circle", { cx: x, cy: down(arm[at][1], box), r: 2.2, fill: "#333" })),
      ...texts.map((one, i) => element("text", { x: left, y: box.y + 1 + 1.25 * size * (i + 1), "font-size": size, fill: "#111" }, one)),
    );
    shown.removeAttribute("hidden");
    describe();
  }
  function describe() {
    svg.setAttribute("aria-valuemax", curves.time[curves.time.length - 1]);
    svg.setAttribute("aria-valuenow", curves.time[at]);
    svg.setAttribute("aria-valuetext", lines().join("; "));
  }
  const move = (to) => { at = Math.min(curves.time.length - 1, Math.max(0, to)); show(); };
  svg.append(over, shown);
  for (const [key, value] of Object.entries({ tabindex: 0, role: "slider", "aria-valuemin": 0 })) svg.setAttribute(key, value);
  describe();
  svg.addEventListener("pointermove", (event) => {
    const { time } = curves, outer = svg.getBoundingClientRect(), box = frame.getBBox();
    const wanted = (tickTime * (((event.clientX - outer.left) / outer.width) * wide - box.x)) / (tickAt - box.x);
    const after = time.findIndex((one) => one >= wanted);
    move(after < 0 ? time.length - 1 : after > 0 && wanted - time[after - 1] < time[after] - wanted ? after - 1 : after);
  });
  svg.addEventListener("keydown", (event) => {
    const steps = { ArrowRight: at + 1, ArrowUp: at + 1, ArrowLeft: at - 1, ArrowDown: at - 1, PageUp: at + 10, PageDown: at - 10, Home: 0, End: curves.time.length - 1 };
    if (!(event.key in steps)) return;
    event.preventDefault();
    move(steps[event.key]);
  });
  svg.addEventListener("focus", show);
  for (const left of ["pointerleave", "blur"]) svg.addEventListener(left, () => shown.setAttribute("hidden", ""));

  return (other, colours) => {
    const box = frame.getBBox(), quantiles = [["0.8", "1 2"], ["1.8", "5 3"], ["0.8", "1 2"]]; // lower limit, median, upper limit
    curves = other ?? drawn;
    at = Math.min(at, curves.time.length - 1);
    over.replaceChildren(...(other ? other.arms : []).flatMap((arm, i) => quantiles.map(([width, dashes], j) => {
      const d = arm.map((one, k) => `${k ? "L" : "M"}${across(other.time[k], box).toFixed(1)} ${down(one[j], box).toFixed(1)}`).join("");
      return element("path", { d, fill: "none", stroke: colours[i], "stroke-width": width, "stroke-dasharray": dashes });
    })));
    describe();
  };
}

// The first screen of another baseline, adjustment or population: results that were computed before. Anything but the main one is marked.
function liveHeadline(place, { main, choices, colours, shown }) {
  const families = Object.keys(choices), named = (key) => families.map((family, i) => choices[family].find((one) => one.name === key.split("/")[i]));
  const sentence = document.querySelector(".sentence"), numbers = document.querySelector(".numbers");
  const back = element("button", { type: "button" }, "Back to it");
  const note = element("p", { class: "alarm other", role: "status", hidden: "" });
  const controls = families.map((family, position) => {
    const select = element("select", { "aria-label": family }, ...choices[family].map((one) => element("option", { value: one.name }, one.label)));
    const assumed = element("span", {});
    select.addEventListener("change", () => show(position));
    return { select, assumed, row: element("label", { class: "control choice" }, element("b", {}, family[0].toUpperCase() + family.slice(1)), select, assumed) };
  });
  const wanted = () => controls.map(({ select }) => select.value);
  const agree = (key, values, count) => values.slice(0, count).every((one, i) => one === key.split("/")[i]);

  // What was changed last is kept; where no such result was computed, the others give way.
  function show(changed) {
    const values = wanted(), keys = Object.keys(shown);
    const key = keys.find((one) => agree(one, values, 3)) ?? keys.find((one) => agree(one, values, 2)) ?? keys.find((one) => one.split("/")[changed] === values[changed]);
    put(key);
  }
  function put(key) {
    const result = shown[key], parts = key.split("/");
    controls.forEach(({ select, assumed }, i) => {
      select.value = parts[i];
      assumed.textContent = named(key)[i].assumes;
      for (const option of select.options) option.disabled = i === 2 && !(`${parts[0]}/${parts[1]}/${option.value}` in shown);
    });
    sentence.textContent = result.sentence;
    numbers.replaceChildren(...result.numbers.map((one) => element("div", {}, element("dt", {}, one.label), element("dd", {}, element("b", {}, one.number), element("span", {}, one.interval)))));
    const other = key !== main, label = (of) => named(of).map((one) => one.label).join(", ");
    note.hidden = !other;
    note.replaceChildren(`Not the main result but: ${label(key)}. Dashed curves are of this choice, bands and all else on the page of the main one, which was stated in advance: ${label(main)}. `, back);
    for (const reader of readers) reader(other ? result.curves : null, colours);
  }
  back.addEventListener("click", () => { put(main); controls[0].select.focus(); });
  sentence.before(note);
  place.append(element("details", {}, element("summary", {}, "Other models and populations"), ...controls.map(({ row }) => row)));
  controls.forEach(({ select }, i) => { select.value = main.split("/")[i]; });
  put(main);
}

for (const place of document.querySelectorAll(".live")) {
  const kinds = { prior: livePrior, survival: liveSurvival, surface: liveSurface, headline: liveHeadline };
  kinds[place.dataset.kind](place, JSON.parse(place.querySelector("script").textContent));
}
