// Everything around the map and the table: the verdict, cards, bars, lists, details and the theme.

function verdictParts() {
  const {arena_bytes: arena, lower_bound_bytes: bound, gap_bytes: gap, naive_bytes: naive} = report;
  if (steps.length === 0) return ['This plan has no steps and needs no arena.'];
  const claimed = report.bound_is_claimed ? ' (as its compiler claims; memopt-verify --certificate checks it)' : '';
  const parts = ['A run needs ', make('strong', {text: bothText(arena)}), ' of arena'];
  if (naive > arena) parts.push(`, ${(naive / Math.max(1, arena)).toFixed(1)} times less than with every tensor on its own`);
  parts.push('. ');
  const orders = report.certificate.kind === 'all_orders' ? 'no order of the steps and no placement needs less' :
      'with this order of the steps no placement needs less';
  if (report.certificate.optimal) {
    parts.push(make('strong', {className: 'good', text: 'Proved optimal'}), `: ${orders}${claimed}.`);
  } else {
    parts.push(make('strong', {className: 'warn', text: `Within ${percent(gap, bound)} of the lower bound`}),
        `: at most ${bothText(gap)} could still be saved${report.certificate.kind === 'all_orders' ? '' : ' with this order of the steps'}${claimed}.`);
  }
  return parts;
}
function addCard(name, bytes, note, className = '') {
  byId('cards').append(make('div', {className: `card ${className}`}, make('dt', {text: name}),
      make('dd', {className: 'big', text: sizeText(bytes)}),
      make('dd', {className: 'small', text: bytes < 1024 ? '' : bytesText(bytes)}),
      make('dd', {className: 'small', text: note})));
}
function drawCards() {
  const r = report;
  addCard('Arena', r.arena_bytes, 'per run', 'main');
  addCard('Lower bound', r.lower_bound_bytes, r.gap_bytes === 0 ? 'reached' : `gap ${percent(r.gap_bytes, r.lower_bound_bytes)}`);
  addCard('Naive', r.naive_bytes, r.arena_bytes === 0 ? 'every tensor its own' : `${(r.naive_bytes / r.arena_bytes).toFixed(1)} times the arena`);
  addCard('Constants', r.constants_bytes, 'read-only, shared');
  const otherWay = r.io.other_way_arena_bytes === null ? '' :
      `; ${r.io.arena_bytes === 0 ? 'in it' : 'by the caller'} the arena is ${sizeText(r.io.other_way_arena_bytes)}`;
  addCard('Inputs, outputs', r.io_bytes, (r.io.arena_bytes === 0 ? 'bound by the caller' :
      r.io.caller_bytes === 0 ? 'in the arena' : `${sizeText(r.io.arena_bytes)} in the arena`) + otherWay);
  addCard('Largest scratch', r.scratch_bytes, 'in the arena');
  if (r.state_bytes > 0) addCard('State', r.state_bytes, 'kept between runs');
  if (r.runtime_bytes !== null) addCard('Runtime', r.runtime_bytes, 'made at load');
  addCard('All together', r.total_bytes, r.runtime_bytes !== null ? 'one session' :
      'one session, without what is made at load (memopt-run measures it)');
}
function drawBar() {
  const a = report.arena;
  const parts = [
    ['constants', 'Constants', report.constants_bytes], ['activations', 'Activations at the peak', a.activations_bytes],
    ['scratch', 'Scratch at the peak', a.scratch_bytes], ['padding', 'Alignment padding', a.padding_bytes],
    ['fragmentation', 'Unused by the placement', a.fragmentation_bytes],
    ['io', 'Inputs and outputs outside of the arena', report.io.caller_bytes], ['state', 'State', report.state_bytes],
    ['runtime', 'Runtime structures', report.runtime_bytes ?? 0],
  ];
  const words = [];
  for (const [key, name, bytes] of parts) {
    if (bytes === 0 && !['activations', 'constants'].includes(key)) continue;
    const text = `${name}: ${bothText(bytes)}`;
    const colour = `var(--c-${key})`;
    if (bytes > 0) {
      const part = make('span', {title: text});
      part.style.cssText = `flex: ${bytes} 1 0; background: ${colour}`;
      byId('bar').append(part);
    }
    const swatch = make('span', {className: 'swatch'});
    swatch.style.background = colour;
    byId('bar-legend').append(make('li', {title: bytesText(bytes)}, swatch, make('span', {}, `${name} `,
        make('span', {className: 'muted', text: `${sizeText(bytes)}, ${percent(bytes, report.total_bytes)}`}))));
    words.push(text);
  }
  byId('bar').setAttribute('aria-label', words.join('; '));
}
function drawMapLegend() {
  const entries = [];
  const entry = (text, className, style) => {
    const swatch = make('span', {className: `swatch ${className}`});
    swatch.style.cssText = style;
    entries.push(make('li', {}, swatch, text));
  };
  const block = (hue, chroma) => `background: hsl(${hue} ${chroma}% ${isDark() ? 45 : 71}%)`;
  if (colourMode === 'role') {
    for (const role of ['activation', 'input', 'output']) {
      if (mapped.some((t) => t.role === role)) entry(role, '', block(roleHues[role], 46));
    }
  } else if (colourMode === 'size') {
    entry('small', '', `background: ${computeColour({root: 0, bytes: 0}, false)}`);
    entry(`largest (${sizeText(largestTensor)})`, '', `background: ${computeColour({root: 0, bytes: largestTensor}, false)}`);
  } else {
    entry('a tensor and its aliases', '', `background: ${computeColour({root: 0}, false)}`);
  }
  entry('kernel scratch', 'hatch', 'background-color: var(--c-scratch)');
  entry('free', '', 'background: var(--sunk); outline: 1px solid var(--line)');
  entry('peak step', '', 'background: var(--muted); opacity: .45');
  entry('lower bound', 'line', 'border-color: var(--good)');
  entry('arena', 'line', 'border-color: var(--muted); border-top-style: solid; border-top-width: 1px');
  byId('map-legend').replaceChildren(...entries);
}
// Paper has the first items of a list and a line that counts the others.
function shortenOnPaper(list, count) {
  const most = 6;
  [...list.children].slice(most).forEach((item) => item.classList.add('screen'));
  if (count > most) list.append(make('li', {className: 'paper', text: `and ${exact.format(count - most)} more, left out here`}));
}
function drawPeak() {
  if (peakStep === null) {
    byId('peak-text').textContent = 'There are no steps.';
    return;
  }
  const step = steps[peakStep];
  const open = make('button', {className: 'link', text: `step ${peakStep}, ${short(step.name)}`, attrs: {type: 'button'}});
  open.addEventListener('click', () => {
    showSteps(peakStep, peakStep + 1);
    select({step: peakStep});
  });
  byId('peak-text').replaceChildren(open, ` (${step.op}): ${bothText(report.peak.live_bytes)} live.`);
  const items = report.peak.tensors.map(({index}) => [tensors[index].name, tensors[index].bytes, index]);
  if (step.scratch_bytes > 0) items.push([`scratch of ${step.kernel}`, step.scratch_bytes, null]);
  items.sort((a, b) => b[1] - a[1]);
  const most = 200;
  byId('peak-list').replaceChildren();
  for (const [name, bytes, index] of items.slice(0, most)) {
    const link = make('button', {className: 'link', attrs: {type: 'button'}}, nameNode(name),
        make('span', {className: 'paper', text: short(name, 90)}));
    const use = index === null ? 'private to the step' : step.outputs.some((i) => tensors[i].root === index) ? 'written by this step' :
        step.inputs.some((i) => tensors[i].root === index) ? 'read by this step' :
        `waits for step ${nextUse(index)}`;
    link.addEventListener('click', () => {
      if (index === null) return select({step: peakStep});
      reveal(tensors[index]);
      select({tensor: index});
    });
    const fill = make('span');
    fill.style.width = `${100 * bytes / Math.max(1, report.peak.live_bytes)}%`;
    fill.style.background = index === null ? 'var(--c-scratch)' : tensorColour(tensors[index]);
    byId('peak-list').append(make('li', {}, make('div', {}, link, make('div', {className: 'muted', text: use})),
        make('div', {className: 'num', text: sizeText(bytes), title: bytesText(bytes)}), make('div', {className: 'track'}, fill)));
  }
  shortenOnPaper(byId('peak-list'), items.length);
  if (items.length > most) byId('peak-list').append(make('li', {className: 'screen', text: `and ${exact.format(items.length - most)} more, in the table`}));
}
// The first step after the peak that reads a root or one of its aliases; the end for outputs.
function nextUse(root) {
  for (let i = peakStep + 1; i < steps.length; ++i) {
    if (steps[i].inputs.some((k) => tensors[k].root === root)) return `${i}, ${short(steps[i].name, 60)}`;
  }
  return 'the end (output)';
}
function drawSuggestions() {
  const costs = {nothing: 'costs nothing at run time', time: 'costs time', accuracy: 'costs accuracy'};
  for (const s of report.suggestions) {
    const kind = s.estimate ? 'estimate' : 'at most';
    byId('suggestions').append(make('li', {},
        make('div', {}, make('span', {className: 'save', text: `\u2212${sizeText(s.saves_bytes)}`, title: bytesText(s.saves_bytes)}),
            make('span', {className: 'tag', text: s.of === 'arena' ? kind : `${kind}, of ${s.of}`})),
        make('div', {}, make('p', {text: visible(s.action)}),
            make('p', {className: 'muted', text: `${visible(s.reason)} (${costs[s.costs]})`}))));
  }
  shortenOnPaper(byId('suggestions'), report.suggestions.length);
  if (report.suggestions.length === 0) byId('suggestions').append('Nothing: there is nothing to save.');
}
function drawDetail() {
  const detail = byId('detail'), parts = [];
  const add = (title, facts, release) => {
    const list = make('dl', {className: 'facts'});
    for (const [name, text] of facts) list.append(make('div', {}, make('dt', {text: name}), make('dd', {text})));
    const close = make('button', {className: 'quiet close', text: '\u00d7', attrs: {type: 'button', 'aria-label': 'Let go'}});
    close.addEventListener('click', release);
    parts.push(make('div', {}, make('div', {className: 'name', text: title}), list), close);
  };
  if (selection.tensor !== null) {
    const tensor = tensors[selection.tensor];
    add(tensor.name, tensorFacts(tensor), () => select({tensor: null}));
    byId('announce').textContent = `${tensor.name.slice(0, 200)}, ${tensor.type}, ${sizeText(tensor.bytes)}, ${lifeText(tensor)}`;
  } else if (selection.step !== null) {
    const step = steps[selection.step];
    add(`Step ${step.index}: ${step.name}`, stepFacts(step), () => select({step: null}));
    byId('announce').textContent = `Step ${step.index}, ${step.name.slice(0, 200)}, ${sizeText(step.live_bytes)} live`;
  }
  detail.hidden = parts.length === 0;
  detail.replaceChildren(...parts);
}

