// The map (steps x addresses) and, under it on the same steps, the curve of live bytes.

const canvas = byId('map');
const paperCanvas = byId('paper-map');
let paint = canvas.getContext('2d');  // the printed map's while that is drawn
const arenaBytes = Math.max(1, report.arena_bytes, report.peak.live_bytes);
const stepCount = Math.max(1, steps.length);
const whole = {x0: 0, x1: stepCount, y0: 0, y1: arenaBytes};
const view = {...whole};
const mapped = tensors.filter((t) => t.mapped).sort((a, b) => a.begin - b.begin || a.offset - b.offset);
const box = {left: 86, right: 14, top: 12, gap: 30, curve: 104, bottom: 26, width: 0, height: 0};
const leastWidth = 560;  // pixels for all steps: on a narrow screen the map begins with a part of them

const innerWidth_ = () => Math.max(1, box.width - box.left - box.right);
const mapHeight = () => Math.max(1, box.height - box.top - box.gap - box.curve - box.bottom);
const curveTop = () => box.top + mapHeight() + box.gap;
const toX = (step) => box.left + (step - view.x0) / (view.x1 - view.x0) * innerWidth_();
const toY = (address) => box.top + (1 - (address - view.y0) / (view.y1 - view.y0)) * mapHeight();
const fromX = (x) => view.x0 + (x - box.left) / innerWidth_() * (view.x1 - view.x0);
const fromY = (y) => view.y0 + (1 - (y - box.top) / mapHeight()) * (view.y1 - view.y0);
const curveY = (bytes) => curveTop() + box.curve * (1 - bytes / (arenaBytes * 1.06));

// --- view ---
function clampView() {
  for (const [low, high, end, least] of [['x0', 'x1', stepCount, 3], ['y0', 'y1', arenaBytes, 64]]) {
    const span = Math.min(end, Math.max(Math.min(least, end), view[high] - view[low]));
    view[low] = Math.min(Math.max(0, view[low]), end - span);
    view[high] = view[low] + span;
  }
}
function zoom(factor, axes = 'xy', x = (view.x0 + view.x1) / 2, y = (view.y0 + view.y1) / 2) {
  if (axes.includes('x')) {
    view.x0 = x + (view.x0 - x) * factor;
    view.x1 = x + (view.x1 - x) * factor;
  }
  if (axes.includes('y')) {
    view.y0 = y + (view.y0 - y) * factor;
    view.y1 = y + (view.y1 - y) * factor;
  }
  clampView();
  requestDraw();
}
function pan(dx, dy) {
  view.x0 += dx; view.x1 += dx; view.y0 += dy; view.y1 += dy;
  clampView();
  requestDraw();
}
function resetView() {
  Object.assign(view, whole);
  requestDraw();
}
function showSteps(begin, end) {
  const margin = Math.max(4, (end - begin) * 0.5);
  Object.assign(view, {x0: begin - margin, x1: end + margin, y0: 0, y1: arenaBytes});
  clampView();
  requestDraw();
}
// Moves the view so that a tensor is inside, without changing the zoom.
function reveal(tensor) {
  if (!tensor.mapped) return;
  const spanX = view.x1 - view.x0, spanY = view.y1 - view.y0;
  if (tensor.begin >= view.x1 || tensor.end <= view.x0) view.x0 = (tensor.begin + tensor.end - spanX) / 2;
  const top = tensor.offset + tensor.bytes;
  if (tensor.offset >= view.y1 || top <= view.y0) view.y0 = (tensor.offset + top - spanY) / 2;
  view.x1 = view.x0 + spanX;
  view.y1 = view.y0 + spanY;
  clampView();
}

// The map's own scroll bar: the canvas stays in sight, what is scrolled is as wide as all steps would
// be at this zoom. So a finger pans the map, and the page never moves sideways.
const scroller = byId('map-scroll');
let scrolledTo = 0;
function matchScrollBar() {
  const span = view.x1 - view.x0;
  const range = Math.min(1e7, innerWidth_() * (stepCount / span - 1));
  byId('map-width').style.width = `${box.width + range}px`;
  const left = span < stepCount ? view.x0 / (stepCount - span) * range : 0;
  if (Math.abs(scroller.scrollLeft - left) >= 1) scroller.scrollLeft = left;
  scrolledTo = scroller.scrollLeft;
}
scroller.addEventListener('scroll', () => {
  const range = scroller.scrollWidth - scroller.clientWidth, span = view.x1 - view.x0;
  if (Math.abs(scroller.scrollLeft - scrolledTo) < 1 || range <= 0) return;
  scrolledTo = scroller.scrollLeft;
  view.x0 = scrolledTo / range * (stepCount - span);
  view.x1 = view.x0 + span;
  tip.hidden = true;
  requestDraw();
});

