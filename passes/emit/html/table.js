// The table of tensors and of steps. Only the rows in sight are in the document.

const rowHeight = 30;
const views = {
  tensors: {
    rows: tensors, sort: 'bytes', descending: true, key: 'tensor',
    text: (t) => `${t.name} ${t.type} ${t.role} ${t.storage}`,
    columns: [
      {key: 'index', title: '#', width: 62, number: true, value: (t) => t.index},
      {key: 'name', title: 'Name', name: true, value: (t) => t.name, swatch: true},
      {key: 'bytes', title: 'Bytes', width: 116, number: true, value: (t) => t.bytes},
      {key: 'type', title: 'Type', width: 208, value: (t) => t.type},
      {key: 'role', title: 'Where', width: 98, value: (t) => t.role},
      {key: 'offset', title: 'Offset (B)', width: 120, number: true, value: (t) => t.storage === 'caller' ? null : t.offset},
      {key: 'begin', title: 'From', width: 68, number: true, value: (t) => t.begin},
      {key: 'end', title: 'Until', width: 68, number: true, value: (t) => t.end},
      {key: 'root', title: 'Shares bytes of', width: 160, name: true, value: (t) => t.root === t.index ? '' : tensors[t.root].name},
    ],
  },
  steps: {
    rows: steps, sort: 'index', descending: false, key: 'step',
    text: (s) => `${s.name} ${s.op} ${s.kernel}`,
    columns: [
      {key: 'index', title: '#', width: 62, number: true, value: (s) => s.index},
      {key: 'name', title: 'Node', name: true, value: (s) => s.name},
      {key: 'live_bytes', title: 'Live bytes', width: 124, number: true, value: (s) => s.live_bytes},
      {key: 'op', title: 'Operator', width: 150, value: (s) => s.op},
      {key: 'kernel', title: 'Kernel', width: 190, value: (s) => s.kernel},
      {key: 'working_set_bytes', title: 'Own operands (B)', width: 156, number: true, value: (s) => s.working_set_bytes},
      {key: 'scratch_bytes', title: 'Scratch (B)', width: 118, number: true, value: (s) => s.scratch_bytes},
    ],
  },
};
const grid = byId('grid');
const head = grid.querySelector('thead'), body = grid.querySelector('tbody');
let current = views.tensors;
let shownRows = [];

