// The first runs of a network, before anybody waits for it: memory is taken, kernels are chosen, and it is tried whether
// rows of several requests may be one run: two rows together must say what each says alone.

import { floats, Random } from '../../serving.js';
import { datatypes, type Datatype, type Signature, type WireTensor } from '../tensors.js';
import type { Ran, Runner } from './runner.js';

type Row = ReadonlyMap<string, WireTensor>;

/** More elements than these are not tried: the network's own first request warms it. */
const mostElements = 2 ** 24;

/** What free dimensions beside the rows may be: some networks have no answer for a picture of one pixel. */
const sizes = [1, 32, 224];

/** A row that every way to answer runs on, once run; undefined where none is found. */
export async function firstRow(runners: readonly Runner[], inputs: readonly Signature[]): Promise<Row | undefined> {
  const isFree = inputs.some(({ shape }) => shape.slice(1).includes(-1));
  for (const size of isFree ? sizes : [1]) {
    const row = trialRow(inputs, 'row', size);
    if (!row) continue;
    try {
      for (const runner of runners) await runner.run(row);
      return row;
    } catch {
      // nothing is said of the network: it does not run on what was made up
    }
  }
  return undefined;
}

/** A row of plausible values. */
function trialRow(inputs: readonly Signature[], seed: string, size: number): Row | undefined {
  const shapes = inputs.map(({ shape }) => shape.map((dim, axis) => (dim >= 0 ? dim : axis === 0 ? 1 : size)));
  if (shapes.some(shape => shape.reduce((a, b) => a * b, 1) > mostElements)) return undefined;
  return new Map(inputs.map(({ name, datatype }, i) => [name, made(datatype, shapes[i]!, new Random(seed).at(name))]));
}

function made(datatype: WireTensor['datatype'], shape: readonly number[], random: Random): WireTensor {
  const count = shape.reduce((a, b) => a * b, 1);
  const { bytes } = datatypes[datatype];
  if (datatype === 'BYTES') {
    const data = new Uint8Array(5 * count);
    for (let i = 0; i < count; i++) data.set([1, 0, 0, 0, 48 + Math.floor(10 * random.uniform())], 5 * i);
    return { datatype, shape, data };
  }
  const data = new Uint8Array(bytes * count);
  const view = new DataView(data.buffer);
  for (let i = 0; i < count; i++) {
    const value = random.uniform();
    // floats within 0 and 1, half-precision ones too; bytes anything; other integers 0 or 1, which indices may be
    if (datatype === 'FP32') view.setFloat32(4 * i, value, true);
    else if (datatype === 'FP64') view.setFloat64(8 * i, value, true);
    else if (datatype === 'FP16') view.setUint16(2 * i, 0x3000 + Math.floor(value * 0xc00), true);
    else if (datatype === 'BF16') view.setUint16(2 * i, 0x3e00 + Math.floor(value * 0x180), true);
    else if (datatype === 'UINT8') view.setUint8(i, Math.floor(256 * value));
    else view.setUint8(bytes * i, value < 0.5 ? 0 : 1);
  }
  return { datatype, shape, data };
}

/** Whether two rows together say what each says alone. @param a a row that it runs on */
export async function provenBatches(runner: Runner, a: Row): Promise<boolean> {
  const b: Row = new Map([...a].map(([name, { datatype, shape }]) => [name, made(datatype, shape, new Random('second').at(name))])); // prettier-ignore
  const both: Row = new Map([...a].map(([name, row]) => [name, beside(row, b.get(name)!)]));
  try {
    const [one, other, together] = [await runner.run(a), await runner.run(b), await runner.run(both)];
    return runner.outputs.every(({ name }) => isSame(one.outputs, other.outputs, together.outputs, name));
  } catch {
    return false; // it does not run on what was made up: nothing is known
  }
}

function beside(a: WireTensor, b: WireTensor): WireTensor {
  const data = new Uint8Array(a.data.length + b.data.length);
  data.set(a.data);
  data.set(b.data, a.data.length);
  return { datatype: a.datatype, shape: [2, ...a.shape.slice(1)], data };
}

/** Sums of another order differ in the last bits, relative to the largest; what mixes rows differs in the first. */
const tolerances: Readonly<Partial<Record<Datatype, number>>> = { FP64: 1e-6, FP32: 1e-6, FP16: 2 ** -9 };

function isSame(one: Ran['outputs'], other: Ran['outputs'], together: Ran['outputs'], name: string): boolean {
  const [a, b, both] = [one.get(name), other.get(name), together.get(name)];
  if (!a || !b || !both || both.shape[0] !== 2 || both.data.length !== a.data.length + b.data.length) return false;
  const alone = beside(a, b);
  const tolerance = tolerances[both.datatype];
  if (tolerance === undefined) return Buffer.compare(alone.data, both.data) === 0;
  const [x, y] = [numbersIn(alone), numbersIn(both)];
  const scale = x.reduce((most, value) => (Number.isFinite(value) ? Math.max(most, Math.abs(value)) : most), 0);
  return x.every((value, i) => Object.is(value, y[i]) || Math.abs(value - y[i]!) <= tolerance * scale);
}

function numbersIn({ datatype, shape, data }: WireTensor): readonly number[] {
  if (datatype === 'FP64') return [...new Float64Array(data.slice().buffer)];
  return [...floats({ type: datatypes[datatype].type, shape, bytes: data })];
}

/** Milliseconds of a run of one row: the shortest of three. */
export async function timeOf(runner: Runner, row: Row): Promise<number> {
  let least = Infinity;
  for (let i = 0; i < 3; i++) {
    const began = performance.now();
    try {
      await runner.run(row);
    } catch {
      return 0; // nothing is known
    }
    least = Math.min(least, performance.now() - began);
  }
  return least;
}
