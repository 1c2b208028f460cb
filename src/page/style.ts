// The page's style sheet: the report's colours and type (src/evaluation/report-style), so that a report shown inside has
// them too. One blue accent, one orange for what is wrong, everything else ink on paper; nothing is loaded.

const light = `--paper: #f7f7f5; --surface: #ffffff; --ink: #1c1e22; --soft: #5d626b; --line: #e2e2de; --track: #ecece8;
  --good: #2b69b0; --good-soft: #b9d0ea; --bad: #c04d1f; --on-heat: #ffffff; --edge: #84888f; --wash: #edf3fa; --warn: #fdf1e7;
  --shade: 0 1px 2px rgb(20 24 30 / 0.05), 0 4px 16px rgb(20 24 30 / 0.04); color-scheme: light;`;
const dark = `--paper: #131517; --surface: #1b1e21; --ink: #e9e9e6; --soft: #a0a5ae; --line: #33373c; --track: #2a2e32;
  --good: #74ade8; --good-soft: #33506f; --bad: #ee9063; --on-heat: #101214; --edge: #7d838c; --wash: #1d2733; --warn: #2e231c;
  --shade: none; color-scheme: dark;`;

const ground = `
:root { ${light} }
@media (prefers-color-scheme: dark) { :root:not([data-theme='light']) { ${dark} } }
:root[data-theme='dark'] { ${dark} }
*, ::before, ::after { box-sizing: border-box; }
[hidden] { display: none !important; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; min-height: 100vh; display: flex; flex-direction: column; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, 'Segoe UI', sans-serif; font-variant-numeric: tabular-nums; }
h1, h2, h3, h4, p, ul, ol, dl, dd, figure { margin: 0; padding: 0; }
ul, ol { list-style: none; }
h2 { font-size: 17px; line-height: 1.35; font-weight: 620; overflow-wrap: anywhere; }
h4 { font-size: 13px; font-weight: 600; color: var(--soft); margin-bottom: 6px; }
button, select, input { font: inherit; color: inherit; }
a { color: var(--good); text-underline-offset: 2px; }
code, pre { font-family: ui-monospace, 'SF Mono', 'Cascadia Mono', 'DejaVu Sans Mono', monospace; font-size: 13px; }
bdi { unicode-bidi: isolate; }
:focus-visible { outline: 2px solid var(--good); outline-offset: 2px; }
main:focus-visible { outline: none; }
.soft { color: var(--soft); }
.small { font-size: 13px; line-height: 1.45; }
.bad { color: var(--bad); font-size: 13px; }
.spoken { position: absolute; width: 1px; height: 1px; margin: -1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.skip { position: absolute; left: 12px; top: -60px; z-index: 10; padding: 10px 16px; background: var(--surface); border-radius: 8px; }
.skip:focus { top: 10px; }
.inner, main, .foot { width: 100%; max-width: 1120px; margin: 0 auto; padding-left: 24px; padding-right: 24px; }
main { flex: 1; padding-top: 20px; padding-bottom: 40px; }
.foot { padding-top: 0; padding-bottom: 28px; }
`;

const controls = `
.quiet, .plain, .camera-button, .icon { min-height: 36px; border-radius: 8px; cursor: pointer; }
.plain { padding: 7px 16px; border: 1px solid var(--edge); background: var(--surface); font-weight: 550; }
.plain:hover { border-color: var(--good); }
.plain.strong { background: var(--good); border-color: var(--good); color: var(--on-heat); }
.plain:disabled { opacity: 0.5; cursor: default; }
.quiet { padding: 6px 12px; border: 0; background: none; color: var(--good); font-weight: 550; }
.quiet:hover, .icon:hover { background: var(--track); }
.text-button { min-height: 28px; padding: 2px 0; border: 0; background: none; color: var(--good); font-size: 13px; font-weight: 550; cursor: pointer; }
.text-button:hover { text-decoration: underline; }
.icon { display: inline-grid; place-items: center; width: 36px; padding: 0; border: 0; background: none; color: var(--soft); flex: none; }
.field { display: flex; align-items: center; gap: 8px; min-width: 0; }
.field label, .heat-settings label { color: var(--soft); font-size: 13px; }
select, input[type='password'], input[type='search'] { min-height: 36px; min-width: 0; max-width: 100%; padding: 5px 10px; border: 1px solid var(--edge); border-radius: 8px; background: var(--surface); }
select { text-overflow: ellipsis; }
input[aria-invalid='true'] { border-color: var(--bad); }
.switch { appearance: none; position: relative; width: 38px; height: 24px; margin: 0; border-radius: 12px; background: var(--surface); border: 1px solid var(--edge); cursor: pointer; flex: none; transition: background-color 0.15s; }
.switch::after { content: ''; position: absolute; left: 3px; top: 3px; width: 16px; height: 16px; border-radius: 50%; background: var(--edge); transition: transform 0.15s; }
.switch:checked { background: var(--good); border-color: var(--good); }
.switch:checked::after { transform: translateX(14px); background: var(--surface); }
input[type='range'] { width: 100%; min-height: 24px; margin: 0; accent-color: var(--good); }
progress { appearance: none; width: 120px; height: 6px; border: 0; border-radius: 3px; background: var(--track); overflow: hidden; }
progress::-webkit-progress-bar { background: var(--track); }
progress::-webkit-progress-value { background: var(--good); }
progress::-moz-progress-bar { background: var(--good); }
`;

