'use strict';
(async () => {
const $ = id => document.getElementById(id);
const el = (tag, attrs, ...kids) => {
  const e = document.createElement(tag);
  for (const k in attrs || {}) {
    const v = attrs[k];
    if (k === 'class') e.className = v; else if (k.startsWith('on')) e.addEventListener(k.slice(2), v);
    else if (v === true) e.setAttribute(k, ''); else if (v !== false && v != null) e.setAttribute(k, v);
  }
  for (const k of kids.flat(Infinity)) if (k != null) e.append(k);
  return e;
};
// wide lets what may not fit scroll by itself, by keyboard too.
const wide = (label, kid) => el('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': label }, kid);

// ---- data -----------------------------------------------------------------
const packed = Uint8Array.from(atob($('data').textContent), c => c.charCodeAt(0));
const D = JSON.parse(await new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream('deflate-raw'))).text());
const S = D.summary, bars = D.bars;
const list = x => x || [];
const stories = list(D.stories), guards = list(D.safeguards), groups = list(D.groups), workers = list(D.workers);
const fmt = n => String(n).replace(/\B(?=(\d{3})+(?!\d))/g, ',');
const plural = (n, one, many) => fmt(n) + ' ' + (n === 1 ? one : many || one + 's');
const N = list(bars.s).length, start = new Float64Array(N);
for (let i = 0, t = 0; i < N; i++) start[i] = t += bars.s[i];
const lengthOf = i => Math.max(0, bars.d[i]);
const barsOf = new Map();
for (let i = 0; i < N; i++) if (bars.f[i] & 1) { const k = bars.e[i]; barsOf.has(k) ? barsOf.get(k).push(i) : barsOf.set(k, [i]); }
const longest = (() => { let m = 0; for (let i = 0; i < N; i++) m = Math.max(m, lengthOf(i)); return m; })();
const baseMs = Date.parse(D.base.replace(/\.\d+/, '')), baseNs = +((D.base.match(/\.(\d+)/) || ['', '0'])[1] + '000000000').slice(0, 9);
const statusNames = ['success', 'timeout', 'failed', 'unknown'];
const clockText = (ns, digits) => {
  const whole = Math.floor((baseNs + ns) / 1e9), rest = baseNs + ns - whole * 1e9;
  const t = new Date(baseMs + whole * 1000).toISOString().slice(11, 19);
  return digits ? t + '.' + String(Math.floor(rest)).padStart(9, '0').slice(0, digits) : t;
};
const span = ns => ns < 1e3 ? ns + ' ns' : ns < 1e6 ? +(ns / 1e3).toFixed(3) + ' µs' : ns < 1e9 ? +(ns / 1e6).toFixed(3) + ' ms' : ns < 1.2e11 ? +(ns / 1e9).toFixed(3) + ' s' : ns < 7.2e12 ? +(ns / 6e10).toFixed(1) + ' min' : +(ns / 3.6e12).toFixed(1) + ' h';
const range = (a, b) => a === b ? fmt(a) : fmt(a) + '–' + fmt(b);

// ---- state in the address -------------------------------------------------
const total = Math.max(D.span, 1);
const state = { from: 0, to: total, row: 0, cause: '', grade: '', symbol: '', worker: '', label: '', text: '', page: 0, on: new Set(), clock: 'raw' };
const fields = ['cause', 'grade', 'symbol', 'worker', 'label', 'text', 'clock'];
function readHash() {
  const q = new URLSearchParams(location.hash.slice(1));
  for (const k of fields) if (q.has(k)) state[k] = q.get(k);
  if (q.has('from')) state.from = Math.max(0, +q.get('from') || 0);
  if (q.has('to')) state.to = Math.min(total, +q.get('to') || total);
  if (!(state.to > state.from)) { state.from = 0; state.to = total; }
  state.row = +q.get('row') || 0;
  state.on = new Set((q.get('on') || '').split(',').filter(Boolean).map(Number).filter(i => i < guards.length));
}
let hashTimer;
function saveHash() {
  clearTimeout(hashTimer);
  hashTimer = setTimeout(() => {
    const q = new URLSearchParams();
    for (const k of fields) if (state[k] && !(k === 'clock' && state[k] === 'raw')) q.set(k, state[k]);
    if (state.row) q.set('row', state.row);
    if (state.from > 0 || state.to < total) { q.set('from', Math.round(state.from)); q.set('to', Math.round(state.to)); }
    if (state.on.size) q.set('on', [...state.on].join(','));
    history.replaceState(null, '', '#' + q);
  }, 120);
}
readHash();

