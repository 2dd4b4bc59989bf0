'use strict';
// What the page knows: the report, what is selected, and how numbers read.

const report = JSON.parse(document.getElementById('data').textContent);
const {tensors, steps} = report;
// Names are the model's: what would not show, or would turn the text around it, shows as an escape.
const hidden = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;
const visible = (text) => text.replace(hidden, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
// Names of layers tell more at their end than at their beginning. No cut goes through a character.
const firstOf = (text, most) => text.slice(0, most).replace(/[\ud800-\udbff]$/, '');
const lastOf = (text, most) => text.slice(-most).replace(/^[\udc00-\udfff]/, '');
const short = (text, most = 100) => text.length <= most ? text :
    `${firstOf(text, most / 4)}\u2026${lastOf(text, most * 3 / 4)}`;
for (const named of [report, ...tensors, ...steps]) {
  if (named.name !== undefined) named.name = visible(named.name);
  if (named.model !== undefined) [named.model, named.graph] = [visible(named.model), visible(named.graph)];
}
tensors.forEach((tensor, i) => {
  tensor.index = i;
  tensor.root ??= i;
  tensor.aliases = [];
  tensor.mapped = tensor.storage === 'arena' && tensor.root === i && tensor.end > tensor.begin &&
      tensor.bytes > 0;
  tensor.role = tensor.storage !== 'arena' ? tensor.storage : tensor.input ? 'input' :
      tensor.output ? 'output' : 'activation';
});
tensors.forEach((tensor) => {
  if (tensor.root !== tensor.index) tensors[tensor.root].aliases.push(tensor.index);
});
steps.forEach((step, i) => {
  step.index = i;
  step.scratch_bytes ??= 0;
  step.scratch_offset ??= 0;
});
const peakStep = report.peak.step ?? null;

// --- selection: one hovered and one pinned tensor, one pinned step; listeners redraw ---
const selection = {hover: null, tensor: null, step: null};
const listeners = [];
function select(change) {
  const keys = Object.keys(change).filter((key) => selection[key] !== change[key]);
  if (keys.length === 0) return;
  Object.assign(selection, change);
  listeners.forEach((listener) => listener(keys));
}

// --- numbers ---
const exact = new Intl.NumberFormat('en-US');
function sizeText(bytes) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = Math.abs(bytes), unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    ++unit;
  }
  const digits = unit === 0 || value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return `${bytes < 0 ? '\u2212' : ''}${value.toFixed(digits)} ${units[unit]}`;
}
const counted = (count, what) => `${exact.format(count)} ${what}${count === 1 ? '' : 's'}`;
const bytesText = (bytes) => `${exact.format(bytes)} B`;
const bothText = (bytes) => bytes < 1024 ? bytesText(bytes) : `${sizeText(bytes)} (${bytesText(bytes)})`;
const percent = (part, whole) => whole <= 0 ? '0 %' :
    part > 0 && part < whole / 1000 ? '< 0.1 %' : `${(100 * part / whole).toFixed(1)} %`;
const lifeText = (t) => t.end > t.begin ?
    `steps ${t.begin} to ${t.end - 1} (${exact.format(t.end - t.begin)})` : 'never used';

// --- the document: text only, never markup made from strings ---
const byId = (id) => document.getElementById(id);
function make(tag, {text, className, title, attrs} = {}, ...children) {
  const node = document.createElement(tag);
  if (text !== undefined) node.textContent = text;
  if (className) node.className = className;
  if (title) node.title = title;
  for (const [name, value] of Object.entries(attrs ?? {})) node.setAttribute(name, value);
  node.append(...children);
  return node;
}
const narrow = matchMedia('screen and (max-width: 640px)');  // the style sheet's too
// A name on one line that gives way before its last characters where it has no room; whole in the title.
function nameNode(name) {
  const end = name.length <= 12 ? '' : lastOf(name, Math.min(narrow.matches ? 10 : 18, Math.floor(name.length / 2)));
  const begin = firstOf(name.slice(0, name.length - end.length), 400);
  return make('span', {className: 'cut', title: name.slice(0, 400)},
      make('span', {text: begin}), make('span', {text: end}));
}
const cssColour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const isDark = () => document.documentElement.dataset.theme === 'dark';

