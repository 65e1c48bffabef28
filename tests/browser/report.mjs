// A report in a browser, as people and assistive technology meet it: nothing is requested, nothing is logged, nothing sticks out; tables sort,
// filter and copy; files download; figure 1 prints on page 1; axe-core finds nothing, in light and in dark.
//
//   node --experimental-websocket tests/browser/report.mjs report.html
//
// CHROMIUM names the browser (otherwise chromium, chromium-browser or google-chrome on the PATH). axe-core comes from the npm registry by
// `npm install --prefix tests/browser`, which package.json beside this file pins; AXE names another axe.min.js. Without one the rest is still checked.
// Exit code 0: all well; 1: something failed; 77: skipped, with the reason.

import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const skip = (why) => { console.log(`skipped: ${why}`); process.exit(77); };
if (typeof WebSocket === 'undefined') skip('this node has no WebSocket: start it with --experimental-websocket');
const file = resolve(process.argv[2] ?? skip('no report given'));
const runs = (name) => spawnSync(name, ['--version']).status === 0;
const browser = process.env.CHROMIUM ?? ['chromium', 'chromium-browser', 'google-chrome'].find(runs);
if (!browser) skip('no Chromium or Chrome was found; CHROMIUM names one');
const installed = fileURLToPath(new URL('node_modules/axe-core/axe.min.js', import.meta.url));
const axeFile = [process.env.AXE, installed].find((f) => f && existsSync(f));
const axe = axeFile ? readFileSync(axeFile, 'utf8') : null;

const profile = mkdtempSync(join(tmpdir(), 'gapshare-browser-'));
const args = ['--headless', '--no-sandbox', '--disable-gpu', '--hide-scrollbars', '--remote-debugging-port=0', `--user-data-dir=${profile}`, 'about:blank'];
const child = spawn(browser, args, { stdio: 'ignore' });
let failed = 0;
const check = (what, found) => {
  const bad = Array.isArray(found) ? found.length > 0 : !found;
  failed += bad;
  console.log(`${bad ? 'FAIL' : 'ok  '} ${what}${bad && Array.isArray(found) ? `:\n       ${found.slice(0, 8).join('\n       ')}` : ''}`);
};
const wait = (ms) => new Promise((done) => setTimeout(done, ms));