// ---- verdict --------------------------------------------------------------
if (D.banner) { $('banner').hidden = false; $('banner').textContent = D.banner; }
const tile = (n, words, kind) => el('div', { class: 'tile ' + (kind || '') }, el('b', {}, n), el('span', {}, words));
const lost = Object.entries(S.other || {}).filter(([k]) => k.startsWith('lost-') || k === 'never-attempted').reduce((a, [, n]) => a + n, 0);
const hasEvents = S.mode === 'full' || S.mode === 'no-workers';
$('tiles').append(
  tile(fmt(D.duplicates), hasEvents ? (D.duplicates === 1 ? 'row too many' : 'rows too many') : 'rows that may be copies', D.duplicates ? 'bad' : 'good'),
  ...(hasEvents ? [tile(fmt(S.by_event.duplicated_events), 'events written more than once', S.by_event.duplicated_events ? 'bad' : 'good'), tile(fmt(lost), lost === 1 ? 'event lost' : 'events lost', lost ? 'bad' : 'good')] : []),
  tile(fmt(S.rows.in), 'rows read'),
  tile(fmt(S.rows.kept), `rows kept; ${fmt(S.rows.removed)} removed, ${fmt(S.rows.rejected)} rejected`),
  tile(fmt(S.attempts.total), `attempts; ${fmt(S.attempts.overlap_pairs)} overlapping pairs`));
const k = S.by_key, e = S.by_event;
$('views').append(
  el('div', { class: 'view' }, el('h2', {}, 'By key (symbol, timestamp)'), el('p', {}, k.groups
    ? `${plural(k.groups, 'group')} with ${plural(k.extra_rows, 'extra row')}. ${plural(k.same_event, 'group is one event', 'groups are one event')} written twice, ${fmt(k.collisions)} ${k.collisions === 1 ? 'holds' : 'hold'} different events${k.untested ? `, ${fmt(k.untested)} cannot be tested` : ''}.`
    : 'No two rows have the same symbol and timestamp.'),
    k.collisions ? el('p', { class: 'note' }, 'Removing all but one row of such a group would lose a real event.') : null),
  el('div', { class: 'view' }, el('h2', {}, hasEvents ? 'By event' : 'By nearness'), el('p', {}, hasEvents
    ? (e.duplicates ? `${plural(e.duplicates, 'duplicate')} of ${plural(e.duplicated_events, 'event')}: ${[[e.certain, 'certain'], [e.likely, 'likely'], [e.ambiguous, 'ambiguous']].filter(x => x[0]).map(x => fmt(x[0]) + ' ' + x[1]).join(', ')}.` : 'Every event has at most one row.')
    : `${plural(S.near.clusters, 'cluster')} of rows that lie close together.`),
    S.shift.time_min_ms != null ? el('p', { class: 'note' }, `Copies lie ${S.shift.time_min_ms} to ${S.shift.time_max_ms} ms and ${S.shift.price_min} to ${S.shift.price_max} in price away from their event.`) : null));

// ---- filters and list -----------------------------------------------------
const distinct = f => [...new Set(stories.flatMap(f))].filter(Boolean).sort();
const filterDefs = [['cause', 'Cause', s => [s.cause]], ['grade', 'Grade', s => [s.grade]], ['symbol', 'Symbol', s => [s.symbol]], ['worker', 'Worker', s => s.attempts.map(a => a.worker)], ['label', 'Match', s => [s.label]]];
for (const [key, name, get] of filterDefs) {
  const values = distinct(get);
  if (values.length < 2 && !state[key]) continue;
  const sel = el('select', { id: 'f-' + key, onchange: ev => { state[key] = ev.target.value; state.page = 0; refresh(); } }, el('option', { value: '' }, 'all'), values.map(v => el('option', { value: v }, v)));
  sel.value = state[key];
  $('filters').append(el('label', {}, name, sel));
}
if (stories.length) $('filters').append(el('label', {}, 'Event', el('input', { id: 'f-text', type: 'search', placeholder: 'evt_…', size: 12, oninput: ev => { state.text = ev.target.value; state.page = 0; refresh(); } })));
if ($('f-text')) $('f-text').value = state.text;
$('filters').addEventListener('submit', ev => ev.preventDefault());
const passes = s => filterDefs.every(([key, , get]) => !state[key] || get(s).includes(state[key])) && (!state.text || s.event.includes(state.text) || String(s.row) === state.text);
let shown = [];
const perPage = 20;
const fateOf = s => { let may = false; for (const i of state.on) { if (s.sure.includes(i)) return 'gone'; may = may || s.possibly.includes(i); } return may ? 'maybe' : ''; };
function drawList() {
  shown = stories.filter(passes);
  const pages = Math.max(1, Math.ceil(shown.length / perPage));
  state.page = Math.min(state.page, pages - 1);
  $('shown').textContent = !D.all_stories ? '' : (stories.length < D.all_stories ? `showing ${fmt(shown.length)} of ${fmt(D.all_stories)} (a sample, even by cause)` : shown.length < stories.length ? `${fmt(shown.length)} of ${fmt(stories.length)}` : plural(stories.length, 'duplicate'));
  const head = el('tr', {}, el('th', { scope: 'col', class: 'n' }, 'Row'), el('th', { scope: 'col' }, 'Event'), el('th', { scope: 'col', class: 'hide-s' }, 'Symbol'), el('th', { scope: 'col', class: 'n' }, 'Time shift'), el('th', { scope: 'col', class: 'n hide-s' }, 'Price shift'), el('th', { scope: 'col' }, 'Cause'), el('th', { scope: 'col', class: 'hide-s' }, 'Grade'));
  $('list').tHead.replaceChildren(...(shown.length ? [head] : []));
  $('list').tBodies[0].replaceChildren(...shown.slice(state.page * perPage, (state.page + 1) * perPage).map(s => {
    const fate = fateOf(s);
    return el('tr', { class: (s.row === state.row ? 'on ' : '') + (fate === 'gone' ? 'gone' : ''), onclick: () => choose(s, true), 'data-row': s.row },
      el('td', { class: 'n' }, fmt(s.row)), el('td', {}, el('button', { type: 'button', 'aria-label': `Story of row ${s.row}, ${s.event}`, onclick: ev => { ev.stopPropagation(); choose(s, true); } }, s.event || `near row ${s.canonical}`)),
      el('td', { class: 'hide-s' }, s.symbol), el('td', { class: 'n' }, `${s.dt} ms`), el('td', { class: 'n hide-s' }, s.dp), el('td', {}, s.cause, s.alternatives ? el('div', { class: 'note' }, 'or ' + s.alternatives.join(', ')) : null),
      el('td', { class: 'hide-s' }, el('span', { class: 'tag ' + s.grade }, s.grade), fate === 'gone' ? el('div', { class: 'note' }, 'prevented') : fate === 'maybe' ? el('div', { class: 'note' }, 'may be prevented') : null));
  }));
  if (!shown.length) $('list').tBodies[0].append(el('tr', {}, el('td', { class: 'empty' }, stories.length ? 'No duplicate passes these filters.' : 'There are no duplicates: nothing to explain, and nothing was removed.')));
  $('before').disabled = state.page === 0; $('after').disabled = state.page >= pages - 1;
  document.querySelector('.pager').hidden = pages < 2;
  $('page-of').textContent = `page ${state.page + 1} of ${pages}`;
}
$('before').onclick = () => { state.page--; drawList(); };
$('after').onclick = () => { state.page++; drawList(); };

