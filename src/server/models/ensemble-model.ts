// Served models that answer as one. Members run side by side, each with its queue and its batches; what they give is made
// one here (ensemble-pool.ts). A member that fails, is late or gives what is no number is named, never hidden. Members are
// looked up anew for each request, so that one that was loaded anew is taken at once.

import { createHash } from 'node:crypto';
import { GraftError } from '../../serving.js';
import { errors } from '../errors.js';
import type { MemberAnswer, ModelFacts, Outcome, RunAnswer, RunRequest, ServedModel, Telemetry } from '../served.js';
import type { WireTensor } from '../tensors.js';
import { ensembleSignature, type EnsembleSignature } from './ensemble-check.js';
import { poolAnswers, type PooledMember } from './ensemble-answer.js';
import { leafName, leavesOf, type EnsembleRecipe, type LeafNode } from './ensemble-recipe.js';
import { ensembleStatistics } from './ensemble-statistics.js';
import { gather, type Gathered } from './gather.js';
import type { OpenedModel } from './opened-model.js';

export interface EnsembleOptions {
  readonly name: string;
  readonly version: string;
  readonly recipe: EnsembleRecipe;
  /** Of a request to load it; before that of the recipe. */
  readonly maxBatch?: number | undefined;
  readonly config: Readonly<Record<string, unknown>>;
  /** A loaded model; nothing where none is. */
  readonly member: (leaf: LeafNode) => ServedModel | undefined;
  readonly telemetry: Telemetry;
}

/** An ensemble that answers as long as its members fit together. */
export interface EnsembleModel extends OpenedModel {
  /** Names of the models that it asks. */
  readonly memberNames: readonly string[];
  /** Looks whether its members still fit together; until they do it is not ready. */
  recheck(): void;
}

/** @throws MODEL_INVALID naming the member */
export function openEnsemble(options: EnsembleOptions): EnsembleModel {
  const { recipe, member, telemetry } = options;
  const leaves = leavesOf(recipe.root);
  const names = leaves.map(({ leaf }) => leafName(leaf));
  const statistics = ensembleStatistics();
  let { facts, signature } = examine(options);
  let fault: GraftError | undefined;
  let isClosed = false;

  /** Why it does not answer now; empty where it does. */
  const reason = (): string => {
    if (isClosed) return 'unloaded';
    if (fault) return fault.message;
    const reasons = leaves.map(({ leaf }) => member(leaf)?.state ?? { isReady: false, reason: 'not loaded' });
    return reasons.some(({ isReady }) => isReady) ? '' : `no member answers: ${names[0]}: ${reasons[0]!.reason}`;
  };

  const run = async (request: RunRequest): Promise<RunAnswer> => {
    const start = performance.now();
    const why = reason();
    if (why !== '') throw errors.MODEL_NOT_READY({ reason: `model ${facts.name}: ${why}` });
    const { members: wantsMembers = false, onMemberFailure = 'fail' } = request;
    const current = { facts, signature };
    const gathered = await gather(leaves.map(({ leaf }, i) => (signal: AbortSignal) => ask(current, leaf, names[i]!, request, signal)), {
      deadline: request.deadline,
      failsAtOnce: onMemberFailure === 'fail',
      signal: request.signal,
    }); // prettier-ignore
    for (const [i, error] of gathered.failures) telemetry.memberFailed(facts, names[i]!, reasonOf(error));
    checkGathered(gathered, names, onMemberFailure);
    const between = performance.now();
    const pooled: PooledMember[] = leaves.map(({ share }, i) => ({ name: names[i]!, share, outputs: gathered.answers[i]?.outputs })); // prettier-ignore
    const { outputs, rows } = poolAnswers(recipe.root, pooled, current, request.outputs);
    const missing = missingIn(gathered, names);
    if (missing.length > 0) telemetry.degraded(facts);
    statistics.answered(rows, (between - start) * 1e6, (performance.now() - between) * 1e6);
    telemetry.ran(facts, rows, (performance.now() - start) / 1000);
    telemetry.answered(facts, 'ok', rows);
    return {
      outputs,
      ...(wantsMembers ? { members: pooled.flatMap(memberAnswer) } : {}),
      ...(missing.length > 0 ? { degraded: { reason: whyMissing(gathered), missing } } : {}),
    };
  };

  /** What a member gives, when it is something that can be pooled. */
  const ask = async (
    { facts, signature: { asked } }: Examined,
    leaf: LeafNode,
    name: string,
    request: RunRequest,
    signal: AbortSignal,
  ): Promise<RunAnswer> => {
    const model = member(leaf);
    if (!model) throw errors.MODEL_NOT_READY({ reason: `member ${name} is not loaded` });
    const { inputs, priority, queueLimit, deadline, onMemberFailure } = request;
    const answer = await model.run({
      inputs,
      ...(request.members ? {} : { outputs: asked }),
      ...(priority === undefined ? {} : { priority }),
      ...(queueLimit === undefined ? {} : { queueLimit }),
      ...(deadline === undefined ? {} : { deadline }),
      ...(onMemberFailure === undefined ? {} : { onMemberFailure }),
      signal,
    });
    checkAnswer(facts, name, asked, answer);
    return answer;
  };

  return {
    get facts() {
      return facts;
    },
    get state() {
      const why = reason();
      return { isReady: why === '', reason: why };
    },
    get statistics() {
      return statistics.now;
    },
    memberNames: [...new Set(leaves.map(({ leaf }) => leaf.model))],
    run: async request => {
      const start = performance.now();
      try {
        return await run(request);
      } catch (error) {
        statistics.failed((performance.now() - start) * 1e6);
        telemetry.answered(facts, outcomeOf(error), 0);
        throw error;
      }
    },
    refused: () => {
      statistics.failed(0);
      telemetry.answered(facts, 'bad_request', 0);
    },
    recheck: () => {
      try {
        ({ facts, signature } = examine(options));
        fault = undefined;
      } catch (error) {
        if (!(error instanceof GraftError)) throw error;
        fault = error;
      }
    },
    close: async () => {
      isClosed = true;
    },
  };
}

