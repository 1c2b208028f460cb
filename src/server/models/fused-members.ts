// Members inside of one network: what each of them gave is a slice of its output `memberProbabilities` [rows, members,
// classes], in the order of its members.

import type { MemberAnswer, ModelFacts, RunRequest, ServedMember } from '../served.js';
import type { WireTensor } from '../tensors.js';

const name = 'memberProbabilities';

/** Whether a network can say what each of its members gave. */
export const hasFusedMembers = ({ members, outputs }: ModelFacts): boolean =>
  members !== undefined && outputs.some(output => output.name === name && output.shape.length === 3);

/** A request that also asks for what the members gave. */
export const askingMembers = (request: RunRequest): RunRequest =>
  request.outputs === undefined || request.outputs.includes(name)
    ? request
    : { ...request, outputs: [...request.outputs, name] };

/**
 * `probabilities` [rows, classes] of each member; nothing where the network did not give them, or those of others.
 *
 * @param members in the order of the output
 */
export function fusedMembers(
  outputs: ReadonlyMap<string, WireTensor>,
  members: readonly ServedMember[],
): MemberAnswer[] | undefined {
  const all = outputs.get(name);
  const [rows = 0, count, classes = 0] = all?.shape ?? [];
  if (!all || count !== members.length) return undefined;
  const width = rows === 0 ? 0 : all.data.length / (rows * count);
  return members.map((member, m) => {
    const data = new Uint8Array(rows * width);
    for (let row = 0; row < rows; row++) {
      const from = (row * count + m) * width;
      data.set(all.data.subarray(from, from + width), row * width);
    }
    return {
      ...member,
      outputs: new Map([['probabilities', { datatype: all.datatype, shape: [rows, classes], data }]]),
    };
  });
}
