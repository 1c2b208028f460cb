// Holds networks to everything that is promised of them: shapes of every value, what inspect finds, every cut, the door,
// the featurizer. Prints one line each and what is wrong; exits with 1 where something is.
// Usage: node dist/tools/check-networks.js FOLDER [--cuts 25] [--size 224] [--only TEXT]   (all .onnx files of a folder)

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { decodeModel } from '../src/codec/index.js';
import { verify, type Model } from '../src/graph/index.js';
import { nodeRuntime } from '../src/runtime/node.js';
import { convert } from '../src/workflows/convert.js';
import { readRunnable, type NetworkFile } from '../src/workflows/network.js';
import { cutNetwork } from './networks/cut-network.js';
import { compareEveryValue } from './networks/every-value.js';
import { compareFeatures } from './networks/features-of.js';

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    cuts: { type: 'string', default: '25' },
    size: { type: 'string', default: '224' },
    only: { type: 'string', default: '' },
  },
});
const [folder] = positionals;
if (!folder) throw new Error('usage: check-networks FOLDER [--cuts 25] [--size 224] [--only TEXT]');
const size = Number(flags.size);
const runtime = nodeRuntime();

const columns = [34, 7, 8, 9, 7, 18, 7, 9, 16, 9, 9, 9];
const row = (cells: readonly (string | number)[]) => cells.map((cell, i) => String(cell).padEnd(columns[i]!)).join(' ');
const short = (n: number) => (n === 0 ? '0' : n.toExponential(1));

/** Checks one network; the cells of its line, and what is wrong. */
async function checkNetwork(path: string, name: string, wrong: string[]): Promise<(string | number)[]> {
  const attempt = async <T>(what: string, run: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await run();
    } catch (error) {
      wrong.push(`${what}: ${String(error).slice(0, 600)}`);
      return undefined;
    }
  };
  const all = (what: string, found: readonly string[] | undefined) => {
    wrong.push(...(found ?? []).slice(0, 8).map(one => `${what}: ${one}`));
    if ((found?.length ?? 0) > 8) wrong.push(`${what}: … ${found!.length} in all`);
  };
  const file = readRunnable(path);
  const { inspection } = file;
  const values = await attempt('values', () => compareEveryValue(file.model, runtime));
  all('values', values?.wrong);
  all('inspect', doubtsAbout(file));
  const cuts = await attempt('cuts', () => cutNetwork(file, Number(flags.cuts), runtime));
  all('cut', cuts?.wrong);
  const door = await attempt('door', () => throughDoor(path, file));
  all('door', door?.wrong);
  const features = await attempt('features', () => compareFeatures(file, size, runtime));
  const tolerance = inspection.quantized ? 2e-2 : 1e-4;
  if (features && !(features.difference <= tolerance)) wrong.push(`features: differ by ${short(features.difference)}`);
  const { network, names } = inspection;
  const blocks = [...names.keys()].filter(key => /^block\d+$/.test(key)).length;
  const kind = network.kind === 'classifier' ? `${network.classes} of ${network.features.value}` : network.kind;
  return [
    name.replace(/\.onnx$/, ''),
    values?.count ?? '-',
    (inspection.parameters / 1e6).toFixed(2) + ' M',
    (inspection.macs / 1e6).toFixed(0) + ' M',
    inspection.batchNormalization,
    kind.slice(-18),
    blocks,
    `${cuts?.count ?? '-'}/${inspection.cuts.length}`,
    cuts ? short(cuts.largest) : '-',
    door ? short(door.difference) : '-',
    features ? `${features.width}` : '-',
    features ? short(features.difference) : '-',
  ];
}

/** What a person would find missing in what inspect says. */
function doubtsAbout({ inspection }: NetworkFile): string[] {
  const { network, names, parameters, macs, unknownOperators, cuts } = inspection;
  const doubts = unknownOperators.map(name => `unknown operator ${name}`);
  if (network.kind !== 'classifier' && network.kind !== 'headless') doubts.push(`${network.kind}: ${network.reason}`);
  if (network.kind === 'classifier')
    for (const name of ['features', 'logits']) if (!names.has(name)) doubts.push(`no ${name}`);
  if (!names.has('block2')) doubts.push('fewer than two blocks');
  if (parameters === 0 || macs === 0) doubts.push('no parameters or no multiply-accumulates');
  if (cuts.length === 0) doubts.push('no cuts');
  if ('features' in network) {
    const { value, pool, width } = network.features;
    const shape = inspection.facts.get(value)?.shape;
    const isPooled = pool === 'average' || (shape && shape.slice(2).every(dim => dim === 1));
    if (!isPooled || typeof width !== 'number') doubts.push(`features ${value} [${String(shape)}] are not pooled`);
    const isCut = cuts.some(cut => cut.values.length === 1 && cut.values[0] === value);
    if (network.kind === 'classifier' && !isCut) doubts.push(`features ${value} is no cut`);
  }
  return doubts;
}

/** `graft convert`: equal outputs, any number of pictures, every shape known, and nothing left to do. */
async function throughDoor(path: string, { model }: NetworkFile) {
  const place = mkdtempSync(join(tmpdir(), 'graft-networks-'));
  const wrong: string[] = [];
  try {
    const out = join(place, 'clean.onnx');
    const open = model.graph.inputs.some(({ shape }) => shape?.slice(1).some(dim => typeof dim === 'string'));
    const { batch, batchReason, difference } = await convert(path, { out, ...(open ? { size } : {}) }, runtime);
    if (typeof batch !== 'string') wrong.push(`the batch stays ${batch}: ${batchReason ?? 'no reason given'}`);
    const clean: Model = verify(decodeModel(readFileSync(out)));
    for (const pictures of [1, 3])
      wrong.push(
        ...(await compareEveryValue(clean, runtime, pictures)).wrong.map(one => `${pictures} pictures: ${one}`),
      );
    for (const op of ['Dropout', 'Constant', 'Identity'])
      if (clean.graph.nodes.some(node => node.op === op)) wrong.push(`${op} is left`);
    const { changes } = await convert(out, { out: join(place, 'again.onnx') }, runtime);
    wrong.push(...changes.map(({ pass, what }) => `the second time ${pass} ${what}`));
    return { difference: Math.max(difference.random, difference.real), wrong };
  } finally {
    rmSync(place, { recursive: true });
  }
}

console.log(
  row([
    'network',
    'values',
    'weights',
    'macs',
    'bn',
    'classes, features',
    'blocks',
    'cuts',
    'cut apart',
    'door',
    'width',
    'features',
  ]),
);
let failed = 0;
for (const name of readdirSync(folder)
  .filter(one => one.endsWith('.onnx') && one.includes(flags.only))
  .sort()) {
  const wrong: string[] = [];
  try {
    console.log(row(await checkNetwork(join(folder, name), name, wrong)), wrong.length > 0 ? 'WRONG' : 'ok');
  } catch (error) {
    wrong.push(String(error));
    console.log(row([name]), 'WRONG');
  }
  for (const one of wrong) console.log(`    ${one}`);
  if (wrong.length > 0) failed++;
}
console.log(failed === 0 ? 'all is well' : `${failed} with something wrong`);
process.exitCode = failed === 0 ? 0 : 1;
