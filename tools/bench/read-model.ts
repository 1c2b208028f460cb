// Reading models: time and memory of readModel, against Python's onnx.load where python3 has onnx.
// Usage: node dist/tools/bench/read-model.js [FILE.onnx]... [--assets ../shared/assets] [--python python3]
//
// Each file is read in a process of its own that has read a tiny model before. Memory is the growth of the largest
// resident size (VmHWM of /proc, reset just before; Linux only), as a share of the file's size.

import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { readModel } from '../../src/codec/node.js';
import { measured, median } from './measure.js';

interface Reading {
  /** The first time, the middle of the next nine and of nine after forty more, in milliseconds of CPU. */
  readonly first: number;
  readonly again: number;
  readonly warm: number;
  /** Bytes. */
  readonly growth: number;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    assets: { type: 'string', default: '../shared/assets' },
    python: { type: 'string', default: 'python3' },
    one: { type: 'string' },
  },
});
const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1);
const told = ({ first, again, warm, growth }: Reading, size: number): string =>
  `${first.toFixed(1)} / ${again.toFixed(1)} / ${warm.toFixed(1)} ms   ${megabytes(growth)} MB, ${(growth / size).toFixed(2)} of the file`;

/** The same in Python; sha256 is what readModel adds, so it is added here. */
const peer = `
import hashlib, json, re, statistics, sys, time, onnx
def load(path):
    with open(path, "rb") as file: hashlib.sha256(file.read()).hexdigest()
    return onnx.load(path)
def resident(what): return int(re.search(what + r":\\s+(\\d+) kB", open("/proc/self/status").read())[1]) * 1024
def timed(path):
    began = time.process_time(); model = load(path)
    return (time.process_time() - began) * 1e3, model
load(sys.argv[2])
before = resident("VmRSS")
open("/proc/self/clear_refs", "w").write("5")
first, model = timed(sys.argv[1])
growth = resident("VmHWM") - before
more = lambda times: statistics.median(timed(sys.argv[1])[0] for _ in range(times))
again = more(9); more(40)
print(json.dumps({"first": first, "again": again, "warm": more(9), "growth": growth}))
`;

const tiny = fileURLToPath(new URL('../../../fixtures/backbone.onnx', import.meta.url));
if (values.one) console.log(JSON.stringify(await readOne(values.one)));
else compare(positionals.length > 0 ? positionals : models(join(values.assets, 'models')), values.python);

function models(folder: string): string[] {
  if (!existsSync(folder)) return [tiny];
  return readdirSync(folder)
    .filter(name => name.endsWith('.onnx'))
    .map(name => join(folder, name));
}

function compare(paths: readonly string[], python: string): void {
  const withPython = hasOnnx(python);
  if (!withPython) console.log(`${python} has no package onnx: only our own figures. pip install onnx to compare.`);
  console.log('CPU milliseconds, first time / again / warm; growth of the largest resident size');
  for (const path of paths) {
    const { size } = statSync(path);
    const self = fileURLToPath(import.meta.url);
    const ours = JSON.parse(execFileSync(process.execPath, [self, '--one', path], { encoding: 'utf8' })) as Reading;
    console.log(`${basename(path)}, ${megabytes(size)} MB`);
    console.log(`  readModel  ${told(ours, size)}`);
    if (!withPython) continue;
    const theirs = JSON.parse(execFileSync(python, ['-c', peer, path, tiny], { encoding: 'utf8' })) as Reading;
    console.log(
      `  onnx.load  ${told(theirs, size)}   time, ours to theirs: ${(ours.first / theirs.first).toFixed(2)} / ${(ours.again / theirs.again).toFixed(2)} / ${(ours.warm / theirs.warm).toFixed(2)}`,
    );
  }
}

function hasOnnx(python: string): boolean {
  try {
    execFileSync(python, ['-c', 'import onnx'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

async function readOne(path: string): Promise<Reading> {
  readModel(tiny);
  const before = resident('VmRSS');
  resetPeak();
  let held: unknown; // kept, so that its memory is not given back meanwhile
  const { cpu: first } = await measured(() => (held = readModel(path)));
  const growth = resident('VmHWM') - before;
  const more = async (times: number) => {
    const taken: number[] = [];
    for (let i = 0; i < times; i++) taken.push((await measured(() => (held = readModel(path)))).cpu);
    return median(taken);
  };
  const again = await more(9);
  await more(40);
  const warm = await more(9);
  return held ? { first, again, warm, growth } : { first, again, warm, growth: NaN };
}

function resident(what: 'VmRSS' | 'VmHWM'): number {
  const found = new RegExp(`${what}:\\s+(\\d+) kB`).exec(readFileSync('/proc/self/status', 'utf8'));
  return Number(found?.[1]) * 1024;
}

/** The largest resident size starts anew: proc(5), clear_refs. */
function resetPeak(): void {
  writeFileSync('/proc/self/clear_refs', '5');
}