const frame = `
.bar-top { background: var(--surface); border-bottom: 1px solid var(--line); }
.bar-top .inner { display: flex; align-items: center; gap: 12px 20px; min-height: 60px; padding-top: 8px; padding-bottom: 8px; }
.brand { display: flex; align-items: center; gap: 8px; font-size: 19px; font-weight: 650; letter-spacing: -0.015em; }
.brand svg { display: block; }
.stem { fill: none; stroke: var(--good); stroke-width: 2; stroke-linecap: round; }
.leaf { fill: var(--good); }
.leaf.second { fill: var(--good); opacity: 0.6; }
.choice { display: flex; align-items: center; gap: 16px; margin-left: auto; min-width: 0; }
.choice select { max-width: 320px; }
.moon { width: 16px; height: 16px; border-radius: 50%; border: 2px solid currentColor; background: linear-gradient(90deg, currentColor 50%, transparent 50%); }
.tabs { display: flex; gap: 4px; margin-bottom: 20px; border-bottom: 1px solid var(--line); }
.tabs button { min-height: 42px; padding: 8px 14px; border: 0; border-bottom: 2px solid transparent; margin-bottom: -1px; background: none; color: var(--soft); font-weight: 550; cursor: pointer; }
.tabs button:hover { color: var(--ink); }
.tabs [aria-selected='true'] { color: var(--ink); border-bottom-color: var(--good); }
.tabs button:focus-visible { outline-offset: -3px; border-radius: 6px; }
[role='tabpanel']:focus-visible { outline-offset: 6px; border-radius: 4px; }
.panel, .empty { background: var(--surface); border: 1px solid var(--line); border-radius: 12px; padding: 20px 22px; }
.panel + .panel { margin-top: 16px; }
.panel > h2 { margin-bottom: 10px; }
.empty { padding: 40px 24px; text-align: center; }
.empty .code { display: inline-block; text-align: left; margin: 14px 0 0; }
.empty h2 + p { margin-top: 6px; }
.empty .plain { margin-top: 16px; }
.key { max-width: 520px; margin: 0 auto 20px; }
.key-row { display: flex; gap: 8px; margin: 4px 0 8px; }
.key-row input { flex: 1; }
.code { margin: 0; padding: 12px 14px; overflow-x: auto; background: var(--track); border-radius: 8px; }
.loading p { overflow-wrap: anywhere; }
.loading p:last-child { margin-bottom: 16px; }
.loading .asking { padding: 4px 0; }
#notice .failure { margin-bottom: 20px; }
.failure { padding: 16px 18px; background: var(--warn); border-radius: 10px; }
.failure p { margin-bottom: 4px; overflow-wrap: anywhere; }
.failure-text { font-weight: 600; }
.failure .plain { margin-top: 8px; }
`;

