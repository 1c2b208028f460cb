// POST /v1/models/{m}/predict: pictures in, labels out (serving-protocol.md, section 8). All pictures of a request are
// prepared side by side and run as one batch; numbers are those of the network, as `graft predict` gives them.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { GraftError } from '../../serving.js';
import { errors } from '../errors.js';
import type { ModelFacts, PreparedPicture, RunAnswer, RunRequest, ServedModel } from '../served.js';
import { goneSignal } from './body.js';
import type { RouteContext } from './context.js';
import { modelAt, picturePaths, type ModelParams } from './models.js';
import { pictureAnswer, pictureOutputs } from './picture-answer.js';
import { pictureOptions } from './picture-options.js';
import { readPictures } from './read-pictures.js';

interface Named {
  Params: ModelParams;
  Querystring: Readonly<Record<string, unknown>>;
}

/** The easy way. */
export function predictRoutes(app: FastifyInstance, context: RouteContext): void {
  for (const path of picturePaths)
    app.post<Named>(`${path}/predict`, { config: { role: 'infer' } }, async (request, reply) => {
      const model = modelAt(context.models, request.params);
      const arrived = model.announce?.();
      try {
        return { ...(await answer(model, request, reply, context, arrived)), id: request.id };
      } finally {
        arrived?.();
      }
    });
}

async function answer(
  model: ServedModel,
  request: FastifyRequest<Named>,
  reply: FastifyReply,
  context: RouteContext,
  arrived?: () => void,
) {
  const { facts } = model;
  const signal = goneSignal(reply);
  const { options, prepared } = await refusedBefore(model, async () => {
    checkTakesPictures(facts);
    const { pictures, fields } = await readPictures(request, context);
    const options = pictureOptions(request.query, fields);
    return { options, prepared: await preparePictures(model, pictures, context, signal) };
  });
  const deadline = options.deadlineMs ?? context.deadlineMs;
  const running = runPictures(model, prepared, {
    outputs: pictureOutputs(facts),
    onMemberFailure: options.onMemberFailure,
    members: options.members && facts.members !== undefined,
    // the time that decoding took is gone already
    ...(deadline === undefined ? {} : { deadline: Math.max(1, deadline - reply.elapsedTime) }),
    signal,
  });
  arrived?.();
  return pictureAnswer(facts, prepared, await running, options);
}

/** Counts what is refused before it is run. */
export async function refusedBefore<T>(model: ServedModel, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    model.refused();
    throw error;
  }
}

/** @throws BAD_REQUEST for a model that is no classifier of pictures */
export function checkTakesPictures({ name, preprocessing, inputs, outputs }: ModelFacts): void {
  const isPictures =
    preprocessing !== undefined &&
    inputs.length === 1 &&
    inputs[0]!.name === 'pictures' &&
    inputs[0]!.datatype === 'UINT8';
  const hasScores = outputs.some(({ name: output, datatype }) => output === 'probabilities' && datatype === 'FP32');
  if (!isPictures || !hasScores)
    throw errors.BAD_REQUEST({
      reason: `model ${name} takes no pictures: it is no bundle; use /v2/models/${name}/infer`,
    });
}

/**
 * Pictures as the network sees them, in order.
 *
 * @throws what the first bad picture is refused for, named by its index from 0
 */
export async function preparePictures(
  { facts: { preprocessing } }: ServedModel,
  pictures: readonly Uint8Array[],
  { pictures: workers }: RouteContext,
  signal: AbortSignal,
): Promise<PreparedPicture[]> {
  const settled = await Promise.allSettled(pictures.map(bytes => workers.prepare(bytes, preprocessing!, signal)));
  return settled.map((one, at) => {
    if (one.status === 'fulfilled') return one.value;
    const error: unknown = one.reason;
    if (!(error instanceof GraftError) || !error.code.startsWith('IMAGE_')) throw error;
    throw new GraftError(error.code, error.kind, `image ${at}: ${error.message}`, error.details, error.hint, error);
  });
}

/** Answers for all pictures: one run, or several where the model takes fewer rows at once. */
export async function runPictures(
  model: ServedModel,
  prepared: readonly PreparedPicture[],
  request: Omit<RunRequest, 'inputs'>,
): Promise<RunAnswer[]> {
  const { maxBatch, preprocessing, inputs } = model.facts;
  const { width, height } = preprocessing!;
  const size = width * height * 3;
  // a network of a fixed batch takes just that many rows: those too many are black, and nobody reads them
  const fixed = maxBatch === 0 ? Math.max(1, inputs[0]!.shape[0]!) : 0;
  const most = fixed || maxBatch;
  const runs: Promise<RunAnswer>[] = [];
  for (let from = 0; from < prepared.length; from += most) {
    const part = prepared.slice(from, from + most);
    const rows = fixed || part.length;
    const data = new Uint8Array(rows * size);
    part.forEach(({ pixels }, i) => {
      data.set(pixels, i * size);
    });
    const pictures = { datatype: 'UINT8', shape: [rows, height, width, 3], data } as const;
    runs.push(model.run({ ...request, inputs: new Map([['pictures', pictures]]) }));
  }
  return Promise.all(runs);
}