// --- drawing ---
let drawRequested = false;
function requestDraw() {
  if (drawRequested) return;
  drawRequested = true;
  requestAnimationFrame(drawNow);
}
function drawNow() {
  drawRequested = false;
  matchScrollBar();
  draw();
}
function setSize(target, width, height, ratio) {
  Object.assign(box, {width, height, left: width < 520 ? 66 : 86});
  target.width = Math.round(width * ratio);
  target.height = Math.round(height * ratio);
  paint.setTransform(ratio, 0, 0, ratio, 0, 0);
}
function resize() {
  const first = box.width === 0, width = scroller.clientWidth;
  if (width === 0) return;  // not shown, as on paper
  canvas.style.width = `${width}px`;
  setSize(canvas, width, canvas.clientHeight, window.devicePixelRatio || 1);
  if (first && innerWidth_() < leastWidth) {
    const half = stepCount * innerWidth_() / leastWidth / 2, at = (peakStep ?? 0) + 0.5;
    Object.assign(view, {x0: at - half, x1: at + half});
    clampView();
  }
  requestDraw();
}
// All of the map in the light colours, fine enough for paper, whatever the screen shows.
function drawOnPaper() {
  const screen = {paint, box: {...box}, view: {...view}, selection: {...selection}};
  paint = paperCanvas.getContext('2d');
  setSize(paperCanvas, 900, 400, 1.5);
  Object.assign(view, whole);
  Object.assign(selection, {hover: null, tensor: null, step: null});
  draw();
  paint = screen.paint;
  Object.assign(box, screen.box);
  Object.assign(view, screen.view);
  Object.assign(selection, screen.selection);
}
// Numbers 1, 2 or 5 times a power of `base` apart (of 2 for bytes), about `pixels` / `room` of them.
function ticks(from, to, pixels, room, bytes) {
  const wanted = (to - from) / Math.max(1, pixels / room);
  let step = 1;
  if (bytes) {
    while (step < wanted) step *= 2;
  } else {
    for (let unit = 1; step < wanted; unit *= 10) {
      step = [1, 2, 5, 10].map((k) => k * unit).find((s) => s >= wanted) ?? step * 10;
    }
  }
  const out = [];
  for (let tick = Math.ceil(from / step) * step; tick <= to; tick += step) out.push(tick);
  return out;
}
let hatch = null;
function hatchPattern(colour) {
  const tile = document.createElement('canvas');
  tile.width = tile.height = 6;
  const ink = tile.getContext('2d');
  ink.strokeStyle = colour;
  ink.lineWidth = 1.6;
  ink.beginPath();
  for (const shift of [-6, 0, 6]) {
    ink.moveTo(shift, 6);
    ink.lineTo(shift + 6, 0);
  }
  ink.stroke();
  return paint.createPattern(tile, 'repeat');
}
function fillBlock(begin, end, offset, bytes, style) {
  const x = toX(begin), y = toY(offset + bytes);
  // A block is never thinner than a hair, so that nothing vanishes.
  const width = Math.max(0.6, toX(end) - x), height = Math.max(0.6, toY(offset) - y);
  const inset = width > 5 && height > 4 ? 0.5 : 0;
  paint.fillStyle = style;
  paint.fillRect(x + inset, y + inset, width - 2 * inset, height - 2 * inset);
  return {x, y, width, height};
}
// A name inside its block, along the longer side of what is in sight of it; none where it has no room.
function label(rect, text, ink) {
  const left = Math.max(rect.x, box.left), right = Math.min(rect.x + rect.width, box.width - box.right);
  const top = Math.max(rect.y, box.top), bottom = Math.min(rect.y + rect.height, box.top + mapHeight());
  const upright = right - left < 62 && bottom - top > right - left;
  const [room, line] = upright ? [bottom - top - 10, right - left] : [right - left - 10, bottom - top];
  if (room < 18 || line < 15) return;
  // The end of a name tells more than its beginning: "/stage1/block2/conv1".
  let shown = text.length > 60 ? `\u2026${lastOf(text, 60)}` : text;
  while (shown.length > 4 && paint.measureText(shown).width > room) {
    shown = `\u2026${lastOf(shown, Math.floor(shown.length * 0.88) - 1)}`;
  }
  if (paint.measureText(shown).width > room) return;
  paint.save();
  paint.fillStyle = ink;
  if (upright) {
    paint.translate((left + right) / 2, bottom - 5);
    paint.rotate(-Math.PI / 2);
  } else {
    paint.translate(left + 5, (top + bottom) / 2);
  }
  paint.fillText(shown, 0, 0);
  paint.restore();
}
function clipTo(top, height, body) {
  paint.save();
  paint.beginPath();
  paint.rect(box.left, top, innerWidth_(), height);
  paint.clip();
  body();
  paint.restore();
}
function column(step, style) {
  paint.fillStyle = style;
  const x = toX(step), width = Math.max(1.5, toX(step + 1) - x);
  paint.fillRect(x, box.top, width, mapHeight());
  paint.fillRect(x, curveTop(), width, box.curve);
}
function drawMap(colours) {
  paint.fillStyle = colours.sunk;
  paint.fillRect(box.left, box.top, innerWidth_(), mapHeight());
  clipTo(box.top, mapHeight(), () => {
    const focus = selection.tensor === null ? null : tensors[selection.tensor].root;
    const visible = mapped.filter((t) => t.end > view.x0 && t.begin < view.x1 &&
        t.offset + t.bytes > view.y0 && t.offset < view.y1);
    const labelInk = isDark() ? 'rgb(255 255 255 / 92%)' : 'rgb(20 24 30 / 86%)';
    for (const tensor of visible) {
      const soft = focus !== null && tensor.index !== focus;
      const rect = fillBlock(tensor.begin, tensor.end, tensor.offset, tensor.bytes, tensorColour(tensor, soft));
      if (!soft) label(rect, tensor.name, labelInk);
    }
    hatch ??= hatchPattern(colours.scratch);
    for (let i = Math.max(0, Math.floor(view.x0)); i < Math.min(steps.length, view.x1); ++i) {
      const step = steps[i];
      if (step.scratch_bytes > 0) fillBlock(i, i + 1, step.scratch_offset, step.scratch_bytes, hatch);
    }
    for (const [index, ink] of [[selection.hover, colours.muted], [selection.tensor, colours.ink]]) {
      if (index === null) continue;
      const t = tensors[tensors[index].root];
      if (!t.mapped) continue;
      paint.strokeStyle = ink;
      paint.lineWidth = 2;
      paint.strokeRect(toX(t.begin), toY(t.offset + t.bytes), Math.max(2, toX(t.end) - toX(t.begin)),
          Math.max(2, toY(t.offset) - toY(t.offset + t.bytes)));
    }
  });
}
function drawCurve(colours) {
  paint.fillStyle = colours.sunk;
  paint.fillRect(box.left, curveTop(), innerWidth_(), box.curve);
  clipTo(curveTop(), box.curve, () => {
    const first = Math.max(0, Math.floor(view.x0)), last = Math.min(steps.length, Math.ceil(view.x1));
    paint.beginPath();
    paint.moveTo(toX(first), curveY(0));
    // Steps narrower than a pixel share one, which shows the highest of them.
    const stride = Math.max(1, Math.floor((view.x1 - view.x0) / innerWidth_()));
    for (let i = first; i < last; i += stride) {
      const until = Math.min(last, i + stride);
      let live = 0;
      for (let k = i; k < until; ++k) live = Math.max(live, steps[k].live_bytes);
      paint.lineTo(toX(i), curveY(live));
      paint.lineTo(toX(until), curveY(live));
    }
    paint.lineTo(toX(last), curveY(0));
    paint.closePath();
    paint.fillStyle = colours.soft;
    paint.fill();
    paint.strokeStyle = colours.activations;
    paint.lineWidth = 1.5;
    paint.stroke();
    for (const [bytes, ink, dash] of [[report.arena_bytes, colours.muted, []],
      [report.lower_bound_bytes, colours.bound, [6, 4]]]) {
      paint.setLineDash(dash);
      paint.strokeStyle = ink;
      paint.lineWidth = dash.length ? 2 : 1;
      paint.beginPath();
      paint.moveTo(box.left, curveY(bytes));
      paint.lineTo(box.width - box.right, curveY(bytes));
      paint.stroke();
    }
    paint.setLineDash([]);
  });
}
function drawAxes(colours) {
  paint.fillStyle = colours.muted;
  paint.strokeStyle = colours.line;
  paint.lineWidth = 1;
  paint.textAlign = 'right';
  const marks = ticks(view.y0, view.y1, mapHeight(), 52, true);
  const near = new Set(marks.map(sizeText)).size < marks.length;  // too near for rounded sizes
  for (const tick of marks) {
    paint.fillText(near ? bytesText(tick) : sizeText(tick), box.left - 9, toY(tick));
  }
  for (const tick of ticks(0, arenaBytes, box.curve, 40, true)) {
    paint.fillText(sizeText(tick), box.left - 9, curveY(tick));
  }
  paint.textAlign = 'center';
  for (const tick of ticks(view.x0, view.x1, innerWidth_(), 90, false)) {
    const text = exact.format(tick), x = toX(tick + 0.5);
    if (tick < steps.length && x + paint.measureText(text).width / 2 <= box.width) {
      paint.fillText(text, x, box.height - 11);
    }
  }
  paint.textAlign = 'left';
  paint.fillText('live bytes', box.left, curveTop() - 11);
  paint.textAlign = 'right';
  paint.fillText('step', box.left - 9, box.height - 11);
  paint.textAlign = 'left';
}
function draw() {
  const colours = {
    sunk: cssColour('--sunk'), muted: cssColour('--muted'), ink: cssColour('--ink'),
    line: cssColour('--line'), scratch: cssColour('--c-scratch'), bound: cssColour('--good'),
    activations: cssColour('--c-activations'), soft: isDark() ? 'rgb(91 143 203 / 26%)' : 'rgb(79 134 198 / 20%)',
  };
  paint.clearRect(0, 0, box.width, box.height);
  paint.font = '12px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';
  paint.textBaseline = 'middle';
  drawMap(colours);
  drawCurve(colours);
  if (peakStep !== null) column(peakStep, isDark() ? 'rgb(255 255 255 / 13%)' : 'rgb(20 24 30 / 10%)');
  if (selection.step !== null) column(selection.step, isDark() ? 'rgb(134 179 234 / 38%)' : 'rgb(47 95 158 / 30%)');
  drawAxes(colours);
}