const pictures = `
.intake { display: grid; grid-template-columns: minmax(0, 1fr); gap: 12px; }
.drop { display: flex; flex-direction: column; align-items: center; justify-content: center; gap: 6px; width: 100%; min-height: 300px; padding: 28px 20px; border: 1.5px dashed var(--edge); border-radius: 16px; background: var(--surface); cursor: pointer; transition: background-color 0.15s, border-color 0.15s; }
.drop:hover, .dragging .drop { border-color: var(--good); background: var(--wash); }
.dragging .drop { border-style: solid; }
.dragging .drop-text > * { display: none; }
.dragging .drop-text::after { content: 'Drop them anywhere'; color: var(--good); font-weight: 620; }
.dragging::after { content: ''; position: fixed; inset: 8px; z-index: 9; border: 2px dashed var(--good); border-radius: 16px; pointer-events: none; }
.drop strong { color: var(--good); font-weight: 620; }
.drop-text { font-size: 17px; text-wrap: balance; }
.drop-mark { width: 54px; height: 44px; margin-bottom: 12px; border: 2px solid var(--good); border-radius: 9px; position: relative; overflow: hidden; opacity: 0.9; }
.drop-mark::before { content: ''; position: absolute; right: 9px; top: 8px; width: 8px; height: 8px; border-radius: 50%; background: var(--good); }
.drop-mark::after { content: ''; position: absolute; left: -6px; bottom: -24px; width: 62px; height: 44px; background: var(--good-soft); clip-path: polygon(0 60%, 32% 10%, 54% 42%, 68% 26%, 100% 62%, 100% 100%, 0 100%); }
.camera-button { justify-self: center; display: inline-flex; align-items: center; gap: 8px; padding: 6px 14px; border: 0; background: none; color: var(--good); font-weight: 550; }
.camera-button:hover { background: var(--track); }
.lens { width: 14px; height: 14px; border: 2px solid currentColor; border-radius: 50%; box-shadow: inset 0 0 0 2px var(--paper), inset 0 0 0 4px currentColor; }
.knows { text-align: center; font-size: 14px; text-wrap: balance; max-width: 76ch; justify-self: center; overflow-wrap: anywhere; }
.knows:empty, .has-results .knows { display: none; }
.has-results .intake { grid-template-columns: minmax(0, 1fr) auto; align-items: center; }
.has-results .drop { flex-direction: row; flex-wrap: wrap; justify-content: flex-start; gap: 2px 14px; min-height: 62px; padding: 10px 18px; border-radius: 12px; }
.has-results .drop-mark { display: none; }
.has-results .drop-text { font-size: 15px; }
.has-results .drop .small { margin-left: auto; }
.camera-button .short { display: none; }
.camera { grid-column: 1 / -1; background: var(--surface); border: 1px solid var(--line); border-radius: 12px; padding: 16px; display: grid; gap: 12px; justify-items: center; }
.camera video { width: 100%; max-width: 560px; border-radius: 8px; background: var(--track); aspect-ratio: 4 / 3; object-fit: cover; }
.camera-actions { display: flex; gap: 8px; }
.results-top { display: flex; align-items: center; gap: 4px 14px; margin: 26px 0 12px; }
.results-top .quiet { margin-left: auto; }
.results-top h2, .results-top .quiet { flex: none; }
.cards { display: grid; grid-template-columns: minmax(0, 1fr); gap: 16px; }
.card { display: grid; grid-template-columns: minmax(200px, 320px) minmax(0, 1fr); gap: 26px; align-items: start; padding: 20px; background: var(--surface); border: 1px solid var(--line); border-radius: 14px; box-shadow: var(--shade); }
.card-top { display: flex; align-items: center; gap: 12px; margin: -6px -8px 0 0; }
.card-top .soft { white-space: nowrap; }
.file { flex: 1; min-width: 0; font-size: 13px; font-weight: 500; color: var(--soft); white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.card-top .soft { margin-left: auto; }
.close-mark { width: 14px; height: 14px; background: linear-gradient(45deg, transparent 45.5%, currentColor 45.5% 54.5%, transparent 54.5%), linear-gradient(-45deg, transparent 45.5%, currentColor 45.5% 54.5%, transparent 54.5%); }
.asking { display: flex; align-items: center; gap: 10px; color: var(--soft); padding: 14px 0; }
.pulse { width: 10px; height: 10px; border-radius: 50%; background: var(--good); animation: pulse 1.1s ease-in-out infinite alternate; }
@keyframes pulse { from { opacity: 0.25; transform: scale(0.8); } to { opacity: 1; transform: none; } }
.card .failure { margin-top: 8px; }
.verdict { display: flex; align-items: baseline; flex-wrap: wrap; gap: 0 18px; margin-bottom: 10px; }
.verdict-one { display: flex; align-items: baseline; flex-wrap: wrap; gap: 0 12px; min-width: 0; }
.verdict-label { font-size: 30px; line-height: 1.25; font-weight: 640; letter-spacing: -0.015em; min-width: 0; overflow-wrap: anywhere; display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 3; overflow: hidden; }
.verdict-score { font-size: 22px; color: var(--good); font-weight: 600; }
.verdict.several .verdict-label { font-size: 22px; }
.verdict.several .verdict-score { font-size: 17px; }
.warning { display: flex; gap: 12px; padding: 11px 14px; margin-bottom: 14px; border-radius: 9px; background: var(--warn); overflow-wrap: anywhere; font-size: 14px; }
.warning-mark { display: grid; place-items: center; flex: none; width: 20px; height: 20px; margin-top: 1px; border-radius: 50%; background: var(--bad); color: var(--surface); font-weight: 700; font-size: 13px; }
.bars { display: grid; gap: 7px; }
.bar { display: grid; grid-template-columns: minmax(0, 11em) minmax(40px, 1fr) 4.6em; gap: 14px; align-items: center; }
.bar-name { overflow-wrap: anywhere; line-height: 1.3; display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 2; overflow: hidden; }
.bar.best .bar-name, .bar.best .bar-score { font-weight: 620; }
.bar-score, .number { text-align: right; }
.meter { display: block; height: 8px; border-radius: 4px; background: linear-gradient(var(--good) 0 0) 0 / calc(var(--share) * 100%) 100% no-repeat, var(--track); }
.bar .meter { height: 10px; border-radius: 5px; }
.bar:not(.best) .meter { background: linear-gradient(color-mix(in oklab, var(--good) 62%, var(--track)) 0 0) 0 / calc(var(--share) * 100%) 100% no-repeat, var(--track); }
.meter.split { flex: 1; max-width: 220px; background: linear-gradient(var(--bad) 0 0) 0 / calc(var(--share) * var(--part) * 100%) 100% no-repeat, linear-gradient(var(--good) 0 0) 0 / calc(var(--share) * 100%) 100% no-repeat, var(--track); }
.bars-after { display: flex; flex-wrap: wrap; gap: 0 16px; align-items: center; margin-top: 6px; font-size: 13px; }
.sureness { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 240px), 1fr)); gap: 16px 28px; margin-top: 16px; padding-top: 16px; border-top: 1px solid var(--line); }
.fact p + p, .chips + p, details + p { margin-top: 6px; }
.fact .small + .small { margin-top: 0; }
.uncertainty { display: flex; align-items: center; gap: 12px; min-height: 28px; }
.key-disagree { display: flex; align-items: baseline; gap: 6px; }
.key-disagree::before { content: ''; flex: none; width: 8px; height: 8px; border-radius: 2px; background: var(--bad); }
.chips { display: flex; flex-wrap: wrap; gap: 6px; }
.chip { max-width: 100%; padding: 2px 11px; border-radius: 14px; background: var(--wash); border: 1px solid var(--good-soft); font-weight: 550; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
summary { min-height: 24px; cursor: pointer; color: var(--good); font-size: 13px; }
details .chips { margin-top: 6px; }
.picture { position: sticky; top: 16px; }
.members { margin-top: 16px; padding-top: 14px; border-top: 1px solid var(--line); }
.members > summary { width: fit-content; padding: 2px 0; color: var(--ink); font-weight: 600; }
.members > summary:hover { color: var(--good); }
.members > .scroll { margin-top: 4px; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
th { font-weight: 500; text-align: left; }
thead th { color: var(--soft); font-size: 13px; vertical-align: bottom; }
th, td { padding: 5px 18px 5px 0; max-width: 22ch; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
th:last-child, td:last-child { padding-right: 0; }
tbody tr > * { border-top: 1px solid var(--line); }
.together > * { font-weight: 620; }
td.wide { min-width: 130px; }
.cell { display: flex; align-items: center; gap: 10px; }
.cell .meter { flex: 1; min-width: 48px; }
.cell > span:last-child { width: 5em; flex: none; text-align: right; }
.says.other { color: var(--bad); font-weight: 600; }
.card-actions { display: flex; align-items: center; flex-wrap: wrap; gap: 4px 14px; margin-top: 14px; }
.card-actions .quiet { margin-left: -12px; }
.card-actions .soft { margin-left: auto; overflow-wrap: anywhere; }
.frame { position: relative; border-radius: 10px; overflow: hidden; background: var(--track); display: grid; }
.frame img { display: block; width: 100%; height: auto; max-height: 480px; min-height: 48px; object-fit: contain; }
[data-heat='on'] img { filter: grayscale(1) contrast(0.92); }
.heat { position: absolute; inset: 0; margin: auto; width: 100%; height: 100%; object-fit: contain; }
.blank { padding: 40px 16px; text-align: center; color: var(--soft); font-size: 13px; }
.heat-controls { margin-top: 12px; }
.switch-row { display: flex; align-items: center; gap: 10px; min-height: 28px; }
.switch-row label { cursor: pointer; }
.heat-settings { display: grid; grid-template-columns: auto minmax(0, 1fr); gap: 8px 12px; align-items: center; margin-top: 10px; }
.heat-settings > p { grid-column: 1 / -1; }
.legend { display: flex; align-items: center; gap: 10px; font-size: 13px; color: var(--soft); }
.scale { flex: 1; height: 8px; border-radius: 4px; background: linear-gradient(90deg, #1454be, #8cc8ff 35%, var(--track) 50%, #ffbe5a 65%, #e24800); }
.facts { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 6px 24px; font-size: 14px; }
.facts dt { color: var(--soft); }
.facts dd { grid-column: 2; overflow-wrap: anywhere; }
.names { columns: 26ch; column-gap: 28px; font-size: 14px; }
.names li { break-inside: avoid; padding: 2px 0; overflow-wrap: anywhere; }
.names bdi { display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 4; overflow: hidden; }
.panel .code { white-space: pre-wrap; overflow-wrap: anywhere; }
.panel .field { margin-bottom: 12px; }
.after-code { margin-top: 8px; }
.panel .code + button, .panel .after-code + button { margin: 6px 0 -8px -12px; }
`;

