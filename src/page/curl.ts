// The lines that ask the same of the server from a shell.

import { hasKey } from './key.js';
import { modelPath, predictPath, type ModelChoice, type Tensor } from './protocol.js';

/** In single quotes nothing means anything to a POSIX shell but the quote itself. */
const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** @param origin of the server, as `http://127.0.0.1:8000` */
export function curlLine(origin: string, choice: ModelChoice, members: boolean, needsKey = hasKey()): string {
  return `curl ${keyPart(needsKey)}-F image=@picture.jpg ${quoted(origin + predictPath(choice, members).replace(/top=\d+/, 'top=5'))}`;
}

const keyPart = (needsKey: boolean): string => (needsKey ? '-H "Authorization: Bearer $GRAFT_KEY" ' : '');

/** Numbers of a tensor that are written out. */
const mostWritten = 64;

/** Datatypes that JSON does not carry. */
const binaryOnly: ReadonlySet<string> = new Set(['FP16', 'BF16']);

/**
 * The line that asks a network of tensors: zeros where they fit into it, else `…` for the numbers; free dimensions are 1.
 * Undefined where numbers travel as bytes only.
 */
export function inferLine(
  origin: string,
  choice: ModelChoice,
  inputs: readonly Tensor[],
  needsKey = hasKey(),
): string | undefined {
  if (inputs.length === 0 || inputs.some(({ datatype }) => binaryOnly.has(datatype))) return undefined;
  const told = inputs.map(({ name, datatype, shape }) => {
    const sides = shape.map(side => (side < 0 ? 1 : side));
    const count = sides.reduce((product, side) => product * side, 1);
    const zero = datatype === 'BYTES' ? '""' : datatype === 'BOOL' ? 'false' : '0';
    const data = count <= mostWritten ? Array<string>(count).fill(zero).join(',') : '…';
    return `{"name":${JSON.stringify(name)},"datatype":"${datatype}","shape":[${sides.join(',')}],"data":[${data}]}`;
  });
  const body = `{"inputs":[${told.join(',')}]}`;
  return `curl ${keyPart(needsKey)}-H 'content-type: application/json' -d ${quoted(body)} ${quoted(origin + modelPath('/v2', choice, '/infer'))}`;
}