// ---- story ----------------------------------------------------------------
function choose(s, focus) {
  state.row = s.row;
  const at = shown.indexOf(s);
  if (at >= 0) state.page = Math.floor(at / perPage);
  if (s.attempts.length) { const pad = Math.max((s.to - s.from) * 0.6, 2e6); setWindow(s.from - pad, s.to + pad); }
  drawList(); tell(s); drawAll(); saveHash();
  if (focus && window.matchMedia('(max-width:960px)').matches) $('story').scrollIntoView({ block: 'start' });
}
const names = idx => idx.map(i => guards[i].safeguard + (guards[i].parameter ? ' ' + guards[i].parameter : ''));
function stopped(s) {
  const harmful = s.sure.filter(i => guards[i].verdict === 'harmful'), good = s.sure.filter(i => guards[i].verdict !== 'harmful');
  const out = [];
  if (good.length) out.push(el('li', {}, el('b', {}, 'Surely: '), names(good).join(', ')));
  if (s.possibly.length) out.push(el('li', {}, el('b', {}, 'Perhaps: '), names(s.possibly).join(', ')));
  if (harmful.length) out.push(el('li', {}, el('b', {}, 'Only at the price of real events: '), names(harmful).join(', ')));
  if (!out.length) out.push(el('li', {}, 'None of the safeguards that were replayed.'));
  return el('ul', {}, out);
}
function tell(s) {
  $('h-story').textContent = `Story of row ${fmt(s.row)}`;
  $('told').replaceChildren(
    el('p', { class: 'text' }, s.text),
    el('p', {}, el('span', { class: 'tag ' + s.grade }, s.grade), ' ', el('span', { class: 'tag' }, s.label + ' match'), s.removed ? null : [' ', el('span', { class: 'tag' }, 'stays in the clean output')]),
    el('dl', {}, el('dt', {}, 'Cause'), el('dd', {}, s.cause), ...(s.also ? [el('dt', {}, 'Also'), el('dd', {}, s.also.join(', '))] : []), ...(s.alternatives ? [el('dt', {}, 'Would fit too'), el('dd', {}, s.alternatives.join(', '))] : []), ...(s.evidence ? [el('dt', {}, 'Evidence'), el('dd', {}, s.evidence)] : [])),
    s.attempts.length ? el('h3', {}, 'Attempts') : '', s.attempts.length ? wide('Attempts', el('table', {}, el('thead', {}, el('tr', {}, ['#', 'Worker', 'Start', 'Took', 'Status'].map(h => el('th', { scope: 'col' }, h)))), el('tbody', {}, s.attempts.map((a, i) => el('tr', {}, el('td', {}, i + 1), el('td', {}, a.worker), el('td', {}, clockText(a.start, 3)), el('td', {}, a.length < 0 ? 'no end' : span(a.length)), el('td', {}, a.status)))))) : '',
    el('h3', {}, 'Rows'), wide('Rows', el('table', {}, el('thead', {}, el('tr', {}, ['Row', 'Timestamp', 'Price', 'Fate'].map(h => el('th', { scope: 'col' }, h)))), el('tbody', {}, s.rows.map(r => el('tr', { class: !r.own && r.n === s.row ? 'copy' : '' }, el('td', {}, fmt(r.n)), el('td', {}, r.time), el('td', {}, r.price), el('td', {}, r.own ? 'kept' : r.n === s.row ? 'this copy' : 'copy')))))),
    guards.length ? el('h3', {}, 'What would have stopped it') : '', guards.length ? stopped(s) : '');
}