const widths = `
@media (max-width: 760px) {
  .inner, main, .foot { padding-left: 16px; padding-right: 16px; }
  .bar-top .inner { flex-wrap: wrap; justify-content: space-between; }
  .choice { order: 3; width: 100%; gap: 10px; }
  .choice .field { flex: 1; }
  .choice #version-field { flex: none; }
  .choice select { flex: 1; max-width: 100%; width: 100%; }
  .choice #version-field label { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  main { padding-top: 12px; }
  .tabs { margin-bottom: 16px; }
  .tabs button { flex: 1; padding-left: 6px; padding-right: 6px; }
  .drop { min-height: 230px; }
  .drop .dash { display: none; }
  .drop .or { display: block; font-size: 15px; }
  .has-results .drop .dash, .has-results .drop .or, .has-results .drop .small { display: none; }
  .has-results .drop { justify-content: center; min-height: 52px; }
  .camera-button { min-height: 44px; }
  .has-results .camera-button .long { display: none; }
  .has-results .camera-button .short { display: inline; }
  .card { grid-template-columns: minmax(0, 1fr); gap: 16px; padding: 16px; }
  .card-main { display: contents; }
  .card-top { order: -3; margin: -8px -10px -8px 0; }
  .card-head { order: -2; }
  .card-head:empty { display: none; }
  .heat-controls:empty { display: none; }
  .results-top { flex-wrap: wrap; }
  .results-top p { order: 1; width: 100%; }
  .card-head > :last-child { margin-bottom: 0; }
  .picture { order: -1; position: static; }
  .frame img { max-height: 320px; }
  .bar { grid-template-columns: minmax(0, 8em) minmax(24px, 1fr) 4.4em; gap: 10px; }
  .verdict-label { font-size: 26px; }
  .panel { padding: 16px; }
  .facts { grid-template-columns: minmax(0, 1fr); gap: 0; }
  .facts dd { grid-column: 1; }
  .facts dd + dt { margin-top: 8px; }
  th, td { padding-right: 12px; }
  td.wide { min-width: 0; }
  .cell { flex-direction: column-reverse; align-items: stretch; gap: 2px; }
  .cell .meter { flex: none; height: 6px; }
  .cell > span:last-child { width: auto; text-align: left; }
  .members th:first-child { position: sticky; left: 0; max-width: 14ch; background: var(--surface); }
}
@media (prefers-reduced-motion: reduce) { *, ::before, ::after { animation: none !important; transition: none !important; } }
@media (forced-colors: active) {
  .meter, .scale, .stem, .leaf, .close-mark, .warning-mark, .moon { forced-color-adjust: none; }
  .meter { background: linear-gradient(Highlight 0 0) 0 / calc(var(--share) * 100%) 100% no-repeat, Canvas !important; border: 1px solid CanvasText; }
  .close-mark, .moon { color: ButtonText; }
  .stem { stroke: CanvasText; } .leaf { fill: CanvasText; }
  .switch:checked, .switch::after { background: Highlight; forced-color-adjust: none; }
  .tabs button { border-bottom-color: Canvas; }
  .tabs [aria-selected='true'] { border-bottom-color: Highlight; }
  .warning, .failure { border: 1px solid CanvasText; }
  .key-disagree::before { background: CanvasText; forced-color-adjust: none; }
  .meter.split { background: linear-gradient(CanvasText 0 0) 0 / calc(var(--share) * var(--part) * 100%) 100% no-repeat, linear-gradient(Highlight 0 0) 0 / calc(var(--share) * 100%) 100% no-repeat, Canvas !important; }
}
@media print { .bar-top, .intake, .tabs, .foot, .heat-controls, .card-actions, .results-top .quiet { display: none; } .card { break-inside: avoid; } }
`;

/** The whole sheet. */
export const pageCss = [ground, controls, frame, pictures, widths].join('');
