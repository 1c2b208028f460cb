// graft inspect: what a network is and where it can be cut.

import { inspect, printable, type InspectedFile } from '../../index.js';
import type { Command } from '../command.js';
import type { Output } from '../output.js';
import { amount, shapeText, table } from '../text.js';

export const inspectCommand: Command = {
  name: 'inspect',
  summary: 'say what a network is and where it can be cut',
  description:
    'Says what each network is: inputs, outputs, operators, parameters, what it recognises, and every valid cut.',
  arguments: [{ name: '<model...>', help: 'one or more .onnx files' }],
  flags: {
    print: { type: 'boolean', help: 'also print the graph as text: one node a line, with types' },
    pairs: { type: 'boolean', help: 'also list pairs of values that cut together (they are always in --json)' },
    layers: { type: 'boolean', help: 'also list every layer: kernel, stride, output size, receptive field' },
  },
  examples: ['graft inspect squeezenet1.1.onnx', 'graft inspect *.onnx --json'],
  async run({ args, flags, output }) {
    const found = inspect(args[0] as readonly string[], {
      layers: flags['layers'] === true,
      print: flags['print'] === true,
    });
    output.data(found);
    found.forEach((one, i) => {
      if (i > 0) output.print('');
      if ('error' in one) {
        if (!output.json) output.warn(`${printable(one.file)}: ${one.error.code}: ${one.error.message}`);
      } else print(one, output, flags['pairs'] === true);
    });
    return found.some(one => 'error' in one) ? 3 : 0;
  },
};

function print(one: InspectedFile, output: Output, withPairs: boolean): void {
  const { network } = one;
  output.print(output.bold(printable(one.file)));
  const rows: [string, string][] = [
    ['what', describe(one)],
    [
      'inputs',
      one.inputs.map(value => `${printable(value.name)} ${value.type ?? '?'} ${shapeText(value.shape)}`).join(', '),
    ],
    [
      'outputs',
      one.outputs.map(value => `${printable(value.name)} ${value.type ?? '?'} ${shapeText(value.shape)}`).join(', '),
    ],
    ['parameters', amount(one.parameters)],
    ['multiply-adds', `${amount(one.macs)} a picture`],
    [
      'operators',
      Object.entries(one.operators)
        .map(([name, count]) => `${printable(name)} ${count}`)
        .join(', '),
    ],
    [
      'opsets',
      Object.entries(one.opsets)
        .map(([domain, version]) => `${printable(domain)} ${version}`)
        .join(', '),
    ],
    ['producer', printable(one.producer || 'not said')],
    ['batch norm.', one.batchNormalization],
  ];
  if (network.kind === 'classifier' || network.kind === 'headless') {
    const { value, pool, width } = network.features;
    rows.splice(1, 0, [
      'features',
      `${printable(value)}${pool === 'average' ? ', averaged over the map' : ''}${width ? `, ${width} wide` : ''}`,
    ]);
  } else if (network.lastCut) rows.splice(1, 0, ['last cut', printable(network.lastCut)]);
  if (one.unknownOperators.length > 0) rows.push(['unknown', one.unknownOperators.map(printable).join(', ')]);
  for (const line of wrapRows(rows, output.width)) output.print(line);
  const cuts = one.cuts.filter(({ values }) => withPairs || values.length === 1);
  if (cuts.length > 0) {
    output.print('');
    const cutRows = cuts.map(cut => [
      cut.names.map(printable).join(' ') || '',
      cut.values.map(printable).join(' + '),
      cut.shapes.map(shapeText).join(' + '),
      amount(cut.parametersBefore),
      amount(cut.macsBefore),
      cut.activated ? 'yes' : '',
    ]);
    const head = ['name', 'cut at', 'shape', 'params', 'mult-adds', 'active'];
    output.print(output.dim('cuts: parameters and multiply-adds are those before the cut'));
    for (const line of table(head, cutRows, output, [3, 4])) output.print(line);
  }
  if (one.text) output.print(`\n${one.text.trimEnd()}`);
  if (one.layers) {
    output.print('');
    const layerRows = one.layers.map(layer => [
      printable(layer.value),
      layer.operator,
      layer.kernel?.join('×') ?? '',
      layer.stride?.join('×') ?? '',
      shapeText(layer.shape),
      layer.receptiveField === 'all' ? 'all' : layer.receptiveField.join('×'),
    ]);
    const head = ['value', 'operator', 'kernel', 'stride', 'output', 'receptive field'];
    for (const line of table(head, layerRows, output)) output.print(line);
  }
}

function describe({ network, quantized }: InspectedFile): string {
  const kind = quantized ? 'quantized ' : '';
  if (network.kind === 'classifier')
    return `a ${kind}classifier of ${network.classes} classes${network.background ? ' (class 0 is the background)' : ''}${network.activation === 'none' ? '' : `, ending in ${network.activation}`}`;
  if (network.kind === 'headless') return `a ${kind}network that ends in features`;
  return `${network.kind === 'detector' ? 'a detector' : 'no classifier'}: ${printable(network.reason)}`;
}

/** `label  text`, the text folded to the width of the terminal. */
function wrapRows(rows: readonly (readonly [string, string])[], width: number): string[] {
  const left = Math.max(...rows.map(([label]) => label.length)) + 2;
  return rows.flatMap(([label, text]) => {
    const lines: string[] = [];
    let line = '';
    for (const word of text.split(' ')) {
      if (line && left + line.length + word.length + 1 > width) {
        lines.push(line);
        line = word;
      } else line = line ? `${line} ${word}` : word;
    }
    lines.push(line);
    return lines.map((part, i) => `${(i === 0 ? label : '').padEnd(left)}${part}`);
  });
}
