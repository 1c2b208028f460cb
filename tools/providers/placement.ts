// Where the nodes of a network ran, by onnxruntime's own profile of one run: without it, a comparison of a provider with
// the CPU could be one of the CPU with itself.   Usage: imported by parity.ts.

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import '../../src/runtime/no-telemetry.js';
import * as ort from 'onnxruntime-node';
import { elements, type Tensor } from '../../src/base/index.js';
import { executionProvider, type NodeProvider } from '../../src/runtime/node.js';

/** An event of the profile that is a node's run. */
interface NodeRun {
  readonly cat?: string;
  readonly args?: { readonly provider?: string; readonly op_name?: string };
}

/** Names of onnxruntime's providers, as its profile writes them. */
const providers: Readonly<Record<string, NodeProvider>> = {
  CPUExecutionProvider: 'cpu',
  CUDAExecutionProvider: 'cuda',
  WebGpuExecutionProvider: 'webgpu',
};

/** Runs a network once; runs of nodes by provider, those inside loops counted each time, and the operators of each. */
export async function placementOf(
  model: Uint8Array,
  feeds: ReadonlyMap<string, Tensor>,
  provider: NodeProvider,
): Promise<Map<string, { readonly runs: number; readonly operators: readonly string[] }>> {
  const folder = mkdtempSync(join(tmpdir(), 'graft-profile-'));
  try {
    const session = await ort.InferenceSession.create(model, {
      executionProviders: [executionProvider(provider, model)],
      intraOpNumThreads: 1,
      interOpNumThreads: 1,
      logSeverityLevel: 3,
      enableProfiling: true,
      profileFilePrefix: join(folder, 'run'),
    });
    const given: Record<string, ort.Tensor> = {};
    for (const name of session.inputNames) {
      const feed = feeds.get(name)!;
      given[name] = new ort.Tensor(feed.type as 'float32', elements(feed) as Float32Array, feed.shape);
    }
    try {
      await session.run(given);
      session.endProfiling();
    } finally {
      await session.release();
    }
    const [file] = readdirSync(folder);
    const events = JSON.parse(readFileSync(join(folder, file!), 'utf8')) as NodeRun[];
    return counted(events);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function counted(events: readonly NodeRun[]) {
  const found = new Map<string, { runs: number; operators: string[] }>();
  for (const { cat, args } of events) {
    if (cat !== 'Node' || !args?.provider) continue;
    const name = providers[args.provider] ?? args.provider;
    const at = found.get(name) ?? { runs: 0, operators: [] };
    at.runs++;
    if (args.op_name && !at.operators.includes(args.op_name)) at.operators.push(args.op_name);
    found.set(name, at);
  }
  return found;
}
