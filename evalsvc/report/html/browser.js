// The browser of rows: reads the JSON in #rows-data and fills #rows-browser. What models and users wrote becomes text nodes, never markup.
"use strict";
(() => {
  const WINDOW = 25; // rows in the page at first, and with each "more"
  const MOST_WORDS = 600; // on either side of a comparison: its table has the product of both
  const LEAST_ALIKE = 0.2; // share of words in common, below which marking them all helps nobody
  const MOST_FOUND = 2000; // marks of a search
  const QUIET_MS = 120; // after the last key, before a search
  const ALL = "";

  const root = document.getElementById("rows-browser");
  const source = document.getElementById("rows-data");
  if (!root || !source) return;
  const data = JSON.parse(source.textContent);
  const rows = data.rows.map((row) => ({ ...row, messages: row.messages || [], scores: row.scores || {}, references: row.references || [] }));
  const SIGNS = { good: "✓", bad: "✗", warn: "!", plain: "·" };

  // ---- elements

  function make(tag, attributes, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  }

  const oneLine = (text, most) => {
    const line = text.replace(/\s+/g, " ").trim();
    return line.length > most ? `${line.slice(0, most - 1)}…` : line;
  };
  const number = (value) => value.toLocaleString("en");
  const score = (value) => {
    const size = Math.abs(value);
    if (size >= 1e7 || (size > 0 && size < 1e-3)) return value.toExponential(2);
    return String(Number(size < 1 ? value.toFixed(3) : value.toPrecision(4)));
  };
  // Labels and scores may be called as what every object has.
  const own = (object, name, otherwise) => (Object.hasOwn(object, name) ? object[name] : otherwise);
  const some = (count, noun) => `${number(count)} ${noun}${count === 1 ? "" : "s"}`;

  // ---- what is asked for: outcome, target, predicted, q, sort

  const predictedOf = (row) => row.prediction ?? row.outcome;
  const targetOf = (row) => row.target ?? "(none)";

  const hasPrompts = rows.some((row) => row.messages.length);
  const hasReplies = rows.some((row) => row.reply !== undefined);
  const hasTargets = rows.some((row) => row.target !== undefined || row.references.length);
  const rules = new Set(rows.map((row) => row.rule).filter(Boolean));
  const tells = Object.keys(data.outcomes).length > 1 || !("scored" in data.outcomes); // whether the outcome tells rows apart

  const texts = (row) => [row.id, row.target, ...row.references, row.prediction, row.reply, row.reasoning, row.refusal, row.tool_calls, row.error, ...row.messages.map((message) => message.text)];
  const haystacks = rows.map((row) => texts(row).filter(Boolean).join("\n").toLowerCase());

  const scoreNames = [...new Set(rows.flatMap((row) => Object.keys(row.scores)))];
  const hasFailures = rows.some((row) => row.outcome !== "correct" && row.outcome !== "scored");
  const sorts = new Map([[ALL, { words: hasFailures ? "failures first" : scoreNames.length ? "worst first" : "as drawn", by: null }]]);
  for (const name of scoreNames) {
    const direction = data.lower_is_better.includes(name) ? -1 : 1;
    sorts.set(`worst ${name}`, { words: `worst ${name} first`, by: (row) => direction * own(row.scores, name, direction * Infinity) });
  }
  if (rows.some((row) => row.probabilities)) {
    sorts.set("sure", { words: "most sure first", by: (row) => -own(row.probabilities ?? {}, row.prediction, -1) });
  }
  if (rows.some((row) => row.latency_s)) sorts.set("slow", { words: "slowest first", by: (row) => -(row.latency_s ?? 0) });

  const wanted = { outcome: ALL, target: ALL, predicted: ALL, q: ALL, sort: ALL };

  function matching() {
    const needle = wanted.q.trim().toLowerCase();
    const found = rows.filter(
      (row, place) =>
        (wanted.outcome === ALL || row.outcome === wanted.outcome) &&
        (wanted.target === ALL || targetOf(row) === wanted.target) &&
        (wanted.predicted === ALL || predictedOf(row) === wanted.predicted) &&
        (!needle || haystacks[place].includes(needle)),
    );
    const by = sorts.get(wanted.sort)?.by;
    return by ? found.sort((one, other) => by(one) - by(other)) : found;
  }

  // ---- the address: a link to #rows?outcome=wrong&q=refund shows just these

  function readAddress() {
    const [place, query] = location.hash.split(/\?(.*)/s);
    if (place !== "#rows" || !query) return false;
    const given = new URLSearchParams(query);
    for (const name of Object.keys(wanted)) wanted[name] = given.get(name) ?? ALL;
    if (!sorts.has(wanted.sort)) wanted.sort = ALL;
    return true;
  }

  function writeAddress() {
    const given = Object.entries(wanted).filter(([, value]) => value !== ALL);
    const query = new URLSearchParams(given).toString();
    try {
      history.replaceState(null, "", query ? `#rows?${query}` : "#rows");
    } catch {
      // inside of a frame without an address of its own
    }
  }

  // ---- the form

  function choice(name, label, all, values) {
    const select = make("select", { name, id: `rows-${name}` });
    select.append(make("option", { value: ALL }, all));
    for (const [value, words] of values) select.append(make("option", { value }, words));
    return make("label", {}, `${label} `, select);
  }

  function counted(of) {
    const counts = new Map();
    for (const row of rows) counts.set(of(row), (counts.get(of(row)) ?? 0) + 1);
    return [...counts];
  }

  const byName = (values) => values.sort(([one], [other]) => (one < other ? -1 : 1)).map(([value, count]) => [value, `${oneLine(value, 40)} (${number(count)})`]);

  function form() {
    const outcomes = counted((row) => row.outcome).map(([value, count]) => [value, `${data.outcomes[value].words} (${number(count)})`]);
    const fields = outcomes.length > 1 ? [choice("outcome", "outcome", "all", outcomes)] : [];
    if (data.by_target) fields.push(choice("target", "target", "all", byName(counted(targetOf))));
    if (data.by_prediction) fields.push(choice("predicted", "predicted", "all", byName(counted(predictedOf))));
    fields.push(make("label", { class: "wide" }, "search ", make("input", { type: "search", name: "q", id: "rows-q", autocomplete: "off", placeholder: "in prompts, replies, targets, ids" })));
    if (sorts.size > 1) fields.push(choice("sort", "order", sorts.get(ALL).words, [...sorts].slice(1).map(([value, { words }]) => [value, words])));
    fields.push(make("button", { type: "reset" }, "clear"));
    return make("form", { class: "rows-form", role: "search", "aria-label": "Rows" }, ...fields);
  }

  // ---- a comparison of words: which of them stand on both sides, in the same order

  const WORD = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]|[\p{L}\p{M}\p{N}_]+(?:[.,:'’-][\p{L}\p{M}\p{N}_]+)*|[^\s]/gu;
  const wordsOf = (text) => [...text.matchAll(WORD)].map((found) => ({ text: found[0], start: found.index, end: found.index + found[0].length, common: false }));

  // Marks the longest common subsequence in both lists; gives its length. Null where they are too long for it.
  function align(left, right) {
    if (left.length > MOST_WORDS || right.length > MOST_WORDS) return null;
    const width = right.length + 1;
    const lengths = new Uint16Array((left.length + 1) * width);
    for (let i = left.length - 1; i >= 0; i--)
      for (let j = right.length - 1; j >= 0; j--)
        lengths[i * width + j] =
          left[i].text === right[j].text ? lengths[(i + 1) * width + j + 1] + 1 : Math.max(lengths[(i + 1) * width + j], lengths[i * width + j + 1]);
    for (let i = 0, j = 0; i < left.length && j < right.length; ) {
      if (left[i].text === right[j].text) left[i++].common = right[j++].common = true;
      else if (lengths[(i + 1) * width + j] >= lengths[i * width + j + 1]) i++;
      else j++;
    }
    return lengths[0];
  }

  // The text with those of its words that are on one side only in elements of this tag.
  function marked(text, words, tag) {
    const pieces = [];
    let at = 0;
    for (let first = 0; first < words.length; first++) {
      if (words[first].common) continue;
      let last = first;
      while (last + 1 < words.length && !words[last + 1].common) last++;
      pieces.push(text.slice(at, words[first].start), make(tag, {}, text.slice(words[first].start, words[last].end)));
      at = words[last].end;
      first = last;
    }
    return [...pieces, text.slice(at)];
  }

  // The nodes of an answer and of the reference that is most like it. Null where there is nothing to compare.
  function compared(answer, references) {
    const isText = (text) => /\S\s+\S/.test(text) || text.length > 40;
    let best = null;
    for (const [place, reference] of references.entries()) {
      if (!isText(answer) && !isText(reference)) continue;
      const [left, right] = [wordsOf(answer), wordsOf(reference)];
      const common = align(left, right);
      if (common === null) return null;
      const like = (2 * common) / Math.max(1, left.length + right.length);
      if (like >= LEAST_ALIKE && like > (best?.like ?? 0)) best = { like, place, left: marked(answer, left, "del"), right: marked(reference, right, "ins") };
    }
    return best;
  }

  // ---- one row

  const lines = (...nodes) => make("div", { class: "lines", dir: "auto" }, ...nodes);
  const labelled = (label, ...nodes) => make("div", { class: "row-part" }, make("div", { class: "row-label" }, label), ...nodes);
  const empty = (words) => make("div", { class: "faint" }, words);

  function conversation(row) {
    if (!row.messages.length) return [empty("not kept")];
    return row.messages.flatMap((message, place) => {
      const isLast = place === row.messages.length - 1;
      const ellipsis = (there) => (isLast && there ? [make("span", { class: "faint" }, "[…] ")] : []);
      const text = lines(...ellipsis(data.before), message.text, ...ellipsis(data.after));
      return row.messages.length === 1 && message.role === "user" ? [text] : [make("div", { class: "row-role" }, message.role), text];
    });
  }

  function facts(row) {
    const found = Object.entries(row.scores).map(([name, value]) => `${name} ${score(value)}`);
    for (const [label, value] of Object.entries(row.probabilities ?? {})) found.push(`P(${oneLine(label, 24)}) ${value.toFixed(3)}`);
    if (row.rule && rules.size > 1) found.push(`by rule ${row.rule}`);
    if (row.finish_reason && row.finish_reason !== "stop") found.push(`finish: ${row.finish_reason}`);
    if (row.tokens) found.push(`${number(row.tokens[0])} + ${number(row.tokens[1])} tokens`);
    if (row.latency_s) found.push(row.latency_s < 1 ? `${Math.round(row.latency_s * 1000)} ms` : `${row.latency_s.toPrecision(3)} s`);
    if (row.left_out) found.push(`${some(row.left_out, "character")} left out`);
    return found;
  }

  function head(row) {
    const { words, tone } = data.outcomes[row.outcome];
    const nodes = [make("code", {}, oneLine(row.id, 80) + (row.repeat ? ` #${row.repeat}` : ""))];
    if (tells) nodes.unshift(make("span", { class: `row-outcome ${tone}` }, `${SIGNS[tone] ?? ""} ${words}`));
    if (isShort(row)) {
      const said = (label, text) => (text === undefined ? [] : [make("span", {}, make("span", { class: "faint" }, `${label} `), make("b", {}, oneLine(text, 60)))]);
      nodes.push(...said("target", row.target ?? row.references[0]), ...said("predicted", row.prediction));
    }
    nodes.push(make("span", { class: "faint row-facts" }, facts(row).join(" · ")));
    return make("div", { class: "row-head" }, ...nodes);
  }

  // Labels, ratings and numbers are read at a glance, and not compared word by word.
  const isShort = (row) => data.by_prediction || /^[-+]?[\d.,]+%?$/.test(row.prediction ?? "");

  // What came back, each piece under its own label, and what should have.
  function replyAndTarget(row) {
    const isExtracted = row.prediction !== undefined && !isShort(row) && row.prediction.trim() !== (row.reply ?? "").trim();
    const answer = (isExtracted ? row.prediction : row.reply) ?? "";
    const both = isShort(row) || !answer ? null : compared(answer, row.references);
    const said = lines(...(both ? both.left : [answer]));
    const pieces = [["error", row.error], ["refusal", row.refusal], ["reply", isExtracted ? row.reply : answer && said], ["extracted", isExtracted && said]];
    pieces.push(["reasoning", row.reasoning], ["tool calls", row.tool_calls]);
    const right = row.references.map((reference, place) => lines(...(both?.place === place ? both.right : [reference])));
    if (both) right.unshift(...right.splice(both.place, 1)); // what it is held against stands first
    if (row.target !== undefined) right.push(lines(row.target));
    return { reply: column("reply", pieces), target: labelled("target", ...(right.length ? right : [empty("none")])) };
  }

  // Pieces that are there, the first of which names the column.
  function column(label, pieces) {
    const [first, ...others] = pieces.filter(([, piece]) => piece).map(([name, piece]) => [name, typeof piece === "string" ? lines(piece) : piece]);
    if (!first) return labelled(label, empty("empty"));
    return labelled(first[0], first[1], ...others.flatMap(([name, piece]) => [make("div", { class: "row-role" }, name), piece]));
  }

  function card(row) {
    const { reply, target } = replyAndTarget(row);
    const parts = hasPrompts ? [labelled("prompt", ...conversation(row))] : [];
    if (hasReplies || row.error) parts.push(reply);
    if (hasTargets) parts.push(target);
    const about = { "aria-label": `${data.outcomes[row.outcome].words}: ${oneLine(row.id, 80)}` };
    const kind = isShort(row) && hasTargets ? "row-texts of-short" : "row-texts";
    return make("li", { tabindex: "-1" }, make("article", about, head(row), make("div", { class: kind }, ...parts)));
  }

  // ---- the list

  const controls = form();
  const status = make("p", { role: "status", class: "rows-status" });
  const list = make("ol", { class: "rows-list" });
  const more = make("button", { type: "button", class: "rows-more" });
  let found = [];

  // A long text shows its beginning, and a button that opens all of the row.
  function foldLong(items) {
    const long = items.filter((item) => [...item.querySelectorAll(".row-part")].some((part) => part.scrollHeight > part.clientHeight + 4));
    for (const item of long) {
      const button = make("button", { type: "button", class: "row-open", "aria-expanded": "false" }, "show all of it");
      button.addEventListener("click", () => {
        const open = item.classList.toggle("open");
        button.setAttribute("aria-expanded", String(open));
        button.textContent = open ? "show less" : "show all of it";
      });
      item.append(button);
    }
  }

  function showMore() {
    const first = list.childElementCount;
    const items = found.slice(first, first + WINDOW).map(card);
    list.append(...items);
    foldLong(items);
    highlight();
    const left = found.length - list.childElementCount;
    more.hidden = left === 0;
    more.textContent = `show ${Math.min(WINDOW, left)} more of ${number(left)}`;
    return items[0];
  }

  function show() {
    found = matching();
    list.replaceChildren();
    status.textContent = found.length === rows.length ? `${some(rows.length, "row")}` : `${number(found.length)} of ${some(rows.length, "row")}`;
    showMore();
  }

  // Where the search was found, without touching the elements; browsers that cannot do it do without.
  function highlight() {
    if (typeof Highlight === "undefined") return;
    CSS.highlights.delete("found-in-rows");
    const needle = wanted.q.trim().toLowerCase();
    if (!needle) return;
    const ranges = [];
    const walker = document.createTreeWalker(list, NodeFilter.SHOW_TEXT);
    while (walker.nextNode() && ranges.length < MOST_FOUND) {
      const text = walker.currentNode.data.toLowerCase();
      if (text.length !== walker.currentNode.data.length) continue; // a letter that is longer in lower case
      for (let at = text.indexOf(needle); at >= 0; at = text.indexOf(needle, at + needle.length)) {
        const range = new Range();
        range.setStart(walker.currentNode, at);
        range.setEnd(walker.currentNode, at + needle.length);
        ranges.push(range);
      }
    }
    CSS.highlights.set("found-in-rows", new Highlight(...ranges));
  }

  function fillForm() {
    for (const [name, value] of Object.entries(wanted)) {
      const control = controls.elements[name];
      if (!control) continue;
      // one that a link asks for and no row has
      if (control.options && ![...control.options].some((option) => option.value === value)) control.append(make("option", { value }, `${oneLine(value, 40)} (0)`));
      control.value = value;
    }
  }

  function take(event) {
    const { name, value } = event.target;
    if (!(name in wanted) || wanted[name] === value) return;
    wanted[name] = value;
    writeAddress();
    show();
  }

  let waiting = 0;
  controls.addEventListener("change", take);
  controls.addEventListener("input", (event) => {
    clearTimeout(waiting);
    waiting = setTimeout(take, QUIET_MS, { target: event.target });
  });
  controls.addEventListener("submit", (event) => event.preventDefault());
  controls.addEventListener("reset", (event) => {
    event.preventDefault();
    for (const name of Object.keys(wanted)) wanted[name] = ALL;
    fillForm();
    writeAddress();
    show();
  });
  more.addEventListener("click", () => showMore()?.focus());
  addEventListener("hashchange", () => {
    if (!readAddress()) return;
    fillForm();
    show();
    root.closest("section").scrollIntoView();
  });

  const isAskedFor = readAddress();
  if (data.shared.length || data.before || data.after) {
    const turns = data.shared.map((message) => [message.role, message.text]);
    if (data.before || data.after) turns.push(["user", `${data.before}[…]${data.after}`]);
    const nodes = turns.flatMap(([role, text]) => [make("div", { class: "row-role" }, role), lines(text)]);
    root.append(make("details", { class: "rows-shared" }, make("summary", {}, "The same in every prompt"), ...nodes));
  }
  if (hasReplies && rows.some((row) => row.references.length && !isShort(row))) {
    const legend = [make("del", {}, "struck out"), ": not in the target · ", make("ins", {}, "underlined"), ": not in the answer"];
    root.append(make("p", { class: "note" }, "Compared word by word, where they have words in common. ", ...legend));
  }
  root.append(controls, status, list, more);
  root.closest("section").classList.add("rows-live");
  fillForm();
  show();
  if (isAskedFor) root.closest("section").scrollIntoView();
})();
