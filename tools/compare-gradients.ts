// Holds the gradients of whole networks against PyTorch in float64 on the same file: loss, logits, every weight.
// Usage: npm run compare:gradients -- files.onnx… --python INTERPRETER [--peers DIR] [--seeds 5] [--most-seeds N]
//        [--twin-seeds N] [--size 224] [--json] [--record]
//
// --peers: the folder of onnx_torch.py and smooth_twin.py (default: $GRAFT_PEERS, or ../shared/peers). A network passes
// where the median over the seeds of its worst weight's relative L2 error is at most 1e-4, or 3 × the same median of
// PyTorch's own float32 where that is larger, and on its smooth twin at most 1e-4. Weights whose whole gradient is below
// 1e-7 of the network's are compared to that: no float32 holds them. Quantised (QDQ) networks are made float first.
// The network is given one picture a seed (two have twice as many units at a kink), its twin two. A unit within rounding
// of a kink falls to either side by luck, in PyTorch as here; a network of which about every second input has one misses
// a median of five by luck alone. With --most-seeds above --seeds, one that misses is given ten more inputs at a time, up to
// so many, and the medians are over all of them: a wrong rule misses at every input. How many there were is told.
// Sessions are opened with all of onnxruntime's optimizations, as those that train. --record writes what trains into
// graphs/coverage.json, of which docs/coverage.md is made.

import { execFile } from 'node:child_process';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { compareNetwork, type ComparedNetwork } from './networks/compare-network.js';
import { recordNetworks } from './networks/recorded-networks.js';

const { values: flags, positionals: files } = parseArgs({
  allowPositionals: true,
  options: {
    python: { type: 'string', default: process.env['GRAFT_PYTHON'] ?? 'python3' },
    peers: { type: 'string', default: process.env['GRAFT_PEERS'] ?? '../shared/peers' },
    seeds: { type: 'string', default: '5' },
    'most-seeds': { type: 'string' },
    'twin-seeds': { type: 'string' },
    size: { type: 'string', default: '224' },
    json: { type: 'boolean', default: false },
    record: { type: 'boolean', default: false },
    one: { type: 'boolean', default: false },
  },
});
if (files.length === 0) throw new Error('usage: compare-gradients files.onnx… --python INTERPRETER [--json]');
const { seeds, 'most-seeds': mostSeeds = seeds, 'twin-seeds': twinSeeds = seeds, python, peers, size } = flags;
const shown = process.stderr.isTTY;

/** In a process of its own, so that its memory goes with it and a fault of a native library takes one row. */
async function compareApart(file: string): Promise<ComparedNetwork> {
  const self = fileURLToPath(import.meta.url);
  const args = [
    '--python',
    python,
    '--peers',
    peers,
    '--seeds',
    seeds,
    '--most-seeds',
    mostSeeds,
    '--twin-seeds',
    twinSeeds,
    '--size',
    size,
  ];
  const child = promisify(execFile)(process.execPath, [self, file, ...args, '--one'], { maxBuffer: 2 ** 26 });
  child.child.stderr?.on('data', (text: Buffer) => process.stderr.write(text));
  try {
    return JSON.parse((await child).stdout.trim().split('\n').at(-1)!) as ComparedNetwork;
  } catch (error) {
    const { signal, code } = error as { signal?: string; code?: number };
    const how = signal ? `ended by ${signal}` : `ended with status ${code}`;
    return { file, exporter: '', dequantized: false, seeds: 0, parameters: 0, trainableFrom: null, worst: null, worstParameter: '', peer: null, twin: null, twinPeer: null, loss: null, logits: null, others: null, leftOut: [], passed: false, error: `the comparison ${how}` }; // prettier-ignore
  }
}

const short = (value: number | null) => (value === null ? '-' : value.toExponential(1));
const columns = [44, 7, 8, 8, 8, 8, 8, 8, 6];
const line = (cells: readonly string[]) =>
  cells
    .map((cell, i) => cell.padEnd(columns[i] ?? 0))
    .join(' ')
    .trimEnd();

function rowOf(row: ComparedNetwork): string {
  const numbers = [row.worst, row.peer, row.twin, row.twinPeer, row.loss, row.logits].map(short);
  const { others } = row;
  const notes = [
    row.error ?? row.worstParameter,
    ...(row.seeds > Number(seeds) ? [`over ${row.seeds} inputs`] : []),
    ...(row.dequantized ? ['made float'] : []),
    ...(row.trainableFrom === 'all' || row.parameters === 0 ? [] : [`trains from ${row.trainableFrom ?? 'nowhere'}`]),
    ...(others ? [`${others.count} other constants: ${short(others.worst)} (PyTorch ${short(others.peer)}), ${others.name}`] : []), // prettier-ignore
    ...(row.leftOut.length > 0 ? [`left out: ${row.leftOut.join(', ')}`] : []),
  ];
  return line([basename(row.file), String(row.parameters), ...numbers, row.passed ? 'ok' : 'FAILS', notes.join('; ')]);
}

if (flags.one) {
  const tell = (what: string) => process.stderr.write(`${basename(files[0]!)}: ${what}${shown ? '\x1b[K\r' : '\n'}`);
  const options = {
    python,
    peers,
    seeds: Number(seeds),
    mostSeeds: Number(mostSeeds),
    twinSeeds: Number(twinSeeds),
    size: Number(size),
    tell,
  };
  console.log(JSON.stringify(await compareNetwork(files[0]!, options)));
} else {
  const rows: ComparedNetwork[] = [];
  const head = ['network', 'weights', 'worst', 'PyTorch', 'twin', 'PyTorch', 'loss', 'logits', '', 'worst weight'];
  if (!flags.json) console.log(line(head));
  for (const file of files) {
    const row = await compareApart(file);
    rows.push(row);
    if (!flags.json) console.log(rowOf(row));
    if (flags.record) recordNetworks([{ ...row, compared: row.worst === null ? null : row.passed }]);
  }
  if (flags.json) console.log(JSON.stringify(rows, null, 2));
  process.exitCode = rows.every(({ passed }) => passed) ? 0 : 1;
}
