// PyTorch beside us: network_gradients.py as a process that is asked seed by seed, so that one reference at a time lies
// on the disk and in memory. Usage: imported by compare-network.ts.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { decodeSafetensors, type Tensor } from '../../src/base/index.js';

const script = resolve(fileURLToPath(import.meta.url), '../../../../tools/networks/network_gradients.py');

/** What it is asked about. */
export interface PeerQuestion {
  readonly python: string;
  /** The folder of onnx_torch.py and smooth_twin.py. */
  readonly peers: string;
  readonly file: string;
  /** Where references and the twin are written. */
  readonly folder: string;
  readonly input: string;
  readonly type: string;
  readonly logits: string;
}

/** What PyTorch finds for one seed. */
export interface PeerAnswer {
  /** From float64: input, labels, loss, logits, grad:NAME. */
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** Relative L2 errors of the gradients in float32, by weight. */
  readonly errors: ReadonlyMap<string, number>;
}

/** A running peer. */
export interface GradientPeer {
  /** @param shape of the input */
  ask(seed: number, twin: boolean, shape: readonly number[]): Promise<PeerAnswer>;
  close(): void;
}

/** Starts PyTorch on one file. An error of it is thrown with its own words. */
export function openPeer({ python, peers, file, folder, input, type, logits }: PeerQuestion): GradientPeer {
  const args = [script, resolve(peers), resolve(file), folder];
  const named = ['--input', input, '--type', type, '--logits', logits];
  const child = spawn(python, [...args, ...named], { stdio: ['pipe', 'pipe', 'pipe'] });
  let said = '';
  child.stderr.on('data', (text: Buffer) => (said = (said + text.toString()).slice(-4000)));
  child.stdin.on('error', () => undefined); // its end is told by what it did not answer
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const ended = once(child, 'close');
  const failed = once(child, 'error').then(([error]): never => {
    throw error instanceof Error ? error : new Error(String(error));
  });
  failed.catch(() => undefined);
  return {
    async ask(seed, twin, shape) {
      child.stdin.write(`${JSON.stringify({ seed, twin, shape })}\n`);
      const line = await Promise.race([lines.next(), failed]);
      if (line.done) {
        await ended;
        const last = said.trim().split('\n').at(-1);
        const how = child.signalCode ? `ended by ${child.signalCode}` : `ended with status ${child.exitCode}`;
        throw new Error(`PyTorch's peer ${how}${last ? `: ${last}` : ''}`);
      }
      const answer = JSON.parse(line.value) as { file: string; errors: Record<string, number>; error?: string };
      if (answer.error !== undefined) throw new Error(answer.error);
      const { tensors } = decodeSafetensors(readFileSync(answer.file));
      return { tensors, errors: new Map(Object.entries(answer.errors)) };
    },
    close() {
      child.kill();
    },
  };
}