// ---- what if --------------------------------------------------------------
const hits = (a, set) => a.some(i => set.has(i));
function drawWhatIf() {
  let sure = 0, may = 0;
  for (const g of groups) { if (hits(g.sure, state.on)) sure += g.n; else if (hits(g.possibly, state.on)) may += g.n; }
  const harm = [...state.on].filter(i => guards[i].verdict === 'harmful');
  const left = D.duplicates - sure - may;
  $('recount').textContent = !D.duplicates ? '' : !state.on.size ? `${plural(D.duplicates, 'duplicate')} as it was` :
    `${range(left, left + may)} of ${fmt(D.duplicates)} duplicates left` + (harm.length ? `, and up to ${fmt(harm.reduce((a, i) => Math.max(a, guards[i].events_lost_hi), 0))} real events lost` : '');
  $('meter-sure').style.width = D.duplicates ? 100 * sure / D.duplicates + '%' : '0';
  $('meter-may').style.width = D.duplicates ? 100 * may / D.duplicates + '%' : '0';
}
const rank = g => [g.verdict === 'harmful' ? 1 : 0, g.verdict === 'not-estimable' ? 1 : 0, -g.prevented_lo, -g.prevented_hi, g.peak_keys == null ? 1e18 : g.peak_keys];
const order = guards.map((g, i) => i).sort((a, b) => { const x = rank(guards[a]), y = rank(guards[b]); for (let i = 0; i < x.length; i++) if (x[i] !== y[i]) return x[i] - y[i]; return a - b; });
if (guards.length && D.duplicates) {
  $('safeguards').tHead.replaceChildren(el('tr', {}, [['Safeguard', ''], ['Prevents', 'n'], ['Keys held', 'n hide-s'], ['Events lost', 'n'], ['Verdict', ''], ['Note', 'hide-s']].map(([h, c]) => el('th', { scope: 'col', class: c }, h))));
  $('safeguards').tBodies[0].replaceChildren(...order.map(i => {
    const g = guards[i], estimable = g.verdict !== 'not-estimable';
    const note = g.why || (g.visible_versions > 1 ? `readers see up to ${g.visible_versions} versions` : g.load_skew ? `busiest worker ${g.load_skew} × the mean` : g.latency_p50_ms != null ? `what was given up comes back ${span(g.latency_p50_ms * 1e6)} later` : '');
    return el('tr', {}, el('td', {}, el('label', {}, el('input', { type: 'checkbox', value: i, checked: state.on.has(i), disabled: !estimable, onchange: ev => { ev.target.checked ? state.on.add(i) : state.on.delete(i); refresh(); } }), el('code', {}, g.safeguard + (g.parameter ? '=' + g.parameter : '')))),
      el('td', { class: 'n' }, estimable ? range(g.prevented_lo, g.prevented_hi) : '–'), el('td', { class: 'n hide-s' }, g.peak_keys == null ? '–' : fmt(g.peak_keys)), el('td', { class: 'n' }, estimable ? range(g.events_lost_lo, g.events_lost_hi) : '–'),
      el('td', {}, el('span', { class: 'tag ' + g.verdict }, g.verdict)), el('td', { class: 'hide-s note' }, note));
  }));
} else $('whatif').hidden = true;

if (!D.duplicates) { $('story').hidden = true; document.querySelector('.columns').style.gridTemplateColumns = '1fr'; }

// ---- the rest of the page -------------------------------------------------
$('causes').append(...list(D.causes).map(c => el('div', { class: 'card' }, el('h3', {}, c.title), el('p', {}, el('code', {}, c.slug), ' · ', el('b', {}, fmt(c.count)), ' ', [['proved', c.proved], ['consistent', c.consistent], ['suspected', c.suspected]].filter(x => x[1]).map(x => [el('span', { class: 'tag ' + x[0] }, (x[1] === c.count ? '' : fmt(x[1]) + ' ') + x[0]), ' '])), el('p', {}, c.means), el('p', { class: 'note' }, 'Seen by: ' + c.shows))));
if (!list(D.causes).length) $('causes').append(el('p', { class: 'empty' }, 'No duplicates, so no causes.'));
const table = (id, heads, rows) => { $(id).tHead.replaceChildren(el('tr', {}, heads.map(([h, c]) => el('th', { scope: 'col', class: c || '' }, h)))); $(id).tBodies[0].replaceChildren(...rows.map(r => el('tr', {}, r.map((v, i) => el('td', { class: heads[i][1] || '' }, v))))); };
table('other', [['Finding'], ['Count', 'n'], ['What it means']], list(D.other).map(o => [el('code', {}, o.slug), fmt(o.count), o.means]));
$('other-section').hidden = !list(D.other).length;
table('symbols', [['Symbol'], ['Extra rows by key', 'n'], [hasEvents ? 'Duplicates by event' : 'Rows near another', 'n']], list(D.symbols).map(s => [s.symbol, fmt(s.key), fmt(s.event)]));
$('symbols-section').hidden = !list(D.symbols).length;
$('assumptions').append(...list(S.assumptions).concat(list(S.warnings)).map(a => el('li', {}, a)));
$('terminal').textContent = list(D.terminal).join('\n');