// --- pointer ---
const inMap = (y) => y >= box.top && y <= box.top + mapHeight();
const inCurve = (y) => y >= curveTop() && y <= curveTop() + box.curve;
function tensorAt(x, y) {
  if (!inMap(y) || x < box.left || x > box.width - box.right) return null;
  // Small blocks are easier to hit with a pixel of slack; the smallest one wins.
  const step = fromX(x), address = fromY(y), slack = Math.abs(fromY(y + 1) - address);
  let best = null;
  for (const t of mapped) {
    if (t.begin > step) break;
    if (t.end <= step || address < t.offset - slack || address > t.offset + t.bytes + slack) continue;
    const misses = address < t.offset || address > t.offset + t.bytes;
    if (best === null || (best.misses && !misses) || (best.misses === misses && t.bytes < best.tensor.bytes)) {
      best = {tensor: t, misses};
    }
  }
  return best && best.tensor;
}
function stepAt(x) {
  const step = Math.floor(fromX(x));
  return x >= box.left && step >= 0 && step < steps.length ? step : null;
}
const tip = byId('tip');
function factList(facts) {
  const list = make('dl', {className: 'facts'});
  for (const [name, text] of facts) list.append(make('dt', {text: name}), make('dd', {text}));
  return list;
}
function showTip(x, y, title, facts) {
  tip.replaceChildren(make('div', {className: 'name', text: title}), factList(facts));
  tip.hidden = false;
  const room = byId('map-box').getBoundingClientRect();
  const left = x + 18 + tip.offsetWidth > room.width ? x - tip.offsetWidth - 14 : x + 18;
  tip.style.left = `${Math.max(0, left)}px`;
  tip.style.top = `${Math.max(0, Math.min(y + 14, room.height - tip.offsetHeight))}px`;
}
function hover(x, y) {
  const tensor = tensorAt(x, y), step = stepAt(x);
  select({hover: tensor ? tensor.index : null});
  if (tensor) {
    showTip(x, y, tensor.name, tensorFacts(tensor));
  } else if (step !== null && inMap(y) && scratchHit(step, fromY(y))) {
    showTip(x, y, `Scratch of step ${step}: ${steps[step].name}`, stepFacts(steps[step]));
  } else if (step !== null && inCurve(y)) {
    showTip(x, y, `Step ${step}: ${steps[step].name}`, stepFacts(steps[step]));
  } else {
    tip.hidden = true;
  }
}
const scratchHit = (step, address) => address >= steps[step].scratch_offset &&
    address < steps[step].scratch_offset + steps[step].scratch_bytes;
