// Random networks for laws about graphs: every node is a Sum of earlier values, so that any wiring is a valid model.
import fc from 'fast-check';
import { Builder, type Graph, type Value } from '../../src/graph/index.js';

/** A wiring: for every node the values it reads, counted back from itself, and how many values are outputs. */
export const wirings = fc.record({
  reads: fc.array(fc.array(fc.nat(3), { minLength: 1, maxLength: 2 }), { minLength: 1, maxLength: 16 }),
  outputs: fc.integer({ min: 1, max: 2 }),
});

export type Wiring = typeof wirings extends fc.Arbitrary<infer T> ? T : never;

/** The graph of a wiring: input `x` [batch, 2], a weight `w` read by every third node, values `v0`, `v1`, … */
export function graphOf({ reads, outputs }: Wiring): Graph {
  const builder = new Builder();
  const shape = ['batch', 2];
  const values: Value[] = [builder.input('x', 'float32', shape)];
  const weight = builder.parameter('w', { type: 'float32', shape: [2], bytes: new Uint8Array(8) });
  reads.forEach((backs, i) => {
    const inputs = [...new Set(backs)].map(back => values[Math.max(0, values.length - 1 - back)]!);
    if (i % 3 === 0) inputs.push(weight);
    values.push(builder.append({ op: 'Sum', inputs, outputs: [{ type: 'float32', shape }], names: [`v${i}`] })[0]!);
  });
  for (const value of values.slice(-outputs)) if (value.name !== 'x') builder.output(value);
  return builder.finish();
}
