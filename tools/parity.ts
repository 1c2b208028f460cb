// Training and inference graphs on the CPU and on another provider: how far apart their outputs are, and how much of
// each really ran there.   Usage: node dist/tools/parity.js cuda|webgpu [--json]

import { parseArgs } from 'node:util';
import { encodeModel } from '../src/codec/index.js';
import { openRuntime, nodeRuntime, type NodeProvider } from '../src/runtime/node.js';
import { differenceOf, runOnce } from '../src/workflows/compare.js';
import { reportFailure } from './providers/report-failure.js';
import { parityCases } from './providers/cases.js';
import { placementOf } from './providers/placement.js';

/** One graph on two providers. */
export interface ParityRow {
  readonly name: string;
  /** Largest |a − b| over the largest |a|, over all outputs. */
  readonly relative: number;
  /** The output that differs most. */
  readonly output: string;
  /** Runs of nodes on the provider and on the CPU. */
  readonly there: number;
  readonly onCpu: number;
  /** Operators that ran on the CPU though the provider was asked for. */
  readonly operatorsOnCpu: readonly string[];
}

/** Largest relative difference that is taken for rounding: sums in other orders, some hundred terms long, in float32. */
export const parityTolerance = 1e-4;

/**
 * Runs every case on both.
 *
 * @throws RUNTIME_PROVIDER_…, RUNTIME_WEBGPU_UNUSABLE
 */
export async function parity(provider: NodeProvider): Promise<ParityRow[]> {
  const other = await openRuntime(provider);
  const cpu = nodeRuntime();
  const cases = parityCases().map(({ model, ...rest }) => ({ ...rest, bytes: encodeModel(model) }));
  // what a device has compiled is kept as long as some session is open on it
  const keeper = await other.open(cases.at(-1)!.bytes);
  try {
    const rows: ParityRow[] = [];
    for (const { name, bytes, feeds } of cases) {
      const { relative, output } = differenceOf(await runOnce(cpu, bytes, feeds), await runOnce(other, bytes, feeds));
      const placed = await placementOf(bytes, feeds, provider);
      const { runs: onCpu = 0, operators: operatorsOnCpu = [] } = placed.get('cpu') ?? {};
      rows.push({ name, relative, output, there: placed.get(provider)?.runs ?? 0, onCpu, operatorsOnCpu });
    }
    return rows;
  } finally {
    await keeper.close();
  }
}

/** The rows as lines. */
export function parityTable(rows: readonly ParityRow[], provider: NodeProvider): string[] {
  const wide = Math.max(...rows.map(({ name }) => name.length));
  return rows.map(({ name, relative, output, there, onCpu, operatorsOnCpu }) => {
    const rest = onCpu === 0 ? '' : `, ${onCpu} on the cpu (${operatorsOnCpu.join(', ')})`;
    const verdict = relative <= parityTolerance ? 'ok' : 'TOO FAR';
    return `${verdict.padEnd(7)} ${name.padEnd(wide)}  ${relative.toExponential(1)} ${output.padEnd(24)} ${there} node runs on ${provider}${rest}`;
  });
}

if (process.argv[1]?.endsWith('parity.js')) {
  const { values, positionals } = parseArgs({ options: { json: { type: 'boolean' } }, allowPositionals: true });
  const provider = (positionals[0] ?? 'webgpu') as NodeProvider;
  await reportFailure(async () => {
    const rows = await parity(provider);
    console.log(values.json ? JSON.stringify(rows) : parityTable(rows, provider).join('\n'));
    if (rows.some(({ relative }) => !(relative <= parityTolerance))) process.exitCode = 7;
  });
}