interface Examined {
  readonly facts: ModelFacts;
  readonly signature: EnsembleSignature;
}

function examine({ name, version, recipe, maxBatch = recipe.maxBatch, config, member }: EnsembleOptions): Examined {
  const leaves = leavesOf(recipe.root);
  const members = leaves.map(({ leaf }) => {
    const model = member(leaf);
    if (!model) throw errors.MODEL_INVALID({ reason: `member ${leafName(leaf)} is not loaded` });
    return { name: leafName(leaf), facts: model.facts };
  });
  const signature = ensembleSignature(members, maxBatch);
  const { preprocessing, task, labels } = members[0]!.facts;
  const identity = JSON.stringify([recipe.root, members.map(({ facts }) => facts.sha256)]);
  const facts: ModelFacts = {
    name,
    version,
    platform: 'graft_ensemble',
    inputs: signature.inputs,
    outputs: signature.outputs,
    maxBatch: signature.maxBatch,
    sha256: createHash('sha256').update(identity).digest('hex'),
    ...(preprocessing ? { preprocessing } : {}),
    ...(task ? { task } : {}),
    ...(labels ? { labels } : {}),
    members: members.map((one, i) => ({ name: one.name, weight: leaves[i]!.share })),
    config: { ...config, root: recipe.root, max_batch_size: signature.maxBatch },
  };
  return { facts, signature };
}

/** What was asked for is there, and is numbers. */
function checkAnswer({ outputs }: ModelFacts, name: string, asked: readonly string[], answer: RunAnswer): void {
  for (const output of asked) {
    const tensor = answer.outputs.get(output);
    const wanted = outputs.find(one => one.name === output);
    if (!tensor || tensor.shape.length !== wanted?.shape.length) throw errors.RUN_FAILED({ reason: `member ${name} gave no ${output}` }); // prettier-ignore
    if (!isFinite(tensor)) throw errors.RUN_FAILED({ reason: `member ${name} gave ${output} with what is no number` });
  }
}

/** No NaN and no infinity: not all bits of an exponent are set. */
function isFinite({ datatype, data }: WireTensor): boolean {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const [bytes, mask] = datatype === 'FP64' ? [8, 0x7ff0_0000] : [4, 0x7f80_0000];
  for (let at = bytes - 4; at < data.length; at += bytes) if ((view.getUint32(at, true) & mask) === mask) return false;
  return true;
}

const overloaded = new Set(['QUEUE_FULL', 'QUEUE_TIMEOUT']);
const reasonOf = (error: unknown): string => (error instanceof GraftError ? error.code : 'INTERNAL');

/** @throws MEMBER_FAILED; QUEUE_FULL, QUEUE_TIMEOUT as they are where a failure is not to be borne */
function checkGathered(
  { answers, failures }: Gathered<RunAnswer>,
  names: readonly string[],
  mode: 'fail' | 'degrade',
): void {
  const [first] = failures;
  if (!first || (mode === 'degrade' && answers.some(one => one !== undefined))) return;
  const [i, error] = first;
  if (mode === 'fail' && error instanceof GraftError && overloaded.has(error.code)) throw error;
  const all = mode === 'degrade' ? 'all members failed, ' : '';
  throw errors.MEMBER_FAILED({ reason: `${all}member ${names[i]}: ${reasonOf(error)}` }, error);
}

/** Members without an answer, and those that members which are ensembles themselves had none of. */
const missingIn = ({ answers }: Gathered<RunAnswer>, names: readonly string[]): string[] =>
  answers.flatMap((answer, i) => answer ? (answer.degraded?.missing ?? []).map(inner => `${names[i]}: ${inner}`) : [names[i]!]); // prettier-ignore

function whyMissing({ answers, late }: Gathered<RunAnswer>): 'deadline' | 'member-failure' {
  const isLate = late.length > 0 || answers.some(answer => answer?.degraded?.reason === 'deadline');
  return isLate ? 'deadline' : 'member-failure';
}

const memberAnswer = ({ name, share, outputs }: PooledMember): MemberAnswer[] =>
  outputs ? [{ name, weight: share, outputs }] : [];

function outcomeOf(error: unknown): Outcome {
  if (!(error instanceof GraftError)) return error instanceof Error && error.name === 'AbortError' ? 'cancelled' : 'error'; // prettier-ignore
  if (/TIMEOUT$/.test(error.code)) return 'timeout';
  return error.kind === 'busy' && error.code !== 'MEMBER_FAILED' ? 'rejected' : 'error';
}
