// docs/coverage.md: what has a gradient, where that is tested, and which networks train from where on.
// Operators come from coreOperators and from the samplers of the laws, networks from graphs/coverage.json, which
// `npm run compare:gradients -- files.onnx… --record` writes. Usage: imported by make-docs.ts and compare-gradients.ts.

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { coreOperators, type AnyOperator } from '../src/operators/index.js';
import { operatorOf, samplers } from '../test/laws/operators/samplers/index.js';
import { withoutReference } from '../test/laws/operators/without-reference.js';
import type { Trainability } from './networks/trainability.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const data = join(root, 'graphs/coverage.json');
const page = join(root, 'docs/coverage.md');

/** One network of graphs/coverage.json. */
export interface RecordedNetwork extends Trainability {
  /** Its name, without folders. */
  readonly file: string;
  /** Who wrote it, as the file says; `` where it does not. */
  readonly exporter: string;
  /** It was quantised (QDQ) and is trained as the float network that `graft convert --dequantize` makes of it. */
  readonly dequantized: boolean;
  /** Whether its gradients were within the limits of `npm run compare:gradients`; null where PyTorch could not run it. */
  readonly compared: boolean | null;
}

/** Networks that were compared, by file name. */
export function recordedNetworks(): readonly RecordedNetwork[] {
  if (!existsSync(data)) return [];
  return (JSON.parse(readFileSync(data, 'utf8')) as { networks: RecordedNetwork[] }).networks;
}

/** Adds networks to graphs/coverage.json, or what is known anew of those that it holds. */
export function recordNetworks(rows: readonly RecordedNetwork[]): void {
  const networks = new Map(recordedNetworks().map(one => [one.file, one]));
  for (const { file, exporter, dequantized, compared, parameters, trainableFrom } of rows)
    networks.set(basename(file), { file: basename(file), exporter, dequantized, compared, parameters, trainableFrom });
  const sorted = [...networks.values()].sort((a, b) => (a.file < b.file ? -1 : 1));
  writeFileSync(data, `${JSON.stringify({ version: 1, networks: sorted }, null, 2)}\n`);
}

/** docs/coverage.md */
export async function coveragePage(): Promise<string> {
  const operators = [...coreOperators].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
  const kinds = operators.map(kindOf);
  const count = (kind: string) => kinds.filter(one => one.startsWith(kind)).length;
  const networks = recordedNetworks();
  const whole = networks.filter(one => one.trainableFrom === 'all').length;
  const text = `# What trains

Made by \`npm run docs\` from the operators themselves, from the laws that they are held to, and from \`graphs/coverage.json\`,
which \`npm run compare:gradients -- files.onnx… --record\` writes.

## Operators

${operators.length} operators: ${count('rule')} have gradient rules, ${count('lowering')} are written in others that have, ${count('none')} have
no gradient because what they give or take is whole or does not depend on their input smoothly, ${count('refused')} are refused where something
before them should train: \`AUTODIFF_NO_GRADIENT\` or \`AUTODIFF_CONTROL_FLOW\` name operator and node, and the value after
which everything is trainable.

*Laws*: samples by which a rule is held to central differences of onnxruntime's own kernels, and a lowering to what
onnxruntime's own kernels give (\`test/laws/operators\`). *PyTorch*: how many of them are also held to what PyTorch finds in
float64 (\`fixtures/gradients.safetensors\`). *Tests*: where what it gives is compared with onnxruntime.

| operator | gradient | laws | PyTorch | tests |
|---|---|---|---|---|
${operators.map(operatorRow).join('\n')}

## Networks

${networks.length} published networks and exports, ${whole} of them trainable as a whole. *Compared*: loss, logits and every gradient
are PyTorch's, within the limits that \`tools/compare-gradients.ts\` states.

| network | written by | weights | trainable | compared |
|---|---|---|---|---|
${networks.map(networkRow).join('\n')}
`;
  return format(text, { ...(await resolveConfig(page)), filepath: page });
}

/** Writes docs/coverage.md. */
export async function writeCoverage(): Promise<void> {
  writeFileSync(page, await coveragePage());
}

const nameOf = ({ domain, operatorName }: AnyOperator) => (domain ? `${domain}.${operatorName}` : operatorName);

/** How a gradient passes an operator. */
function kindOf({ spec }: AnyOperator): string {
  if (!spec.gradient) return spec.lower ? 'lowering' : 'refused';
  const inputs = (spec.inputs as readonly string[]).map(input => input.replace(/^\.\.\.|\?$/g, ''));
  const rules = spec.gradient as Readonly<Record<string, unknown>>;
  const ruled = inputs.filter(input => typeof rules[input] === 'function');
  const refused = inputs.filter(input => rules[input] === undefined);
  const but = refused.length > 0 ? `; refused by ${refused.join(', ')}` : '';
  if (ruled.length > 0) return `rule: ${ruled.join(', ')}${but}`;
  return refused.length > 0 ? `refused${but ? ` by ${refused.join(', ')}` : ''}` : 'none';
}

function operatorRow(operator: AnyOperator): string {
  const found = Object.entries(samplers).filter(([name]) => operatorOf(name) === operator);
  const samples = found.flatMap(([name, list]) => list.map((_, i) => ({ name, i })));
  const referenced = samples.filter(({ name, i }) => !withoutReference.has(name) && !withoutReference.has(`${name}/${i}`)); // prettier-ignore
  const cell = (count: number) => (count > 0 ? String(count) : '');
  return `| ${nameOf(operator)} | ${kindOf(operator)} | ${cell(samples.length)} | ${cell(referenced.length)} | ${testOf(operator)} |`;
}

const tests = readdirSync(join(root, 'test/operators'))
  .filter(name => name.endsWith('.test.ts'))
  .sort()
  .map(name => ({
    name: name.replace('.test.ts', ''),
    text: readFileSync(join(root, 'test/operators', name), 'utf8'),
  }));

/** The test of its family that names it, or the first that does. */
function testOf({ operatorName }: AnyOperator): string {
  const word = new RegExp(`\\b${operatorName}\\b`);
  return tests.find(({ text }) => word.test(text))?.name ?? '';
}

function networkRow({ file, exporter, dequantized, compared, parameters, trainableFrom }: RecordedNetwork): string {
  const from = trainableFrom === 'all' ? 'all' : trainableFrom === null ? 'nothing' : `after \`${trainableFrom}\``;
  const said = compared === null ? '' : compared ? 'yes' : 'no';
  return `| ${file} | ${exporter} | ${parameters} | ${from}${dequantized ? ', made float' : ''} | ${said} |`;
}