try {
  const port = await (async () => {
    for (let k = 0; k < 150; k++) {
      const path = join(profile, 'DevToolsActivePort');
      if (existsSync(path)) return readFileSync(path, 'utf8').split('\n')[0];
      await wait(100);
    }
    throw new Error('the browser did not start');
  })();
  const target = await (await fetch(`http://127.0.0.1:${port}/json/new?about:blank`, { method: 'PUT' })).json();
  const socket = new WebSocket(target.webSocketDebuggerUrl);
  await new Promise((done) => { socket.onopen = done; });
  let last = 0;
  const open = new Map(), messages = [], requests = [];
  let loaded = () => {};
  socket.onmessage = ({ data }) => {
    const m = JSON.parse(data);
    if (m.id) { const { done, fail } = open.get(m.id); open.delete(m.id); m.error ? fail(new Error(m.error.message)) : done(m.result); return; }
    if (m.method === 'Runtime.consoleAPICalled') messages.push(`${m.params.type}: ${m.params.args.map((a) => a.value ?? a.description).join(' ')}`);
    if (m.method === 'Runtime.exceptionThrown') messages.push(`exception: ${m.params.exceptionDetails.exception?.description ?? m.params.exceptionDetails.text}`);
    if (m.method === 'Log.entryAdded') messages.push(`${m.params.entry.level}: ${m.params.entry.text}`);
    if (m.method === 'Network.requestWillBeSent') requests.push(m.params.request.url);
    if (m.method === 'Page.loadEventFired') loaded();
  };
  const send = (method, params = {}) => new Promise((done, fail) => { open.set(++last, { done, fail }); socket.send(JSON.stringify({ id: last, method, params })); });
  const run = async (f, ...values) => {
    const expression = `(${f})(${values.map((v) => JSON.stringify(v)).join(',')})`;
    const { result, exceptionDetails } = await send('Runtime.evaluate', { expression, returnByValue: true, awaitPromise: true });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  };
  const size = (width, height = 1000) => send('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: false });
  for (const domain of ['Page', 'Runtime', 'Log', 'Network', 'DOM']) await send(`${domain}.enable`);
  await size(1280);
  const arrived = new Promise((done) => { loaded = done; });
  await send('Page.navigate', { url: pathToFileURL(file).href });
  await arrived;
  await wait(200);

  check('nothing is requested but the page itself', requests.filter((u) => !u.startsWith('data:') && u !== pathToFileURL(file).href));

  // Layout at every width: no sideways scrolling, text inside its drawing, no text on text.
  for (const width of [1440, 1280, 1081, 1080, 720, 390, 360]) {
    await size(width);
    check(`${width} px: no sideways scrolling`, await run(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth));
    const faults = await run(() => {
      const out = [];
      for (const svg of document.querySelectorAll('figure svg[role=img]')) {
        const box = svg.getBoundingClientRect();
        if (!box.width) continue;
        const id = svg.closest('figure').id, seen = [];
        for (const t of svg.querySelectorAll('text')) {
          const b = t.getBoundingClientRect();
          if (b.left < box.left - 2 || b.right > box.right + 2 || b.top < box.top - 2 || b.bottom > box.bottom + 2) out.push(`${id}: "${t.textContent}" is outside`);
          for (const [words, o] of seen) {
            const w = Math.min(b.right, o.right) - Math.max(b.left, o.left), h = Math.min(b.bottom, o.bottom) - Math.max(b.top, o.top);
            if (w > 2 && h > 4) out.push(`${id}: "${t.textContent}" is on "${words}"`);
          }
          seen.push([t.textContent, b]);
        }
      }
      return out;
    });
    check(`${width} px: text stands inside its drawing and apart`, faults);
  }
  await size(1280);
  check('each figure shows one drawing', await run(() => [...document.querySelectorAll('figure')].filter((f) =>
    [...f.querySelectorAll('svg[role=img]')].filter((s) => s.getBoundingClientRect().width > 0).length !== 1).map((f) => f.id)));

  check('each drawing has a title and a description', await run(() => [...document.querySelectorAll('figure svg[role=img]')].filter((s) => {
    const [title, desc] = ['title', 'desc'].map((n) => s.querySelector(`:scope > ${n}`)), by = (s.getAttribute('aria-labelledby') ?? '').split(' ');
    return !title?.textContent.trim() || !desc?.textContent.trim() || ![title, desc].every((e) => by.includes(e.id));
  }).map((s) => s.closest('figure').id)));
  check('each figure has a file of its numbers', await run(() => [...document.querySelectorAll('figure')].filter((f) => !f.querySelector('a[download]')).map((f) => f.id)));

  // Tables.
  const sorted = await run(() => {
    const enough = (t) => t.tBodies[0].querySelectorAll('tr:not(.grp) td[data-v]').length > 3;
    const t = [...document.querySelectorAll('.tw table')].find((t) => t.tBodies[0].rows.length > 3 && enough(t));
    if (!t) return null;
    const i = [...t.tBodies[0].rows].find((r) => r.querySelector('td[data-v]')).querySelector('td[data-v]').cellIndex;
    const head = t.tHead.rows[0].cells[i], values = () => [...t.tBodies[0].rows].filter((r) => !r.hidden).map((r) => r.cells[i]?.dataset.v).filter((v) => v !== undefined).map(Number);
    const before = values();
    head.querySelector('button').click();
    const up = values(), mark = head.getAttribute('aria-sort');
    head.querySelector('button').click();
    const down = values();
    head.querySelector('button').click();
    const ordered = (v) => v.every((x, k) => k === 0 || v[k - 1] <= x);
    return { up: ordered(up), mark, down: ordered([...down].reverse()), back: JSON.stringify(values()) === JSON.stringify(before), n: before.length };
  });
  check('a table sorts by a column, the other way round, and back', sorted === null || sorted.n > 1 && sorted.up && sorted.mark === 'ascending' && sorted.down && sorted.back);
  const copied = await run(async () => {
    let text = '';
    Object.defineProperty(navigator, 'clipboard', { configurable: true, value: { writeText: (t) => { text = t; return Promise.resolve(); } } });
    const w = document.querySelector('section .tw');
    w.querySelector('.cp').click();
    await new Promise((done) => setTimeout(done, 50));
    const rows = w.querySelectorAll('tr').length, heads = w.querySelectorAll('thead th').length;
    const lines = text.split('\n');
    document.querySelector('.paste .cp').click();
    await new Promise((done) => setTimeout(done, 50));
    return { rows: lines.length === rows, columns: lines[0].split('\t').length === heads, prose: text.length > 200 };
  });
  check('a table and a paragraph are copied', copied.rows && copied.columns && copied.prose);
  check('a long table can be filtered', await run(() => {
    const input = document.querySelector('.flt input');
    if (!input) return true;
    const rows = [...input.closest('.tw').querySelectorAll('tbody tr')];
    const word = rows[Math.floor(rows.length / 2)].cells[0].textContent;
    input.value = word; input.dispatchEvent(new Event('input'));
    const left = rows.filter((r) => !r.hidden);
    input.value = ''; input.dispatchEvent(new Event('input'));
    return left.length > 0 && left.every((r) => r.textContent.includes(word)) && rows.every((r) => !r.hidden);
  }));
  check('every table has a file of its numbers', await run(() => [...document.querySelectorAll('.tw')].filter((w) => {
    const link = w.querySelector('a[download]');
    const lines = decodeURIComponent(link.href.slice(link.href.indexOf(',') + 1)).trim().split('\r\n');
    return lines.length !== w.querySelectorAll('tr:not(.grp)').length;
  }).map((w) => w.querySelector('a').download)));
  check('a mark tells its numbers, a cell its definition', await run(() => {
    const over = (el) => el.dispatchEvent(new MouseEvent('mouseover', { bubbles: true }));
    const tip = document.getElementById('tip');
    // A report in which everything is withheld has no mark.
    const drawn = document.querySelector('svg.w [data-tip]');
    if (drawn) over(drawn);
    const mark = !drawn || (tip.classList.contains('on') && /\d/.test(tip.textContent));
    const table = [...document.querySelectorAll('table')].find((t) => t.querySelector('thead th[data-def]'));
    const i = table.querySelector('thead th[data-def]').cellIndex;
    over([...table.tBodies[0].rows].find((r) => r.cells.length > i && !r.classList.contains('grp')).cells[i]);
    return mark && (i === 0 || tip.classList.contains('on'));
  }));

  // Keyboard: the first stop is the skip link, and every stop can be seen.
  await send('Input.dispatchKeyEvent', { type: 'keyDown', key: 'Tab', code: 'Tab', windowsVirtualKeyCode: 9 });
  check('the first stop of the keyboard is the skip link', await run(() => document.activeElement.className === 'skip' && document.activeElement.getBoundingClientRect().left >= 0));

  // Colours.
  const background = () => run(() => getComputedStyle(document.body).backgroundColor);
  const light = await background();
  await run(() => { location.hash = '#dark'; });
  await wait(50);
  const dark = await background();
  await run(() => [...document.querySelectorAll('.tool')].find((b) => b.offsetParent).click());
  check('#dark darkens, the button lightens again', light !== dark && (await background()) === light);

  // Accessibility.
  if (axe) {
    await run(axe.length > 0 ? 'function () { const module = undefined, exports = undefined, define = undefined; ' + axe + '\n; return true; }' : 'function () {}');
    for (const theme of ['light', 'dark']) {
      await run((t) => { document.documentElement.dataset.theme = t; for (const d of document.querySelectorAll('details')) d.open = true; }, theme);
      const found = await run(async () => (await window.axe.run(document, { resultTypes: ['violations'] })).violations.flatMap((v) =>
        v.nodes.slice(0, 3).map((n) => `${v.id} (${v.impact}): ${n.target.join(' ')} ${n.html.slice(0, 90)}`)));
      check(`axe-core finds nothing, ${theme}`, found);
    }
    await run(() => { for (const d of document.querySelectorAll('details')) d.open = false; });
  } else {
    console.log('skipped: axe-core, which `npm install --prefix tests/browser` brings');
  }

  // Without script the page reads the same, and offers nothing that would not work.
  await send('Emulation.setScriptExecutionDisabled', { value: true });
  const again = new Promise((done) => { loaded = done; });
  await send('Page.reload');
  await again;
  const { root } = await send('DOM.getDocument');
  const count = async (selector) => (await send('DOM.querySelectorAll', { nodeId: root.nodeId, selector })).nodeIds.length;
  check('without script there are figures, tables and files, and no dead button',
    (await count('figure svg')) > 0 && (await count('a[download]')) === (await count('table')) && (await count('button, input')) === 0);
  await send('Emulation.setScriptExecutionDisabled', { value: false });
  const back = new Promise((done) => { loaded = done; });
  await send('Page.reload');
  await back;

  // Print: A4 in light colours, figure 1 on page 1.
  const { data } = await send('Page.printToPDF', { preferCSSPageSize: true, printBackground: true });
  const pdf = Buffer.from(data, 'base64');
  check('it prints', pdf.subarray(0, 5).toString() === '%PDF-' && pdf.length > 20000);
  const paper = join(profile, 'report.pdf');
  writeFileSync(paper, pdf);
  const text = spawnSync('pdftotext', ['-layout', '-f', '1', '-l', '1', paper, '-'], { encoding: 'utf8' });
  const first = await run(() => document.querySelector('main .group figure') !== null);
  if (text.status === 0 && first) {
    check('figure 1 is on page 1 of the PDF', text.stdout.includes('Figure 1'));
  }
  await send('Emulation.setEmulatedMedia', { media: 'print' });
  // A4 less the margins of the style: 180 by 263 mm at 96 px an inch.
  await size(680, 994);
  const end = await run(() => (document.querySelector('main .group figure') ?? document.querySelector('h1')).getBoundingClientRect().bottom + scrollY);
  check(`figure 1 ends on page 1 (at ${Math.round(end)} of 994 px)`, end <= 994);
  check('no table is cut off on paper', await run(() => [...document.querySelectorAll('.tw')].filter((w) => {
    const t = w.querySelector('table'), b = t.getBoundingClientRect();
    return b.width > 0 && b.right > w.getBoundingClientRect().right + 1;
  }).map((w) => `${w.querySelector('a').download}: ${Math.round(w.querySelector('table').getBoundingClientRect().width)} px`)));
  check('paper is white', (await background()) === 'rgb(255, 255, 255)');

  check('nothing is logged', messages);
} catch (error) {
  console.log(`FAIL ${error.stack}`);
  failed += 1;
} finally {
  const gone = new Promise((done) => child.on('exit', done));
  child.kill();
  await gone;
  // The browser's helpers may still write for a moment; what is left of the profile in the folder for temporary files does no harm.
  try { rmSync(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 }); } catch { console.log(`left: ${profile}`); }
}
process.exit(failed ? 1 : 0);