// --- colours of tensors ---
const roleHues = {activation: 213, input: 158, output: 32, constant: 220, state: 280, caller: 190};
let colourMode = 'tensor';
const largestTensor = tensors.reduce((most, t) => t.mapped ? Math.max(most, t.bytes) : most, 1);
// Tensors that follow each other in time get neighbouring, well told apart entries: hue, chroma and
// lightness of the light theme.
const palette = [[213, 42, 68], [150, 28, 66], [33, 52, 70], [275, 29, 72], [187, 33, 64], [4, 44, 74],
  [72, 33, 62], [232, 44, 76], [330, 31, 74], [165, 30, 57], [48, 47, 64], [20, 18, 66]];
tensors.filter((t) => t.mapped).sort((a, b) => a.begin - b.begin || a.index - b.index)
    .forEach((t, rank) => { t.rank = rank; });
const colourCache = new Map();  // emptied when the theme or the mode changes
function tensorColour(tensor, soft = false) {
  const key = soft ? ~tensor.index : tensor.index;
  if (!colourCache.has(key)) colourCache.set(key, computeColour(tensor, soft));
  return colourCache.get(key);
}
function computeColour(tensor, soft) {
  const dark = isDark(), rank = tensors[tensor.root]?.rank ?? tensor.root;
  let [hue, chroma, light] = palette[rank % palette.length];
  if (dark) [chroma, light] = [chroma * 0.8, light - 33];
  if (colourMode === 'role') {
    hue = roleHues[tensor.role];
    chroma = tensor.role === 'constant' ? 8 : dark ? 30 : 40;
    light = (dark ? 36 : 71) + (rank % 4 - 1.5) * 3;
  } else if (colourMode === 'size') {
    const weight = Math.sqrt(tensor.bytes / largestTensor);
    hue = 213 - 190 * weight * weight;
    chroma = 22 + 40 * weight;
    light = dark ? 20 + 16 * weight : 88 - 28 * weight;
  }
  return `hsl(${hue.toFixed(1)} ${chroma}% ${light}% / ${soft ? 0.28 : 1})`;
}

// The facts of a tensor, as pairs for a definition list.
function tensorFacts(tensor) {
  const facts = [['Shape', tensor.type], ['Bytes', bothText(tensor.bytes)], ['Life', lifeText(tensor)]];
  if (tensor.storage !== 'caller') facts.push(['Offset', bytesText(tensor.offset)]);
  facts.push(['Where', tensor.role === tensor.storage ? tensor.storage : `${tensor.storage}, ${tensor.role}`]);
  if (tensor.producer !== null) {
    const step = steps[tensor.producer];
    facts.push(['Made by', `${tensor.producer}: ${short(step.name)} (${step.op})`]);
  }
  if (tensor.root !== tensor.index) {
    facts.push([tensor.alias === 'whole' ? 'Same bytes as' : 'Part of', short(tensors[tensor.root].name)]);
  }
  if (tensor.aliases.length > 0) {
    const shown = tensor.aliases.slice(0, 4).map((i) => short(tensors[i].name, 60)).join(', ');
    const more = tensor.aliases.length > 4 ? ` and ${tensor.aliases.length - 4} more` : '';
    facts.push(['Aliases', shown + more]);
  }
  return facts;
}
function stepFacts(step) {
  return [
    ['Operator', step.op], ['Kernel', step.kernel || '\u2013'], ['Live', bothText(step.live_bytes)],
    ['Own operands', bothText(step.working_set_bytes)], ['Scratch', bothText(step.scratch_bytes)],
  ];
}