function refresh() {
  const words = byId('search').value.toLowerCase().split(/\s+/).filter(Boolean);
  const storage = current === views.tensors ? byId('storage').value : '';
  shownRows = current.rows.filter((row) => {
    if (storage && row.role !== storage && row.storage !== storage) return false;
    if (words.length === 0) return true;
    const text = current.text(row).toLowerCase();
    return words.every((word) => text.includes(word));
  });
  const {value} = current.columns.find((column) => column.key === current.sort);
  const sign = current.descending ? -1 : 1;
  const order = (a, b) => typeof a === 'string' ? a.localeCompare(b) : (a ?? -1) - (b ?? -1);
  shownRows.sort((a, b) => sign * order(value(a), value(b)) || a.index - b.index);
  byId('count').textContent = `${exact.format(shownRows.length)} of ${exact.format(current.rows.length)}`;
  grid.querySelector('table').setAttribute('aria-rowcount', shownRows.length + 1);
  drawHead();
  drawRows();
}
function drawHead() {
  const row = make('tr');
  for (const column of current.columns) {
    const sorted = column.key === current.sort;
    const arrow = !sorted ? '' : current.descending ? ' \u2193' : ' \u2191';
    const button = make('button', {text: column.title + arrow, attrs: {type: 'button'}});
    button.addEventListener('click', () => {
      current.descending = sorted ? !current.descending : Boolean(column.number && column.key !== 'index');
      current.sort = column.key;
      refresh();
      [...head.querySelectorAll('button')][current.columns.indexOf(column)].focus();
    });
    const cell = make('th', {
      className: cellClass(column),
      attrs: {scope: 'col', 'aria-sort': !sorted ? 'none' : current.descending ? 'descending' : 'ascending'},
    }, button);
    row.append(cell);
  }
  head.replaceChildren(row);
  fitWidth();
}
// The column of names takes what the others leave, and never vanishes: then the table scrolls.
function fitWidth() {
  const scale = narrow.matches ? 0.88 : 1, least = narrow.matches ? 148 : 220;
  const width = current.columns.reduce((sum, column) => sum + (column.width * scale || least), 0);
  grid.querySelector('table').style.minWidth = `${width}px`;
  current.columns.forEach((column, i) => {
    if (column.width) head.rows[0].cells[i].style.width = `${column.width * scale}px`;
  });
}
// The name stays in sight when the table scrolls sideways.
const cellClass = (column) => column.number ? 'num' : column.key === 'name' ? 'stays' : '';
function cellOf(row, column) {
  const value = column.value(row);
  const text = value === null ? '\u2013' : column.number ? exact.format(value) : value;
  const cell = make('td', {className: cellClass(column), title: String(text).slice(0, 400)});
  if (column.swatch && row.storage === 'arena') {
    const swatch = make('span', {className: 'swatch'});
    swatch.style.background = tensorColour(row);
    cell.append(swatch);
  }
  cell.append(column.name ? nameNode(text) : text);
  return cell;
}
function spacer(rows) {
  const cell = make('td', {attrs: {colspan: current.columns.length}});
  cell.style.height = `${rows * rowHeight}px`;
  return make('tr', {className: 'space', attrs: {'aria-hidden': 'true'}}, cell);
}
function drawRows() {
  if (shownRows.length === 0) {
    const text = current.rows.length === 0 ? 'This plan has none.' : 'Nothing matches the search.';
    body.replaceChildren(make('tr', {className: 'space'},
        make('td', {className: 'empty', text, attrs: {colspan: current.columns.length}})));
    return;
  }
  const margin = 8, first = Math.max(0, Math.floor(grid.scrollTop / rowHeight) - margin);
  const last = Math.min(shownRows.length, Math.ceil((grid.scrollTop + grid.clientHeight) / rowHeight) + margin);
  const rows = [];
  if (first > 0) rows.push(spacer(first));
  for (let i = first; i < last; ++i) {
    const row = shownRows[i];
    const line = make('tr', {attrs: {
      'aria-rowindex': i + 2, 'aria-selected': selection[current.key] === row.index,
    }}, ...current.columns.map((column) => cellOf(row, column)));
    line.addEventListener('click', () => pick(row));
    rows.push(line);
  }
  if (last < shownRows.length) rows.push(spacer(shownRows.length - last));
  body.replaceChildren(...rows);
}
function pick(row) {
  if (current === views.tensors) reveal(tensors[row.root]);
  select({[current.key]: selection[current.key] === row.index ? null : row.index});
}
function scrollToRow(position) {
  const top = position * rowHeight, header = head.offsetHeight;
  if (top < grid.scrollTop) grid.scrollTop = top;
  if (top + rowHeight + header > grid.scrollTop + grid.clientHeight) {
    grid.scrollTop = top + rowHeight + header - grid.clientHeight;
  }
}
function showView(name) {
  current = views[name];
  for (const other of Object.keys(views)) {
    const tab = byId(`tab-${other}`), on = other === name;
    tab.setAttribute('aria-selected', on);
    tab.tabIndex = on ? 0 : -1;
  }
  grid.setAttribute('aria-labelledby', `tab-${name}`);
  byId('storage-label').hidden = name !== 'tensors';
  grid.scrollTop = grid.scrollLeft = 0;
  refresh();
}
function findInTable(index) {
  byId('search').value = '';
  byId('storage').value = '';
  showView('tensors');
  scrollToRow(shownRows.findIndex((row) => row.index === index));
  drawRows();
  grid.scrollIntoView({block: 'center'});
  grid.focus({preventScroll: true});
}

for (const name of Object.keys(views)) {
  byId(`tab-${name}`).addEventListener('click', () => showView(name));
  byId(`tab-${name}`).addEventListener('keydown', (event) => {
    if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return;
    const other = Object.keys(views).find((key) => key !== name);
    showView(other);
    byId(`tab-${other}`).focus();
  });
}
for (const name of [...new Set(tensors.flatMap((t) => [t.storage, t.role]))].sort()) {
  byId('storage').append(make('option', {text: name, attrs: {value: name}}));
}
byId('search').addEventListener('input', () => {
  grid.scrollTop = 0;
  refresh();
});
byId('storage').addEventListener('change', refresh);
let rowsRequested = false;
grid.addEventListener('scroll', () => {
  if (rowsRequested) return;
  rowsRequested = true;
  requestAnimationFrame(() => {
    rowsRequested = false;
    drawRows();
  });
});
grid.addEventListener('keydown', (event) => {
  if (event.target !== grid) return;
  const moves = {ArrowDown: 1, ArrowUp: -1, PageDown: 15, PageUp: -15, Home: -Infinity, End: Infinity};
  if (event.key === 'Escape') select({[current.key]: null});
  if (!(event.key in moves) || shownRows.length === 0) return;
  event.preventDefault();
  const at = shownRows.findIndex((row) => row.index === selection[current.key]);
  const position = Math.max(0, Math.min(shownRows.length - 1, at + moves[event.key]));
  const row = shownRows[position];
  scrollToRow(position);
  if (current === views.tensors) reveal(tensors[row.root]);
  select({[current.key]: row.index});
});
listeners.push((keys) => {
  if (keys.includes('tensor') || keys.includes('step') || keys.includes('colours')) drawRows();
});
new ResizeObserver(() => {
  fitWidth();
  drawRows();
}).observe(grid);
refresh();
