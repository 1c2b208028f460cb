// Writes predictions of many members to one file, larger than memory if need be, and times the choice among them.
// Usage: node dist/tools/bench/selection.js [--members 1000] [--pictures 1000] [--classes 1000] [--folder DIR] [--keep]
//   [--metric negativeLogLikelihood|accuracy|both]
//
// Members are noisy readings of one truth, some better than others, with a part of the noise in common. The file is [members, pictures, classes] float32
// logits in a folder (a temporary one where none is named); each metric is timed in a process of its own, whose largest
// resident memory is told. Wanted: at most 30 s for 1000 x 1000 x 1000, which are 4 GB.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Random } from '../../src/base/index.js';
import { openSafetensors, writeSafetensors } from '../../src/base/node.js';
import { selectMembers, storedPredictions, type MemberPredictions } from '../../src/evaluation/index.js';
import { measured } from './measure.js';

const { values } = parseArgs({
  options: {
    members: { type: 'string', default: '1000' },
    pictures: { type: 'string', default: '1000' },
    classes: { type: 'string', default: '1000' },
    metric: { type: 'string', default: 'both' },
    folder: { type: 'string' },
    keep: { type: 'boolean', default: false },
    inside: { type: 'string' },
  },
});
const [M, n, K] = [Number(values.members), Number(values.pictures), Number(values.classes)];
const labels = Int32Array.from({ length: n }, (_, i) => (i * 7919) % K);

if (values.inside !== undefined) console.log(JSON.stringify(await timed(values.inside)));
else await compare();

async function compare(): Promise<void> {
  const folder = values.folder ?? mkdtempSync(join(tmpdir(), 'graft-selection-'));
  const path = join(folder, `members-${M}-${n}-${K}.safetensors`);
  try {
    if (!existsSync(path)) {
      const needed = M * n * K * 4;
      const { bavail, bsize } = statfsSync(folder);
      if (bavail * bsize < needed * 1.1)
        throw new Error(`${folder} has ${bavail * bsize} bytes free, ${needed} are needed`);
      const { wall } = await measured(() => write(path));
      console.log(`${(needed / 1e9).toFixed(2)} GB written in ${(wall / 1000).toFixed(1)} s`);
    }
    console.log(`${M} members x ${n} pictures x ${K} classes`);
    console.log('  metric                 wall s   CPU s   most MB   members read   chosen   best single -> chosen');
    for (const metric of values.metric === 'both' ? ['negativeLogLikelihood', 'accuracy'] : [values.metric]) {
      const args = ['--members', M, '--pictures', n, '--classes', K, '--metric', metric, '--inside', path].map(String);
      const told = execFileSync(process.execPath, [fileURLToPath(import.meta.url), ...args], { encoding: 'utf8' });
      const at = JSON.parse(told) as Awaited<ReturnType<typeof timed>>;
      console.log(
        `  ${metric.padEnd(21)}${cell(at.wall, 8, 1)}${cell(at.cpu, 8, 1)}${cell(at.most, 10, 0)}${cell(at.reads, 15, 0)}` +
          `${cell(at.chosen, 9, 0)}   ${at.single.toFixed(4)} -> ${at.value.toFixed(4)}`,
      );
    }
  } finally {
    if (!values.keep) rmSync(values.folder === undefined ? folder : path, { recursive: true, force: true });
  }
}

function cell(value: number, width: number, digits: number): string {
  return value.toFixed(digits).padStart(width);
}

/** Opens the file and chooses; seconds, megabytes. */
async function timed(path: string) {
  let reads = 0;
  let chosen = 0;
  let [single, value] = [0, 0];
  const metric = values.metric === 'accuracy' ? 'accuracy' : 'negativeLogLikelihood';
  const { wall, cpu } = await measured(async () => {
    const file = await openSafetensors(path);
    const stored = await storedPredictions(file);
    const counted: MemberPredictions = {
      ...stored,
      probabilitiesOf(m) {
        reads++;
        return stored.probabilitiesOf(m);
      },
    };
    const selection = await selectMembers(counted, { labels }, { metric });
    await file.close();
    chosen = selection.counts.filter(count => count > 0).length;
    [single, value] = [selection.single.value, selection.value];
  });
  return {
    wall: wall / 1000,
    cpu: cpu / 1000,
    most: process.resourceUsage().maxRSS / 1024,
    reads,
    chosen,
    single,
    value,
  };
}

/** Members whose logits are noise and a bump at the truth, higher for better members. */
async function write(path: string): Promise<void> {
  const random = new Random('selection');
  // normal numbers are drawn once and read from another place by each row: a billion draws would take minutes
  const noise = Float32Array.from({ length: (1 << 20) + K }, () => random.normal());
  const pieces = function* () {
    for (let m = 0; m < M; m++) {
      const skill = 3 + random.uniform();
      const logits = new Float32Array(n * K);
      for (let i = 0; i < n; i++) {
        // what all members get wrong alike, and what each gets wrong by itself
        const [alike, own] = [(i * 104729) % (1 << 20), random.integer(1 << 20)];
        for (let k = 0; k < K; k++) logits[i * K + k] = 1.3 * noise[alike + k]! + 0.7 * noise[own + k]!;
        logits[i * K + labels[i]!]! += skill;
      }
      yield new Uint8Array(logits.buffer);
    }
  };
  const members = JSON.stringify(Array.from({ length: M }, (_, m) => `member ${m + 1}`));
  await writeSafetensors(path, new Map([['logits', { type: 'float32', shape: [M, n, K], pieces }]]), new Map([['members', members]])); // prettier-ignore
}
