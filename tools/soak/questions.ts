// What a soak asks, and what the right answers are: sums that are known beforehand, and pictures that were asked alone first.

import sharp from 'sharp';
import type { Random } from '../../src/base/index.js';
import type { Answer, Question } from './ask.js';
import { added, swaps } from './models.js';

/** A question whose answer is known. */
export interface Known extends Question {
  readonly kind: string;
  /** What is wrong with an answer of 200; nothing where it is right. */
  readonly fault: (answer: Answer) => string | undefined;
  /** Codes of refusals that are in order, beside those of a busy server. */
  readonly refusals?: readonly string[];
}

const json = { 'content-type': 'application/json' } as const;
const tolerance = 1e-6;

interface Body {
  readonly model_version?: string;
  readonly outputs?: readonly { readonly name: string; readonly shape: readonly number[]; readonly data: readonly number[] }[]; // prettier-ignore
}
const bodyOf = ({ body }: Answer): Body => JSON.parse(body.toString()) as Body;

/** What is wrong with numbers. */
function differs(found: readonly number[] | undefined, wanted: readonly number[]): string | undefined {
  const isSame =
    found?.length === wanted.length &&
    wanted.every((value, at) => Math.abs(found[at]! - value) <= tolerance * Math.max(1, Math.abs(value)));
  return isSame
    ? undefined
    : `wanted ${wanted.slice(0, 8).join(' ')}, got ${found?.slice(0, 8).join(' ') ?? 'nothing'}`;
}

const infer = (model: string, inputs: unknown, more: object = {}): Question => ({
  path: `/v2/models/${model}/infer`,
  headers: json,
  body: JSON.stringify({ inputs, ...more }),
});
const fourNumbers = (random: Random): number[] => Array.from({ length: 4 }, () => Math.fround(random.normal()));
const four = (model: string, x: readonly number[]): Question =>
  infer(model, [{ name: 'x', shape: [1, 4], datatype: 'FP32', data: x }]);

/** Tensors as JSON and as bytes. */
export const tensorQuestions: readonly ((random: Random) => Known)[] = [
  random => {
    const x = fourNumbers(random);
    const fault = (answer: Answer) => {
      const { model_version, outputs } = bodyOf(answer);
      return differs(outputs?.[0]?.data, added(x, Number(model_version)).map(Math.fround));
    };
    return { ...four('add', x), kind: 'add', fault };
  },
  random => {
    const x = fourNumbers(random);
    const fault = (answer: Answer) => {
      const found = bodyOf(answer).outputs?.[0]?.data;
      const faults = swaps.map(shift => differs(found, x.map(value => Math.fround(value + shift)))); // prettier-ignore
      return faults.includes(undefined) ? undefined : faults[0];
    };
    return { ...four('swap', x), kind: 'swap', fault };
  },
  random => {
    const x = fourNumbers(random);
    const fault = (answer: Answer) => differs(bodyOf(answer).outputs?.[0]?.data, added(x, 1).map(Math.fround));
    return { ...four('come', x), kind: 'come', fault, refusals: ['MODEL_NOT_FOUND'] };
  },
  random => {
    const rows = 1 + random.integer(9);
    const [a, b] = [0, 1].map(() => Array.from({ length: rows * 16 }, () => random.integer(2000) - 1000)) as [number[], number[]]; // prettier-ignore
    const input = (name: string, data: number[]) => ({ name, shape: [rows, 16], datatype: 'INT32', data });
    const fault = (answer: Answer) => {
      const [sum, difference] = bodyOf(answer).outputs ?? [];
      return differs(sum?.data, a.map((value, at) => value + b[at]!)) ?? differs(difference?.data, a.map((value, at) => value - b[at]!)); // prettier-ignore
    };
    return { ...infer('sum', [input('INPUT0', a), input('INPUT1', b)]), kind: 'sum', fault };
  },
  random => {
    const shape = [1 + random.integer(20), 1 + random.integer(500)];
    const data = Buffer.from(Float32Array.from({ length: shape[0]! * shape[1]! }, () => random.normal()).buffer);
    const head = Buffer.from(
      JSON.stringify({
        inputs: [{ name: 'INPUT0', shape, datatype: 'FP32', parameters: { binary_data_size: data.length } }],
        parameters: { binary_data_output: true },
      }),
    );
    const fault = ({ headers, body }: Answer) => {
      const from = Number(headers['inference-header-content-length']);
      return body.subarray(from).equals(data)
        ? undefined
        : `bytes differ: ${data.length} sent, ${body.length - from} back`;
    };
    return {
      kind: 'same, binary',
      path: '/v2/models/same/infer',
      headers: { 'content-type': 'application/octet-stream', 'inference-header-content-length': String(head.length) },
      body: Buffer.concat([head, data]),
      fault,
    };
  },
  random => {
    const x = fourNumbers(random);
    return {
      ...four('slow', x),
      kind: 'slow',
      fault: answer => differs(bodyOf(answer).outputs?.[0]?.data, x.map(Math.abs)),
    };
  },
];

