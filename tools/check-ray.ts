// What graft export ray writes, run on one node with Ray: the same labels and probabilities as graft predict?
// Usage: node dist/tools/check-ray.js BUNDLE PICTURES… [--python python3] [--cpus 2] [--store-mb 200] [--tolerance 1e-3] [--local]
// PYTHON has what requirements.txt names. A line a source; exit status 1 where a label or an error differs, or more than
// the tolerance.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { exportRay, nodeRuntime, predict, type FilePrediction } from '../src/index.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    python: { type: 'string', default: 'python3' },
    cpus: { type: 'string', default: '2' },
    'store-mb': { type: 'string', default: '200' },
    tolerance: { type: 'string', default: '1e-3' },
    local: { type: 'boolean', default: false },
  },
});
const [bundle, ...sources] = positionals;
if (bundle === undefined || sources.length === 0) throw new Error('a bundle and some pictures are wanted');
const tolerance = Number(values.tolerance);

/** A row as predict.py writes it. */
interface Row {
  readonly path: string;
  readonly label: string | null;
  readonly probabilities: readonly number[] | null;
  readonly prediction_set?: readonly string[] | null;
  readonly error: string | null;
}

/** All rows by their paths, and what the script said last. */
function onRay(folder: string): { readonly rows: ReadonlyMap<string, Row>; readonly said: string } {
  const out = join(folder, 'labels');
  const where = values.local ? ['--local'] : ['--num-cpus', values.cpus, '--object-store-mb', values['store-mb']];
  const { status, stdout, stderr } = spawnSync(
    values.python,
    [join(folder, 'predict.py'), '--images', ...sources.map(path => resolve(path)), '--out', out, '--format', 'jsonl', ...where], // prettier-ignore
    { encoding: 'utf8', maxBuffer: 2 ** 26 },
  );
  if (status !== 0) throw new Error(stderr.slice(-4000));
  const rows = new Map<string, Row>();
  for (const name of readdirSync(out))
    for (const line of readFileSync(join(out, name), 'utf8').split('\n')) {
      if (line === '') continue;
      const row = JSON.parse(line) as Row;
      if (rows.has(row.path)) throw new Error(`${row.path} twice`);
      rows.set(row.path, row);
    }
  return { rows, said: stdout.trim().split('\n').at(-1)! };
}

const scratch = mkdtempSync(join(tmpdir(), 'graft-ray-'));
try {
  const folder = join(scratch, 'ray');
  await exportRay(bundle, { out: folder });
  const { rows, said } = onRay(folder);
  console.log(said.replace(scratch, ''));
  console.log('source                    pictures  refused by both  by one  same labels  same sets  worst difference');
  let seen = 0;
  for (const source of sources) {
    const answers = await predict(bundle, [source], {}, nodeRuntime());
    const told = { refused: 0, byOne: [] as string[], labels: 0, answered: 0, sets: 0, worst: 0, at: '' };
    for (const answer of answers) {
      const row = rows.get(resolve(answer.file));
      seen += row ? 1 : 0;
      if ('error' in answer || !row || row.error !== null) compareErrors(answer.file, 'error' in answer, row);
      else compare(answer, row);
    }
    console.log(
      [
        source.split('/').slice(-2).join('/').slice(-24).padEnd(24),
        String(answers.length).padStart(9),
        String(told.refused).padStart(16),
        String(told.byOne.length).padStart(7),
        `${told.labels}/${told.answered}`.padStart(12),
        String(told.sets).padStart(10),
        `  ${told.worst.toExponential(1)} ${told.at}`,
      ].join(' '),
    );
    for (const line of told.byOne) console.log(`  ${line}`);
    if (told.byOne.length > 0 || told.labels < told.answered || told.worst > tolerance) process.exitCode = 1;

    function compareErrors(file: string, isOurs: boolean, row: Row | undefined): void {
      if (isOurs && row && row.error !== null) told.refused += 1;
      else told.byOne.push(`${file}: ${isOurs ? 'refused here' : (row?.error ?? 'no row')}`);
    }
    function compare({ file, label, probabilities, predictionSet }: FilePrediction, row: Row): void {
      told.answered += 1;
      told.labels += label === row.label ? 1 : 0;
      told.sets += JSON.stringify(predictionSet) === JSON.stringify(row.prediction_set) ? 1 : 0;
      const far = Math.max(...probabilities.map((share, k) => Math.abs(share - row.probabilities![k]!)));
      if (far > tolerance) console.log(`  ${file}: ${far.toExponential(1)}`);
      if (far > told.worst) [told.worst, told.at] = [far, file.split('/').at(-1)!];
    }
  }
  if (seen !== rows.size) console.log(`${rows.size - seen} rows are of other pictures`);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
