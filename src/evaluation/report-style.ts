// The report's style sheet: two themes as custom properties, one blue for what is right, one orange for what is wrong,
// everything else ink on paper. Nothing is loaded: the reader's own fonts, no pictures, no script.

import { asIs } from './markup.js';

const light = `
  --paper: #f7f7f5; --surface: #ffffff; --ink: #1c1e22; --soft: #5d626b; --line: #e2e2de; --track: #ecece8;
  --good: #2b69b0; --good-soft: #b9d0ea; --bad: #c04d1f; --on-heat: #ffffff;`;
const dark = `
  --paper: #131517; --surface: #1b1e21; --ink: #e9e9e6; --soft: #a0a5ae; --line: #33373c; --track: #2a2e32;
  --good: #74ade8; --good-soft: #33506f; --bad: #ee9063; --on-heat: #101214;`;

export const style = asIs(`
:root { color-scheme: light dark; ${light} }
@media (prefers-color-scheme: dark) { :root { ${dark} } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, -apple-system, 'Segoe UI', sans-serif;
  font-variant-numeric: tabular-nums; -webkit-text-size-adjust: 100%; }
main { max-width: 1080px; margin: 0 auto; padding: 40px 24px 56px; }
header { margin-bottom: 24px; }
h1 { font-size: 28px; line-height: 1.2; font-weight: 650; letter-spacing: -0.01em; margin: 0 0 6px; overflow-wrap: anywhere; }
h2 { font-size: 17px; font-weight: 620; margin: 0 0 2px; }
p { margin: 0; }
.soft, .note { color: var(--soft); }
.note { font-size: 13px; margin-bottom: 14px; max-width: 72ch; }
.note + .note { margin-top: -10px; }
section { background: var(--surface); border: 1px solid var(--line); border-radius: 10px; padding: 20px 22px; margin-bottom: 16px; min-width: 0; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 400px), 1fr)); gap: 16px; margin-bottom: 16px; align-items: stretch; }
.pair > section { margin: 0; }
.figures { display: grid; grid-template-columns: minmax(240px, 1.7fr) repeat(3, minmax(150px, 1fr)); gap: 1px; padding: 0; overflow: hidden; background: var(--line); }
.figures > div { background: var(--surface); padding: 18px 20px; }
.figure { font-size: 26px; line-height: 1.2; font-weight: 600; letter-spacing: -0.01em; }
.first { grid-row: span 2; }
.first .figure { font-size: 44px; line-height: 1.1; }
.name { font-size: 13px; color: var(--soft); }
.hint { font-size: 12.5px; line-height: 1.4; color: var(--soft); margin-top: 4px; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th { font-weight: 500; color: var(--soft); font-size: 13px; text-align: left; }
th, td { padding: 5px 10px 5px 0; vertical-align: middle; }
td { font-size: 14px; }
tbody tr + tr > * { border-top: 1px solid var(--line); }
tbody th { color: var(--ink); font-size: 14px; overflow-wrap: anywhere; min-width: 11ch; max-width: 28ch; }
.number { text-align: right; white-space: nowrap; }
.meter { display: flex; align-items: center; gap: 8px; white-space: nowrap; }
.meter > span { width: 6ch; text-align: right; font-size: 13px; }
.meter i { flex: 1; min-width: 56px; height: 8px; border-radius: 2px; background: linear-gradient(var(--good) 0 0) 0 / calc(var(--share) * 1%) 100% no-repeat, var(--track); }
.meter.count i { background: linear-gradient(var(--soft) 0 0) 0 / calc(var(--share) * 1%) 100% no-repeat, none; }
.badge { display: inline-block; padding: 0 7px; border-radius: 9px; background: var(--track); color: var(--soft); font-size: 11.5px; font-weight: 500; white-space: nowrap; }
.badge.chosen { background: var(--good); color: var(--on-heat); }
tr.chosen th { font-weight: 650; }
tr.kind th { color: var(--soft); font-size: 13px; padding-top: 12px; }
.ensemble th, .ensemble td { padding-left: 10px; }
.ensemble tbody th { position: sticky; left: 0; z-index: 1; background: var(--surface); }
.ensemble tr.kind th { position: static; }
.ensemble tr.chosen > * { background: color-mix(in oklab, var(--good) 9%, var(--surface)); }
.ensemble .forest { width: 190px; padding-top: 2px; padding-bottom: 2px; }
.ensemble .forest svg { width: 180px; }
.better { color: var(--good); }
.worse { color: var(--bad); }
.says { margin: 6px 0 14px; max-width: 80ch; }
.squares { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, var(--wide)), 1fr)); gap: 20px 28px; }
.squares thead th { text-align: center; }
.members { columns: 24ch; margin: 0 0 16px; padding-left: 3ch; font-size: 13px; }
.members li { overflow-wrap: anywhere; }
.squares h3 { font-size: 13.5px; font-weight: 600; margin: 0; }
.squares > div { min-width: 0; }
.matrix.dense td { font-size: 11px; }
.matrix { width: auto; border-collapse: separate; border-spacing: 2px; }
.matrix tbody tr + tr > * { border: 0; }
.matrix th, .matrix td { padding: 0; }
.matrix tbody th { text-align: right; padding-right: 8px; max-width: 22ch; min-width: 0; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; font-weight: 400; font-size: 13px; }
.matrix thead th { vertical-align: bottom; font-size: 13px; font-weight: 400; color: var(--ink); }
.matrix thead th > span { display: block; margin: 0 auto; writing-mode: vertical-rl; transform: rotate(180deg); max-height: 16ch; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; padding-top: 4px; }
.matrix td { width: var(--cell); min-width: var(--cell); height: var(--cell); text-align: center; border-radius: 3px; font-size: 13px; background: var(--track); }
.matrix td.hit { background: color-mix(in oklab, var(--good) calc(8% + var(--share) * 0.92%), var(--surface)); }
.matrix td.miss { background: color-mix(in oklab, var(--bad) calc(14% + var(--share) * 0.86%), var(--surface)); }
.matrix td.strong { color: var(--on-heat); font-weight: 600; }
.matrix td.corner { width: auto; min-width: 0; height: auto; background: none; }
.matrix .corner { text-align: right; padding: 0 8px 4px 0; vertical-align: bottom; color: var(--soft); }
svg { display: block; width: 100%; max-width: 680px; height: auto; overflow: visible; }
svg text { fill: var(--soft); font-size: 12px; font-family: inherit; }
svg .strong { fill: var(--ink); font-weight: 600; }
svg .good-text { fill: var(--good); font-weight: 600; }
svg .bad-text { fill: var(--bad); font-weight: 600; }
.grid { stroke: var(--line); }
.axis { stroke: var(--soft); }
.ideal { stroke: var(--soft); stroke-dasharray: 4 4; fill: none; }
.bar { fill: var(--good-soft); }
.dot { fill: var(--good); stroke: var(--surface); stroke-width: 1.5; }
.whisker { stroke: var(--good); stroke-width: 1.5; }
.line { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }
.line.train { stroke: var(--good); }
.line.validation { stroke: var(--bad); }
.point.train { fill: var(--good); }
.point.validation { fill: var(--bad); }
svg .small { font-size: 11px; paint-order: stroke; stroke: var(--surface); stroke-width: 3px; stroke-linejoin: round; }
.front { fill: none; stroke: var(--good); stroke-width: 1.5; stroke-linejoin: round; }
.off .whisker { stroke: var(--soft); opacity: 0.45; }
.off .dot { fill: var(--soft); opacity: 0.75; }
.ring { fill: none; stroke: var(--ink); stroke-width: 2; }
.band { fill: var(--good-soft); opacity: 0.55; }
.zero { stroke: var(--soft); stroke-dasharray: 2 3; }
.better .whisker { stroke: var(--good); } .worse .whisker { stroke: var(--bad); } .unclear .whisker { stroke: var(--soft); }
.worse .dot { fill: var(--bad); } .unclear .dot { fill: var(--soft); }
.best { fill: var(--surface); stroke: var(--bad); stroke-width: 2; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(136px, 1fr)); gap: 16px 14px; margin: 0; padding: 0; list-style: none; }
.cards img, .cards .blank { display: block; width: 100%; aspect-ratio: 1; object-fit: contain; border-radius: 6px; background: var(--track); }
.cards .blank { display: grid; place-items: center; color: var(--soft); font-size: 12px; }
.cards p { font-size: 13px; line-height: 1.35; overflow-wrap: anywhere; }
.cards .given { color: var(--bad); font-weight: 600; margin-top: 6px; }
.cards .given.right { color: var(--good); }
.cards .file { color: var(--soft); font-size: 11.5px; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
details { margin-top: 10px; }
summary { cursor: pointer; color: var(--soft); font-size: 13px; }
.facts tbody th { font-weight: 400; color: var(--soft); white-space: nowrap; width: 1%; padding-right: 24px; font-size: 13px; }
.facts td { overflow-wrap: anywhere; font-size: 13px; }
footer { color: var(--soft); font-size: 12.5px; margin-top: 20px; }
@media (max-width: 760px) {
  main { padding: 24px 14px 40px; }
  section { padding: 16px; }
  .figures { grid-template-columns: repeat(3, 1fr); padding: 0; }
  .figures > div { padding: 14px 16px; }
  .first { grid-column: 1 / -1; grid-row: auto; }
  .facts tbody th { white-space: normal; }
  .meter i { min-width: 24px; }
}
@media (max-width: 560px) { .figures { grid-template-columns: 1fr 1fr; } }
@media print {
  :root { ${light} --paper: #ffffff; color-scheme: light; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  main { max-width: none; padding: 0; }
  section, .cards li, tr { break-inside: avoid; }
  section.long { break-inside: auto; }
}
`);
