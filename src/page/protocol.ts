// What the server says, as far as the page reads it (serving-protocol.md, sections 3 and 8), and the way of asking it.

import { keyHeaders } from './key.js';

export interface ScoredLabel {
  readonly index: number;
  readonly label: string;
  readonly score: number;
}

export interface MemberAnswer {
  readonly name: string;
  readonly weight?: number;
  readonly labels: readonly ScoredLabel[];
}

/** Of one picture. */
export interface Prediction {
  /** Best first, cut to `top`. */
  readonly labels: readonly ScoredLabel[];
  readonly width: number;
  readonly height: number;
  readonly members?: readonly MemberAnswer[];
  /** In nats. */
  readonly uncertainty?: { readonly entropy: number; readonly mutual_information: number };
  readonly prediction_set?: readonly string[];
  readonly unknown?: boolean;
  readonly outlier_score?: number;
}

export interface PredictAnswer {
  readonly model_name: string;
  readonly model_version: string;
  readonly id?: string;
  readonly predictions: readonly Prediction[];
  readonly degraded?: boolean;
  readonly missing_members?: readonly string[];
}

/** How a picture is brought to the network: see src/pictures/preprocessing. */
export interface Recipe {
  readonly width: number;
  readonly height: number;
  readonly resize?: 'shorter-side' | 'stretch';
  readonly cropFraction?: number;
}

export interface HeatAnswer {
  readonly label: string;
  readonly score: number;
  readonly height: number;
  readonly width: number;
  /** Row by row, −1 to 1; above 0 for the label. */
  readonly values: readonly number[];
  /** Which pixel of the picture as it is prepared cells are centred on: `start + i · step`. */
  readonly rows: { readonly start: number; readonly step: number };
  readonly columns: { readonly start: number; readonly step: number };
  /** As it was sent, turned upright. */
  readonly picture: { readonly width: number; readonly height: number };
}

/** What goes into a network, or comes out of it. */
export interface Tensor {
  readonly name: string;
  readonly datatype: string;
  /** −1: any number. */
  readonly shape: readonly number[];
}

export interface ModelFacts {
  readonly name: string;
  /** Ascending. */
  readonly versions: readonly string[];
  readonly platform?: string;
  readonly inputs?: readonly Tensor[];
  readonly outputs?: readonly Tensor[];
  readonly parameters: {
    readonly version?: string;
    readonly sha256?: string;
    readonly labels?: readonly string[];
    readonly task?: 'single' | 'multi-label';
    readonly members?: readonly { readonly name: string; readonly weight?: number }[];
    readonly calibration?: unknown;
    readonly sets?: unknown;
    readonly preprocessing?: Recipe;
    readonly explains?: boolean;
  };
}

/** A version of a model; without a version whichever is newest when it is asked. */
export interface ModelChoice {
  readonly name: string;
  readonly version?: string;
}

/** The server's refusal, or that there was no answer at all (status 0). */
export class ServerError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly requestId?: string,
    /** Seconds after which it may be asked again. */
    readonly retryAfter?: number,
  ) {
    super(message);
  }
}

/** The path of something of a model, under `/v1` or `/v2`. */
export function modelPath(root: '/v1' | '/v2', { name, version }: ModelChoice, what = ''): string {
  const at = version === undefined ? '' : `/versions/${encodeURIComponent(version)}`;
  return `${root}/models/${encodeURIComponent(name)}${at}${what}`;
}

/** Labels asked for: enough to open a card without asking again. */
export const mostLabels = 25;

/** What a picture is sent to. */
export const predictPath = (choice: ModelChoice, members: boolean): string =>
  modelPath('/v1', choice, `/predict?top=${mostLabels}${members ? '&members=1' : ''}`);

export async function listModels(): Promise<readonly string[]> {
  return (await json<{ models: readonly string[] }>('/v2/models')).models;
}

/** A model of the server, loaded or not. */
export interface Indexed {
  readonly name: string;
  readonly version?: string;
  readonly state: 'READY' | 'LOADING' | 'UNLOADING' | 'UNAVAILABLE';
  /** `CODE: reason` where it could not be loaded. */
  readonly reason: string;
}

export async function repositoryIndex(): Promise<readonly Indexed[]> {
  const headers = { 'content-type': 'application/json' };
  return json('/v2/repository/index', { method: 'POST', body: '{}', headers });
}

export async function modelFacts(choice: ModelChoice): Promise<ModelFacts> {
  return json(modelPath('/v2', choice));
}

/** Asks what a picture shows. @param name of the file, for the form only */
export async function predict(choice: ModelChoice, picture: Blob, members: boolean, signal: AbortSignal) {
  const form = new FormData();
  form.append('image', picture, 'picture');
  return json<PredictAnswer>(predictPath(choice, members), { method: 'POST', body: form, signal });
}

/** Asks where a label is seen; without a label the most probable one. */
export async function explain(choice: ModelChoice, picture: Blob, label: string | undefined, signal: AbortSignal) {
  const query = label === undefined ? '' : `?label=${encodeURIComponent(label)}`;
  const headers = { 'content-type': 'application/octet-stream' };
  return json<HeatAnswer>(modelPath('/v1', choice, `/explain${query}`), { method: 'POST', body: picture, headers, signal }); // prettier-ignore
}

/** The report's HTML; undefined where the model brings none. */
export async function report(choice: ModelChoice, signal: AbortSignal): Promise<string | undefined> {
  try {
    return await (await ask(modelPath('/v1', choice, '/report'), { signal })).text();
  } catch (error) {
    if (error instanceof ServerError && error.status === 404 && error.code === 'NOT_FOUND') return undefined;
    throw error;
  }
}

const json = async <T>(path: string, request: RequestInit = {}): Promise<T> =>
  (await (await ask(path, request)).json()) as T;

async function ask(path: string, request: RequestInit): Promise<Response> {
  let response: Response;
  try {
    const headers = new Headers(request.headers);
    for (const [name, value] of keyHeaders()) headers.set(name, value);
    response = await fetch(path, { ...request, headers, cache: 'no-store', credentials: 'same-origin' });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new ServerError(0, 'NO_ANSWER', 'The server did not answer.');
  }
  if (response.ok) return response;
  throw await refusal(response);
}

async function refusal(response: Response): Promise<ServerError> {
  const body: unknown = await response.json().catch(() => undefined);
  const told = new Map<string, unknown>(typeof body === 'object' && body !== null ? Object.entries(body) : []);
  const text = (name: string): string | undefined => {
    const value = told.get(name);
    return typeof value === 'string' ? value : undefined;
  };
  const wait = Number(response.headers.get('retry-after') ?? NaN);
  return new ServerError(
    response.status,
    text('code') ?? `HTTP_${response.status}`,
    text('error') ?? `The server answered with status ${response.status}.`,
    text('request_id') ?? response.headers.get('x-request-id') ?? undefined,
    Number.isFinite(wait) ? wait : undefined,
  );
}