// ---- timeline -------------------------------------------------------------
const css = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
let colours = {};
const left = () => innerWidth < 520 ? 74 : 104;
const shift = w => state.clock === 'corrected' ? -workers[w].skew : 0;
const laneOffset = [];
let laneCount = 0;
for (const w of workers) { laneOffset.push(laneCount); laneCount += Math.min(w.lanes, 256); }
function setWindow(a, b) {
  const w = Math.min(Math.max(b - a, 2e4), total);
  a = Math.min(Math.max(a, 0), total - w);
  state.from = a; state.to = a + w;
}
function fit(c) {
  const r = c.getBoundingClientRect(), d = Math.min(devicePixelRatio || 1, 2), g = c.getContext('2d');
  if (c.width !== Math.round(r.width * d) || c.height !== Math.round(r.height * d)) { c.width = Math.round(r.width * d); c.height = Math.round(r.height * d); }
  g.setTransform(d, 0, 0, d, 0, 0); g.clearRect(0, 0, r.width, r.height); g.font = '12px system-ui,sans-serif';
  return [g, r.width, r.height];
}
function ticks(from, to, wide) {
  const want = (to - from) / Math.max(2, wide / 110), p = 10 ** Math.floor(Math.log10(want));
  let step = [1, 2, 5, 10].map(m => m * p).find(s => s >= want);
  if (step >= 1e9) step = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400, 604800].map(s => s * 1e9).find(s => s >= want) || step;
  const digits = step >= 1e9 ? 0 : step >= 1e6 ? 3 : step >= 1e3 ? 6 : 9, out = [];
  const first = Math.ceil((from + baseNs % step) / step) * step - baseNs % step;
  for (let t = first; t <= to; t += step) out.push([t, clockText(t, digits)]);
  return out;
}
const rowHeight = h => Math.max(1, (h - 30) / Math.max(1, laneCount));
function drawGantt() {
  const [g, W, H] = fit($('gantt')), L = left(), scale = (W - L) / (state.to - state.from), X = t => L + (t - state.from) * scale;
  const rh = rowHeight(H), Y = (w, lane) => 24 + (laneOffset[w] + Math.min(lane, 256) - 1) * rh;
  g.fillStyle = colours.soft; g.strokeStyle = colours.grid; g.lineWidth = 1;
  g.beginPath();
  for (const [t, text] of ticks(state.from, state.to, W - L)) { const x = Math.round(X(t)) + .5; g.moveTo(x, 20); g.lineTo(x, H); if (x + 3 + g.measureText(text).width < W) g.fillText(text, x + 3, 14); }
  g.stroke();
  const dense = workers.map(() => null);
  if (!N || D.bars.s.length < D.all_bars || (state.to - state.from) / (W - L) > longest) drawDensity(g, W, H, L, X);
  const a = lower(state.from - longest), b = lower(state.to);
  const minW = 1.5, boxes = [];
  for (let pass = 0; pass < 2; pass++) for (let i = a; i < b; i++) {
    const marked = bars.f[i] & 1;
    if ((pass === 1) !== !!marked) continue;
    const w = bars.w[i], open = bars.d[i] < 0, x = X(start[i] + shift(w)), wide = open ? 10 : Math.max(minW, lengthOf(i) * scale);
    if (x + wide < L || x > W) continue;
    const y = Y(w, bars.l[i]), h = Math.max(1, rh - (rh > 4 ? 2 : 0));
    g.globalAlpha = pass || rh > 3 ? 1 : .8;
    g.fillStyle = [colours.ok, colours.timeout, colours.failed, colours.unknown][bars.t[i]];
    if (open) { const grad = g.createLinearGradient(x, 0, x + wide, 0); grad.addColorStop(0, g.fillStyle); grad.addColorStop(1, 'transparent'); g.fillStyle = grad; }
    g.fillRect(Math.max(x, L), y, Math.min(wide, W - Math.max(x, L), x + wide - Math.max(x, L)), h);
    if (bars.t[i] && h > 5 && wide > 6) { g.strokeStyle = colours.panel; g.beginPath(); for (let q = Math.max(x, L) - h; q < Math.min(x + wide, W); q += 6) { g.moveTo(q, y + h); g.lineTo(q + h, y); } g.save(); g.clip(rectPath(Math.max(x, L), y, wide, h)); g.stroke(); g.restore(); }
    if (marked && wide < 4) { g.fillStyle = colours.dup; g.fillRect(Math.max(x, L), y, Math.min(2, W - Math.max(x, L)), h); }
    else if (marked) { g.strokeStyle = colours.dup; g.lineWidth = 2; g.strokeRect(Math.max(x, L) - .5, y - .5, Math.max(3, Math.min(wide, W - x)) + 1, h + 1); g.lineWidth = 1; }
    if (rh >= 7 && (b - a) < 4000) marks(g, i, x, y, h, open);
    if (boxes.length < 20000) boxes.push([x, y, wide, h, i]);
  }
  g.globalAlpha = 1;
  link(g, X, Y, rh);
  g.clearRect(0, 0, L - 1, H); g.fillStyle = colours.ink;
  workers.forEach((w, i) => { const y = 24 + laneOffset[i] * rh; g.fillStyle = colours.line; g.fillRect(0, Math.round(y) - 1, W, 1); g.fillStyle = colours.ink; const mid = y + Math.min(w.lanes, 256) * rh / 2 + 4; g.fillText(fitText(g, w.name, L - 14), 8, Math.min(mid, H - 4)); if (Math.min(w.lanes, 256) * rh > 34) { g.fillStyle = colours.soft; g.fillText(w.lanes === 1 ? '1 lane' : w.lanes + ' lanes', 8, Math.min(mid + 15, H - 2)); } });
  hot = boxes;
  const inView = stories.filter(s => s.attempts.length && s.from <= state.to && s.to >= state.from).length;
  $('window').textContent = `${clockText(state.from, 3)} to ${clockText(state.to, 3)} UTC · ${span(Math.round(state.to - state.from))}`;
  $('gantt').setAttribute('aria-label', `Attempts of ${plural(workers.length, 'worker')} from ${clockText(state.from, 3)} to ${clockText(state.to, 3)}: ${fmt(b - a)} drawn, ${plural(inView, 'duplicate')} in view. The list of duplicates below says the same in words.`);
}
const rectPath = (x, y, w, h) => { const p = new Path2D(); p.rect(x, y, w, h); return p; };
const fitText = (g, s, w) => { if (g.measureText(s).width <= w) return s; while (s && g.measureText(s + '…').width > w) s = s.slice(0, -1); return s + '…'; };
function drawDensity(g, W, H, L, X) {
  const dw = D.density.width, rh = rowHeight(H);
  workers.forEach((w, i) => {
    const starts = D.density.starts[i], top = 24 + laneOffset[i] * rh, height = Math.min(w.lanes, 256) * rh - 3;
    const f = Math.max(0, Math.floor(state.from / dw) - 1), t = Math.min(starts.length, Math.ceil(state.to / dw) + 1);
    let most = 1; for (const n of starts) if (n > most) most = n;
    g.fillStyle = colours.ok; g.globalAlpha = .28;
    for (let b = f; b < t; b++) if (starts[b]) { const x = X(b * dw), x2 = X((b + 1) * dw), h = Math.max(1, height * starts[b] / most); if (x2 > L) g.fillRect(Math.max(L, x), top + height - h, Math.max(1, x2 - Math.max(L, x)), h); }
    g.globalAlpha = 1;
  });
}
function marks(g, i, x, y, h, open) {
  g.fillStyle = colours.ink;
  const f = bars.f[i], cx = Math.max(x, left()) + 2, cy = y + h / 2;
  if (f & 4) { g.strokeStyle = colours.failed; g.lineWidth = 2; g.beginPath(); g.moveTo(cx + 8, cy - 4); g.lineTo(cx + 16, cy + 4); g.moveTo(cx + 16, cy - 4); g.lineTo(cx + 8, cy + 4); g.stroke(); g.lineWidth = 1; }
  if (f & 8) { g.beginPath(); g.moveTo(cx, cy + 4); g.lineTo(cx + 4, cy - 4); g.lineTo(cx + 8, cy + 4); g.fill(); }
  else if (f & 2) { g.beginPath(); g.moveTo(cx, cy); g.lineTo(cx + 4, cy - 4); g.lineTo(cx + 8, cy); g.lineTo(cx + 4, cy + 4); g.fill(); }
}
function link(g, X, Y, rh) {
  const s = stories.find(s => s.row === state.row);
  const idx = s && barsOf.get(s.event);
  if (!idx) return;
  g.strokeStyle = colours.dup; g.lineWidth = 2; g.setLineDash([5, 3]); g.beginPath();
  for (let j = 1; j < idx.length; j++) { const p = idx[j - 1], q = idx[j]; g.moveTo(X(start[p] + shift(bars.w[p])), Y(bars.w[p], bars.l[p]) + rh / 2); g.lineTo(X(start[q] + shift(bars.w[q])), Y(bars.w[q], bars.l[q]) + rh / 2); }
  g.stroke(); g.setLineDash([]); g.lineWidth = 1;
}
function lower(t) { let a = 0, b = N; while (a < b) { const m = (a + b) >> 1; start[m] < t ? a = m + 1 : b = m; } return a; }
function drawOverview() {
  const [g, W, H] = fit($('overview')), L = left(), X = t => L + (W - L) * t / total, dw = D.density.width, n = D.density.starts.length ? D.density.starts[0].length : 0;
  const sum = new Float64Array(n), mark = new Float64Array(n);
  for (let w = 0; w < D.density.starts.length; w++) for (let b = 0; b < n; b++) { sum[b] += D.density.starts[w][b]; mark[b] += D.density.marked[w][b]; }
  let most = 1; for (let b = 0; b < n; b++) most = Math.max(most, sum[b]);
  g.fillStyle = colours.ok;
  for (let b = 0; b < n; b++) if (sum[b]) { const h = (H - 22) * sum[b] / most; g.fillRect(X(b * dw), H - 4 - h, Math.max(1, X((b + 1) * dw) - X(b * dw)), h); }
  g.fillStyle = colours.dup;
  for (let b = 0; b < n; b++) if (mark[b]) { const x = X(b * dw); g.beginPath(); g.moveTo(x - 3, 4); g.lineTo(x + 3, 4); g.lineTo(x, 11); g.fill(); g.globalAlpha = .35; g.fillRect(x - .5, 11, 1, H - 15); g.globalAlpha = 1; }
  g.fillStyle = colours.ink; g.fillText('whole run', 8, H / 2 - 2); g.fillStyle = colours.soft; g.fillText(span(total), 8, H / 2 + 13);
  const a = X(state.from), b = Math.max(X(state.to), a + 4);
  g.fillStyle = colours.panel; g.globalAlpha = .6; g.fillRect(L, 0, a - L, H); g.fillRect(b, 0, W - b, H); g.globalAlpha = 1;
  g.strokeStyle = colours.accent; g.lineWidth = 2; g.strokeRect(a, 1, b - a, H - 2); g.lineWidth = 1;
  $('overview').setAttribute('aria-valuenow', Math.round(100 * state.from / total));
  $('overview').setAttribute('aria-valuetext', $('window').textContent);
}
let frame = 0, hot = [];
function drawAll() { if (!frame) frame = requestAnimationFrame(() => { frame = 0; drawGantt(); drawOverview(); }); }
function zoom(by, at) { const w = state.to - state.from, p = at == null ? .5 : at, c = state.from + w * p; setWindow(c - w * by * p, c + w * by * (1 - p)); drawAll(); saveHash(); }
function pan(part) { const w = state.to - state.from; setWindow(state.from + w * part, state.to + w * part); drawAll(); saveHash(); }
function step(d) {
  if (!shown.length) return;
  const at = shown.findIndex(s => s.row === state.row);
  choose(shown[at < 0 ? 0 : (at + d + shown.length) % shown.length]);
}
const doing = { in: () => zoom(.5), out: () => zoom(2), all: () => { setWindow(0, total); drawAll(); saveHash(); }, prev: () => step(-1), next: () => step(1) };
if (!stories.length) document.querySelectorAll('[data-do=prev],[data-do=next]').forEach(b => b.remove());
document.querySelectorAll('[data-do]').forEach(b => b.onclick = () => doing[b.dataset.do]());
function keys(ev) {
  const k = { ArrowLeft: () => pan(-.2), ArrowRight: () => pan(.2), '+': doing.in, '=': doing.in, '-': doing.out, 0: doing.all, Home: () => { setWindow(0, state.to - state.from); drawAll(); }, End: () => { setWindow(total - (state.to - state.from), total); drawAll(); }, n: doing.next, p: doing.prev, Enter: () => state.row ? $('story').focus() : step(1) }[ev.key];
  if (k && !ev.ctrlKey && !ev.metaKey && !ev.altKey) { ev.preventDefault(); k(); }
}
$('gantt').addEventListener('keydown', keys); $('overview').addEventListener('keydown', keys);
$('gantt').addEventListener('wheel', ev => {
  ev.preventDefault();
  const r = $('gantt').getBoundingClientRect(), L = left();
  if (Math.abs(ev.deltaX) > Math.abs(ev.deltaY) || ev.shiftKey) pan((ev.deltaX || ev.deltaY) / r.width);
  else zoom(Math.exp(ev.deltaY * .0015), Math.min(1, Math.max(0, (ev.clientX - r.left - L) / (r.width - L))));
}, { passive: false });
const pointers = new Map();
let moved = 0;
$('gantt').addEventListener('pointerdown', ev => { $('gantt').setPointerCapture(ev.pointerId); pointers.set(ev.pointerId, ev.clientX); moved = 0; });
$('gantt').addEventListener('pointermove', ev => {
  const r = $('gantt').getBoundingClientRect();
  if (!pointers.has(ev.pointerId)) return hover(ev, r);
  const was = pointers.get(ev.pointerId), wide = r.width - left();
  if (pointers.size === 1) { const d = ev.clientX - was; moved += Math.abs(d); const t = (state.to - state.from) * d / wide; setWindow(state.from - t, state.to - t); drawAll(); }
  else { const other = [...pointers].find(p => p[0] !== ev.pointerId)[1], a = Math.abs(was - other), b = Math.abs(ev.clientX - other); if (a > 8 && b > 8) zoom(a / b); moved = 9; }
  pointers.set(ev.pointerId, ev.clientX);
});
const lift = ev => { if (pointers.delete(ev.pointerId) && moved < 5 && ev.type === 'pointerup') pick(ev); saveHash(); };
$('gantt').addEventListener('pointerup', lift); $('gantt').addEventListener('pointercancel', lift);
$('gantt').addEventListener('pointerleave', () => $('tip').hidden = true);
function barAt(ev, r) {
  const x = ev.clientX - r.left, y = ev.clientY - r.top;
  for (let j = hot.length - 1; j >= 0; j--) { const [bx, by, bw, bh, i] = hot[j]; if (x >= bx - 2 && x <= bx + bw + 2 && y >= by - 1 && y <= by + bh + 1) return i; }
  return -1;
}
function hover(ev, r) {
  const i = barAt(ev, r), tip = $('tip');
  tip.hidden = i < 0;
  if (i < 0) return;
  tip.textContent = `${bars.e[i]}\n${workers[bars.w[i]].name}, lane ${bars.l[i]}: ${statusNames[bars.t[i]]}${bars.r[i] ? `, retry ${bars.r[i]}` : ''}\n${clockText(start[i] + shift(bars.w[i]), 6)} · ${bars.d[i] < 0 ? 'no end' : span(bars.d[i])}${bars.f[i] & 1 ? '\nwritten more than once: click for the story' : ''}`;
  tip.style.left = Math.min(ev.clientX + 14, innerWidth - 300) + 'px'; tip.style.top = ev.clientY + 16 + 'px';
}
function pick(ev) {
  const i = barAt(ev, $('gantt').getBoundingClientRect());
  const s = i >= 0 && stories.find(s => s.event === bars.e[i]);
  if (s) choose(s, true);
}
let brush = null;
const timeAt = ev => { const r = $('overview').getBoundingClientRect(), L = left(); return total * Math.min(1, Math.max(0, (ev.clientX - r.left - L) / (r.width - L))); };
$('overview').addEventListener('pointerdown', ev => { $('overview').setPointerCapture(ev.pointerId); const t = timeAt(ev), w = state.to - state.from; brush = t > state.from && t < state.to && w < total * .98 ? { move: t - state.from } : { from: t }; });
$('overview').addEventListener('pointermove', ev => { if (!brush) return; const t = timeAt(ev), w = state.to - state.from; brush.move != null ? setWindow(t - brush.move, t - brush.move + w) : setWindow(Math.min(t, brush.from), Math.max(t, brush.from)); drawAll(); });
$('overview').addEventListener('pointerup', ev => { if (brush && brush.from != null && Math.abs(timeAt(ev) - brush.from) < total / 500) { const w = Math.min(total / 20, state.to - state.from); setWindow(brush.from - w / 2, brush.from + w / 2); } brush = null; drawAll(); saveHash(); });
const swatch = inner => { const s = el('span', {}); s.innerHTML = `<svg viewBox="0 0 26 14" aria-hidden="true">${inner}</svg>`; return s.firstChild; };
$('legend').append(...[
  ['success', '<rect x="1" y="2" width="24" height="10" fill="var(--ok)"/>'], ['timeout', '<rect x="1" y="2" width="24" height="10" fill="var(--timeout)"/><path d="M2 12 12 2M9 12 19 2M16 12 25 3" stroke="var(--panel)"/>'], ['failed', '<rect x="1" y="2" width="24" height="10" fill="var(--failed)"/><path d="M2 12 12 2M9 12 19 2M16 12 25 3" stroke="var(--panel)"/>'],
  ['written more than once', '<rect x="2" y="2" width="22" height="10" fill="var(--ok)" stroke="var(--dup)" stroke-width="2"/>'], ['retry', '<path d="M9 12 13 2 17 12Z" fill="var(--ink)"/>'], ['overlap', '<path d="M8 7 13 2 18 7 13 12Z" fill="var(--ink)"/>'], ['no end', '<path d="M9 3 17 11M17 3 9 11" stroke="var(--failed)" stroke-width="2"/>']].map(([name, s]) => el('li', {}, swatch(s), name)));
