// What a loaded model is to the routes: facts that do not change while it is loaded, runs, and what it counted.

import type { Preprocessing } from '../serving.js';
import type { Signature, WireTensor } from './tensors.js';

/** What is known of a loaded version. */
export interface ModelFacts {
  readonly name: string;
  /** A positive number, as text. */
  readonly version: string;
  readonly platform: 'onnx_onnxv1' | 'graft_ensemble';
  readonly inputs: readonly Signature[];
  readonly outputs: readonly Signature[];
  /** Most rows of one run; 0 for a network that takes only its own fixed batch. */
  readonly maxBatch: number;
  /** The SHA-256 of what was loaded. */
  readonly sha256: string;
  /** How pictures are brought to the input `pictures`; missing for networks that take none. */
  readonly preprocessing?: Preprocessing;
  readonly task?: 'single' | 'multi-label';
  readonly labels?: readonly string[];
  /** Of an ensemble, in the order of `memberProbabilities`. */
  readonly members?: readonly ServedMember[];
  /** How logits become probabilities: {kind, …}. */
  readonly calibration?: unknown;
  /** Of the output `predictionSet`: {kind, coverage, threshold}. */
  readonly sets?: unknown;
  /** Cheaper ways to answer, the dearest first; missing where there is only one. */
  readonly rungs?: readonly ServedRung[];
  /** Whether heat maps can be had. */
  readonly explains?: boolean;
  /** What it was loaded with: limits, batching, weights. No path, no secret. */
  readonly config: Readonly<Record<string, unknown>>;
}

export interface ServedMember {
  readonly name: string;
  readonly weight?: number;
}

/** A way to answer: all members, or fewer. */
export interface ServedRung {
  /** Names of the members that are asked. */
  readonly members: readonly string[];
  readonly weights: readonly number[];
  /** Milliseconds of a run of one picture, measured when the model was warmed up. */
  readonly milliseconds: number;
}

/** One request to a model. */
export interface RunRequest {
  /** Checked against the signature: names, datatypes, ranks, fixed dimensions, byte lengths. */
  readonly inputs: ReadonlyMap<string, WireTensor>;
  /** In the order in which they are wanted. @default all */
  readonly outputs?: readonly string[];
  /** 1 is served first; 0, the default, last. */
  readonly priority?: number;
  /** Most milliseconds in the queue; may only shorten the limit of the server. */
  readonly queueLimit?: number;
  /** Milliseconds from now by which an answer of fewer members is better than a late one. */
  readonly deadline?: number;
  /** What happens where a member of an ensemble fails. @default 'fail' */
  readonly onMemberFailure?: 'fail' | 'degrade';
  /** Whether each member's outputs are wanted too. @default false */
  readonly members?: boolean;
  /** Raised when the client has gone. */
  readonly signal?: AbortSignal;
}

/** What a model answers. */
export interface RunAnswer {
  readonly outputs: ReadonlyMap<string, WireTensor>;
  /** Of an ensemble, where asked for: what each member gave. */
  readonly members?: readonly MemberAnswer[];
  /** Set where not all members were asked, or not all answered. */
  readonly degraded?: { readonly reason: 'member-failure' | 'deadline'; readonly missing: readonly string[] };
  /** Whether it came from the response cache. */
  readonly isCached?: boolean;
}

export interface MemberAnswer extends ServedMember {
  readonly outputs: ReadonlyMap<string, WireTensor>;
}

/** How often something was done, and how long that took in all. */
export interface DurationCount {
  readonly count: number;
  readonly ns: number;
}

/** Triton's statistics of a model, without name and version. */
export interface ModelStatistics {
  /** Milliseconds since 1970; 0 before the first. */
  readonly last_inference: number;
  /** Rows. */
  readonly inference_count: number;
  /** Runs. */
  readonly execution_count: number;
  readonly inference_stats: Readonly<
    Record<'success' | 'fail' | 'queue' | 'compute_input' | 'compute_infer' | 'compute_output', DurationCount>
  >;
  readonly batch_stats: readonly ({ readonly batch_size: number } & Readonly<
    Record<'compute_input' | 'compute_infer' | 'compute_output', DurationCount>
  >)[];
  readonly memory_usage: readonly { readonly type: string; readonly id: number; readonly byte_size: number }[];
}