let drag = null;
canvas.addEventListener('pointerdown', (event) => {
  drag = {x: event.offsetX, y: event.offsetY, moved: false};
  if (event.pointerType === 'mouse') canvas.setPointerCapture(event.pointerId);
});
canvas.addEventListener('pointermove', (event) => {
  if (!drag) return hover(event.offsetX, event.offsetY);
  const dx = event.offsetX - drag.x, dy = event.offsetY - drag.y;
  if (!drag.moved && Math.hypot(dx, dy) < 4) return;
  if (event.pointerType !== 'mouse') {  // a finger scrolls, which is the browser's
    drag.moved = true;
    return;
  }
  drag = {x: event.offsetX, y: event.offsetY, moved: true};
  canvas.classList.add('drag');
  tip.hidden = true;
  pan(-dx / innerWidth_() * (view.x1 - view.x0), dy / mapHeight() * (view.y1 - view.y0));
});
function drop(event) {
  if (drag && !drag.moved && event.type === 'pointerup') {
    const tensor = tensorAt(event.offsetX, event.offsetY), step = stepAt(event.offsetX);
    if (inCurve(event.offsetY)) select({step: step === selection.step ? null : step});
    else select({tensor: tensor && tensor.index !== selection.tensor ? tensor.index : null});
  }
  drag = null;
  canvas.classList.remove('drag');
}
canvas.addEventListener('pointerup', drop);
canvas.addEventListener('pointercancel', drop);
canvas.addEventListener('pointerleave', () => {
  tip.hidden = true;
  select({hover: null});
});
canvas.addEventListener('wheel', (event) => {
  if (!event.ctrlKey && !event.metaKey && document.activeElement !== canvas) return;
  if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) return;  // the scroll bar's
  event.preventDefault();
  const delta = event.deltaY || event.deltaX;
  zoom(Math.exp(Math.max(-1, Math.min(1, delta / 240))), event.shiftKey ? 'y' : 'x',
      fromX(event.offsetX), fromY(event.offsetY));
}, {passive: false});