$('drawn').textContent = !D.all_bars ? 'There is no worker log, so there are no attempts to draw.' : N < D.all_bars ? `${fmt(N)} of ${fmt(D.all_bars)} attempts are drawn one by one, those around duplicates; the shading behind them is the density of all.` : `All ${fmt(N)} attempts are drawn.`;
$('gantt').style.height = Math.min(560, Math.max(180, 30 + laneCount * 26)) + 'px';
if (!D.all_bars) for (const id of ['gantt', 'overview', 'legend', 'window']) $(id).hidden = true;
if (workers.some(w => w.skew)) { $('clock-label').hidden = false; $('clock').value = state.clock; $('clock').onchange = ev => { state.clock = ev.target.value; drawAll(); saveHash(); }; }

// ---- theme ----------------------------------------------------------------
const dark = matchMedia('(prefers-color-scheme: dark)');
function theme(on) {
  document.documentElement.dataset.theme = on ? 'dark' : 'light';
  $('theme').textContent = on ? 'Light' : 'Dark'; $('theme').setAttribute('aria-pressed', on);
  for (const n of ['ok', 'timeout', 'failed', 'unknown', 'dup', 'grid', 'ink', 'soft', 'line', 'panel', 'accent']) colours[n] = css('--' + n);
  drawAll();
}
$('theme').onclick = () => theme(document.documentElement.dataset.theme !== 'dark');
dark.addEventListener('change', ev => theme(ev.matches));
$('print').onclick = () => print();
addEventListener('resize', drawAll);
addEventListener('hashchange', () => { readHash(); refresh(); });

function refresh() {
  drawList(); drawWhatIf(); drawAll(); saveHash();
  document.querySelectorAll('#safeguards input').forEach(c => c.checked = state.on.has(+c.value));
}
theme(dark.matches);
refresh();
const picked = stories.find(s => s.row === state.row) || (state.from === 0 && state.to === total ? shown[0] : null);
if (picked) { state.row = picked.row; tell(picked); drawList(); drawAll(); }
document.documentElement.dataset.ready = 'yes';
})().catch(err => { const b = document.getElementById('banner'); b.hidden = false; b.textContent = 'This page could not read its own data (' + err.message + '). Use a browser of 2023 or later; the same findings are in incident.md.'; });