/** A loaded version. */
export interface ServedModel {
  readonly facts: ModelFacts;
  /** Whether it answers now; `reason` says why not. */
  readonly state: { readonly isReady: boolean; readonly reason: string };
  readonly statistics: ModelStatistics;
  /**
   * @throws QUEUE_FULL, QUEUE_TIMEOUT, RUN_TIMEOUT, RUN_FAILED, WORKER_LOST, MEMBER_FAILED, MODEL_NOT_READY; the reason
   *   of `signal` where it is raised
   */
  run(request: RunRequest): Promise<RunAnswer>;
  /** Heat over a picture: see routes/heat. Missing where the facts say so. */
  explain?(pixels: Uint8Array, label: number, signal?: AbortSignal): Promise<Heat>;
  /** Requests that wait; missing where it has no queue of its own. */
  readonly waiting?: number;
  /**
   * Says that a request is being read, so that a run may wait for it a moment. Call what it gives when `run` was called or
   * the request was refused.
   */
  announce?(): () => void;
  /** Counts a request that was refused before it was run, so that success and fail add up to the requests answered. */
  refused(): void;
}

/** A heat map over the prepared picture. */
export interface Heat {
  readonly height: number;
  readonly width: number;
  /** Row by row; above 0 for the label, below 0 against it; the largest absolute value is 1. */
  readonly values: Float32Array;
  /** Which pixel of the prepared picture cells are centred on: `start + i · step`, from 0. */
  readonly rows: { readonly start: number; readonly step: number };
  readonly columns: { readonly start: number; readonly step: number };
}

export type ModelStateName = 'READY' | 'LOADING' | 'UNLOADING' | 'UNAVAILABLE';

/** A row of the repository's index. */
export interface IndexEntry {
  readonly name: string;
  readonly version?: string;
  readonly state: ModelStateName;
  readonly reason: string;
}

/** All models of the server. */
export interface ModelRepository {
  /**
   * A loaded version; without a version the highest one that answers.
   *
   * @throws MODEL_NOT_FOUND, VERSION_NOT_FOUND; MODEL_NOT_READY where it is known and does not answer
   */
  find(name: string, version?: string): ServedModel;
  /** Versions of a model that are loaded, ascending; empty where none is. */
  versionsOf(name: string): readonly string[];
  /** Whether a name is one of this server's, loaded or not. */
  isKnown(name: string): boolean;
  /** All that are loaded, by name and version. */
  loaded(): readonly ServedModel[];
  /** Names that should answer and do not. */
  notReady(): readonly string[];
  index(): readonly IndexEntry[];
  /**
   * Loads the model, or loads it anew: the one that answers goes on until the new one does, and stays where that fails.
   *
   * @param config what the request overrides, as parsed JSON
   * @throws MODEL_NOT_FOUND, MODEL_INVALID, the file's own codes, LOAD_CONFLICT
   */
  load(name: string, config?: Readonly<Record<string, unknown>>): Promise<void>;
  /** @throws MODEL_NOT_FOUND, IN_USE where an ensemble has it as a member and `withDependents` is not set */
  unload(name: string, withDependents?: boolean): Promise<void>;
  /** The folder or file a version was loaded from; for the report, never for an answer. */
  pathOf(model: ServedModel): string | undefined;
  close(): Promise<void>;
}

/** Decoding of pictures in processes of its own. */
export interface PictureWorkers {
  /**
   * Upright sRGB pixels of the recipe's size.
   *
   * @throws IMAGE_UNSUPPORTED, IMAGE_TOO_LARGE, IMAGE_CORRUPT; QUEUE_FULL, WORKER_LOST
   */
  prepare(bytes: Uint8Array, preprocessing: Preprocessing, signal?: AbortSignal): Promise<PreparedPicture>;
  /** Milliseconds a picture took lately, decoding alone; 0 before the first. */
  readonly milliseconds: number;
  close(): Promise<void>;
}

export interface PreparedPicture {
  /** uint8 [height, width, 3] of the recipe. */
  readonly pixels: Uint8Array;
  /** Of the picture itself, upright. */
  readonly width: number;
  readonly height: number;
}

/** What the parts tell whoever counts (metrics.ts). Durations in seconds. */
export interface Telemetry {
  queued(model: ModelFacts, seconds: number): void;
  ran(model: ModelFacts, rows: number, seconds: number): void;
  answered(model: ModelFacts, outcome: Outcome, rows: number): void;
  memberFailed(model: ModelFacts, member: string, reason: string): void;
  degraded(model: ModelFacts): void;
  pictureRefused(code: string): void;
  loaded(name: string, seconds: number): void;
  loadFailed(name: string, code: string): void;
  workerRestarted(reason: string): void;
}

export type Outcome = 'ok' | 'bad_request' | 'rejected' | 'timeout' | 'error' | 'cancelled';

/** Structured lines for operators; pino's shape. No tensor, picture or key is ever passed. */
export interface Log {
  info(facts: Readonly<Record<string, unknown>>, text: string): void;
  warn(facts: Readonly<Record<string, unknown>>, text: string): void;
  error(facts: Readonly<Record<string, unknown>>, text: string): void;
}