// --- keyboard ---
// Left and right walk in the order of first use; up and down among the tensors alive with this one.
function walk(key) {
  if (mapped.length === 0) return;
  const at = selection.tensor === null ? -1 : mapped.indexOf(tensors[tensors[selection.tensor].root]);
  let next = null;
  if (at < 0) {
    next = mapped.find((t) => t.end > view.x0 && t.begin < view.x1) ?? mapped[0];
  } else if (key === 'ArrowLeft' || key === 'ArrowRight') {
    next = mapped[Math.min(mapped.length - 1, Math.max(0, at + (key === 'ArrowLeft' ? -1 : 1)))];
  } else {
    const self = mapped[at], up = key === 'ArrowUp';
    const beside = mapped.filter((t) => t.begin < self.end && t.end > self.begin &&
        (up ? t.offset > self.offset : t.offset < self.offset));
    next = beside.reduce((a, b) => a === null || (up ? b.offset < a.offset : b.offset > a.offset) ? b : a, null);
  }
  if (next) {
    reveal(next);
    select({tensor: next.index});
  }
}
canvas.addEventListener('keydown', (event) => {
  const {key} = event;
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (key.startsWith('Arrow')) {
    const dx = (view.x1 - view.x0) / 8, dy = (view.y1 - view.y0) / 8;
    if (!event.shiftKey) walk(key);
    else pan(key === 'ArrowLeft' ? -dx : key === 'ArrowRight' ? dx : 0,
        key === 'ArrowDown' ? -dy : key === 'ArrowUp' ? dy : 0);
  } else if (key === '+' || key === '=') {
    zoom(0.7);
  } else if (key === '-') {
    zoom(1 / 0.7);
  } else if (key === '0') {
    resetView();
  } else if (key === 'Escape') {
    select({tensor: null, step: null});
  } else if (key === 'Enter' && selection.tensor !== null) {
    findInTable(selection.tensor);
  } else {
    return;
  }
  event.preventDefault();
});

// Fingers pan along the steps only, so there the buttons keep all addresses in sight.
const buttonAxes = matchMedia('(pointer: coarse)').matches ? 'x' : 'xy';
byId('zoom-in').addEventListener('click', () => zoom(0.6, buttonAxes));
byId('zoom-out').addEventListener('click', () => zoom(1 / 0.6, buttonAxes));
byId('zoom-reset').addEventListener('click', resetView);
byId('zoom-peak').addEventListener('click', () => {
  if (peakStep !== null) showSteps(peakStep, peakStep + 1);
});
byId('colour').addEventListener('change', (event) => {
  colourMode = event.target.value;
  colourCache.clear();
  listeners.forEach((listener) => listener(['colours']));
});
listeners.push((keys) => {
  if (keys.includes('colours')) hatch = null;
  requestDraw();
});
new ResizeObserver(resize).observe(scroller);