/** A loop that never ends: it may only be cut off. */
export const endless = (): Known => ({
  ...four('spin', [1, 2, 3, 4]),
  kind: 'spin',
  fault: () => 'an endless loop has ended',
  refusals: ['RUN_TIMEOUT', 'MODEL_NOT_READY'],
});

interface Prediction {
  readonly labels: readonly { readonly index: number; readonly score: number }[];
  readonly members?: readonly { readonly name: string; readonly labels: Prediction['labels'] }[];
}
interface Predicted {
  readonly predictions: readonly Prediction[];
  readonly degraded?: boolean;
  readonly missing_members?: readonly string[];
}
const predictedOf = ({ body }: Answer): Predicted => JSON.parse(body.toString()) as Predicted;
/** Scores in the order of the labels. */
const scoresOf = (labels: Prediction['labels']): number[] => {
  const scores = new Array<number>(labels.length).fill(NaN);
  for (const { index, score } of labels) scores[index] = score;
  return scores;
};

/** Pictures of several sizes and formats. */
export async function makePictures(random: Random): Promise<Buffer[]> {
  const sizes = [[8, 8], [40, 30], [200, 120], [333, 500], [64, 64], [640, 480]] as const; // prettier-ignore
  return Promise.all(
    sizes.map(async ([width, height], at) => {
      const raw = Buffer.from(Array.from({ length: width * height * 3 }, () => random.integer(256)));
      const picture = sharp(raw, { raw: { width, height, channels: 3 } });
      return at % 3 === 0
        ? picture.png().toBuffer()
        : at % 3 === 1
          ? picture.jpeg().toBuffer()
          : picture.webp().toBuffer();
    }),
  );
}

/** Asks a calm server once for each picture and model. */
export async function pictureQuestions(
  pictures: readonly Buffer[],
  asks: (question: Question) => Promise<Answer>,
): Promise<(random: Random) => Known> {
  const question = (model: string, at: number, more = ''): Question => ({
    path: `/v1/models/${model}/predict?top=100${more}`,
    headers: { 'content-type': 'image/jpeg' },
    body: pictures[at]!,
  });
  const alone = new Map<string, readonly number[]>();
  for (const model of ['pic', 'pic2', 'ens'])
    for (let at = 0; at < pictures.length; at++) {
      const answer = await asks(question(model, at));
      if (answer.status !== 200) throw new Error(`a calm server answers ${answer.status}: ${answer.body.toString()}`);
      alone.set(`${model} ${at}`, scoresOf(predictedOf(answer).predictions[0]!.labels));
    }
  return random => {
    const at = random.integer(pictures.length);
    const model = ['pic', 'ens', 'ens'][random.integer(3)]!;
    const hasMembers = model === 'ens' && random.integer(2) === 0;
    const mayDegrade = model === 'ens' && random.integer(4) === 0;
    const fault = (answer: Answer): string | undefined => {
      const { predictions, degraded, missing_members: missing = [] } = predictedOf(answer);
      if (degraded && !mayDegrade) return 'degraded without being asked to';
      const wanted = degraded ? (missing.includes('pic') ? 'pic2' : 'pic') : model;
      const [prediction] = predictions;
      const members = prediction?.members ?? [];
      if (hasMembers && members.length !== (degraded ? 1 : 2)) return `${members.length} members`;
      for (const { name, labels } of members) {
        const found = differs(scoresOf(labels), alone.get(`${name} ${at}`)!);
        if (found) return `member ${name}: ${found}`;
      }
      return prediction ? differs(scoresOf(prediction.labels), alone.get(`${wanted} ${at}`)!) : 'no prediction';
    };
    const more = `${hasMembers ? '&members=1' : ''}${mayDegrade ? '&on_member_failure=degrade' : ''}`;
    return { ...question(model, at, more), kind: hasMembers ? 'picture, members' : 'picture', fault };
  };
}