const darkQuery = matchMedia('(prefers-color-scheme: dark)');
function setTheme(dark) {
  document.documentElement.dataset.theme = dark ? 'dark' : 'light';
  colourCache.clear();
  listeners.forEach((listener) => listener(['colours']));
}
// Paper is light and shows all of the map.
let wasDark = false;
addEventListener('beforeprint', () => {
  wasDark = isDark();
  setTheme(false);
  drawOnPaper();
});
addEventListener('afterprint', () => setTheme(wasDark));
byId('theme').addEventListener('click', () => setTheme(!isDark()));
darkQuery.addEventListener('change', (event) => setTheme(event.matches));

const title = report.model || 'Unnamed model';
document.title = `${title.slice(0, 80)} \u2013 memopt memory report`;
byId('model').textContent = short(title, 100);
byId('subtitle').textContent = [report.graph !== report.model && short(report.graph, 60), counted(steps.length, 'step'), counted(tensors.length, 'tensor'),
  report.target && `target ${report.target}`, report.shapes?.length && `for ${short(report.shapes.join(', '), 120)}`, report.certificate.method && `planned by ${report.certificate.method}`,
  report.producer].filter(Boolean).join(' \u00b7 ');
byId('verdict').append(...verdictParts());
drawCards();
drawBar();
drawSuggestions();
listeners.push((keys) => {
  if (keys.includes('colours')) {
    drawMapLegend();
    drawPeak();
  }
  if (keys.includes('tensor') || keys.includes('step')) drawDetail();
});
setTheme(darkQuery.matches);
resize();
drawNow();  // the first picture is whole

