// POST /v1/models/{m}/explain: where in a picture a label is seen. Beyond the contract of the protocol.

import type { FastifyInstance } from 'fastify';
import { errors } from '../errors.js';
import { goneSignal } from './body.js';
import type { RouteContext } from './context.js';
import { modelAt, picturePaths, type ModelParams } from './models.js';
import { floatRow } from './picture-answer.js';
import { checkTakesPictures, preparePictures, refusedBefore, runPictures } from './predict.js';
import { readPictures } from './read-pictures.js';

interface Named {
  Params: ModelParams;
  Querystring: Readonly<Record<string, unknown>>;
}

/** Heat maps. */
export function heatRoutes(app: FastifyInstance, context: RouteContext): void {
  for (const path of picturePaths)
    app.post<Named>(`${path}/explain`, { config: { role: 'infer' } }, async (request, reply) => {
      const model = modelAt(context.models, request.params);
      const { facts } = model;
      const signal = goneSignal(reply);
      const { label: wanted } = request.query;
      const prepared = await refusedBefore(model, async () => {
        checkTakesPictures(facts);
        if (!model.explain || facts.explains !== true)
          throw errors.BAD_REQUEST({
            reason: `model ${facts.name} gives no heat maps: its network has no map of features`,
          });
        if (wanted !== undefined && !facts.labels?.some(label => label === wanted))
          throw errors.BAD_PARAMETER({ reason: 'label is none of the model’s' });
        const { pictures } = await readPictures(request, context);
        if (pictures.length > 1) throw errors.BAD_REQUEST({ reason: 'one picture is explained at a time' });
        return (await preparePictures(model, pictures, context, signal))[0]!;
      });
      const [answer] = await runPictures(model, [prepared], { outputs: ['probabilities'], signal });
      const scores = floatRow(answer!.outputs.get('probabilities'), 0)!;
      const index =
        wanted === undefined ? scores.indexOf(Math.max(...scores)) : facts.labels!.findIndex(label => label === wanted);
      const { height, width, values, rows, columns } = await model.explain!(prepared.pixels, index, signal);
      return {
        model_name: facts.name,
        model_version: facts.version,
        id: request.id,
        label: facts.labels?.[index] ?? String(index),
        score: scores[index]!,
        height,
        width,
        values: Array.from(values, value => Math.round(value * 1e4) / 1e4 + 0),
        rows,
        columns,
        picture: { width: prepared.width, height: prepared.height },
      };
    });
}
