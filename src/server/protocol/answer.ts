// The way out: what a model answered, as JSON, or as JSON and then binary tensors in the order of `outputs` (Triton,
// extension_binary_data). Lists of elements are written flat, as text of their own, so that no object is built of them.

import { errors } from '../errors.js';
import type { MemberAnswer, ModelFacts, RunAnswer } from '../served.js';
import type { WireTensor } from '../tensors.js';
import { classified } from './classification.js';
import { elementText } from './element-text.js';
import { quoted } from './quoted.js';
import type { InferRequest } from './read-request.js';

/** A body and the headers that say what it is. */
export interface InferAnswer {
  readonly body: string | Uint8Array;
  readonly headers: Record<string, string>;
}

/**
 * @throws TOO_LARGE where a tensor is too large for JSON; BAD_DATA for BYTES that are no UTF-8; INTERNAL where an output
 *   that was asked for is missing
 * @example const { body, headers } = writeInferAnswer(model.facts, request, await model.run(request.run));
 */
export function writeInferAnswer(
  { name, version, labels }: Pick<ModelFacts, 'name' | 'version' | 'labels'>,
  { id, form }: Pick<InferRequest, 'id' | 'form'>,
  answer: RunAnswer,
): InferAnswer {
  const binary: Uint8Array[] = [];
  const outputs = form.outputs.map(wanted => {
    const found = answer.outputs.get(wanted.name);
    if (!found) throw errors.INTERNAL(undefined, new Error(`${name} gave no ${wanted.name}`));
    const tensor = wanted.classes === undefined ? found : classified(found, wanted.classes, labels);
    if (!wanted.isBinary) return outputText(wanted.name, tensor);
    binary.push(tensor.data);
    return headText(wanted.name, tensor, { binary_data_size: tensor.data.length });
  });
  const parts = [
    `"model_name":${JSON.stringify(name)}`,
    `"model_version":${JSON.stringify(version)}`,
    ...(id === undefined ? [] : [`"id":${JSON.stringify(id)}`]),
    ...(answer.degraded ? [`"parameters":${degradedText(answer.degraded)}`] : []),
    `"outputs":[${outputs.join(',')}]`,
    ...(answer.members ? [`"graft_members":[${answer.members.map(memberText).join(',')}]`] : []),
  ];
  const json = `{${parts.join(',')}}`;
  if (!form.outputs.some(({ isBinary }) => isBinary))
    return { body: json, headers: { 'content-type': 'application/json; charset=utf-8' } };
  const head = Buffer.from(json);
  return {
    body: Buffer.concat([head, ...binary]),
    headers: {
      'content-type': 'application/octet-stream',
      'inference-header-content-length': String(head.length),
    },
  };
}

/** An output up to its data. */
function headText(
  name: string,
  { shape, datatype }: WireTensor,
  parameters?: Readonly<Record<string, number>>,
): string {
  return JSON.stringify({ name, shape, datatype, ...(parameters ? { parameters } : {}) });
}

function outputText(name: string, tensor: WireTensor): string {
  const { text, nonFinite } = elementText(tensor, `output ${quoted(name)}`);
  const head = headText(name, tensor, nonFinite > 0 ? { non_finite: nonFinite } : undefined);
  return `${head.slice(0, -1)},"data":${text}}`;
}

/** A member's outputs are JSON whatever was asked, 16-bit floats as the numbers that they are. */
function memberText({ name, weight, outputs }: MemberAnswer): string {
  const texts = [...outputs].map(([output, tensor]) => outputText(output, tensor));
  return `${JSON.stringify({ name, weight }).slice(0, -1)},"outputs":[${texts.join(',')}]}`;
}

const degradedText = ({ reason, missing }: NonNullable<RunAnswer['degraded']>): string =>
  JSON.stringify({ graft_degraded: reason, graft_missing_members: missing.join(',') });
