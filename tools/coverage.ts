// docs/coverage.md: what has a gradient, where that is tested, and which networks train from where on.
// Operators come from coreOperators and from the samplers of the laws, networks from graphs/coverage.json, which
// `npm run compare:gradients -- files.onnx… --record` writes. Usage: imported by make-docs.ts.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { coreOperators, type AnyOperator } from '../src/operators/index.js';
import { operatorOf, samplers } from '../test/laws/operators/samplers/index.js';
import { withoutReference } from '../test/laws/operators/without-reference.js';
import { recordedNetworks, type RecordedNetwork } from './networks/recorded-networks.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const page = join(root, 'docs/coverage.md');

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
no gradient because what they take or give is whole, or moves in steps. ${count('refused')} are refused where something before
them should train, and so are If, Loop and Scan: \`AUTODIFF_NO_GRADIENT\` and \`AUTODIFF_CONTROL_FLOW\` name operator and
node, and the value after which everything is trainable.

*Laws*: so many samples hold the rule to central differences of onnxruntime's own kernels, or the lowering to what
onnxruntime's own kernels give (\`test/laws/operators\`). *PyTorch*: so many are also held to what PyTorch finds in float64
(\`fixtures/gradients.safetensors\`). A file of \`test/operators\` holds what an operator gives to what onnxruntime gives.

| operator | gradient | tested |
|---|---|---|
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
  if ((spec.inputs as readonly string[]).length === 0) return 'none';
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
  const [laws, peers] = [samples.length, referenced.length];
  const tested = laws > 0 ? `laws ${laws}${peers > 0 ? `, PyTorch ${peers}` : ''}` : testOf(operator);
  return `| ${nameOf(operator)} | ${kindOf(operator)} | ${tested} |`;
}

const tests = readdirSync(join(root, 'test/operators'))
  .filter(name => name.endsWith('.test.ts'))
  .sort()
  .map(name => ({
    name: `\`test/operators/${name}\``,
    text: readFileSync(join(root, 'test/operators', name), 'utf8'),
  }));

/** The first test that names it. */
function testOf({ operatorName }: AnyOperator): string {
  const word = new RegExp(`\\b${operatorName}\\b`);
  return tests.find(({ text }) => word.test(text))?.name ?? '';
}

function networkRow({ file, exporter, dequantized, compared, parameters, trainableFrom }: RecordedNetwork): string {
  const from = trainableFrom === 'all' ? 'all' : trainableFrom === null ? 'nothing' : `after \`${trainableFrom}\``;
  const said = compared === null ? '' : compared ? 'yes' : 'no';
  return `| ${file} | ${exporter} | ${parameters} | ${from}${dequantized ? ', made float' : ''} | ${said} |`;
}
